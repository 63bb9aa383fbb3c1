"""Learners: small frozen dataclasses of hyper-parameters, one a file."""

from typing import TYPE_CHECKING

from metarl_fast.learners.actor_critic import ActorCritic as ActorCritic
from metarl_fast.learners.agent import Agent as Agent
from metarl_fast.learners.base import Learner as Learner
from metarl_fast.learners.committed_thompson import CommittedThompson as CommittedThompson
from metarl_fast.learners.double_q_learning import DoubleQLearning as DoubleQLearning
from metarl_fast.learners.dyna_q import DynaQ as DynaQ
from metarl_fast.learners.expected_sarsa import ExpectedSarsa as ExpectedSarsa
from metarl_fast.learners.features import Features as Features
from metarl_fast.learners.learned_policy_gradient import (
    LearnedPolicyGradient as LearnedPolicyGradient,
)
from metarl_fast.learners.linear import LinearLearner as LinearLearner
from metarl_fast.learners.linear_q_learning import LinearQLearning as LinearQLearning
from metarl_fast.learners.linear_sarsa import LinearSarsa as LinearSarsa
from metarl_fast.learners.listed_features import ListedFeatures as ListedFeatures
from metarl_fast.learners.meta_gradient_q import MetaGradientQ as MetaGradientQ
from metarl_fast.learners.mixture_planner import MixturePlanner as MixturePlanner
from metarl_fast.learners.natural_actor_critic import NaturalActorCritic as NaturalActorCritic
from metarl_fast.learners.policy_gradient import (
    PolicyGradientLearner as PolicyGradientLearner,
)
from metarl_fast.learners.posterior_planner import PosteriorPlanner as PosteriorPlanner
from metarl_fast.learners.q_lambda import QLambda as QLambda
from metarl_fast.learners.q_learning import QLearning as QLearning
from metarl_fast.learners.random_tiles import RandomTiles as RandomTiles
from metarl_fast.learners.reinforce import Reinforce as Reinforce
from metarl_fast.learners.sarsa import Sarsa as Sarsa
from metarl_fast.learners.sarsa_lambda import SarsaLambda as SarsaLambda
from metarl_fast.learners.schedules import Linear as Linear
from metarl_fast.learners.table import Table as Table
from metarl_fast.learners.task_library import TaskLibrary as TaskLibrary
from metarl_fast.learners.task_prior import TaskPrior as TaskPrior
from metarl_fast.learners.td import TdLearner as TdLearner
from metarl_fast.learners.td_settings import TdSettings as TdSettings
from metarl_fast.learners.thompson_sampling import ThompsonSampling as ThompsonSampling
from metarl_fast.learners.tied_q_learning import TiedQLearning as TiedQLearning
from metarl_fast.learners.tile_coding import TileCoding as TileCoding
from metarl_fast.learners.ucb1 import UCB1 as UCB1
from metarl_fast.listing import concrete, public_names

FEATURES = concrete(globals(), Features)  # type: ignore[type-abstract]
LEARNERS = concrete(globals(), Learner)  # type: ignore[type-abstract]
TD_LEARNERS = concrete(globals(), TdLearner)  # type: ignore[type-abstract]
if not TYPE_CHECKING:  # checkers read the import lines themselves
    __all__ = sorted(public_names(globals()))
