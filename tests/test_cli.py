"""The command metarl-fast."""

import importlib.metadata
import json
import os
import re
import struct
import subprocess
import sys

import numpy as np
import pytest

import metarl_fast as mf
from building import run
from metarl_fast import experiment
from metarl_fast.cli import main
from metarl_fast.config import read_table
from metarl_fast.experiment import default_table

SMALL = """
splits = 2
training_tasks = 30
training_episodes = 20
held_out_tasks = 20
episodes = [0, 1, 5]
reptile_iterations = 5
reptile_episodes = 10
"""
NAMES = [
    *("scratch", "tuned_scratch", "tuned_scratch_late"),
    *("transfer", "average_q", "reptile", "policy_prior", "optimal"),
]
GRID = SMALL + '[family]\ntype = "GoalGrid"\nsize = 4\nslip = 0.1\n'


@pytest.fixture
def config(tmp_path):
    """A function that writes a configuration file and returns its path as text."""

    def write(text):
        path = tmp_path / "settings.toml"
        path.write_text(text)
        return str(path)

    return write


def succeed(capsys, *arguments):
    """Run the command in this process; return what it printed."""
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr()


def fail(capsys, *arguments):
    """Run the command, which must fail with status 1 and one line of text; return the line."""
    assert main([str(argument) for argument in arguments]) == 1
    printed = capsys.readouterr()
    message = printed.err.strip().splitlines()[-1]
    assert message.startswith("metarl-fast: ")
    assert "Traceback" not in printed.err
    assert not printed.out
    return message


# --- quickstart --------------------------------------------------------------------------------------------


def test_quickstart_prints_a_table_and_says_what_it_wrote(quickstart):
    folder, output, errors = quickstart
    assert {file.name for file in folder.iterdir()} == {"results.json", "meta.npz", "adaptation.png"}
    lines = output.splitlines()
    assert lines[0].split() == ["score", "after", "episodes", "0", "1", "2", "5", "10", "20", "50"]
    results = json.loads((folder / "results.json").read_text())
    for line, (name, parts) in zip(lines[2:7], results["scores"].items(), strict=True):
        assert line.startswith(name.replace("_", " "))
        cells = line.removeprefix(name.replace("_", " ")).split()
        assert [float(cell) for cell in cells[::2]] == [round(mean, 3) for mean in parts["mean"]]
    assert "3 splits into training and held-out tasks, 32 held-out tasks" in output
    for name in ("results.json", "meta.npz", "adaptation.png"):
        assert f"quickstart/{name}" in output
    assert "preparing on split 1 of 3" in errors
    assert "100%" not in output  # the bar is not part of the output


def test_quickstart_draws_a_picture(quickstart):
    picture = (quickstart[0] / "adaptation.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert picture.rstrip().endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", picture[16:24])
    assert 800 <= width <= 2000
    assert 500 <= height <= 1500
    assert 20_000 < len(picture) < 1_000_000


def test_what_the_quickstart_learned_is_read_back(quickstart, capsys):
    folder, *_ = quickstart
    meta = mf.load(folder / "meta.npz")
    assert meta.learner.initial_q.shape == (81, 4)
    assert meta.context == json.loads((folder / "results.json").read_text())["experiment"]

    printed = succeed(capsys, "adapt", folder / "meta.npz", "--tasks", 100, "--episodes", 5, 0)
    head, _, scratch, reptile = printed.out.splitlines()
    assert head.split() == ["score", "after", "episodes", "0", "5"]
    assert scratch.split()[0] == "scratch"
    assert reptile.split()[0] == "Reptile"
    assert float(scratch.split()[1]) == 0.0
    assert float(reptile.split()[1]) > 0.1


