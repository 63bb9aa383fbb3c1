"""The tutorial's meta-learner made real: a softmax policy fitted to the policies of the training tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.meta.start import TableObserver, mean_of_available
from metarl_fast.policies import greedy_policy


def _softmax(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return exp(theta[s, a]) / sum_b exp(theta[s, b])."""
    top = checks.finite(theta.max(axis=1, keepdims=True), "the largest theta")
    # The core's exp: NumPy's gives other bits on other processors.
    weights = _core.exp(theta - top)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


class MetaLearner(TableObserver):
    """A policy prior: a linear model with one-hot features of the state.

    pi(a | s) = exp(theta[s, a]) / sum_b exp(theta[s, b]). `update` takes one step of maximum likelihood
    towards the policy it is shown: the gradient of its expected log-likelihood is (shown - pi), for each
    state.

    Parameters
    ----------
    num_states, num_actions
        S and A.
    learning_rate
        Size of a step, above 0.

    Attributes
    ----------
    theta : ndarray of float64, shape (S, A)
        The logits, zero at first.
    state_values : ndarray of float64, shape (S,)
        Value of each state under the best action, averaged over the tasks seen by `observe`; 1 at first.
    """

    def __init__(self, num_states: int, num_actions: int, learning_rate: float = 0.1) -> None:
        super().__init__(num_states, num_actions)
        self.learning_rate = checks.real(learning_rate, "learning_rate", 0.0, open_low=True)
        self.theta = np.zeros((num_states, num_actions))
        self.state_values = np.ones(num_states)
        self._num_seen = np.zeros(())

    @property
    def policy(self) -> NDArray[np.float64]:
        """The policy prior pi [S, A]."""
        return _softmax(self.theta)

    @property
    def initial_table(self) -> NDArray[np.float64]:
        """State value times pi(a | s) / max_b pi(b | s): the prior's best action has the state's value."""
        policy = self.policy
        values = self.state_values[:, None]
        table = values * policy / policy.max(axis=1, keepdims=True)
        # Below zero the product would rank actions backwards: mirror it at the best action's value.
        with np.errstate(over="ignore"):
            mirrored = np.maximum(2.0 * values - table, -np.finfo(np.float64).max)
        return np.asarray(np.where(values < 0.0, mirrored, table))

    def update(self, task: Any, policy: ArrayLike) -> None:
        """Step towards a policy that is good on `task`.

        Parameters
        ----------
        task
            The task it belongs to; unused, since the features are of the state alone.
        policy
            Actions [S], as integers, or probabilities [S, A].

        Raises
        ------
        ValueError, TypeError
            For other shapes, or actions out of range.
        """
        s, a = self.num_states, self.num_actions
        shown = checks.numeric(policy, "policy")
        checks.shape(shown, "policy", (s,) if shown.dtype.kind in "iu" else (s, a))
        self.theta = self._stepped(self.theta, checks.policy(shown, a))

    def _stepped(self, theta: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return theta after a step towards the policy `target`."""
        with np.errstate(over="ignore"):
            found = theta + self.learning_rate * (target - _softmax(theta))
        if not np.isfinite(found).all():
            raise ValueError(f"learning_rate is {self.learning_rate}: theta would not stay finite")
        return np.asarray(found)

    def observe(self, q_tables: ArrayLike) -> None:
        """Learn from action values [N, S, A] learned on N tasks, one `update` each, in order."""
        tables = self._check_tables(q_tables)
        theta = self.theta
        for policy in greedy_policy(tables):
            theta = self._stepped(theta, policy)
        self.theta = theta
        values, number = mean_of_available(tables.max(axis=2), self.state_values, self._num_seen)
        self.state_values, self._num_seen = values, number.max(keepdims=False)

    def _settings(self) -> dict[str, float]:
        return {"learning_rate": self.learning_rate}

    def _arrays(self) -> dict[str, NDArray[np.float64]]:
        return {"theta": self.theta, "state_values": self.state_values, "_num_seen": self._num_seen}
