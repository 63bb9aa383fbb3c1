"""Bridges to other libraries, imported only when used."""

from typing import TYPE_CHECKING

from metarl_fast.compat.cassandra import MdpFile as MdpFile
from metarl_fast.compat.cassandra import read_mdp as read_mdp
from metarl_fast.compat.estimate import Estimate as Estimate
from metarl_fast.compat.estimate import estimate as estimate
from metarl_fast.compat.gymnasium import from_gymnasium as from_gymnasium
from metarl_fast.compat.task_dicts import from_task_dicts as from_task_dicts
from metarl_fast.compat.task_dicts import to_task_dicts as to_task_dicts
from metarl_fast.listing import public_names

if not TYPE_CHECKING:  # checkers read the import lines themselves
    __all__ = sorted(public_names(globals()))