def test_quickstart_is_what_the_packaged_file_says(config, tmp_path, capsys, monkeypatch):
    """The command takes the packaged file, here a small one in its place, and the seed."""
    small, whole = read_table(config(GRID)), default_table()
    few = {
        name: small[name] for name in ("training_tasks", "training_episodes", "held_out_tasks", "episodes")
    }
    monkeypatch.setattr(experiment, "default_table", lambda: {**whole, **few, "splits": 2})
    printed = succeed(capsys, "quickstart", "--out", tmp_path / "out", "--seed", 3)
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert list(results["scores"]) == NAMES
    assert results["experiment"]["seed"] == 3
    assert "Why this is a fair case" in printed.out
    assert "next: metarl-fast adapt" in printed.out


# --- train -------------------------------------------------------------------------------------------------

FAMILIES = {
    "maps": '[family]\ntype = "FrozenLakeMaps"\nside = 4\n[learner]\ndiscount = 0.99\n',
    "garnet": """
[family]
type = "TaskDistribution"
num_states = 8
num_actions = 3
horizon = 15
transitions = {type = "Garnet", branching = 2}
rewards = {type = "Normal", mean = 0.0, std = 1.0}
""",
    "grid": """
num_steps = 25
[family]
type = "GoalGrid"
size = [4, 5]
walls = [".....", ".##..", ".....", "....."]
goals = {type = "Cells", cells = [[0, 4], [3, 0], [3, 4], [1, 4]]}
[learner]
type = "QLearning"
epsilon = 0.2
""",
}


@pytest.mark.parametrize("family", FAMILIES)
def test_train_runs_the_job_on_the_family_of_a_file(family, config, tmp_path, capsys):
    file = config(SMALL + FAMILIES[family])
    printed = succeed(capsys, "train", "--config", file, "--out", tmp_path / "out", "--seed", 5)
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["experiment"]["seed"] == 5
    assert results["episodes"] == [0, 1, 5]
    assert all(len(parts["mean"]) == 3 for parts in results["scores"].values())
    assert "20 held-out tasks" in printed.out
    assert (tmp_path / "out" / "adaptation.png").stat().st_size > 20_000
    succeed(capsys, "adapt", tmp_path / "out" / "meta.npz", "--tasks", 10)


def test_train_without_further_settings_is_the_quickstart(config, tmp_path, capsys):
    """The quickstart's family and learner, at a size that does not take long."""
    succeed(capsys, "train", "--config", config(SMALL), "--out", tmp_path / "out")
    experiment = json.loads((tmp_path / "out" / "results.json").read_text())["experiment"]
    assert experiment["family"]["size"] == [9, 9]
    assert experiment["seed"] == 0


def test_the_same_bytes_on_any_number_of_threads_and_every_instruction_set(config, tmp_path):
    file = config(GRID)
    isas = mf.build_info()["available_isas"]
    written = []
    for number, isa in enumerate(isas if len(isas) > 1 else isas * 2):  # both change from run to run
        out = tmp_path / str(number)
        command = [sys.executable, "-m", "metarl_fast", "train", "--config", file, "--out", out]
        run(*command, METARL_FAST_ISA=isa, OMP_NUM_THREADS=str(1 + number % 2))
        written.append((out / "results.json").read_bytes() + (out / "meta.npz").read_bytes())
    assert len(written) >= 2
    assert len(set(written)) == 1


