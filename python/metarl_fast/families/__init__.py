"""Distributions over tasks, one family a file; `base.Family` is the protocol and the way to add one's own."""

from metarl_fast.families.base import Family, FamilyPart
from metarl_fast.families.frozen_lake import FrozenLakeMaps
from metarl_fast.families.goal_grid import Anywhere, Cells, GoalGrid, Region
from metarl_fast.families.laws import Dirichlet, Fixed, Garnet, Normal, Uniform
from metarl_fast.families.task_distribution import TaskDistribution

__all__ = [
    "Anywhere",
    "Cells",
    "Dirichlet",
    "Family",
    "FamilyPart",
    "Fixed",
    "FrozenLakeMaps",
    "Garnet",
    "GoalGrid",
    "Normal",
    "Region",
    "TaskDistribution",
    "Uniform",
]
