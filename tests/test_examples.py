"""The examples run as they stand, and say what they should."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def printed(folder, *command, timeout=60):
    """What Python prints in a folder that is not the example's; nothing goes wrong, and nobody is warned."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        timeout=timeout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def output(request, tmp_path):
    """What an example prints, run by its own name somewhere else."""
    found = printed(tmp_path, "-W", "error", EXAMPLES / request.param)
    assert not list(tmp_path.iterdir())
    return found


def numbers(line):
    return [float(number) for number in re.findall(r"-?\d+\.\d*", line)]


@pytest.mark.parametrize("output", ["tutorial.py"], indirect=True)
def test_tutorial(output):
    assert output == (
        "policy learned on the last task: [4 1 4 3 0 3 3 4 3 3]\n"
        "policy prior of the first state: [0.168 0.197 0.222 0.209 0.205]\n"
    )


@pytest.mark.parametrize("output", ["own_family.py"], indirect=True)
def test_own_family(output):
    earned, _, scratch, meta = (numbers(line) for line in output.splitlines())
    assert earned[0] < 0.5
    assert earned[1] > 0.9
    assert scratch[0] == 0.0
    assert scratch[1] <= 0.01
    assert scratch == sorted(scratch)
    assert min(meta) > 0.95


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs JAX")
@pytest.mark.parametrize("output", ["jax_gradient.py"], indirect=True)
def test_jax_gradient(output):
    gradient, difference = numbers(output)
    assert abs(gradient - difference) < 1e-6
    assert abs(gradient) > 1e-3


@pytest.mark.parametrize("output", ["transfer_or_meta_learning.py"], indirect=True)
def test_transfer_or_meta_learning(output):
    one_goal, corners = output.strip().split("\n\n")
    scores = [
        {line.split("  ")[0]: numbers(line.replace("±", " "))[::2] for line in part.splitlines()[3:]}
        for part in (one_goal, corners)
    ]
    assert scores[0]["transfer"][0] > 0.9  # before the first episode
    assert scores[1]["transfer"][2] < scores[1]["empirical bayes"][2] - 0.4


@pytest.mark.parametrize("output", ["frozen_lake.py"], indirect=True)
def test_frozen_lake(output):
    means = [numbers(line)[0] for line in output.splitlines()[1:]]
    assert means == sorted(means)
    assert means[0] < 0.3
    assert means[-1] > 0.97


@pytest.mark.parametrize("output", ["driving.py"], indirect=True)
def test_driving(output):
    """Known ways in new weather: what was learned before serves from the first trip on."""
    weather, destinations, _ = output.split("\n\n")
    assert "new: ['snow']" in weather
    first, fifth = (
        {line[:16].strip(): numbers(line)[place] for line in text.splitlines() if "±" in line}
        for text, place in ((weather, 0), (destinations, 4))  # a mean and its half-width in turn
    )
    assert min(first["average Q"], first["Reptile"]) > first["tuned scratch"] + 1.5
    assert first["plain transfer"] > first["scratch"] + 0.5
    # To new destinations tables do not help; a planner with a learned prior does.
    assert fifth["empirical Bayes"] > 0.3 > max(fifth["tuned scratch"], fifth["Reptile"]) + 1.0
    best = [float(line.split()[-1]) for line in destinations.splitlines() if line.startswith("the best")]
    assert fifth["empirical Bayes"] < best[0]


def test_large_maze(tmp_path):
    """On a small one: from the first episode on it finds out, in about twice the steps that there must be."""
    output = printed(tmp_path, "-W", "error", EXAMPLES / "large_maze.py", "--side", "101")
    size, scratch, meta, _ = output.splitlines()
    assert size == "10201 cells, 576 features, 200 steps from end to end"
    assert len(numbers(meta)) == 5
    assert min(numbers(meta)) > -500.0 > -1500.0 > numbers(scratch)[0]