# --- errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = \n", "settings.toml does not parse"),
        ("sead = 1\n", "there is no setting 'sead', expected some of family"),
        ('seed = "one"\n', "seed is 'one', expected an integer"),
        ("training_tasks = 0\n", "training_tasks is 0, expected at least 1"),
        ("episodes = 3\n", "episodes is 3, expected a list of integers"),
        ('[family]\ntype = "GoalGird"\n', "type is 'GoalGird', expected one of"),
        ('[family]\ntype = "GoalGrid"\nsise = 4\n', "GoalGrid has no setting 'sise', expected some of size"),
        ('[family]\ntype = "GoalGrid"\nsize = "big"\n', "size is 'big'"),
        ('[family]\ntype = "GoalGrid"\nslip = "often"\n', "slip is 'often', expected a number"),
        ('[family]\ntype = "TaskDistribution"\nnum_states = 4\n', "TaskDistribution needs num_actions"),
        (SMALL + '[family]\ntype = "TaskDistribution"\nnum_states = 4\nnum_actions = 2\n', "num_steps"),
        ("[learner]\nepsilon = 2.0\n", "epsilon is 2.0, expected"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(text, message, config, tmp_path, capsys):
    assert message in fail(capsys, "train", "--config", config(text), "--out", tmp_path / "out")
    assert not list(tmp_path.glob("out/*"))


def test_files_that_are_missing_or_foreign_are_named(tmp_path, capsys):
    foreign = tmp_path / "foreign.npz"
    np.savez(foreign, numbers=np.arange(3))
    text = tmp_path / "text.npz"
    text.write_text("not an archive")
    assert "nowhere.toml" in fail(capsys, "train", "--config", tmp_path / "nowhere.toml")
    assert "nowhere.npz" in fail(capsys, "adapt", tmp_path / "nowhere.npz")
    assert "foreign.npz is not a file of metarl_fast settings" in fail(capsys, "adapt", foreign)
    assert "text.npz is not a file of metarl_fast settings" in fail(capsys, "adapt", text)


def test_a_table_without_its_tasks_cannot_be_adapted_from(tmp_path, capsys):
    mf.save(tmp_path / "meta.npz", mf.QLearning(4, 2))
    assert "does not say which tasks it is for" in fail(capsys, "adapt", tmp_path / "meta.npz")


def test_numbers_out_of_range_are_refused(tmp_path, capsys):
    assert "seed is -1" in fail(capsys, "quickstart", "--out", tmp_path / "a", "--seed", -1)
    assert "num_threads is 0" in fail(capsys, "quickstart", "--out", tmp_path / "b", "--threads", 0)


def test_a_folder_that_cannot_be_is_refused_before_the_work(config, tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    message = fail(capsys, "train", "--config", config(GRID), "--out", tmp_path / "taken")
    assert "taken" in message


@pytest.mark.parametrize("name", ["results.json", "meta.npz", "adaptation.png"])
def test_a_file_that_cannot_be_written_is_found_out_before_the_work(
    name, config, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(experiment.Experiment, "run", None)  # no work may begin
    (tmp_path / "out" / name).mkdir(parents=True)
    message = fail(capsys, "train", "--config", config(GRID), "--out", tmp_path / "out")
    assert f"Is a directory: '{tmp_path}/out/{name}'" in message


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            GRID + "[learner]\nepsilon = 0.1\ndiscuont = 0.9\n",
            (),
            "has no setting 'discuont', .*; did you mean dis",
        ),
        (
            GRID + "[learner]\nepsilon = 0.1\ndiscount = 9\n",
            (),
            "discount is 9.0, expected a number from 0 to 1",
        ),
        (GRID, ("--threads", 0), "num_threads is 0"),
        ("held_out = 1\n" + GRID, (), "held_out is 1.0"),
    ],
)
def test_nothing_is_done_before_all_is_checked(text, options, message, config, tmp_path, capsys):
    found = fail(capsys, "train", "--config", config(text), "--out", tmp_path / "out", *options)
    assert re.search(message, found)
    assert not (tmp_path / "out").exists()


def test_an_unknown_instruction_set_is_refused(config, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("METARL_FAST_ISA", "sse9")
    message = fail(capsys, "train", "--config", config(GRID), "--out", tmp_path / "out")
    assert "METARL_FAST_ISA=sse9 is not available here; choose from base" in message
    fail(capsys, "info")


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["train"], ["quickstart", "--seed", "x"], ["info", "more"]]
)
def test_arguments_that_make_no_sense_end_with_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: metarl-fast" in capsys.readouterr().err


# --- without optional libraries ----------------------------------------------------------------------------


