"""Bridges to other libraries, imported only when used."""

from typing import TYPE_CHECKING

from metarl_fast.compat.cassandra import MdpFile as MdpFile
from metarl_fast.compat.cassandra import read_mdp as read_mdp
from metarl_fast.compat.gymnasium import from_gymnasium as from_gymnasium
from metarl_fast.listing import public_names

if not TYPE_CHECKING:  # checkers read the import lines themselves
    __all__ = sorted(public_names(globals()))
