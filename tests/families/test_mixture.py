"""Mixtures of families: who is chosen, how tasks of several shapes lie side by side, and splits."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

import family_twins
import metarl_fast as mf
from bits import assert_same_bits
from reference import PARTS, Model, key_of_part, make_stream, sample, unit

FAMILY = mf.Mixture
GRID = mf.GoalGrid(3, slip=0.2, wall_density=0.2)
DENSE = mf.TaskDistribution(9, 4, reward_noise=0.5)
LISTS = mf.TaskDistribution(9, 4, mf.Garnet(5), mf.Normal(1, 2))
GOLDEN = {
    "mixture": mf.Mixture((GRID, DENSE, LISTS), (2.0, 1.0, 1.0)),
    "mixture_of_dense": mf.Mixture((DENSE, mf.TaskDistribution(9, 4, mf.Dirichlet(0.3)))),
}
ARGUMENTS = {"families": (GRID, DENSE), "weights": (1.0, 2.0)}


def twin(family, key, task, segment=0):
    """A task of `Mixture`, in plain Python."""
    weights = family.weights or [1.0] * len(family.families)
    cumulative = np.cumsum(weights) / np.cumsum(weights)[-1]
    chosen = sample(cumulative[:-1].tolist(), unit(make_stream(key, task, PARTS).next()))
    models = [
        family_twins.part(part, key_of_part(key, place), task, segment)
        for place, part in enumerate(family.families)
    ]
    model: Model = models[chosen]
    if not all(other.weights is not None for other in models):
        model = dataclasses.replace(model, weights=None)
    if all(other.next_state is None for other in models):
        return model
    return family_twins.as_lists(model, max(other.probability.shape[-1] for other in models))


def families():
    parts = st.sampled_from(
        [GRID, DENSE, LISTS, *GRID.split(), DENSE.split()[1], mf.Permuted(LISTS), GOLDEN["mixture"]]
    )
    weights = st.none() | st.lists(st.sampled_from([0.0, 1.0, 2.5]), min_size=4, max_size=4)

    def built(chosen, numbers):
        fitting = None if numbers is None or not sum(numbers[: len(chosen)]) else numbers[: len(chosen)]
        return mf.Mixture(tuple(chosen), fitting)

    return st.builds(built, st.lists(parts, min_size=1, max_size=4), weights)


def test_families_are_chosen_by_their_weights():
    short = [mf.RiverSwim(3, right_reward=float(k)) for k in range(4)]
    tasks = mf.Mixture(tuple(short), (1, 0, 2, 5)).sample(8000, rng=0)
    rewards = tasks.rewards[:, 2, 1]
    counts = [int((rewards == k).sum()) for k in range(4)]
    assert counts[1] == 0
    assert sum(counts) == 8000
    assert stats.chisquare([counts[0], counts[2], counts[3]], [1000, 2000, 5000]).pvalue > 1e-4


def test_two_mentions_of_a_family_draw_different_tasks():
    tasks = mf.Mixture((DENSE, DENSE)).sample(60, rng=0).transitions
    assert len(np.unique(tasks.reshape(60, -1), axis=0)) == 60


def test_mixtures_of_long_rows_are_drawn_from_by_rejection_if_all_are():
    long = mf.TaskDistribution(70, 2)
    both = mf.Mixture((long, mf.TaskDistribution(70, 2, rewards=mf.Normal())))
    tasks = both.sample(5, rng=0)
    assert tasks.core.by_rejection
    model = twin(both, tasks.recipe.key, 3)
    assert_same_bits(tasks.transitions[3], model.probability)
    run = mf.train(mf.QLearning(), tasks, 5, 20, rng=1)
    assert_same_bits(run.q_table, mf.train(mf.QLearning(), tasks.materialise(), 5, 20, rng=1).q_table)
    assert (
        not mf.Mixture((long, mf.TaskDistribution(70, 2, mf.Dirichlet()))).sample(5, rng=0).core.by_rejection
    )


def test_noise_is_that_of_each_tasks_own_family():
    tasks = mf.Mixture((DENSE, mf.TaskDistribution(9, 4))).sample(50, rng=0).materialise()
    assert set(np.unique(tasks.reward_noise)) == {0.0, 0.5}


def test_a_split_is_one_of_each_family():
    mixture = mf.Mixture((GRID, DENSE), (1.0, 3.0))
    training, held_out = mixture.split(0.3)
    assert training.families[0] == GRID.split(0.3)[0]
    assert held_out.families[1] == DENSE.split(0.3)[1]
    assert training.weights == held_out.weights == mixture.weights
    both = [{task.transitions.tobytes() for task in half.sample(200, rng=0)} for half in (training, held_out)]
    assert not both[0] & both[1]
    again = training.split()[1].sample(3, rng=0)
    assert len(again) == 3
    choices = [half.sample(200, rng=0).outcomes["terminated"].any(axis=(1, 2, 3)) for half in mixture.split()]
    assert (choices[0] != choices[1]).any()  # halves draw different numbers


def test_clusters_are_those_of_the_families():
    mixture = mf.Mixture((mf.GoalGrid(3), mf.GoalGrid(3, goals=mf.Cells(((2, 2),)))))
    tasks = mixture.sample(100, rng=0)
    labels = mixture.clusters(tasks)
    assert len(set(labels.tolist())) == 8 + 1
    tables = tasks.outcomes["terminated"].reshape(100, -1)
    for label in set(labels.tolist()):
        assert len(np.unique(tables[labels == label], axis=0)) == 1


class Coin(mf.Family):
    """Two states, and an action that pays in one of them."""

    num_states, num_actions, horizon = 9, 4, 7

    def task(self, rng):
        transitions = np.zeros((9, 4, 9))
        transitions[..., 0] = 1.0
        return {"transitions": transitions, "rewards": rng.random((9, 4)) + 5.0}


@pytest.mark.parametrize("other", [GRID, DENSE, Coin()], ids=lambda family: type(family).__name__)
def test_families_in_python_are_mixed_too(other):
    mixture = mf.Mixture((Coin(), other))
    tasks = mixture.sample(40, rng=3)
    own = mf.Tasks(Coin()._recipe(key_of_part(tasks.recipe.key, 0), range(40)))
    others = mf.Tasks(other._recipe(key_of_part(tasks.recipe.key, 1), range(40)))
    chosen = [unit(make_stream(tasks.recipe.key, task, PARTS).next()) >= 0.5 for task in range(40)]
    assert 5 < sum(chosen) < 35
    for k in range(40):
        part = others if chosen[k] else own
        assert_same_bits(tasks.rewards[k], part.rewards[k])
        assert_same_bits(tasks.transitions[k], part.transitions[k])
    assert_same_bits(tasks[7:9].transitions, tasks.transitions[7:9])
    assert_same_bits(pickle.loads(pickle.dumps(tasks)).rewards, tasks.rewards)


def test_what_a_mixture_is():
    mixture = mf.Mixture([GRID, DENSE])
    assert mixture == mf.Mixture((GRID, DENSE))
    assert mixture != mf.Mixture((DENSE, GRID))
    assert hash(mixture) == hash(mf.Mixture((GRID, DENSE)))
    assert repr(mixture).startswith("Mixture(families=(GoalGrid(size=(3, 3)")
    assert (mixture.num_states, mixture.num_actions) == (9, 4)
    assert mixture.horizon is None
    assert mf.Mixture((GRID, mf.GoalGrid(3, horizon=99))).horizon == 99


@pytest.mark.parametrize(
    ("families", "weights", "error", "text"),
    [
        ((), None, ValueError, "families is empty"),
        (GRID, None, TypeError, "families is GoalGrid"),
        ((GRID, 5), None, TypeError, r"families\[1\] is 5, expected a family"),
        ((GRID, mf.GoalGrid(4)), None, ValueError, r"families\[1\] has 16 states and 4 actions"),
        ((GRID,), (1.0, 2.0), ValueError, "2 weights for 1 families"),
        ((GRID,), (-1.0,), ValueError, "weights is -1.0"),
        ((GRID,), (0.0,), ValueError, "the sum of weights is 0.0"),
    ],
)
def test_wrong_parts_are_refused(families, weights, error, text):
    with pytest.raises(error, match=text):
        mf.Mixture(families, weights)
