"""What meta-learners share that let another one forget: it begins anew, and what it earned is looked at."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners import Learner
from metarl_fast.meta.base import Meta
from metarl_fast.meta.fitted import State, check_state
from metarl_fast.meta.meta_batch import MetaBatch
from metarl_fast.meta.reptile import Reptile
from metarl_fast.seeding import child, make_key


@dataclass(frozen=True, kw_only=True)
class Restarting(Meta):
    """Base of meta-learners around another one, for tasks that arrive one by one from a law that changes.

    `history["returns"]` are those of the learner as it met each task, before that was learned from: with
    tasks of a world that changes, `regret_of_returns` says how much less that is than the dynamic optimum.

    Parameters
    ----------
    meta
        What learns, and is made to forget; its own `tasks_per_iteration` is not looked at.
    """

    meta: Meta = field(default_factory=Reptile)
    tasks_per_iteration: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.meta, Meta):
            raise TypeError(f"meta is {checks.shown(self.meta)}, expected a meta-learner such as Reptile()")

    def default_learner(self) -> Learner:
        """Return what the inner meta-learner makes better if no learner is named."""
        return self.meta.default_learner()

    def usual_amounts(self) -> tuple[int, int]:
        """Return those of the inner meta-learner."""
        return self.meta.usual_amounts()

    def cost(self, num_tasks: int, num_episodes: int, num_iterations: int | None = None) -> int:
        """Return how many episodes in training tasks `fit` takes: those looked at, and those learned from."""
        size = min(self.tasks_per_iteration, num_tasks)
        steps = -(-num_tasks // max(1, size)) if num_iterations is None else num_iterations
        inner = steps * self.meta.cost(size, num_episodes, 1)
        return super().cost(num_tasks, num_episodes, num_iterations) + self.learning_at_once * inner

    @property
    def learning_at_once(self) -> int:
        """How many states of the inner meta-learner learn on each task, at most."""
        return 1

    def step_on(self, batch: MetaBatch, state: State, learner: Learner) -> State:
        """Return the state after one meta-batch."""
        key = make_key(batch.rng)
        before = self.apply(state, learner)
        before.check_sizes(batch.tasks.num_states, batch.tasks.num_actions)
        returns = batch.part(0, 2).mean_returns(before, rng=child(key, 0))

        def learned(inner: State) -> State:
            rest = (batch.tasks, child(key, 1), batch.num_episodes, batch.num_steps)
            return self.meta.step(inner, learner, *rest, num_threads=batch.num_threads)

        found = {**self.moved(state, learner, returns, learned), "returns": returns}
        batch.report()
        return found

    @abstractmethod
    def moved(
        self,
        state: State,
        learner: Learner,
        returns: NDArray[np.float64],
        learned: Callable[[State], State],
    ) -> State:
        """Return the state after a meta-batch on which `returns` [E] were earned on the average.

        `learned` says what a state of the inner meta-learner becomes by that meta-batch.
        """

    def fresh(self, name: str, learner: Learner) -> State:
        """Return the inner meta-learner's state before any task was seen, as entries under a name."""
        return self.packed(name, self.meta.init(learner))

    def packed(self, name: str, inner: State) -> State:
        """Return a state of the inner meta-learner as entries under a name, without returns."""
        return {f"{name}.{key}": values for key, values in inner.items() if key not in self.meta.recorded}

    def unpacked(self, name: str, state: State, learner: Learner) -> State:
        """Return the state of the inner meta-learner whose entries stand under a name."""
        begun = self.meta.init(learner)
        check_state(state, self.packed(name, begun))
        return {**begun, **{key: state[f"{name}.{key}"] for key in begun if f"{name}.{key}" in state}}
