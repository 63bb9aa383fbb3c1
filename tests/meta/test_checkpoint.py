"""`fit(..., checkpoint=...)`: what was interrupted goes on to the same bits, and to nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf
from bits import assert_same_bits
from metarl_fast.meta import METAS

SMALL = mf.TaskDistribution(4, 3, horizon=6)
LEARNER = mf.QLearning(learning_rate=0.5, discount=0.9, epsilon=0.2)
kinds = pytest.mark.parametrize("kind", METAS, ids=lambda kind: kind.__name__)


def assert_same_fit(found, expected):
    assert (found.learner, found.key, found.num_iterations) == (
        expected.learner,
        expected.key,
        expected.num_iterations,
    )
    for arrays, others in ((found.state, expected.state), (found.history, expected.history)):
        assert set(arrays) == set(others)
        for name, values in others.items():
            assert_same_bits(arrays[name], values)


class Stopped(Exception):
    pass


def stop_after(count):
    def stop(step, loss, state):
        if step == count:
            raise Stopped

    return stop


@kinds
def test_the_same_call_again_goes_on_to_the_bits_of_one_run(kind, tmp_path):
    meta, path = kind(tasks_per_iteration=4), tmp_path / "meta.npz"

    def fit(**more):
        return meta.fit(SMALL, LEARNER, 4, num_iterations=6, num_tasks=10, rng=5, **more)

    whole = fit()
    for count in (1, 5):
        with pytest.raises(Stopped) as stopped:
            fit(checkpoint=path, every=3, callback=stop_after(count))
        reached = mf.load(path)
        assert reached.num_iterations == stopped.value.fitted.num_iterations == count
        assert_same_fit(reached, stopped.value.fitted)
    assert_same_fit(fit(checkpoint=path, every=3), whole)
    assert_same_fit(fit(checkpoint=path), whole)  # there is nothing left to do
    assert mf.load(path).learner == whole.learner
    with pytest.raises(ValueError, match="num_iterations is 4, but the checkpoint has 6 already"):
        meta.fit(SMALL, LEARNER, 4, num_iterations=4, num_tasks=10, checkpoint=path)
    longer = meta.fit(SMALL, LEARNER, 4, num_iterations=7, num_tasks=10, checkpoint=path)  # rng: the file's
    assert_same_fit(longer, meta.fit(SMALL, LEARNER, 4, num_iterations=7, num_tasks=10, rng=5))


@pytest.mark.parametrize("where", [SMALL.sample(10, rng=0), SMALL.sample(10, rng=0).materialise()])
def test_each_task_is_met_once_also_if_stopped(where, tmp_path):
    meta, path = mf.AverageQ(tasks_per_iteration=4), tmp_path / "meta.npz"
    with pytest.raises(Stopped):
        meta.fit(where, LEARNER, 3, rng=1, checkpoint=path, callback=stop_after(2))
    assert_same_fit(meta.fit(where, LEARNER, 3, rng=1, checkpoint=path), meta.fit(where, LEARNER, 3, rng=1))


def test_it_is_written_every_so_many_steps_and_at_the_end(tmp_path):
    path, held = tmp_path / "meta.npz", []
    mf.Reptile(tasks_per_iteration=2).fit(
        SMALL,
        LEARNER,
        2,
        num_iterations=7,
        rng=0,
        checkpoint=path,
        every=3,
        callback=lambda *_: held.append(mf.load(path).num_iterations),
    )
    assert held == [0, 0, 3, 3, 3, 6, 7]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"meta": mf.Reptile(step_size=0.5)}, r"its meta.step_size is 0.2, this fit's is 0.5"),
        ({"meta": mf.AverageQ()}, r"its meta is Reptile\(.*, this fit's is AverageQ\("),
        ({"learner": LEARNER.replace(epsilon=0.1)}, "its learner.epsilon is 0.2, this fit's is 0.1"),
        ({"learner": mf.Sarsa()}, r"its learner is QLearning\(.*, this fit's is Sarsa\("),
        ({"rng": 6}, "its rng is 'of key [0-9a-f]{16}', this fit's is 'one of key"),
        ({"num_episodes": 5}, "its num_episodes is 4, this fit's is 5"),
        ({"num_steps": 3}, "its num_steps is None, this fit's is 3"),
        ({"num_tasks": 11}, "its num_tasks is 10, this fit's is 11"),
        ({"tasks": mf.GoalGrid(2)}, "its family is 'TaskDistribution', this fit's is 'GoalGrid'"),
        ({"tasks": mf.TaskDistribution(4, 3, horizon=7)}, "its family.horizon is '6', this fit's is '7'"),
        ({"tasks": SMALL.sample(10, rng=7)}, "its key of the tasks is '[0-9a-f]{16}', this fit's is"),
        ({"tasks": mf.Permuted(SMALL)}, "its family is 'TaskDistribution', this fit's is 'Permuted'"),
        (
            {"tasks": SMALL.sample(10, rng=7).materialise()},
            "its family is 'TaskDistribution', this fit's is None",
        ),
        ({"num_iterations": 1}, "num_iterations is 1, but the checkpoint has 2 already"),
        (
            {"resume": mf.Reptile().fit(SMALL, LEARNER, 1, num_iterations=0)},
            r"resume is Fitted\(.*expected None",
        ),
        ({"every": 0}, "every is 0"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused_with_what_differs(change, message, tmp_path):
    path = tmp_path / "meta.npz"

    def fit(*, meta=mf.Reptile(), tasks=SMALL, learner=LEARNER, num_episodes=4, **more):
        settings = {"num_iterations": 2, "num_tasks": 10, "rng": 5, **more}
        return meta.fit(tasks, learner, num_episodes, checkpoint=path, **settings)

    fit()
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        fit(**change)
    assert path.read_bytes() == before


def test_arrays_and_tasks_drawn_in_python_are_told_apart_by_their_numbers(tmp_path):
    class Own(mf.Family):
        num_states, num_actions, horizon = 2, 2, 3

        def __init__(self, bonus):
            self.bonus = bonus

        def task(self, rng):
            return {"transitions": rng.dirichlet([1, 1], (2, 2)), "rewards": rng.random((2, 2)) + self.bonus}

    for k, (one, other) in enumerate(
        (
            (SMALL.sample(3, rng=0).materialise(), SMALL.sample(3, rng=1).materialise()),
            (Own(0.0), Own(1.0)),
        )
    ):
        fit = mf.AverageQ().fit
        for _ in range(2):
            fit(one, LEARNER, 2, num_tasks=3, rng=0, checkpoint=tmp_path / f"{k}.npz")
        with pytest.raises(ValueError, match=r"its numbers of the tasks is '[0-9a-f]{16}', this fit's is"):
            fit(other, LEARNER, 2, num_tasks=3, rng=0, checkpoint=tmp_path / f"{k}.npz")


@pytest.mark.parametrize("held", ["text", "settings", "result", "nothing"])
def test_a_file_that_is_no_checkpoint_stays_as_it_is(held, tmp_path):
    path = tmp_path / "meta.npz"
    if held in ("text", "nothing"):
        path.write_text("notes" if held == "text" else "")
    else:
        mf.save(path, LEARNER if held == "settings" else mf.AverageQ().fit(SMALL, LEARNER, 2, rng=0))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"meta\.npz (holds .* no checkpoint|is not a file of metarl_fast)"):
        mf.AverageQ().fit(SMALL, LEARNER, 2, rng=0, checkpoint=path)
    assert path.read_bytes() == before


def test_what_cannot_be_written_is_found_out_before_the_work(tmp_path):
    class Own(mf.AverageQ):
        pass

    told = []
    for meta, path, error in (
        (mf.AverageQ(), tmp_path / "none" / "meta.npz", FileNotFoundError),
        (mf.AverageQ(), tmp_path, IsADirectoryError),
        (Own(), tmp_path / "meta.npz", TypeError),
    ):
        with pytest.raises(error):
            meta.fit(SMALL, LEARNER, 2, rng=0, checkpoint=path, progress=lambda *done: told.append(done))
    assert not told
    assert not list(tmp_path.iterdir())


@kinds
def test_each_step_is_told_with_its_loss_and_its_state(kind):
    told, also = [], []
    fitted = kind(tasks_per_iteration=4).fit(
        SMALL,
        LEARNER,
        4,
        num_iterations=3,
        num_tasks=10,
        rng=5,
        callback=[lambda *step: told.append(step), lambda step, *_: also.append(step)],
    )
    steps, losses, states = zip(*told, strict=True)
    assert (list(steps), also) == ([1, 2, 3], [1, 2, 3])
    assert_same_bits(np.array(losses), fitted.history["loss"])
    for name, values in fitted.state.items():
        assert_same_bits(states[-1][name], values)
        with pytest.raises(ValueError, match="read-only"):
            states[0][name][...] = 1.0
    if "loss" not in kind.recorded:
        np.testing.assert_allclose(losses, -fitted.history["returns"].mean(axis=1), rtol=1e-14)


def test_a_callback_is_something_to_call():
    for callback, name in ((5, "callback is 5"), ([len, "x"], r"callback\[1\] is 'x'")):
        with pytest.raises(TypeError, match=name):
            mf.AverageQ().fit(SMALL, LEARNER, 2, rng=0, callback=callback)
