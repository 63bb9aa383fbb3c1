"""The tutorial's meta-learner made real: a policy prior to look into and to show policies, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.meta.fitted import State
from metarl_fast.meta.policy_prior import PolicyPrior
from metarl_fast.policies import softmax_policy


class MetaLearner:
    """A policy prior, step by step; `PolicyPrior` is the same as settings, with `fit`.

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
        self.num_states = checks.integer(num_states, "num_states", 1)
        self.num_actions = checks.integer(num_actions, "num_actions", 1)
        checks.memory(
            self.num_states * self.num_actions * 8,
            f"a table of {num_states} states and {num_actions} actions",
        )
        self._prior = PolicyPrior(learning_rate=learning_rate)
        self.theta = np.zeros((self.num_states, self.num_actions))
        self.state_values = np.ones(self.num_states)
        self._num_tasks = np.zeros(())

    def __repr__(self) -> str:
        sizes = f"num_states={self.num_states}, num_actions={self.num_actions}"
        return f"MetaLearner({sizes}, learning_rate={self.learning_rate})"

    @property
    def learning_rate(self) -> float:
        """Size of a step."""
        return self._prior.learning_rate

    @property
    def policy(self) -> NDArray[np.float64]:
        """The policy prior pi [S, A]."""
        return softmax_policy(self.theta)

    @property
    def initial_table(self) -> NDArray[np.float64]:
        """State value times pi(a | s) / max_b pi(b | s): the prior's best action has the state's value."""
        return self._prior.start(self._state())

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
        self.theta = self._prior.stepped(self.theta, checks.policy(shown, a))

    def observe(self, q_tables: ArrayLike) -> None:
        """Learn from action values [N, S, A] learned on N tasks, one `update` each, in order."""
        found = self._prior.observe(self._state(), q_tables)
        self.theta, self._num_tasks = found["theta"], found["num_tasks"]
        self.state_values = found["state_values"][:, 0]

    def _state(self) -> State:
        return {
            "theta": self.theta,
            "state_values": self.state_values[:, None],
            "num_tasks": self._num_tasks,
        }
