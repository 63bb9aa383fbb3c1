"""How often a first choice of the two-step task is repeated, by what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metarl_fast.history import History
from metarl_fast.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIRST, _TRIAL = 0, 2


@dataclass(frozen=True, eq=False, repr=False)
class StayProbabilities(Result):
    """How often learners of `TwoStep` made the same first choice again, by reward and transition.

    Attributes
    ----------
    stay
        [2, 2]: after a trial that paid nothing or 1 (rows), by a rare or a common transition (columns). NaN
        where there was none.
    count
        [2, 2] trials of each kind that another one follows.

    Notes
    -----
    Daw et al., Neuron 69 (2011), figure 2: a model-free learner stays after reward, whatever the transition;
    a model-based one after common transitions that paid and rare ones that did not.
    """

    stay: NDArray[np.float64]
    count: NDArray[np.int64]

    @property
    def reward_effect(self) -> float:
        """How much more often a choice is repeated after reward: what a model-free learner shows."""
        return float(self.stay[1].mean() - self.stay[0].mean())

    @property
    def interaction(self) -> float:
        """How much more reward does so after common transitions: what a model-based learner shows."""
        effect = self.stay[1] - self.stay[0]
        return float(effect[1] - effect[0])

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the four probabilities as bars, as the paper does; return the axes.

        Parameters
        ----------
        ax
            Where to draw; None for a new figure.
        """
        from metarl_fast.figures import new_figure

        axes = new_figure().subplots() if ax is None else ax
        places = np.arange(2)
        for column, (name, shift) in enumerate((("rare", 0.2), ("common", -0.2))):
            axes.bar(places + shift, self.stay[::-1, column], 0.38, label=name)
        axes.set_xticks(places, ["rewarded", "unrewarded"])
        axes.set_ylabel("probability to stay")
        axes.set_ylim(0.0, 1.0)
        axes.legend(title="transition")
        return axes


def stay_probabilities(history: History) -> StayProbabilities:
    """Return how often first choices of the two-step task were repeated, by what came of them.

    Parameters
    ----------
    history
        Of a run on tasks of `TwoStep`: `train(..., record=True).history`.

    Raises
    ------
    TypeError, ValueError
        For what is no history, or one of other tasks.
    """
    if not isinstance(history, History):
        raise TypeError(f"history is a {type(history).__name__}, expected that of a run with record=True")
    steps = history.state.shape[-1] // _TRIAL * _TRIAL
    rows = [
        np.asarray(column)[..., :steps].reshape(-1, steps)
        for column in (history.state, history.action, history.next_state, history.reward)
    ]
    state, action, entered, reward = rows
    first, then = state[:, ::_TRIAL], state[:, 1::_TRIAL]
    if (first != _FIRST).any() or ((then != 1) & (then != 2)).any():
        raise ValueError("history has other states than trials of the two-step task, 0 and then 1 or 2")
    chosen = action[:, ::_TRIAL].astype(int)
    common = entered[:, ::_TRIAL] == chosen + 1
    paid = reward[:, 1::_TRIAL] > 0
    stayed = chosen[:, 1:] == chosen[:, :-1]
    kind = (2 * paid + common)[:, :-1]
    count = np.bincount(kind.ravel(), minlength=4)
    stays = np.bincount(kind[stayed], minlength=4)
    stay = np.full(4, np.nan)
    np.divide(stays, count, out=stay, where=count > 0)
    return StayProbabilities(stay.reshape(2, 2), count.reshape(2, 2))
