"""CMA-ES through `cma`: what it asks for is the library's own, and what was interrupted goes on."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.meta import cma_es

TASKS = mf.TaskDistribution(4, 3, horizon=6).sample(12, rng=0)
LEARNER = mf.QLearning()
META = mf.Tuned(
    space={"learning_rate": (0.05, 1.0), "initial_q": (0.0, 3.0)},
    num_random=4,
    num_pairs=3,
    method="cma",
    tasks_per_iteration=12,
)


def sphere(places):
    return np.square(places - [0.9, 0.2, 0.6]).sum(axis=1)


def test_candidates_are_those_of_one_strategy_that_goes_on():
    cma = pytest.importorskip("cma")
    normals = np.random.default_rng(0).standard_normal((10, 8, 3))
    begin, costs, left = np.array([0.2, 0.7, 0.5]), np.empty((0, 8)), iter(normals)
    options = {"bounds": [0, 1], "popsize": 8, "verbose": -9, "verb_log": 0, "seed": np.nan}
    own = cma.CMAEvolutionStrategy(begin, 0.15, {**options, "randn": lambda *_: next(left).copy()})
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    for k in range(10):
        found = cma_es.asked(begin, 0.15, normals[: k + 1], costs)
        expected = own.ask()
        np.testing.assert_array_equal(found, np.clip(expected, 0, 1))
        costs = np.vstack([costs, sphere(found)])
        own.tell(expected, costs[-1].tolist())
    best = cma_es.favourite(begin, 0.15, normals, costs)
    np.testing.assert_allclose(best, [0.9, 0.2, 0.6], atol=0.3)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_the_same_seed_gives_the_same_and_what_is_resumed_too():
    pytest.importorskip("cma")
    whole = META.fit(TASKS, LEARNER, 5, num_iterations=5, rng=3)
    part = META.fit(TASKS, LEARNER, 5, num_iterations=2, rng=3)
    again = META.fit(TASKS, LEARNER, 5, num_iterations=3, resume=part)
    assert again.learner == whole.learner == META.fit(TASKS, LEARNER, 5, num_iterations=5, rng=3).learner
    for name, values in whole.state.items():
        assert_same_bits(again.state[name], values)
    assert whole.state["costs"].shape == (4, 6)


def test_of_four_candidates_the_library_keeps_one_and_draws_in_parts():
    pytest.importorskip("cma")
    for space in (META.space, [("learning_rate", 0.05, 1.0)]):
        few = META.replace(num_pairs=2, space=space)
        whole = few.fit(TASKS, LEARNER, 5, num_iterations=7, rng=3)
        part = few.fit(TASKS, LEARNER, 5, num_iterations=4, rng=3)
        assert few.fit(TASKS, LEARNER, 5, num_iterations=3, resume=part).learner == whole.learner


def test_it_finds_settings_that_earn_more(tmp_path):
    pytest.importorskip("cma")
    fitted = META.fit(TASKS, LEARNER, 10, num_iterations=8, rng=0)
    fresh = mf.TaskDistribution(4, 3, horizon=6).sample(200, rng=5)
    tuned, scratch = (mf.train(one, fresh, 10, rng=1).returns.mean() for one in (fitted, LEARNER))
    assert tuned > scratch + 0.1
    fitted.save(tmp_path / "tuned.npz")
    assert mf.load(tmp_path / "tuned.npz").learner == fitted.learner


def test_without_the_library_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(ImportError, match=r"this needs cma: install it with .*\[tune\]"):
        META.fit(TASKS, LEARNER, 5, num_iterations=1, rng=3)
