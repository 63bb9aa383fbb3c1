"""`metarl-fast reproduce`: the published table, and ours beside it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from metarl_fast import reproduce
from metarl_fast.cli import main

TOLD: list[tuple[str, int, int]] = []


@pytest.fixture(scope="module")
def found():
    return reproduce.rl2_mdp((10,), num_tasks=600, num_seeds=2, progress=lambda *done: TOLD.append(done))


def test_progress_is_that_of_the_whole_table(found):
    """In episodes, meta-training included: one bar says how long all of it still takes."""
    assert {(name, total) for name, _, total in TOLD} == {("rl2-mdp", TOLD[-1][1])}
    done = [entry[1] for entry in TOLD]
    assert done == sorted(done)
    assert np.diff(done, prepend=0).max() < 0.1 * done[-1]


def test_five_scalars_are_ahead_of_every_published_entry(found):
    row = found.rows[10]
    best = max(values[0] for values in reproduce.PUBLISHED.values())
    assert row["tuned_q_learning"].mean > best
    assert row["random"].mean == pytest.approx(reproduce.PUBLISHED["Random"][0], abs=4 * 0.6)
    assert row["optimal"].mean == pytest.approx(218.1, abs=4 * 0.9)  # ten times 21.8
    assert set(found.settings[10][0]) == set(reproduce.SPACE)
    assert found.myopic_share == pytest.approx(0.99, abs=0.005)
    assert "99% of the optimum:\nthis table is one of which arm pays." in found.text()


def test_beside_it_stand_tables_that_ask_for_looking_ahead(capsys, tmp_path):
    """Of the goal grid the random, the myopic and the optimal policy are known without a simulation."""
    options = ["--rows", "1", "--tasks", "200", "--seeds", "1", "--json", str(tmp_path / "a.json")]
    assert main(["reproduce", "goal-grid", *options]) == 0
    printed = capsys.readouterr().out
    assert "SNAIL" not in printed
    assert "this table is one also of looking ahead." in printed
    table = json.loads((tmp_path / "a.json").read_text())
    row = {name: entry["mean"] for name, entry in table["rows"]["1"].items()}
    assert row["random"] < row["tuned_q_learning"] < row["optimal"] == 1.0
    assert 0.3 < table["myopic_share"] == row["myopic"] < 0.8
    with pytest.raises(ValueError, match="table is 'rl3', expected"):
        reproduce.reproduced("rl3")


def test_the_table_the_file_and_the_picture(found, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    text = found.text()
    assert "SNAIL" in text
    assert "159.1" in text
    assert f"{found.rows[10]['tuned_q_learning'].mean:.1f} ±" in text
    found.save(tmp_path / "a.json")
    table = json.loads((tmp_path / "a.json").read_text())
    entry = table["rows"]["10"]["tuned_q_learning"]
    assert entry["mean"] == pytest.approx(np.mean(entry["seeds"]))
    assert 0 < entry["standard_error"] < 5
    assert table["published"]["10"]["RL2"] == 156.2
    found.plot(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000
    assert main(["reproduce", "rl2-mdp", "--plot", "a.xyz"]) == 1  # before the work
    assert "path is 'a.xyz'" in capsys.readouterr().err


def test_a_standard_error_is_the_larger_of_that_over_tasks_and_over_seeds():
    random = np.random.default_rng(0)
    alike = [random.normal(0.0, 2.0, 400) for _ in range(4)]
    assert reproduce.Entry.of(alike).standard_error == pytest.approx(2.0 / np.sqrt(1600), rel=0.5)
    apart = reproduce.Entry.of([values + 10 * k for k, values in enumerate(alike)])
    assert apart.standard_error == pytest.approx(np.std([0, 10, 20, 30], ddof=1) / 2, rel=0.05)
    assert len(apart.seeds) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "0"], "rows holds 0"),
        (["--rows", "10", "--tasks", "1"], "num_tasks is 1"),
        (["--rows", "10", "--json", "/no such folder/a.json"], "no such folder"),
        (["--rows", "10", "--seeds", "0"], "num_seeds is 0"),
    ],
)
def test_what_cannot_be_is_found_out_before_the_work(arguments, message, capsys):
    assert main(["reproduce", "rl2-mdp", *arguments]) == 1
    assert message in capsys.readouterr().err
