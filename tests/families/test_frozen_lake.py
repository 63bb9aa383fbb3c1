"""FrozenLakeMaps: Gymnasium's own maps, parts that share none, and learning that reaches the optimum."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from gymnasium.envs.toy_text import frozen_lake

import metarl_fast as mf
from bits import digest
from toy_text import optimal_values

GOLDEN_FILE = Path(__file__).parent.parent / "data" / "golden" / "frozen_lake.json"


class Stated(mf.FrozenLakeMaps):
    """On a map that is written down here, and so whatever Gymnasium draws."""

    def task(self, rng):
        return {"outcomes": self.outcomes(["SFFF", "FHFH", "FFFH", "HFFG"]), "start": 0}


def checksums():
    """Checksums of what a stated map means, slippery and not, and of drawn maps; written by this file."""
    families = {
        "stated": Stated(),
        "stated, not slippery": Stated(is_slippery=False),
        "drawn": mf.FrozenLakeMaps(),
        "drawn, held out": mf.FrozenLakeMaps(6, success_rate=0.8).split(0.3)[1],
    }
    found = {}
    for name, family in families.items():
        tasks = family.sample(4, rng=1)
        best = mf.policy_iteration(tasks, 0.9)
        found[name] = digest(*tasks.outcomes.values(), tasks.start, best.values, best.policy)
    return found


def test_tasks_and_optima_are_the_same_bits_everywhere():
    known = json.loads(GOLDEN_FILE.read_text(encoding="ascii"))
    drawn = frozen_lake.generate_random_map(4, 0.8, 0), frozen_lake.generate_random_map(4, 0.8, 1)
    if drawn != (["SFFF", "HHFF", "FHHF", "HFFG"], ["SHFH", "FFHF", "FFFF", "FFFG"]):
        known = {name: checksum for name, checksum in known.items() if "stated" in name}
    found = checksums()
    assert {name: found[name] for name in known} == known, "(Gymnasium's generator draws the maps)"


@pytest.fixture
def drawn_maps(monkeypatch):
    """The maps that Gymnasium's generator gives while the test runs."""
    maps = []
    generate = frozen_lake.generate_random_map

    def recording(*arguments, **keywords):
        maps.append(generate(*arguments, **keywords))
        return maps[-1]

    monkeypatch.setattr(frozen_lake, "generate_random_map", recording)
    return maps


@pytest.mark.parametrize("options", [{}, {"is_slippery": False}, {"side": 5, "success_rate": 0.8}])
def test_tasks_are_the_environment_on_gymnasiums_maps(drawn_maps, options):
    tasks = mf.FrozenLakeMaps(**options).sample(20, rng=0)
    assert not drawn_maps  # lazy
    found = [task.transitions for task in tasks.materialise()]
    drawn_maps = drawn_maps[-20:]
    assert len({"".join(desc) for desc in drawn_maps}) > 10
    if "success_rate" not in inspect.signature(frozen_lake.FrozenLakeEnv).parameters:
        pytest.skip("before 1.2.1 Gymnasium had no success_rate, and its thirds had another last digit")
    side = options.pop("side", 4)
    envs = [frozen_lake.FrozenLakeEnv(desc=desc, **options) for desc in drawn_maps]
    expected = mf.from_gymnasium(envs)
    np.testing.assert_array_equal(found, expected.transitions)
    np.testing.assert_array_equal(tasks.rewards, expected.rewards)
    np.testing.assert_array_equal(tasks.start, expected.start)
    np.testing.assert_array_equal(tasks.terminal, expected.terminal)
    for name, outcomes in expected.outcomes.items():
        np.testing.assert_array_equal(tasks.outcomes[name], outcomes)
    assert (tasks.num_states, tasks.num_actions) == (side * side, 4)


def test_density_and_time_limit():
    sparse = mf.FrozenLakeMaps(8, frozen_probability=1.0).sample(3, rng=0)
    assert (sparse.transitions == sparse.transitions[0]).all()  # no holes, so there is but one map
    assert mf.FrozenLakeMaps(4).horizon == 100
    assert mf.FrozenLakeMaps(8).horizon == 200
    assert mf.FrozenLakeMaps(8, horizon=30).sample(2, rng=0).horizon == 30


def maps_of(family, count):
    tasks = family.sample(count, rng=0)
    return {task.tobytes() for task in tasks.transitions}


