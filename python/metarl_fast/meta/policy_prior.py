"""A policy prior: a softmax policy fitted to the policies of the training tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners import Learner, LinearLearner
from metarl_fast.meta.fitted import State
from metarl_fast.meta.tables import TableMeta, mean_of_available
from metarl_fast.policies import greedy_policy, softmax_policy


@dataclass(frozen=True, kw_only=True)
class PolicyPrior(TableMeta):
    """A linear model of the policies that were learned, with one-hot features of the state.

    pi(a | s) = exp(theta[s, a]) / sum_b exp(theta[s, b]). Each task's greedy policy is one step of maximum
    likelihood: the gradient of its expected log-likelihood is (shown - pi), for each state. The learner
    starts from the state's value under the best action, averaged over the tasks, times pi(a | s) / max_b
    pi(b | s). `MetaLearner` is this model to be used step by step.

    It ranks what a state's actions are worth, so it takes learners of tables alone, not those on features.

    Parameters
    ----------
    learning_rate
        Size of a step, above 0.
    """

    learning_rate: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "learning_rate", checks.real, 0.0, open_low=True)

    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen: the uniform prior, with the learner's values."""
        return super().init(_of_table(learner))

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner that starts from what was meta-learned."""
        return super().apply(state, _of_table(learner))

    def blank(self, start: NDArray[np.float64]) -> State:
        """Return the uniform prior, with the values of `start`."""
        values = start.max(axis=-1, keepdims=True) if start.ndim else start
        return {"theta": np.zeros(start.shape), "state_values": values, "num_tasks": np.zeros(())}

    def start(self, state: State) -> NDArray[np.float64]:
        """Return state values [S, 1] times pi(a | s) / max_b pi(b | s)."""
        if not state["theta"].ndim:
            return state["state_values"]
        return ranked(softmax_policy(state["theta"]), state["state_values"])

    def learned(self, state: State, tables: NDArray[np.float64]) -> State:
        """Show the greedy policy of each table, in order, and average in the values of its states."""
        theta = np.broadcast_to(state["theta"], tables.shape[1:])
        for policy in greedy_policy(tables):
            theta = self.stepped(theta, policy)
        best = tables.max(axis=2, keepdims=True)
        values, number = mean_of_available(best, state["state_values"], state["num_tasks"])
        return {"theta": theta, "state_values": values, "num_tasks": np.array(number.max())}

    def stepped(self, theta: NDArray[np.float64], shown: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return theta after a step towards the policy `shown`, both [S, A]."""
        with np.errstate(over="ignore"):
            found = theta + self.learning_rate * (shown - softmax_policy(theta))
        if not np.isfinite(found).all():
            raise ValueError(f"learning_rate is {self.learning_rate}: theta would not stay finite")
        return np.asarray(found)


def _of_table(learner: Learner) -> Learner:
    """Return the learner, if what it learns has a row for each state."""
    if isinstance(learner, LinearLearner) and learner.features is not None:
        raise ValueError(
            f"the learner is {learner!r}, whose weights are no policy that can be ranked, expected one of "
            "tables; AverageQ, Reptile and Transfer take weights of features"
        )
    return learner


def ranked(policy: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return action values that rank actions as the policy does, the best one with the state's value."""
    table = values * policy / policy.max(axis=1, keepdims=True)
    # Below zero the product would rank actions backwards: mirror it at the best action's value.
    with np.errstate(over="ignore"):
        mirrored = np.maximum(2.0 * values - table, -np.finfo(np.float64).max)
    return np.asarray(np.where(values < 0.0, mirrored, table))
