"""A policy and predictions in tables, which a network updates: learned policy gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.learners.base import Learner
from metarl_fast.learners.table import Table

if TYPE_CHECKING:
    from typing_extensions import Self

_LARGEST = 2.0**20
_SHOWN = 6
"""What a step shows to the network beside predictions."""
_REWARD, _PROBABILITY, _PAIR_NOVELTY, _NEXT_NOVELTY = 1, 3, 4, 5


@dataclass(frozen=True)
class LearnedPolicyGradient(Learner):
    """A softmax policy and K predictions of each state, in tables, that a recurrent network updates.

    Every `path_length` steps, and when an episode ends, the network looks back over these steps, from the
    last one to the first. A step from s by action a to s' with reward r shows it::

        x = (1, r, 1 if terminated, pi(a|s), 1 / sqrt(N(s, a) + 1), 1 / sqrt(N(s') + 1), y(s), c y(s')),

    with c the discount, 0 when the episode terminated, predictions y(s) and numbers of visits N. From these,
    and from what it remembers of the steps behind, it says what to do::

        h(t) = sigma(G x(t)) h(t + 1) + U x(t)
        d(t) = O (sigma(D x(t)) h(t)),  sigma(z) = (1 + z / (1 + |z|)) / 2

        preferences(s) <- preferences(s) + d(t)[0] grad log pi(a|s)
        y(s)[k]        <- y(s)[k] + d(t)[1 + k].

    It knows neither states nor actions, so one network serves tasks of all sizes. What predictions mean is
    for the network to find: `LearnedUpdate` evolves its weights on training tasks. `actor_critic` makes those
    of a rule that is known, from which the search begins.

    It learns in float64, and acts by its policy; `q_table` holds the preferences. Rewards, changes and what
    is learned are held within 2^20.

    Parameters
    ----------
    weights
        Of the network's units, one a row: its rows of G, D and U, 6 + 2 K numbers each, and its column of O,
        1 + K numbers; as an array or a `Table`. None: those of `actor_critic()`.
    discount
        Of predictions of the next state, 0 to 1.
    path_length
        Steps that are looked back over at once, 1 to 4,096.
    initial_q
        Preferences that are learned from: a number, or `Table(values)`.

    Notes
    -----
    Oh et al., "Discovering reinforcement learning algorithms", NeurIPS 2020, arXiv 2007.08794, whose network
    is an LSTM with categorical predictions and sees neither the state's predictions' scale nor how often a
    state was visited. Gated units that are linear in what they remember: Feng et al., arXiv 2410.01201.
    """

    weights: Table | ArrayLike | None = None
    discount: float = 0.95
    path_length: int = 20
    initial_q: float | Table = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        given = _actor_critic(4.0, 0.2, 0.6, 0.0, 8, 0.95) if self.weights is None else self.weights
        object.__setattr__(self, "weights", _accepted(given))
        checks.keep(self, "discount", checks.real, 0.0, 1.0)
        checks.keep(self, "path_length", checks.integer, 1, 2**12)
        self._accept_initial_q()

    @classmethod
    def actor_critic(
        cls,
        learning_rate: float = 4.0,
        critic_rate: float = 0.2,
        trace_decay: float = 0.6,
        novelty: float = 0.0,
        *,
        discount: float = 0.95,
        num_units: int = 8,
        path_length: int = 20,
    ) -> Self:
        """Return the network whose updates are those of an actor and two critics with traces.

        One critic predicts rewards, the other novelty, 1 / sqrt(N(s') + 1); the actor follows the sum of
        their temporal differences, of which the second counts `novelty`. With 0 this is actor-critic(lambda)
        by the forward view within each path (Sutton and Barto, 2nd ed., section 13.5). Further units remember
        what a step shows, and have no say.

        Parameters
        ----------
        learning_rate, critic_rate
            Of preferences and of predictions.
        trace_decay
            lambda, 0 to 1.
        novelty
            What the second critic's word counts.
        discount
            0 to 1.
        num_units
            Of the network, at least 2.
        path_length
            As of the learner.
        """
        rate = checks.real(learning_rate, "learning_rate", -_LARGEST / 4, _LARGEST / 4)
        critic = checks.real(critic_rate, "critic_rate", -_LARGEST / 4, _LARGEST / 4)
        decay = checks.real(trace_decay, "trace_decay", 0.0, 1.0)
        bonus = checks.real(novelty, "novelty", -1.0, 1.0)
        units = checks.integer(num_units, "num_units", 2, 2**10)
        gamma = checks.real(discount, "discount", 0.0, 1.0)
        weights = _actor_critic(rate, critic, decay, bonus, units, gamma)
        return cls(weights=weights, discount=gamma, path_length=path_length)

    @property
    def num_predictions(self) -> int:
        """K, of each state."""
        return _predictions_of(_table(self.weights).num_actions)

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner."""
        return _core.LearnedPolicyGradient(
            weights=_table(self.weights).values.ravel(),
            num_predictions=self.num_predictions,
            discount=float(self.discount),
            path_length=int(self.path_length),
        )


def _table(weights: object) -> Table:
    """Return weights that were accepted."""
    assert isinstance(weights, Table)
    return weights


def _columns(num_predictions: int) -> int:
    """Return how many weights a unit has."""
    return 3 * (_SHOWN + 2 * num_predictions) + 1 + num_predictions


def _predictions_of(columns: int) -> int:
    """Return K of rows of so many weights, 0 for none."""
    count = max(0, (columns - _columns(0)) // 7)
    return count if _columns(count) == columns else 0


def _accepted(weights: Table | ArrayLike) -> Table:
    """Return weights as a table."""
    values = weights.values if isinstance(weights, Table) else checks.array(weights, "weights", np.float64)
    if values.ndim != 2 or 0 in values.shape or not _predictions_of(values.shape[1]):
        raise ValueError(
            f"weights has shape {values.shape}, expected (units, 19 + 7 K) of K >= 1 predictions"
        )
    checks.finite(values, "weights")
    for place in np.argwhere(abs(values) > _LARGEST)[:1].tolist():
        raise ValueError(f"weights{place} is {values[tuple(place)]}, expected -2^20 to 2^20")
    return Table(values)


def _actor_critic(
    rate: float, critic: float, decay: float, bonus: float, units: int, discount: float
) -> NDArray[np.float64]:
    """Return the weights of `actor_critic`, of K = 2 predictions."""
    inputs = _SHOWN + 4
    keep, add = slice(0, inputs), slice(2 * inputs, 3 * inputs)
    say = 3 * inputs
    here, ahead = _SHOWN, _SHOWN + 2
    weights = np.zeros((units, _columns(2)))
    part = 2.0 * discount * decay - 1.0
    # sigma(z) = discount decay; as near to 0 and 1 as numbers allow that are not too large.
    weights[:, keep][:, 0] = part / max(1.0 - abs(part), 1e-3)
    for unit, (seen, weight) in enumerate([(_REWARD, 1.0), (_NEXT_NOVELTY, bonus)]):
        weights[unit, add][[seen, here + unit, ahead + unit]] = 1.0, -1.0, 1.0
        # The gate D x is half open.
        weights[unit, say] = 2.0 * rate * weight
        weights[unit, say + 1 + unit] = 2.0 * critic
    spare = [_PROBABILITY, _PAIR_NOVELTY, _REWARD, here, here + 1, ahead, ahead + 1, 0]
    for unit in range(2, units):
        weights[unit, add][spare[(unit - 2) % len(spare)]] = 1.0
    return weights
