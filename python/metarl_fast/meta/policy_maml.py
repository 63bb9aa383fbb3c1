"""MAML on softmax policies: the policy from which a few steps of the exact policy gradient lead furthest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.engine import Progress, episode_steps
from metarl_fast.learners import Learner, Reinforce
from metarl_fast.learners.policy_gradient import PolicyGradientLearner
from metarl_fast.meta.fitted import State
from metarl_fast.meta.gradient import GradientMeta, mean_over_tasks
from metarl_fast.policy_gradient import PolicyGradient, policy_gradient
from metarl_fast.seeding import Seed
from metarl_fast.tasks import Task, Tasks, as_batch


@dataclass(frozen=True, kw_only=True)
class PolicyMaml(GradientMeta):
    """theta <- theta + step_size d/dtheta mean_T J_T(U_T(theta)), in steps of Adam, nothing of it sampled.

    U_T(theta) are the preferences after `num_episodes` steps theta + learning_rate dJ_T/dtheta on task T: the
    mean of what `Reinforce` learns in so many episodes, but for what its luck adds. J_T is the exact return
    of an episode, discounted as the learner does, and the gradient goes back through all steps by products
    with exact Hessians (`policy_gradient`)::

        fitted = PolicyMaml().fit(family, Reinforce(learning_rate=0.5), 3, rng=0)

    Finn, Abbeel and Levine, "Model-agnostic meta-learning for fast adaptation of deep networks", ICML 2017.
    It makes learners of preferences better; of a learner of another kind it takes the discount and the sizes,
    and makes a `Reinforce`.

    Parameters
    ----------
    step_size
        The most by which a preference moves in a step, about; above 0.
    first_order
        Take the gradient with respect to the adapted policy for that with respect to theta: first-order MAML.
    """

    first_order: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "first_order", checks.flag)

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

    def step(
        self,
        state: State,
        learner: Learner,
        tasks: Tasks | Task,
        rng: Seed,
        num_episodes: int,
        num_steps: int | None = None,
        *,
        num_threads: int | None = None,
        progress: Progress | None = None,
    ) -> State:
        """Return the state after one meta-batch; the arguments are those of `train`, and nothing is drawn."""
        batch, student = as_batch(tasks), _of_preferences(learner)
        starting = super().apply(state, student)
        starting.check_sizes(batch.num_states, batch.num_actions)
        count = checks.integer(num_episodes, "num_episodes", 0)
        size = len(batch), batch.num_states, batch.num_actions
        checks.memory(8 * (count + 4) * size[0] * size[1] * size[2], lambda: f"{count} policies a task")
        steps = episode_steps(batch, num_steps)

        def returns_of(h: NDArray[np.float64], u: NDArray[np.float64] | None = None) -> PolicyGradient:
            return policy_gradient(
                batch, h, student.discount, horizon=steps, direction=u, num_threads=num_threads
            )

        rate = student.learning_rate
        path = [np.array(np.broadcast_to(state["theta"], size))]
        returns = np.empty((len(batch), count))
        for k in range(count):
            found = returns_of(path[k])
            returns[:, k] = found.returns
            path.append(path[k] + rate * found.gradient)
        adapted = returns_of(path[-1])
        back = adapted.gradient
        if not self.first_order:
            for h in reversed(path[:-1]):
                product = returns_of(h, back).product
                assert product is not None
                back = back + rate * product
        if progress is not None:
            progress(len(batch), len(batch))
        return {
            **self.moved(state, -mean_over_tasks(back)),
            "returns": mean_over_tasks(returns),
            "loss": np.asarray(-mean_over_tasks(adapted.returns)),
        }


def _of_preferences(learner: Learner) -> PolicyGradientLearner:
    """Return the learner, or one of preferences with its sizes and discount."""
    if isinstance(learner, PolicyGradientLearner):
        return learner
    return Reinforce(learner.num_states, learner.num_actions, discount=learner.discount)