@pytest.mark.parametrize("output", ["sutton_barto.py"], indirect=True)
def test_sutton_barto(output):
    """The book's figures, as far as they can be read."""
    figures = {text.split(",")[0]: text.splitlines()[1:] for text in output.split("\n\n")}
    greedy, _, exploring = (numbers(line)[-1] for line in figures["Figure 2.2"])
    assert greedy == pytest.approx(1.05, abs=0.08)
    assert exploring == pytest.approx(1.37, abs=0.05)
    assert figures["Figure 4.2"][0].split() == ["5", "4", "3", "2", "1", "0"]
    assert numbers(figures["Figure 4.3"][0]) == [0.16, 0.4, 0.64]
    assert "".join(figures["Figure 5.2"][0].split()[2:]) == "19181818181818181919"
    sarsa, q_learning, _ = (
        int(line.split("  ")[-1].split()[0]) for line in figures["Example 6.6 and figure 6.3"]
    )
    assert sarsa > q_learning + 15
    of_td = {line.split()[1]: numbers(line)[-3:] for line in figures["Example 6.2"]}
    assert all(start == pytest.approx(0.236, abs=1e-3) for start, _, _ in of_td.values())
    assert of_td["0.15"][1] < of_td["0.05"][1]  # faster at first, less exact in the end
    assert of_td["0.15"][2] > of_td["0.05"][2]
    direct, some, many = (list(map(int, line.split()[-6:])) for line in figures["Figure 8.2"])
    assert direct[2] > 100
    assert direct[5] < 26
    assert some[3] < 26
    assert many[2] < 26
    q, double = (line.split()[-3:] for line in figures["Figure 6.5"])
    assert int(q[1][:-1]) > 70
    assert int(double[1][:-1]) < 50


def test_maml_learn2learn_says_what_it_needs():
    """learn2learn is built from its source; where it is there, the example is run by hand."""
    if importlib.util.find_spec("learn2learn") and importlib.util.find_spec("torch"):
        pytest.skip("learn2learn and torch are there")
    found = subprocess.run(
        [sys.executable, EXAMPLES / "maml_learn2learn.py"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 1
    assert found.stderr.startswith("this example needs learn2learn and torch: ")


def test_slurm_goes_on_where_it_was(tmp_path):
    pytest.importorskip("submitit")
    small = ["--cluster", "local", "--tasks", "2048", "--shards", "1", "--cpus", "1", "--jobs", "2"]
    command = [sys.executable, EXAMPLES / "slurm.py", "--folder", "run", *small]
    first, again = (
        subprocess.run(command, cwd=tmp_path, timeout=60, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert first == again
    assert first.startswith("1,024 of 2,048 tasks\n2,048 of 2,048 tasks\nmean return of the last episode: 0.")
    assert len(list((tmp_path / "run" / "logs").glob("*_submitted.pkl"))) == 2


def test_there_is_a_test_for_each():
    source = Path(__file__).read_text(encoding="utf-8")
    assert not [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in source]


def test_in_context(tmp_path):
    pytest.importorskip("torch")
    printed(tmp_path, EXAMPLES / "in_context.py", "--tiny", "--json", "found.json", timeout=120)
    runs = json.loads((tmp_path / "found.json").read_text())["runs"]
    assert [run["contender"] for run in runs] == ["AD of Q-learning", "planner"]
    for run in runs:
        assert len(run["returns"]) == 3
        assert 0.0 <= min(run["returns"]) <= max(run["returns"]) <= run["optimum"] <= 20.0


def test_rl2_torch(tmp_path):
    pytest.importorskip("torch")
    small = ["--iterations", "2", "--trials", "8", "--json", "found.json"]
    output = printed(tmp_path, EXAMPLES / "rl2_torch.py", *small, timeout=120)
    assert output.startswith("iteration    0: ")
    found = json.loads((tmp_path / "found.json").read_text())
    assert 0.0 < found["the network"] < 1.0
    assert found["the better arm at once"] == pytest.approx(0.75, abs=0.01)  # E[max(p, 1 - p)]
    assert found["the best possible"] == pytest.approx(0.7086, abs=1e-4)
    assert 0.66 < found["Thompson sampling"] < found["UCB1"] < found["the best possible"]
