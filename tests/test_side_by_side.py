"""`metarl-fast compare`: all contenders side by side."""

import copy
import json

import pytest

import metarl_fast as mf
import where_it_helps
from metarl_fast import side_by_side
from metarl_fast.cli import main
from metarl_fast.config import read_toml
from metarl_fast.contenders import size_of_values
from metarl_fast.experiment import Experiment
from metarl_fast.meta import meta_batch, model_meta
from metarl_fast.seeding import child

CONTENDERS = [
    *("tuned_scratch", "transfer", "pooled", "fine_tuning", "average_q", "max_q_init"),
    *("reptile", "maml", "policy_prior", "tuned", "tied_q", "empirical_bayes", "optimal"),
]
SMALL = """
splits = 2
training_tasks = 10
training_episodes = 16
held_out_tasks = 10
episodes = [0, 1, 5]
tuning = { candidates = 3, tasks = 4 }
"""


def test_the_command_prints_and_draws_all_contenders_side_by_side(tmp_path, capsys):
    settings, out = tmp_path / "small.toml", tmp_path / "out"
    settings.write_text(SMALL)
    arguments = [
        "compare",
        "--family",
        "GoalGrid",
        "size=4",
        "horizon=9",
        "--config",
        str(settings),
        "--out",
        str(out),
    ]
    assert main(arguments) == 0
    scores, differences, ledger, *_ = capsys.readouterr().out.split("\n\n")
    names = [name.replace("_", " ") for name in CONTENDERS]
    for text, head, expected in (
        (scores, "score after episodes", names),
        (differences, "minus tuned scratch", names[1:]),
        (ledger, "score after 5", names),
    ):
        first, _, *rows = text.splitlines()
        assert head in first
        for row, name in zip(rows, expected, strict=False):
            assert row.startswith(name + " ")
    assert "episodes to 90%" in ledger
    assert (out / "adaptation.png").read_bytes().startswith(b"\x89PNG")
    assert list(json.loads((out / "results.json").read_text())["scores"]) == CONTENDERS
    assert isinstance(mf.load(out / "meta.npz").learner, mf.PosteriorPlanner)


def test_the_benchmark_of_families_prints_its_page_and_keeps_its_figures(tmp_path, capsys, monkeypatch):
    settings = {**side_by_side.default_table(), **read_toml(SMALL)}
    settings["tuning"]["scaled"] = True
    monkeypatch.setattr(side_by_side, "default_table", lambda: copy.deepcopy(settings))
    monkeypatch.setattr(where_it_helps, "FAMILIES", {"grid": mf.GoalGrid(3, horizon=8)})
    monkeypatch.setattr(where_it_helps, "MANY", 5)
    arguments = [
        "--splits",
        "2",
        "--json",
        str(tmp_path / "figures.json"),
        "--plot",
        str(tmp_path / "all.png"),
    ]
    where_it_helps.main(arguments)
    first = capsys.readouterr().out
    heads = [line for line in first.splitlines() if line.startswith("### ")]
    assert heads[0] == "### Within 5 episodes: where the best meta-learner is furthest ahead"
    assert len(heads) == 6
    assert sum(line.startswith("| grid | ") for line in first.splitlines()) == 6
    figures = json.loads((tmp_path / "figures.json").read_text())["grid"]
    assert list(figures["scores"]) == list(figures["earned"]) == CONTENDERS
    assert figures["paired"]["tuned_scratch"]["mean"] == [0.0, 0.0, 0.0]
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
    where_it_helps.main(arguments)  # nothing is run again
    assert capsys.readouterr().out == first
    with pytest.raises(SystemExit, match="no family has 'door' in its name: grid"):
        where_it_helps.main(["--only", "door"])


def test_a_file_takes_the_place_of_the_defaults():
    found = side_by_side.experiment(mf.GoalGrid(4), {"splits": 2, "tuning": {"candidates": 3}})
    assert list(found.contenders) == CONTENDERS
    assert (found.splits, found.tuning["candidates"], found.tuning["scaled"]) == (2, 3, True)
    own = {"family": {"type": "GoalGrid", "size": 3}, "contenders": {"mine": {"type": "AverageQ"}}}
    found = side_by_side.experiment(None, own)
    assert (found.family, list(found.contenders), found.baseline) == (mf.GoalGrid(3), ["mine"], None)
    with pytest.raises(ValueError, match="there is no family: name one"):
        side_by_side.experiment(None, {})


def test_scaled_values_are_in_units_of_how_large_values_are():
    """Ten times the reward changes nothing but the unit."""
    base = mf.TaskDistribution.garnet(5, 2, 2, horizon=10)
    scores = []
    for scale in (1.0, 16.0):
        family = mf.TaskDistribution(5, 2, mf.Garnet(2), mf.Normal(0.0, scale), horizon=10, start=base.start)
        table = {"type": "Scratch", "learner": {"epsilon": 0.0}}
        tuning = {"candidates": 12, "tasks": 8, "scaled": True, "type": ["QLearning"]}
        settings = Experiment.from_table(
            {
                **{"family": family, "contenders": {"scratch": table}, "tuning": tuning, "episodes": [0, 5]},
                **{"training_tasks": 16, "training_episodes": 30, "held_out_tasks": 20},
            }
        )
        results = settings.run()
        learner = results.prepared["scratch"][0].learner
        tasks = settings.split(0).tasks("whole", 8)
        assert learner.initial_q / size_of_values(tasks, 0.95, None, None) in mf.tuning.SPACE["initial_q"]
        scores.append(results.comparison.scores["scratch"])
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)


def test_costs_are_the_episodes_that_fit_takes(monkeypatch):
    """Counted where learners live: in `train`."""
    tasks, learner, counted = mf.GoalGrid(3).sample(30, rng=0), mf.QLearning(), []

    def counting(module):
        train = module.train

        def call(contender, batch, num_episodes, *rest, **more):
            counted.append(len(batch) * num_episodes * more.get("num_runs", 1))
            return train(contender, batch, num_episodes, *rest, **more)

        monkeypatch.setattr(module, "train", call)

    for module in (meta_batch, model_meta):
        counting(module)
    for meta, iterations in (
        (mf.AverageQ(tasks_per_iteration=7), None),
        (mf.Reptile(tasks_per_iteration=7), 3),
        (mf.Tuned(tasks_per_iteration=7, num_random=5, num_pairs=2), 3),
        (mf.LearnedUpdate(num_pairs=2), 3),
        (mf.ChangeDetecting(meta=mf.Reptile()), None),
        (mf.ChangeDetecting(meta=mf.LearnedUpdate(num_pairs=2), tasks_per_iteration=4), 3),
    ):
        counted.clear()
        meta.fit(tasks, learner, 4, num_iterations=iterations, rng=0)
        assert sum(counted) == meta.cost(len(tasks), 4, iterations)
    different = mf.TaskDistribution(3, 2, horizon=4).sample(30, rng=child(0, 1))
    for meta in (mf.EmpiricalBayes(), mf.EmpiricalBayes(experience=3), mf.EmpiricalBayes(inner_held_out=0)):
        counted.clear()
        meta.fit(different, learner, 4, rng=0)
        assert sum(counted) == meta.cost(len(different), 4)
