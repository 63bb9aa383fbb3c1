"""TensorBoard: steps of `fit` as curves; read by the library itself where it is installed."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import metarl_fast as mf
from metarl_fast.compat.tensorboard import TensorBoard

FAMILY = mf.TaskDistribution(4, 3, horizon=6)


class Writer:
    def __init__(self):
        self.rows = []

    def add_scalar(self, tag, value, step):
        self.rows.append((tag, value, step))

    def curve(self, tag):
        return [(step, value) for name, value, step in self.rows if name == tag]


def fitted(log, kind=mf.Reptile):
    return kind(tasks_per_iteration=4).fit(
        FAMILY, mf.QLearning(), 3, num_iterations=5, num_tasks=9, rng=0, callback=log
    )


def test_a_writer_is_told_of_each_step():
    writer = Writer()
    with TensorBoard(writer) as log:
        found = fitted(log)
    assert writer.curve("loss") == list(enumerate(found.history["loss"].tolist(), 1))
    assert writer.curve("returns/last") == list(enumerate(found.history["returns"][:, -1].tolist(), 1))
    assert writer.curve("state/theta/mean")[-1] == (5, found.state["theta"].mean())
    assert {tag for tag, _, _ in writer.rows} == {
        "loss",
        "returns/first",
        "returns/last",
        "state/theta/mean",
        "state/theta/rms",
    }
    fitted(TensorBoard(of_maml := Writer()), mf.Maml)
    assert [step for step, _ in of_maml.curve("loss")] == [1, 2, 3, 4, 5]
    assert not of_maml.curve("state/loss")  # it is written already
    fitted(TensorBoard(every_other := Writer(), every=2))
    assert [step for step, _ in every_other.curve("loss")] == [2, 4]
    assert all(np.isfinite(value) for _, value, _ in every_other.rows)


@pytest.mark.parametrize("where", [5, None, object()])
def test_it_writes_to_a_folder_or_a_writer(where):
    with pytest.raises(TypeError, match=r"where is .*, expected a folder, or a writer with add_scalar"):
        TensorBoard(where)


def test_the_library_reads_what_was_written(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("tensorboardX")
        events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
        with TensorBoard(tmp_path / "run") as log:
            found = fitted(log, mf.EmpiricalBayes)
        seen = events.EventAccumulator(str(tmp_path / "run"))
        seen.Reload()
        curve = seen.Scalars("loss")
    assert [event.step for event in curve] == [1, 2, 3, 4, 5]
    np.testing.assert_allclose([event.value for event in curve], found.history["loss"], rtol=1e-6)
    assert "state/num_tasks" in seen.Tags()["scalars"]
