"""Q(lambda) that adapts its own learning rate, discount and trace decay while it learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metarl_fast import _core, checks
from metarl_fast.learners.base import Learner
from metarl_fast.learners.table import Table

_ADAPTED = ("learning_rate", "discount", "trace_decay")


@dataclass(frozen=True)
class MetaGradientQ(Learner):
    """Watkins's Q(lambda) whose own scalars go down the error of its next step: online meta-gradients.

    With z = dq / d eta for each adapted scalar eta, kept along with the table by the exact derivative of its
    updates, each step first moves the scalars and then learns by them::

        error = r + discount max_b q(s', b) - q(s, a), by the discount that was given
        logit(eta) <- logit(eta) + meta_step_size error z(s, a) eta (1 - eta) / rms

    and then makes `QLambda`'s update, with replacing traces. The scalars stay between 0 and 1; one that
    begins at 0 or 1 stays there. Divided by the root of their mean square (rms, of the last thousand), steps
    are of one size whatever the unit of rewards. What was given is where each task begins.

    Xu, van Hasselt and Silver, "Meta-gradient reinforcement learning", NeurIPS 2018: the next step judges
    what the last ones made, and is judged by a discount of its own. There z is a fading sum of what each
    update adds; here, as in Schraudolph, "Local gain adaptation in stochastic gradient descent", ICANN 1999,
    also what earlier ones do to later ones.

    Parameters
    ----------
    learning_rate, discount, trace_decay
        At the start of each task, 0 to 1.
    epsilon
        Probability of a uniformly random action, 0 to 1.
    meta_step_size
        Beta, 0 to 1: about how far a scalar's logit moves in a step. 0: nothing is adapted, and this is
        `QLambda`.
    adapts
        Which scalars move: some of "learning_rate", "discount", "trace_decay".
    initial_q
        What is learned from: the value of every entry, or a `Table` [S, A], or [N, S, A] for each of N tasks.
    """

    learning_rate: float = 0.1
    discount: float = 0.95
    trace_decay: float = 0.9
    epsilon: float = 0.1
    meta_step_size: float = 0.01
    adapts: Sequence[str] = _ADAPTED
    initial_q: float | Table = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (*_ADAPTED, "epsilon", "meta_step_size"):
            checks.keep(self, name, checks.real, 0.0, 1.0)
        if not isinstance(self.adapts, (tuple, list)):
            raise TypeError(f"adapts is {checks.shown(self.adapts)}, expected some of {_ADAPTED}")
        for name in self.adapts:
            if name not in _ADAPTED:
                raise ValueError(f"adapts has {checks.shown(name)}, expected some of {_ADAPTED}")
        object.__setattr__(self, "adapts", tuple(name for name in _ADAPTED if name in self.adapts))
        self._accept_initial_q()

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner."""
        return _core.MetaGradientQ(
            learning_rate=float(self.learning_rate),
            discount=float(self.discount),
            trace_decay=float(self.trace_decay),
            epsilon=float(self.epsilon),
            meta_step_size=float(self.meta_step_size),
            adapts_learning_rate="learning_rate" in self.adapts,
            adapts_discount="discount" in self.adapts,
            adapts_trace_decay="trace_decay" in self.adapts,
        )
