"""What bench/scaling.py says is what it measured, and beside the right target."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import scaling
from metarl_fast import benchmark
from metarl_fast.benchmark import Laps, Workload

TINY = Workload("W1", 5, 3, 40, num_episodes=4)


def options(*arguments):
    return scaling.parse(["--quick", "--repeats", "3", *arguments])


@pytest.fixture
def laps(monkeypatch):
    """Let races end with the given seconds for each task instead of being run."""

    def pretend(**seconds):
        def race(programs, repeats):
            assert set(programs) == {name[1:] for name in seconds}
            return {name[1:]: Laps(np.array(found), np.zeros(1)) for name, found in seconds.items()}

        monkeypatch.setattr(benchmark, "race", race)

    return pretend


def test_a_finding_passes_at_its_target_and_falls_short_beyond():
    fast = scaling.Finding("threads", 1.9, "x", 1.9, at_least=True)
    small = scaling.Finding("memory", 200, " MB", 200, at_least=False)
    assert fast.verdict == small.verdict == "pass"
    assert replace(fast, value=1.89).verdict == replace(small, value=201).verdict == "short"
    assert replace(fast, value=None).verdict == "not yet"
    assert re.fullmatch(r"threads +1\.9x   at least 1\.9x +pass", str(fast))
    assert re.fullmatch(r"memory +-   at most 200 MB +not yet", str(replace(small, value=None)))


def test_a_run_is_repeated_on_other_tasks_until_enough_are_done():
    values, policy = scaling.learn(TINY, 3, 1, enough_tasks=100)
    assert policy.shape == (120, 5)
    assert (values == policy[:, 0]).all()
    first, second, third = np.split(policy, 3)
    assert (first != second).any()
    assert (second != third).any()
    once = scaling.learn(TINY, 3, 2)
    assert (once.policy == first).all()
    assert (scaling.learn(TINY, 4, 2).policy != first).any()


def test_threads_are_compared_within_each_turn(laps, monkeypatch):
    monkeypatch.setattr(scaling, "thread_count", lambda: 6)
    laps(t1=[2e-6, 4e-6, 8e-6], t2=[1e-6, 4e-6, 2e-6], t4=[1e-6] * 3, t6=[2e-6] * 3)
    (found,) = scaling.threads(options())
    assert [point["threads"] for point in found.points] == [1, 2, 4, 6]
    assert [point["times_one_thread"] for point in found.points] == [1, 2, 4, 2]
    assert [point["updates_per_second"] for point in found.points] == [
        pytest.approx(5000 / seconds) for seconds in (4e-6, 2e-6, 1e-6, 2e-6)
    ]
    assert (found.value, found.target, found.verdict) == (2, 1.9, "pass")


def test_one_processor_cannot_say_what_two_would_do(monkeypatch):
    monkeypatch.setattr(scaling, "thread_count", lambda: 1)
    (found,) = scaling.threads(options())
    assert found.value is None
    assert found.details == "one processor is all there is"


def test_the_cost_of_an_update_is_flat_within_ten_percent(laps):
    laps(t10=[5e-6] * 3, t100=[5.4e-6] * 3, t1000=[5.2e-6] * 3, t10000=[5e-6] * 3)
    (found,) = scaling.sizes(options())
    assert found.value == pytest.approx(8)
    assert found.verdict == "pass"
    assert found.points[1] == {"tasks": 100, "nanoseconds": pytest.approx(1.08)}
    laps(t10=[5e-6] * 3, t100=[5.6e-6] * 3, t1000=[5.2e-6] * 3, t10000=[5e-6] * 3)
    assert scaling.sizes(options())[0].verdict == "short"


def test_drawing_is_a_share_of_a_hundred_updates(laps):
    laps(t1000=[2e-6, 2e-6, 9e-6], t100=[1e-6, 2e-6, 4e-6], t0=[4e-7, 6e-7, 1.6e-6])
    speed, share = scaling.adaptation(options())
    assert speed.value == pytest.approx(500_000)
    assert share.value == pytest.approx(40)
    assert (speed.verdict, share.verdict) == ("pass", "pass")


def test_a_fresh_process_does_not_count_what_its_parent_holds():
    held = np.ones(50_000_000)  # 400 MB
    found = scaling.in_fresh_process("huge_task", 10, 1)
    assert 10e6 < found["peak"] < 300e6
    assert found["seconds"] > 0
    assert scaling.peak_memory() > held.nbytes


def test_what_cannot_be_run_is_said_and_what_is_wrong_is_raised(monkeypatch, capsys):
    def program(error):
        def raising(*sizes):
            raise error

        return raising

    monkeypatch.setattr(scaling, "huge_task", program(MemoryError("80 TB")))
    scaling.alone("huge_task", 10, 1)
    printed = json.loads(capsys.readouterr().out)
    assert printed == {"not_yet": "refused: 80 TB"}
    monkeypatch.setattr(scaling, "in_fresh_process", lambda *_: printed)
    (found,) = scaling.implicit(options())
    assert (found.verdict, found.details) == ("not yet", "refused: 80 TB")
    monkeypatch.setattr(scaling, "huge_task", program(TypeError("unsupported operand")))
    with pytest.raises(TypeError, match="unsupported operand"):
        scaling.alone("huge_task", 10, 1)


def test_the_program_prints_a_verdict_for_each_question_and_writes_json(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(scaling, "thread_count", lambda: 2)
    assert scaling.main(["--quick", "--repeats", "1", "--json", str(tmp_path / "out.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    verdicts = [line for line in lines if re.search(r" at (least|most) .* (pass|short|not yet)$", line)]
    written = json.loads((tmp_path / "out.json").read_text())
    assert [
        line[: len(row["question"])] for line, row in zip(verdicts, written["findings"], strict=True)
    ] == [row["question"] for row in written["findings"]]
    assert (
        len(written["findings"]) == len(scaling.QUESTIONS) + 3
    )  # two of them about adaptation, three about histories
    assert [line.rsplit("  ", 1)[1] for line in verdicts] == [row["verdict"] for row in written["findings"]]
    assert written["threads"] == 2
    assert written["build"]["isa"] in lines[0]


def test_wrong_options_are_refused(capsys):
    for wrong in (["--repeats", "0"], ["--threads", "0"], ["--only", "nothing"]):
        with pytest.raises(SystemExit):
            scaling.main(wrong)
    assert "--repeats and --threads are to be at least 1" in capsys.readouterr().err