def test_parts_share_no_map():
    # Few holes, so that equal maps are drawn again and again.
    whole = mf.FrozenLakeMaps(3, frozen_probability=0.8)
    training, held_out = whole.split(0.3)
    assert (training.part, held_out.part) == ("train", "held_out")
    seen, unseen = maps_of(training, 400), maps_of(held_out, 400)
    assert not seen & unseen
    assert seen | unseen >= maps_of(whole, 400)
    assert 0.1 < len(unseen) / len(seen | unseen) < 0.5


def test_parts_of_parts_share_no_map():
    whole = mf.FrozenLakeMaps(3, frozen_probability=0.8)
    training, held_out = whole.split(0.4)
    inner, validation = training.split(0.4)
    tuning, test = held_out.split(0.5)
    maps = [maps_of(part, 100) for part in (inner, validation, tuning, test)]
    assert all(maps)
    assert len(set.union(*maps)) == sum(map(len, maps))
    assert not (maps[0] | maps[1]) & maps_of(held_out, 300)
    assert not (maps[2] | maps[3]) & maps_of(training, 300)
    again = whole.split(0.4)[0].split(0.4)[1]
    assert again == validation
    assert maps_of(again, 100) == maps[1]


def test_a_split_by_another_seed_holds_out_other_maps():
    whole = mf.FrozenLakeMaps(3, frozen_probability=0.8)
    training, rest = whole.split(0.3)
    for family, others in ((whole, set()), (training, maps_of(rest, 100))):
        splits = [family.split(0.4, rng=seed) for seed in (0, 1, 1, 2)]
        assert splits[1] == splits[2]
        held_out = [maps_of(part, 100) for _, part in splits]
        assert held_out[1] == held_out[2]
        assert held_out[0] != held_out[1] != held_out[3] != held_out[0]
        for (training, _), seen in zip(splits, held_out, strict=True):
            inner, validation = (maps_of(part, 60) for part in training.split(0.5, rng=7))
            assert not inner & validation
            assert not (inner | validation) & seen
            assert not (inner | validation | seen) & others


def test_parts_of_one_seed_draw_independently():
    """Not the same maps in the same order, but for those that belong to the other part."""
    training, held_out = mf.FrozenLakeMaps(6).split(0.5)
    keys = [part.sample(1, rng=0).recipe.key for part in (training, held_out, *training.split(0.5))]
    assert len(set(keys)) == 4


def test_a_part_without_maps_says_so():
    # With every tile frozen there is one map, which is held out or not.
    training, held_out = mf.FrozenLakeMaps(3, frozen_probability=1.0).split(0.5)
    empty = held_out if training._has(["SFF", "FFF", "FFG"]) else training
    with pytest.raises(ValueError, match="10,000 maps of side 3 hold none of part"):
        _ = empty.sample(2, rng=0).core


def exact_returns(maps, discount, **options):
    """The optimum from the start by value iteration in plain NumPy."""
    envs = [frozen_lake.FrozenLakeEnv(desc=desc, **options) for desc in maps]
    return np.array([optimal_values(env, discount)[0] for env in envs])


def test_learning_reaches_the_optimum_of_firm_maps(drawn_maps):
    tasks = mf.FrozenLakeMaps(is_slippery=False).sample(32, rng=0)
    learner = mf.QLearning(16, 4, learning_rate=1.0, discount=0.95, epsilon=1.0)
    run = mf.train(learner, tasks, 5000, rng=1, returns=False, dtype=np.float64)
    found = mf.policy_evaluation(tasks, run.get_policy(), 0.95).returns
    expected = exact_returns(drawn_maps[-32:], 0.95, is_slippery=False)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_learning_reaches_the_optimum_of_slippery_maps(drawn_maps):
    tasks = mf.FrozenLakeMaps().sample(8, rng=0)
    learner = mf.QLearning(
        16, 4, learning_rate=1.0, learning_rate_decay=0.65, discount=0.95, epsilon=0.5, initial_q=1.0
    )
    run = mf.train(learner, tasks, 80_000, rng=1, returns=False, dtype=np.float64)
    found = mf.policy_evaluation(tasks, run.get_policy(), 0.95).returns
    expected = exact_returns(drawn_maps[-8:], 0.95)
    np.testing.assert_allclose(mf.value_iteration(tasks, 0.95).returns, expected, atol=1e-8)
    assert (found <= expected + 1e-8).all()
    assert (found > 0.95 * expected).all()
    assert np.mean(found / expected) > 0.995


if __name__ == "__main__":
    GOLDEN_FILE.write_text(json.dumps(checksums(), indent=2) + "\n", encoding="ascii")
