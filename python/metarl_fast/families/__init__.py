"""Distributions over tasks, one family a file; `base.Family` is the protocol and the way to add one's own."""

from typing import TYPE_CHECKING

from metarl_fast.families.any_mdp import AnyMdp as AnyMdp
from metarl_fast.families.base import Family as Family
from metarl_fast.families.base import FamilyPart as FamilyPart
from metarl_fast.families.bernoulli_bandit import BernoulliBandit as BernoulliBandit
from metarl_fast.families.bernoulli_rewards import BernoulliRewards as BernoulliRewards
from metarl_fast.families.blackjack import Blackjack as Blackjack
from metarl_fast.families.block_mdp import BlockMdp as BlockMdp
from metarl_fast.families.cells import Anywhere as Anywhere
from metarl_fast.families.cells import Cells as Cells
from metarl_fast.families.cells import Region as Region
from metarl_fast.families.cliff_walking import CliffWalking as CliffWalking
from metarl_fast.families.darkroom import Darkroom as Darkroom
from metarl_fast.families.deep_sea import DeepSea as DeepSea
from metarl_fast.families.dependent_bandit import DependentBandit as DependentBandit
from metarl_fast.families.drifting import Drifting as Drifting
from metarl_fast.families.driving import Driving as Driving
from metarl_fast.families.dyna_maze import DynaMaze as DynaMaze
from metarl_fast.families.fixed_task import FixedTask as FixedTask
from metarl_fast.families.four_rooms import FourRooms as FourRooms
from metarl_fast.families.frozen_lake import FrozenLakeMaps as FrozenLakeMaps
from metarl_fast.families.gamblers_problem import GamblersProblem as GamblersProblem
from metarl_fast.families.gaussian_bandit import GaussianBandit as GaussianBandit
from metarl_fast.families.goal_grid import GoalGrid as GoalGrid
from metarl_fast.families.grid_navi import GridNavi as GridNavi
from metarl_fast.families.grid_world import GridWorld as GridWorld
from metarl_fast.families.hidden_parameter import HiddenParameter as HiddenParameter
from metarl_fast.families.informative_bandit import InformativeBandit as InformativeBandit
from metarl_fast.families.jacks_car_rental import JacksCarRental as JacksCarRental
from metarl_fast.families.key_to_door import KeyToDoor as KeyToDoor
from metarl_fast.families.laws import Dirichlet as Dirichlet
from metarl_fast.families.laws import Fixed as Fixed
from metarl_fast.families.laws import Garnet as Garnet
from metarl_fast.families.laws import LogUniform as LogUniform
from metarl_fast.families.laws import Normal as Normal
from metarl_fast.families.laws import Uniform as Uniform
from metarl_fast.families.linear_bandit import LinearBandit as LinearBandit
from metarl_fast.families.low_rank import LowRank as LowRank
from metarl_fast.families.lpg_grid import LpgGrid as LpgGrid
from metarl_fast.families.maximization_bias import MaximizationBias as MaximizationBias
from metarl_fast.families.maze import Maze as Maze
from metarl_fast.families.mixture import Mixture as Mixture
from metarl_fast.families.n_chain import NChain as NChain
from metarl_fast.families.permuted import Permuted as Permuted
from metarl_fast.families.perturbed import Perturbed as Perturbed
from metarl_fast.families.random_walk import RandomWalk as RandomWalk
from metarl_fast.families.river_swim import RiverSwim as RiverSwim
from metarl_fast.families.seasonal import Seasonal as Seasonal
from metarl_fast.families.shaped import Shaped as Shaped
from metarl_fast.families.shared_dynamics import SharedDynamics as SharedDynamics
from metarl_fast.families.shared_rewards import SharedRewards as SharedRewards
from metarl_fast.families.slippery import Slippery as Slippery
from metarl_fast.families.small_gridworld import SmallGridworld as SmallGridworld
from metarl_fast.families.stochastic_chain import StochasticChain as StochasticChain
from metarl_fast.families.switching import Switching as Switching
from metarl_fast.families.task_distribution import TaskDistribution as TaskDistribution
from metarl_fast.families.time_in_state import TimeInState as TimeInState
from metarl_fast.families.two_step import TwoStep as TwoStep
from metarl_fast.families.windy_gridworld import WindyGridworld as WindyGridworld
from metarl_fast.families.with_rewards import WithRewards as WithRewards
from metarl_fast.families.with_start import WithStart as WithStart
from metarl_fast.listing import concrete, public_names

FAMILIES = tuple(kind for kind in concrete(globals(), Family) if kind not in (Family, FamilyPart))
if not TYPE_CHECKING:  # checkers read the import lines themselves
    __all__ = sorted(public_names(globals()))
