"""The bar on standard error: how far, how long still, and the loss."""

from __future__ import annotations

import sys

import pytest

import metarl_fast as mf

FAMILY = mf.TaskDistribution(4, 3, horizon=6)


def fit(bar):
    return mf.Reptile(tasks_per_iteration=4).fit(
        FAMILY, mf.QLearning(), 3, num_iterations=5, num_tasks=9, rng=0, progress=bar, callback=bar.step
    )


def test_it_shows_the_loss_and_goes_away(capsys):
    pytest.importorskip("tqdm")
    with mf.ProgressBar("Reptile") as bar:
        found = fit(bar)
        bar(19, 20)
        bar._bar.refresh()
    shown = capsys.readouterr().err
    assert "Reptile" in shown
    assert f"step 5, loss {found.history['loss'][-1]:.4g}" in shown
    assert shown.endswith("\r")


def test_another_call_has_its_own_total(capsys):
    pytest.importorskip("tqdm")
    with mf.ProgressBar() as bar:
        bar(9, 10)
        bar(1, 4)
        bar._bar.refresh()
        assert (bar._bar.n, bar._bar.total) == (1, 4)
    assert "1/4" in capsys.readouterr().err


def test_where_nobody_can_see_it_the_work_goes_on(monkeypatch):
    pytest.importorskip("tqdm")

    class Full:
        def write(self, *_):
            raise OSError(28, "No space left on device")

        flush = write

    for errors in (None, Full()):
        monkeypatch.setattr(sys, "stderr", errors)
        with mf.ProgressBar() as bar:
            assert fit(bar).num_iterations == 5


def test_without_tqdm_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match=r"this needs tqdm: install it with .*\[progress\]"):
        mf.ProgressBar()
