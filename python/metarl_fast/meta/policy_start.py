"""What meta-learners share that look for a softmax policy to start from, by exact returns and gradients."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.engine import episode_steps
from metarl_fast.learners import Learner, Reinforce
from metarl_fast.learners.policy_gradient import PolicyGradientLearner
from metarl_fast.meta.fitted import State
from metarl_fast.meta.gradient import GradientMeta, mean_over_tasks
from metarl_fast.meta.meta_batch import MetaBatch
from metarl_fast.policy_gradient import PolicyGradient, policy_gradient

Float = NDArray[np.float64]
Returns: TypeAlias = Callable[..., PolicyGradient]
"""J of preferences h [N, S, A], its gradient, and its Hessian times a direction u [N, S, A]: of (h, u)."""


@dataclass(frozen=True, kw_only=True)
class PolicyStart(GradientMeta):
    """Base of meta-learners of softmax policies: preferences from which learning on a task leads far.

    They make learners of preferences better; of a learner of another kind they take the discount and the
    sizes, and make a `Reinforce`. Returns are those of an episode, discounted as the learner does.

    Parameters
    ----------
    step_size
        The most by which a preference moves in a step, about; above 0.
    """

    def default_learner(self) -> Learner:
        """Return a learner of preferences."""
        return Reinforce()

    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen: the policy that the learner starts from by itself."""
        return super().init(_of_preferences(learner))

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner that starts from theta; before any step, the learner as it was."""
        found = super().apply(state, _of_preferences(learner))
        return learner if (state["kept"] == 1.0).all() else found

    def step_on(self, batch: MetaBatch, state: State, learner: Learner) -> State:
        """Return the state after one meta-batch; nothing is drawn."""
        tasks, student = batch.tasks, _of_preferences(learner)
        starting = super().apply(state, student)
        starting.check_sizes(tasks.num_states, tasks.num_actions)
        count = checks.integer(batch.num_episodes, "num_episodes", 0)
        size = len(tasks), tasks.num_states, tasks.num_actions
        checks.memory(8 * (count + 8) * size[0] * size[1] * size[2], lambda: f"{count} policies a task")
        steps = episode_steps(tasks, batch.num_steps)

        rounds, looked = self.num_evaluations(count), itertools.count()

        def returns_of(h: Float, u: Float | None = None) -> PolicyGradient:
            found = policy_gradient(
                tasks, h, student.discount, horizon=steps, direction=u, num_threads=batch.num_threads
            )
            batch.report(next(looked) + 1, rounds)
            return found

        theta = np.array(np.broadcast_to(state["theta"], size))
        downhill, adapted, returns = self.adapted(returns_of, theta, student.learning_rate, count)
        batch.report()
        return {
            **self.moved(state, mean_over_tasks(downhill)),
            "returns": mean_over_tasks(returns),
            "loss": np.asarray(-mean_over_tasks(adapted)),
        }

    @abstractmethod
    def num_evaluations(self, num_steps: int) -> int:
        """Return how often `adapted` asks for returns, at most."""

    @abstractmethod
    def adapted(
        self, returns_of: Returns, theta: Float, learning_rate: float, num_steps: int
    ) -> tuple[Float, Float, Float]:
        """Return what is to be gone down [N, S, A], J when adapted [N], and J before each step [N, K]."""


def climbed(
    returns_of: Returns, theta: Float, learning_rate: float, num_steps: int
) -> tuple[list[Float], Float]:
    """Return the path of so many steps h + learning_rate dJ/dh, theta first, and J before each [N, K]."""
    path, returns = [theta], np.empty((len(theta), num_steps))
    for k in range(num_steps):
        found = returns_of(path[k])
        returns[:, k] = found.returns
        path.append(path[k] + learning_rate * found.gradient)
    return path, returns


def _of_preferences(learner: Learner) -> PolicyGradientLearner:
    """Return the learner, or one of preferences with its sizes and discount."""
    if isinstance(learner, PolicyGradientLearner):
        return learner
    return Reinforce(learner.num_states, learner.num_actions, discount=learner.discount)