def test_without_matplotlib_all_but_the_picture_is_there(config, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    printed = succeed(capsys, "train", "--config", config(GRID), "--out", tmp_path / "out")
    assert "no picture: this needs matplotlib: install it with" in printed.err
    assert "metarl-fast[plot]" in printed.err
    assert "adaptation.png" not in printed.out
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"results.json", "meta.npz"}


def test_without_tqdm_each_stage_is_a_line(config, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    printed = succeed(capsys, "train", "--config", config(GRID), "--out", tmp_path / "out")
    lines = printed.err.splitlines()
    assert lines[0] == (
        "no progress bar: this needs tqdm: install it with `pip install 'metarl-fast[progress]'`"
    )
    stages = ["preparing on split 1 of 2", "preparing on split 2 of 2", "adapting to held-out tasks"]
    assert lines[1:] == [f"{stage} ..." for stage in stages]


def test_without_gymnasium_its_maps_say_what_to_install(config, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    for module in [name for name in sys.modules if name.startswith("gymnasium.")]:
        monkeypatch.setitem(sys.modules, module, None)
    file = config(SMALL + FAMILIES["maps"])
    message = fail(capsys, "train", "--config", file, "--out", tmp_path / "out")
    assert "install it with `pip install 'metarl-fast[gym]'`" in message


# --- info and the rest -------------------------------------------------------------------------------------


def test_info_says_what_was_built_and_what_is_used(capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    lines = succeed(capsys, "info").out.splitlines()
    told = {line[:16].strip(): line[16:].strip() for line in lines}
    info = mf.build_info()
    assert told["version"] == mf.__version__
    assert told["compiler"] == info["compiler"]
    assert told["isa"] == info["isa"]
    assert told["available isas"].split(", ") == info["available_isas"]
    assert told["openmp"] == str(info["openmp"])
    assert told["num threads"] == "3"


def test_it_runs_as_a_module_and_is_installed_as_a_command(tmp_path):
    for command in ([sys.executable, "-m", "metarl_fast"], ["metarl-fast"]):
        output, _ = run(*command, "--version", folder=tmp_path)
        assert output == f"metarl-fast {mf.__version__}\n"
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="metarl-fast")
    assert script.load() is main


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "ascii:strict", "utf-8"])
def test_a_terminal_without_the_signs_shows_the_results(encoding, config, tmp_path):
    command = [sys.executable, "-m", "metarl_fast", "train", "--config", config(GRID), "--out", "out"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(
        command, capture_output=True, cwd=tmp_path, env=environment, timeout=300, check=False
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    lines = done.stdout.decode(encoding.partition(":")[0]).splitlines()
    sign = "?" if encoding.startswith("ascii") else "±"
    assert [line[:20].strip().replace(" ", "_") for line in lines[2:10]] == NAMES
    assert lines[2].count(sign) == 3
    assert (tmp_path / "out" / "results.json").read_bytes().decode("utf-8").startswith("{")


@pytest.mark.parametrize("errors", ["2>&-", "2>/dev/full"])
def test_where_progress_cannot_be_shown_the_work_goes_on(errors, config, tmp_path):
    command = f'"{sys.executable}" -m metarl_fast train --config "{config(GRID)}" --out out {errors}'
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, cwd=tmp_path, timeout=300, check=False)
    assert done.returncode == 0
    assert b"wrote" in done.stdout
    assert (tmp_path / "out" / "meta.npz").exists()


def test_an_output_that_is_full_is_an_error_in_one_line(tmp_path):
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "metarl_fast", "info"]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"metarl-fast: [Errno 28] No space left on device\n"


def test_a_reader_that_goes_away_is_no_error_of_ours(tmp_path):
    """As in `metarl-fast info | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "metarl_fast", "info"]
    done = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60, check=False
    )
    os.close(writer)
    assert done.returncode == 1
    assert done.stderr == b""
