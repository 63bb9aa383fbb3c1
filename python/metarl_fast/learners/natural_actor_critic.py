"""Natural actor-critic."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast import _core
from metarl_fast.learners.policy_gradient import PolicyGradientLearner


@dataclass(frozen=True)
class NaturalActorCritic(PolicyGradientLearner):
    """Actor-critic that climbs the natural gradient: by advantages w, however likely actions are.

    The gradient of a softmax policy vanishes as the policy becomes sure of itself, rightly or not. Measured
    by how the policy moves, not its numbers, it is the advantages of actions themselves (Kakade, "A natural
    policy gradient", 2001); here learned beside the values, psi being grad ln pi(a | s)::

        delta = r + discount v(s') - v(s), v(s') = 0 if the episode terminated
        v(s) <- v(s) + value_learning_rate delta
        w    <- w + value_learning_rate (delta - w psi) psi
        h(s, b) <- h(s, b) + learning_rate w(s, b), for every action b

    (Bhatnagar, Sutton, Ghavamzadeh and Lee, "Natural actor-critic algorithms", Automatica 45, 2009, algorithm
    3, with discounted values.) A step moves the row of its state alone, not all of h: so states move as often
    as they are visited, and a step costs no more than the number of actions. `value_learning_rate` is the
    step size of v and of w.
    """

    def core(self, num_episodes: int) -> _core.Learner:
        """Return the core's view of the learner."""
        return _core.NaturalActorCritic(**self._shared())
