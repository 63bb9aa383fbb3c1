"""The benchmarks: what they time is what they say, and a peer that learns something else is no peer."""

import csv
import importlib.util
import json
import re
import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

import compare
import fresh_process
from building import ROOT
from metarl_fast import benchmark
from metarl_fast.benchmark import Workload
from metarl_fast.cli import main

TINY = Workload("W1", 5, 3, 64, num_episodes=20)
uniform_and_greedy = pytest.mark.parametrize("epsilon", [1.0, 0.1])


def a_peer(learn, **changes):
    """The NumPy loop or the engine as a peer, on other work than it was given if `changes` say so."""

    def run(work, seed, num_threads):
        return learn(replace(work, **changes), seed + 100)

    return {"numpy_loop": SimpleNamespace(run=run, TITLE="NumPy", MAX_TASKS=10)}


def race(peers, work=TINY, repeats=4):
    return compare.compare(work, benchmark.run_engine, peers, repeats=repeats, threads=2)


# --- the programs ------------------------------------------------------------------------------------------


@uniform_and_greedy
def test_a_program_hands_back_the_value_of_state_0_and_the_policy(epsilon):
    work = replace(TINY, epsilon=epsilon, num_tasks=3)
    for run in (benchmark.run_engine, benchmark.run_numpy):
        values, policy = run(work, 7)
        assert values.shape == (3,)
        assert policy.shape == (3, 5)
        assert set(policy.ravel()) <= {0, 1, 2}
        # Rewards are below 1, discount 0.95, and 200 updates end well before the limit of 20.
        assert ((0 < values) & (values < 10)).all()
        again = run(work, 7)
        assert (again.values == values).all()
        assert (again.policy == policy).all()
        assert (run(work, 8).values != values).any()


def test_the_workloads_are_5000_updates_a_task():
    assert [work.updates_per_task for work in benchmark.WORKLOADS] == [5000] * 3
    assert str(benchmark.WORKLOADS[0]) == "W1: S=10 A=5, 4,096 tasks, uniform"


@uniform_and_greedy
def test_engine_and_numpy_learn_the_same(epsilon):
    work = replace(TINY, epsilon=epsilon, num_tasks=150)
    theirs = benchmark.run_numpy(work, 0).values
    ours = benchmark.run_engine(replace(work, num_tasks=20_000), 0).values
    assert abs(compare.z_score(ours, theirs)) < 4
    assert abs(np.std(theirs) / np.std(ours) - 1) < 0.3


