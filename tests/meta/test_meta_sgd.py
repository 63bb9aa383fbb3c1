"""Meta-SGD: the gradient of the rates, and which entries it learns to keep and which to learn quickly."""

from __future__ import annotations

import json

import numpy as np
import pytest

import gradient_starts
import metarl_fast as mf
from metarl_fast.seeding import child, make_key

TASKS = mf.TaskDistribution(4, 3, horizon=6).sample(6, rng=0)
LEARNER = mf.QLearning(learning_rate=0.3, epsilon=0.3)


def test_a_step_goes_down_the_gradient_of_the_rates():
    """Central differences of all entries, and the step of theta is that of MAML."""
    rates = np.random.default_rng(0).uniform(0.1, 0.9, (4, 3))
    learner = LEARNER.replace(learning_rate=mf.Table(rates), initial_q=mf.Table(rates - 0.5))
    meta = mf.MetaSgd(step_size=0.1, rate_step_size=0.05, loss="return", temperature=0.5)
    state = meta.step(meta.init(learner), learner, TASKS, 7, 3)
    steps = mf.train(learner, TASKS, 3, rng=child(make_key(7), 0), dtype=np.float64, record=True).history

    def loss(of):
        q = mf.replay(learner, steps, learning_rates=of)
        return -mf.policy_evaluation(TASKS, mf.softmax_policy(q / 0.5), 0.95, horizon=6).returns.mean()

    slope = np.zeros((4, 3))
    for place in np.ndindex(4, 3):
        nudge = np.zeros((4, 3))
        nudge[place] = 1e-6
        slope[place] = (loss(rates + nudge) - loss(rates - nudge)) / 2e-6
    np.testing.assert_allclose(state["mean_rates"], 0.1 * slope, atol=1e-8)
    np.testing.assert_allclose(state["rates"], rates - 0.05 * np.sign(slope), atol=1e-4)
    plain = mf.Maml(step_size=0.1, loss="return", temperature=0.5)
    assert (state["theta"] == plain.step(plain.init(learner), learner, TASKS, 7, 3)["theta"]).all()
    assert meta.apply(state, learner).learning_rate == mf.Table(state["rates"])


def test_what_tasks_share_is_kept_and_what_differs_is_learned_quickly():
    """Two arms, behind noise: one pays 1 in all tasks, the other in each what only pulling it tells."""
    pays = np.stack([np.full(200, 1.0), np.random.default_rng(1).normal(1.0, 1.0, 200)], axis=1)
    tasks = mf.from_arrays(np.ones((200, 1, 2, 1)), pays[:, None, :], reward_noise=0.7)
    learner = mf.QLearning(learning_rate=0.5, discount=0.0, epsilon=1.0)
    fitted = mf.MetaSgd(rate_step_size=0.03).fit(tasks, learner, 3, 1, num_iterations=200, rng=0)
    shared, own = fitted.state["rates"][0]
    assert own > 0.4
    assert shared < 0.2
    assert fitted.state["theta"][0, 0] == pytest.approx(1.0, abs=0.15)
    assert fitted.learner.learning_rate == mf.Table(fitted.state["rates"])


def test_what_has_no_rates_to_learn_is_refused():
    with pytest.raises(ValueError, match="first_order is True, expected False"):
        mf.MetaSgd(first_order=True)
    with pytest.raises(ValueError, match="DynaQ cannot be replayed"):
        mf.MetaSgd().fit(TASKS, mf.DynaQ(), 2, rng=0)


def test_the_benchmark_sets_starts_beside_scratch(monkeypatch, tmp_path, capsys):
    for name, family in (("_FAMILIES", mf.TaskDistribution(4, 3, horizon=6)), ("_ALONE", mf.GoalGrid(3))):
        monkeypatch.setattr(gradient_starts, name, {"one": family})
    gradient_starts.main(["--quick", "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert {part: len(rows) for part, rows in found.items()} == {"values": 1, "policies": 1, "alone": 3}
    assert set(found["values"]["one"]) == set(gradient_starts.VALUES)
    assert all(len(values) == 2 for values in found["policies"]["one"].values())
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split(" | ")[:3] == ["| values", "scratch", "Reptile"]
    assert sum(row.startswith("| one") for row in rows) == 5
