"""LearnedUpdate: that evolution climbs, that its product goes to tasks of any size, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

import learned_update
import metarl_fast as mf
from bits import assert_same_bits


def test_a_rule_that_learns_is_found_from_one_that_hardly_does():
    """On held-out bandits of another number of arms, too."""
    training = mf.from_arrays(
        np.ones((64, 1, 4, 1)), np.random.default_rng(0).normal(size=(64, 1, 4)), horizon=5
    )
    start = mf.LearnedPolicyGradient.actor_critic(0.05, 0.2, num_units=2)
    meta = mf.LearnedUpdate(tasks_per_iteration=16, spread=0.1, step_size=0.05)
    fitted = meta.fit(training, start, 8, num_iterations=40, rng=0)
    held_out = mf.from_arrays(
        np.ones((500, 1, 7, 1)), np.random.default_rng(1).normal(size=(500, 1, 7)), horizon=5
    )
    found, before = (mf.train(one, held_out, 8, rng=1).returns.mean(axis=1) for one in (fitted, start))
    gain = found - before
    assert gain.mean() - 3.0 * gain.std() / np.sqrt(len(gain)) > 0.5
    assert fitted.history["loss"][-5:].mean() < fitted.history["loss"][:5].mean() - 0.3


def test_the_product_keeps_all_but_the_weights():
    tasks = mf.GoalGrid(4).sample(8, rng=0)
    learner = mf.LearnedPolicyGradient.actor_critic(discount=0.8, path_length=7, num_units=3)
    fitted = mf.LearnedUpdate(num_pairs=2).fit(tasks, learner, 30, num_iterations=2, rng=0)
    assert fitted.learner.replace(weights=learner.weights) == learner
    assert fitted.learner != learner
    other = mf.LearnedUpdate(num_pairs=2).fit(tasks, mf.Sarsa(discount=0.8), 3, num_iterations=1, rng=0)
    assert (type(other.learner), other.learner.discount) == (mf.LearnedPolicyGradient, 0.8)
    assert mf.LearnedUpdate(num_pairs=3).cost(100, 10, 5) == 2 * 3 * 5 * 8 * 10


def test_without_a_difference_nothing_moves():
    """Where all rewards are the same no direction is better than another."""
    tasks = mf.from_arrays(np.ones((4, 1, 3, 1)), np.ones((4, 1, 3)), horizon=5)
    fitted = mf.LearnedUpdate(num_pairs=2).fit(tasks, num_episodes=3, num_iterations=3, rng=0)
    assert_same_bits(fitted.learner.weights.values, mf.LearnedPolicyGradient().weights.values)


def test_states_of_another_network_are_refused():
    meta, tasks = mf.LearnedUpdate(num_pairs=1), mf.GoalGrid(3).sample(2, rng=0)
    state = meta.init(mf.LearnedPolicyGradient(weights=np.ones((1, 26))))
    with pytest.raises(ValueError, match=r"weights has shape \(1, 26\), expected \(8, 33\)"):
        meta.step(state, mf.LearnedPolicyGradient(), tasks, 0, 2)


def test_the_benchmark_s_intervals_hold_95_percent():
    """Student's t of two degrees of freedom is 4.302653 there."""
    np.testing.assert_allclose(learned_update.half_width([1.0, 2.0, 3.0]), 4.302653 / np.sqrt(3.0), rtol=1e-5)


def test_the_benchmark_sets_an_evolved_rule_beside_what_was_tuned(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(learned_update, "LEVELS", {"dense": mf.LpgGrid.dense()})
    learned_update.main(["--quick", "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert [len(values) for values in found["dense"].values()] == [2] * 5
    rows = capsys.readouterr().out.splitlines()
    assert rows[-2].split() == ["evolved", "its", "start", *["Q-learning", "Q(lambda)", "actor-critic"]]
    assert rows[-1].startswith("dense ")
