"""Tasks as Gymnasium environments; importing this package needs the extra `gym`."""

from typing import TYPE_CHECKING

from metarl_fast.envs.registration import register_ids as register_ids
from metarl_fast.envs.rollout import Rollout as Rollout
from metarl_fast.envs.tabular import TabularEnv as TabularEnv
from metarl_fast.envs.trial import TrialEnv as TrialEnv
from metarl_fast.envs.trial_vector import TrialVectorEnv as TrialVectorEnv
from metarl_fast.envs.vector import TabularVectorEnv as TabularVectorEnv
from metarl_fast.listing import public_names

if not TYPE_CHECKING:  # checkers read the import lines themselves
    __all__ = sorted(public_names(globals()))

register_ids()
