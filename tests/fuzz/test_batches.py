"""Batches taken apart and put together in any way are still the same tasks, and learn the same."""

import copy
import pickle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import family_twins
import metarl_fast as mf
from fuzz.campaign import examples


@st.composite
def batches(draw):
    """A batch made by some steps, and the ids that it should hold."""
    family = draw(family_twins.families())
    tasks = family.sample(draw(st.integers(1, 40)), rng=0)
    ids = list(range(len(tasks)))
    for _ in range(draw(st.integers(0, 4))):
        step = draw(
            st.sampled_from(["slice", "array", "mask", "pickle", "copy", "materialise", "join", "single"])
        )
        if step == "slice" and len(ids) > 1:
            cut = slice(draw(st.integers(0, len(ids) - 1)), None, draw(st.sampled_from([1, 2, 3])))
            tasks, ids = tasks[cut], ids[cut]
        elif step == "array":
            places = draw(st.permutations(range(len(ids))))[: draw(st.integers(1, len(ids)))]
            tasks, ids = tasks[np.array(places)], [ids[p] for p in places]
        elif step == "mask":
            kept = np.arange(len(ids)) % 2 == 0
            tasks, ids = tasks[kept], ids[::2]
        elif step == "pickle":
            tasks = pickle.loads(pickle.dumps(tasks))
        elif step == "copy":
            tasks = copy.deepcopy(tasks)
        elif step == "materialise" and not tasks.core.episodes_per_segment:
            tasks = tasks.materialise()
        elif step == "join" and len(ids) > 1:
            middle = draw(st.integers(1, len(ids) - 1))
            tasks = mf.concatenate([tasks[:middle], tasks[middle:]])
        elif step == "single":
            place = draw(st.integers(0, len(ids) - 1))
            tasks, ids = mf.concatenate([tasks[place]]), [ids[place]]
    return family, tasks, ids


@examples(60)
@given(made=batches())
def test_a_task_is_its_id_whatever_was_done_to_the_batch(made):
    family, tasks, ids = made
    whole = family.sample(40, rng=0)
    np.testing.assert_array_equal(tasks.ids, ids)
    np.testing.assert_array_equal(tasks.transitions, whole.transitions[ids])
    np.testing.assert_array_equal(tasks.rewards, whole.rewards[ids])
    np.testing.assert_array_equal(tasks.start, whole.start[ids])
    learner = mf.QLearning(tasks.num_states, tasks.num_actions, learning_rate=0.5, epsilon=0.5)
    found = mf.train(learner, tasks, 3, 4, rng=1, num_threads=1)
    right = mf.train(learner, whole, 3, 4, rng=1, num_threads=1)
    np.testing.assert_array_equal(found.q_table, right.q_table[ids])
    np.testing.assert_array_equal(found.returns, right.returns[ids])
    best, best_of_whole = mf.policy_iteration(tasks, 0.9), mf.policy_iteration(whole, 0.9)
    np.testing.assert_array_equal(best.values, best_of_whole.values[ids])
    np.testing.assert_array_equal(best.policy, best_of_whole.policy[ids])
