"""MAML on softmax policies: the policy from which a few steps of the exact policy gradient lead furthest."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import checks
from metarl_fast.meta.policy_start import Float, PolicyStart, Returns, climbed


@dataclass(frozen=True, kw_only=True)
class PolicyMaml(PolicyStart):
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

    def num_evaluations(self, num_steps: int) -> int:
        """Return how often `adapted` asks for returns, at most."""
        return num_steps + 1 + (0 if self.first_order else num_steps)

    def adapted(
        self, returns_of: Returns, theta: Float, learning_rate: float, num_steps: int
    ) -> tuple[Float, Float, Float]:
        """Return minus the gradient through all steps, J at their end, and before each."""
        path, returns = climbed(returns_of, theta, learning_rate, num_steps)
        end = returns_of(path[-1])
        back = end.gradient
        if not self.first_order:
            for h in reversed(path[:-1]):
                product = returns_of(h, back).product
                assert product is not None
                back = back + learning_rate * product
        return -back, end.returns, returns
