"""What learners of bandits share."""

from __future__ import annotations

from dataclasses import dataclass

from metarl_fast.learners.base import Learner
from metarl_fast.learners.td import TdLearner


@dataclass(frozen=True)
class BanditLearner(Learner):
    """Base of learners for bandits: tasks of one state, whose actions are the arms.

    A pull is a step, and the whole of an episode counts: `train(learner, tasks, num_episodes=1, num_steps=T)`
    pulls T times. What was learned in one episode stays in the next.
    """

    @property
    def discount(self) -> float:
        """What other learners have if nothing is said: no score of a bandit depends on it."""
        return TdLearner.discount
