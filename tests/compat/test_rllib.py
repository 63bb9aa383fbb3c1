"""RLlib's own PPO on our vector environments; it wants a Gymnasium of its own: `nox -s rllib` runs this."""

from __future__ import annotations

import functools

import numpy as np
import pytest

pytest.importorskip("gymnasium")
pytest.importorskip("ray.rllib", exc_type=ImportError)

# What the libraries warn of is theirs.
pytestmark = pytest.mark.filterwarnings("ignore")


def test_ppo_learns_on_the_vector_environment(tmp_path, monkeypatch):
    """RLlib drives all sub-environments of the id by its `vector_entry_point`, as `gym.make_vec` does."""
    import ray
    from ray.rllib.algorithms.ppo import PPOConfig

    from metarl_fast.envs import TabularVectorEnv  # which registers the ids

    monkeypatch.setenv("HOME", str(tmp_path))
    made = []
    begin = TabularVectorEnv.__init__

    @functools.wraps(begin)
    def counting(env, *arguments, **options):
        begin(env, *arguments, **options)
        made.append(env.num_envs)

    monkeypatch.setattr(TabularVectorEnv, "__init__", counting)
    config = (
        PPOConfig()
        .environment("metarl/DependentBandit-OneHot-v0", env_config={"first": [0.9]})
        .env_runners(
            num_env_runners=0, num_envs_per_env_runner=16, gym_env_vectorize_mode="vector_entry_point"
        )
        .training(train_batch_size_per_learner=1600, minibatch_size=400, num_epochs=4, lr=0.02)
        .debugging(seed=0)
    )
    ray.init(num_cpus=1, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    try:
        algorithm = config.build_algo()
        returns = [algorithm.train()["env_runners"]["episode_return_mean"] for _ in range(3)]
        algorithm.stop()
    finally:
        ray.shutdown()
    assert 16 in made
    assert np.isfinite(returns).all()
    assert returns[0] == pytest.approx(50, abs=6)  # of 100 pulls, of which the better arm pays 90
    assert returns[-1] > 65
