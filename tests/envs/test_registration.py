"""Ids: every family has some, in any order of imports, in a fresh process too."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

import fresh_process
import metarl_fast as mf

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils import env_checker  # noqa: E402

from metarl_fast.envs import TabularVectorEnv, TrialVectorEnv  # noqa: E402
from metarl_fast.families import Family, FamilyPart  # noqa: E402
from metarl_fast.listing import concrete  # noqa: E402

IDS = [name for name in gymnasium.registry if name.startswith("metarl/")]


def test_every_family_has_an_id():
    kinds = set(concrete(vars(mf.families), Family)) - {Family, FamilyPart}
    without = {kind.__name__ for kind in kinds if f"metarl/{kind.__name__}-v0" not in IDS}
    assert len(without) <= 2, f"give {without} settings in envs/registration.py"  # new ones may wait
    assert {"metarl/RL2MDP-v0", "metarl/RL2MDP-OneHot-v0", "metarl/RL2MDP-Trial-v0"} <= set(IDS)


# The other forms of an id differ in what is seen, whatever the family.
FORMS = [name for name in IDS if "-OneHot" not in name and "-Trial" not in name]
OTHERS = ("metarl/RL2MDP-", "metarl/GoalGrid-")
FORMS += [name for name in IDS if name.startswith(OTHERS) and name not in FORMS]


@pytest.mark.parametrize("name", FORMS)
def test_gymnasiums_checker_has_nothing_to_say(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env_checker.check_env(gymnasium.make(name).unwrapped)
        spec = gymnasium.spec(name)
        assert gymnasium.envs.registration.EnvSpec.from_json(spec.to_json()) == spec
        json.loads(spec.to_json())
        env = gymnasium.make_vec(name, num_envs=2)
        assert isinstance(env, TrialVectorEnv if "Trial" in name else TabularVectorEnv)
        env.reset(seed=0)
        env.step(env.action_space.sample())
        env.close()


@pytest.mark.parametrize(
    "program",
    [
        "import gymnasium",
        "import gymnasium, metarl_fast",
        "import metarl_fast, gymnasium",
        "import metarl_fast, gymnasium.vector, importlib.resources as r; r.files('gymnasium')",
    ],
)
def test_ids_are_known_in_a_fresh_process_whatever_is_imported_first(program):
    found = fresh_process.run(
        f"""
        {program}
        import sys
        watching = [*sys.meta_path, gymnasium.__loader__, gymnasium.__spec__.loader]
        assert "metarl_fast.when_imported" not in [type(each).__module__ for each in watching]
        print(gymnasium.make("metarl_fast:metarl/RL2MDP-v0").reset(seed=0))
        """
    )
    assert found == "(0, {})\n"


def test_limits_and_settings_are_those_that_are_asked_for():
    env = gymnasium.make("metarl/RL2MDP-v0")
    assert env.spec.max_episode_steps == 10
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(10)] == [False] * 9 + [True]
    for made in (
        gymnasium.make_vec("metarl/RL2MDP-v0", num_envs=2, max_episode_steps=12),
        gymnasium.make_vec("metarl/RL2MDP-v0", num_envs=2, max_episode_steps=12, vectorization_mode="sync"),
    ):
        made.reset(seed=0)
        truncated = [made.step(np.zeros(2, int))[3] for _ in range(12)]
        np.testing.assert_array_equal(truncated, [[False] * 2] * 11 + [[True] * 2])
    with pytest.raises(ValueError, match="max_episode_steps is 12, but trials side by side end with their"):
        gymnasium.make_vec("metarl/RL2MDP-Trial-v0", num_envs=2, max_episode_steps=12)
    grid = gymnasium.make("metarl/GoalGrid-v0", size=3, slip=0.5)
    assert grid.observation_space == gymnasium.spaces.Discrete(9)
    assert gymnasium.make_vec("metarl/GoalGrid-OneHot-v0", num_envs=3, size=3).reset()[0].shape == (3, 9)
    with pytest.raises(ValueError, match="GoalGrid has no setting 'sice', expected some of"):
        gymnasium.make("metarl/GoalGrid-v0", sice=3)
