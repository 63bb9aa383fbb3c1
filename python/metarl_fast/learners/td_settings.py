"""What the temporal-difference learners share: hyper-parameters, behaviours, and the core's view of them."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.learners import schedules
from metarl_fast.learners.base import Learner
from metarl_fast.learners.schedules import Schedule
from metarl_fast.learners.table import Table

_EPISODES_KEPT = 1024
"""The core's view of a run of so many episodes is kept for the next one; of longer ones it may be large."""

_LOWEST_TEMPERATURE = 1e-30
"""Temperatures are divided by: a lower one is held here, where softmax is as good as greedy."""


@dataclass(frozen=True)
class TdSettings(Learner):
    """Base of the temporal-difference learners: an update rule, and a behaviour.

    The behaviour of `train` is epsilon-greedy, or softmax if there is a `temperature`: the probability of an
    action is in proportion to exp(q(s, a) / temperature) (Sutton and Barto, 2nd ed., sections 2.2 and 13.1).
    With a `bonus` both look at q(s, a) + bonus / sqrt(N(s, a) + 1) in place of q(s, a), N counting how often
    the pair was taken. Among equally good actions a greedy one is drawn.

    An action that is not available in a state has the value -infinity and is never taken: there, exploring is
    uniform over those that are, and so is the mean of `ExpectedSarsa`. `train` knows them from the tasks.

    What happens in an episode does not depend on how many follow.

    Parameters
    ----------
    learning_rate
        Step size, 0 to 1; or a `Table` of them [S, A], one for each pair. With traces the rate is that of the
        pair just taken.
    discount
        0 to 1.
    epsilon
        Probability of a uniformly random action, 0 to 1, in steps of 2^-31; 1 is the uniform behaviour. A
        number is that of the first episode; or `Linear`; or numbers [E'] for the first episodes, the last of
        which holds from there on.
    epsilon_decay
        Factor on epsilon after each episode, 0 to 1, if epsilon is a number.
    epsilon_min
        Epsilon never decays below this.
    learning_rate_decay
        w in min(1, learning_rate / N(s, a)^w), N counting the updates of an entry; 0 keeps the rate constant.
    initial_q
        What is learned from: the value of every entry, or a `Table` [S, A], or [N, S, A] for each of N tasks.
    initial_visits
        N(s, a) at the start, 0 to 2^53: how many visits the initial value is worth, so that a rate that
        decays does not overwrite it at the first one.
    bonus
        Of exploration, at least 0.
    bonus_episodes
        The bonus fades evenly and is gone after so many episodes; None: it does not fade.
    sees_reset
        Whether the learner sees, where the time limit cuts an episode, not the state that the last step led
        to but the one in which the next episode begins: as one does whose environment resets itself within
        the step, RL²'s among them. For tasks whose episodes all begin in one state; of no effect with
        `continuing`, nor in `update`, which is told the next state.
    temperature
        Of softmax, above 0, in the forms of epsilon, which is then not used. None for epsilon-greedy.
    temperature_decay
        Factor on the temperature after each episode, above 0, at most 1, if the temperature is a number.
    temperature_min
        The temperature never decays below this, nor below 1e-30.
    """

    learning_rate: float | Table = 0.1
    discount: float = 0.95
    epsilon: Schedule = 0.1
    epsilon_decay: float = 1.0
    epsilon_min: float = 0.0
    learning_rate_decay: float = 0.0
    initial_q: float | Table = 0.0
    initial_visits: float = 0.0
    bonus: float = 0.0
    bonus_episodes: int | None = None
    sees_reset: bool = False
    temperature: Schedule | None = None
    temperature_decay: float = 1.0
    temperature_min: float = 0.0

    @property
    @abstractmethod
    def _rule(self) -> str:
        """The core's name of the update rule."""

    @property
    def _trace_decay(self) -> float:
        """What the core is told; learners without traces have none."""
        return 0.0

    @property
    def _trace_kind(self) -> str:
        """What the core is told; learners without traces have none."""
        return "replacing"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._accept_learning_rate()
        checks.keep(self, "discount", checks.real, 0.0, 1.0)
        checks.keep(self, "epsilon_decay", checks.real, 0.0, 1.0)
        checks.keep(self, "epsilon_min", checks.real, 0.0, 1.0)
        self._accept_schedule("epsilon", 0.0, 1.0)
        checks.keep(self, "learning_rate_decay", checks.real, 0.0)
        self._accept_initial_q()
        checks.keep(self, "initial_visits", checks.real, 0.0, 2.0**53)
        checks.keep(self, "bonus", checks.real, 0.0)
        if self.bonus_episodes is not None:
            checks.keep(self, "bonus_episodes", checks.integer, 1)
        checks.keep(self, "sees_reset", checks.flag)
        checks.keep(self, "temperature_decay", checks.real, 0.0, 1.0, open_low=True)
        checks.keep(self, "temperature_min", checks.real, 0.0)
        if self.temperature is not None:
            self._accept_schedule("temperature", 0.0, math.inf, open_low=True)

    def _accept_learning_rate(self) -> None:
        """Check the step size: a number, or a table of the learner's sizes."""
        rates = self.learning_rate
        if not isinstance(rates, Table):
            checks.keep(self, "learning_rate", checks.real, 0.0, 1.0)
            return
        self._check_pairs(rates, "learning_rate")
        if len(rates.shape) > 2:
            raise ValueError(f"learning_rate has the shape {rates.shape}, expected one table for all tasks")
        for extreme in (rates.values.min(), rates.values.max()):
            checks.real(extreme, "a number of learning_rate", 0.0, 1.0)

    def check_sizes(self, num_states: int, num_actions: int) -> None:
        """Refuse tasks of S states and A actions that are not the learner's."""
        super().check_sizes(num_states, num_actions)
        if isinstance(self.learning_rate, Table):
            self._check_sizes_of("learning_rate", num_states, num_actions)

    def _accept_schedule(self, name: str, low: float, high: float, *, open_low: bool = False) -> None:
        """Check a schedule and keep it in a form that can be compared; only a plain number decays."""
        found = schedules.accepted(getattr(self, name), name, low, high, open_low=open_low)
        object.__setattr__(self, name, found)
        for more, nothing in (("decay", 1.0), ("min", 0.0)):
            value = getattr(self, f"{name}_{more}")
            if isinstance(found, (schedules.Linear, tuple)) and value != nothing:
                raise ValueError(
                    f"{name}_{more} is {value}, expected {nothing} beside a schedule: only numbers decay"
                )

    def epsilons(self, num_episodes: int) -> NDArray[np.float64]:
        """Return epsilon in each of `num_episodes` episodes."""
        count = checks.integer(num_episodes, "num_episodes", 0)
        checks.memory(2 * 8 * count, f"the epsilons of {count} episodes")
        return schedules.values(self.epsilon, self.epsilon_decay, self.epsilon_min, count)

    def temperatures(self, num_episodes: int) -> NDArray[np.float64]:
        """Return the temperature in each of `num_episodes` episodes.

        Raises
        ------
        ValueError
            If there is none: the learner is epsilon-greedy.
        """
        if self.temperature is None:
            raise ValueError("temperature is None, expected a number: this learner is epsilon-greedy")
        count = checks.integer(num_episodes, "num_episodes", 0)
        checks.memory(2 * 8 * count, f"the temperatures of {count} episodes")
        found = schedules.values(self.temperature, self.temperature_decay, self.temperature_min, count)
        return np.maximum(found, _LOWEST_TEMPERATURE)

    def num_explorations(self, num_episodes: int) -> int:
        """Return after how many of `num_episodes` episodes epsilon, or the temperature, stays as it is."""
        if self.temperature is not None:
            return schedules.shortest(self.temperature, self.temperature_decay, num_episodes)
        return schedules.shortest(self.epsilon, self.epsilon_decay, num_episodes)

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner, for a run of `num_episodes`."""
        kept: tuple[int, _core.Learner] | None = self.__dict__.get("_view")
        if kept is not None and kept[0] == num_episodes:
            return kept[1]
        view = self._new_view(num_episodes)
        if num_episodes <= _EPISODES_KEPT:
            self.__dict__["_view"] = num_episodes, view
        return view

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickles and copies hold: settings."""
        state = dict(self.__dict__)
        state.pop("_view", None)
        return state

    def _new_view(self, num_episodes: int) -> _core.Learner:
        count = self.num_explorations(num_episodes)
        if self.temperature is not None:
            behaviour = _core.Behaviour.softmax
            exploration = self.temperatures(count)
        else:
            exploration = self.epsilons(count)
            uniform = bool((exploration == 1.0).all())
            behaviour = _core.Behaviour.uniform if uniform else _core.Behaviour.epsilon_greedy
        if self.bonus:
            checks.real(self.bonus, "bonus", 0.0, 2.0**126)
        rates = self.learning_rate
        return _core.TdLearner(
            self._rule,
            behaviour,
            exploration,
            0.0 if isinstance(rates, Table) else float(rates),
            float(self.learning_rate_decay),
            float(self.discount),
            float(self.initial_visits),
            self._trace_decay,
            _core.Traces[self._trace_kind],
            float(self.bonus),
            self.bonus_episodes or 0,
            self.sees_reset,
            rates.values if isinstance(rates, Table) else None,
        )