def test_measuring_takes_turns_and_gives_time_for_each_task(monkeypatch):
    monkeypatch.setattr(benchmark, "find_spec", lambda name: None)  # Numba compiles for seconds
    laps = benchmark.measure(TINY, 2, repeats=3, numpy_tasks=2)
    assert list(laps) == ["1 thread", "2 threads", "NumPy loop"]
    for name, found in laps.items():
        assert found.seconds_per_task.shape == (3,)
        assert (found.seconds_per_task > 0).all()
        assert found.values.shape == (3 * (2 if name == "NumPy loop" else 64),)
    assert (laps["1 thread"].values == laps["2 threads"].values).all()

    seeds = []

    def program(name, seed):
        seeds.append((name, seed))
        return benchmark.Learned(np.zeros(1), np.zeros((1, 1)))

    benchmark.race({"a": partial(program, "a"), "b": partial(program, "b")}, 2)
    assert seeds == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_the_command_prints_a_line_for_each_workload(monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "find_spec", lambda name: None)
    monkeypatch.setattr(benchmark, "WORKLOADS", (TINY, replace(TINY, name="W2")))
    monkeypatch.setattr(benchmark, "KERNEL_ALONE", replace(TINY, name="kernel alone"))
    assert main(["bench", "--threads", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r" *1 thread  2 threads +NumPy loop", lines[3])
    rows = [re.split(r"  +", line) for line in lines[4:10]]
    assert [row[0].partition(":")[0] for row in rows] == ["W1"] * 2 + ["W2"] * 2 + ["kernel alone"] * 2
    assert [row[0].rpartition(", ")[2] for row in rows] == ["uniform", "epsilon-greedy 0.1"] * 3
    for row in rows[:4]:
        assert float(row[1]) > 0
        assert float(row[2]) > 0
        speed, ratio = re.fullmatch(r"([\d.e-]+) \(([\d,]+)x\)", row[3]).groups()
        assert 0 < float(speed) < float(row[2])
        assert int(ratio.replace(",", "")) > 1
    assert [len(row) for row in rows[4:]] == [3, 3]


# --- the comparison ----------------------------------------------------------------------------------------


def test_z_scores_are_normal_and_see_a_difference():
    rng = np.random.default_rng(0)
    scores = [compare.z_score(rng.normal(size=500), rng.normal(size=6)) for _ in range(400)]
    assert abs(np.mean(scores)) < 0.2
    assert 0.9 < np.std(scores) < 1.1
    assert compare.z_score(rng.normal(size=500), rng.normal(1.0, size=100)) > 5
    assert compare.z_score(np.zeros(3), np.zeros(2)) == 0
    assert compare.z_score(np.zeros(3), np.ones(2)) == np.inf


def test_a_peer_that_learns_the_same_gets_its_ratio():
    ours, theirs = race(a_peer(benchmark.run_numpy))
    assert (ours.program, ours.ratio, ours.z, ours.target, ours.verdict) == ("metarl_fast", 1, 0, None, "")
    assert (theirs.program, theirs.title, theirs.tasks_per_run) == ("numpy_loop", "NumPy", 10)
    assert 1 < theirs.ratio_min <= theirs.ratio <= theirs.ratio_max
    assert theirs.updates_per_second == pytest.approx(200 / theirs.seconds_per_task)
    assert 0 < theirs.mean_value < 10
    assert theirs.target == 5000
    assert replace(theirs, ratio=5001).verdict == "ok"
    assert replace(theirs, ratio=4999).verdict == "short"


@pytest.mark.parametrize(
    "changes", [{"learning_rate": 0.15}, {"discount": 0.8}, {"epsilon": 1.0}, {"num_episodes": 15}]
)
def test_a_peer_that_learns_something_else_is_refused(changes):
    work = replace(TINY, epsilon=0.1)
    peer = a_peer(benchmark.run_engine, num_tasks=40, **changes)
    with pytest.raises(compare.Disagreement, match=r"numpy_loop learned .* metarl_fast .* standard errors"):
        race(peer, work)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(compare, "WORKLOADS", (TINY, replace(TINY, name="W2", num_states=8)))
    # Affinity and environment would stay with the tests that follow.
    monkeypatch.setattr(compare, "limit_processors", lambda threads: None)


def test_the_program_prints_a_table_and_writes_files(tiny, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("peers.numpy_loop.MAX_TASKS", 2)
    files = {kind: tmp_path / f"out.{kind}" for kind in ("json", "csv", "png")}
    options = [text for kind, file in files.items() for text in (f"--{kind}", str(file))]
    few = ["--workloads", "W1", "W2", "--peers", "numpy_loop", "--repeats", "2"]
    assert compare.main([*few, *options]) == 0
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert table[0] == "| against | behaviour | W1 | W2 |"
    assert [line.split(" | ")[:2] for line in table[2:]] == [
        [f"| {title}", behaviour]
        for title in ("metarl_fast", "the article's NumPy loop")
        for behaviour in ("uniform", "epsilon-greedy 0.1")
    ]
    for line in table[4:]:
        ratio = r"\*\*[\d,.]+x\*\* \([\d,.]+ to [\d,.]+\), target [\d,]+: (?:ok|short)"
        assert re.fullmatch(rf"\| .* \| .* \| {ratio} \| {ratio} \|", line)

    about = json.loads(files["json"].read_text())
    assert about["threads"] == 2
    assert about["versions"]["numpy"] == np.__version__
    with files["csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(about["results"]) == 2 * 2 * 2
    assert [row["program"] for row in rows] == [result["program"] for result in about["results"]]
    assert all(float(row["seconds_per_task"]) > 0 for row in rows)
    assert files["png"].read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_program_fails_when_a_peer_disagrees(tiny, monkeypatch, capsys):
    monkeypatch.setattr(
        compare, "load_peers", lambda names: a_peer(benchmark.run_engine, num_tasks=40, discount=0.8)
    )
    assert compare.main(["--workloads", "W1", "--repeats", "4"]) == 1
    printed = capsys.readouterr()
    assert "compare.py: numpy_loop learned" in printed.err
    assert not printed.out


def test_a_peer_that_is_not_installed_is_skipped(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "peers.numba_simple", raising=False)
    assert list(compare.load_peers(["numba_simple", "numpy_loop"])) == ["numpy_loop"]
    message = capsys.readouterr().err
    assert message.startswith("skipped numba_simple: ")
    assert "pip install 'metarl-fast[bench]'" in message


def test_every_peer_has_a_file_and_targets_are_of_peers():
    names = {*compare.RANDOM_MDP_PEERS, *compare.FROZEN_LAKE_PEERS}
    files = {file.stem for file in (ROOT / "bench" / "peers").glob("*.py")}
    assert names == files - {"frozen_lake", "jax_devices", "planners"}  # what peers share, and who plans
    assert set(compare.TARGETS) <= names


# --- the peers ---------------------------------------------------------------------------------------------


def race_in_fresh_process(peer, work):
    """In a process of its own: JAX and Numba leave threads behind, which forks and affinity would meet."""
    fresh_process.run(
        f"""
        import sys
        sys.path.insert(0, {str(ROOT / "bench")!r})
        import compare
        from metarl_fast import benchmark
        compare.limit_processors(2)
        peer = compare.load_peers([{peer!r}])
        for work, engine in {work}:
            ours, theirs = compare.compare(work, engine, peer, repeats=2, threads=2)
            assert theirs.program == {peer!r} and theirs.ratio > 0, theirs
        """,
        timeout=300,  # compiling takes 20 s alone, and 110 beside other work
    )


@pytest.mark.parametrize("peer", compare.RANDOM_MDP_PEERS[1:])
def test_the_compiled_peers_learn_the_same(peer):
    library = peer.partition("_")[0]
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    # Short rows and long ones, also in numbers that do not go up; so do the tasks.
    tuned = peer in ("jax_expert", "numba_interleaved")
    sizes = "[(5, 3), (32, 2), (17, 3), (65, 2)]" if tuned else "[(5, 3)]"
    race_in_fresh_process(
        peer,
        f"""[
            (benchmark.Workload("W1", s, a, 2001, num_episodes=50, epsilon=epsilon), benchmark.run_engine)
            for s, a in {sizes} for epsilon in (1.0, 0.1)
        ]""",
    )


@pytest.mark.parametrize("peer", compare.FROZEN_LAKE_PEERS)
def test_the_peers_on_frozen_lake_learn_the_same(peer):
    if peer.startswith("numba") and importlib.util.find_spec("numba") is None:
        pytest.skip("numba is not installed")
    lake = "FrozenLake(num_tasks=65, num_episodes=300, learning_rate=0.5)"
    race_in_fresh_process(
        peer, f"[(lake.{lake}, lake.run_engine) for lake in [__import__('peers.frozen_lake').frozen_lake]]"
    )
