"""The whole job: learn, meta-learn, adapt to held-out tasks, score."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

import metarl_fast as mf
from metarl_fast.contenders import exploring, optimal_table
from metarl_fast.experiment import Experiment
from metarl_fast.learners import TD_LEARNERS

EPISODES = [0, 1, 2, 5, 10, 20, 50]
NAMES = [
    *("scratch", "tuned_scratch", "tuned_scratch_late"),
    *("transfer", "average_q", "reptile", "policy_prior", "optimal"),
]


def described(family, **settings):
    """Settings of a small job."""
    few = {"splits": 2, "training_tasks": 30, "training_episodes": 20, "held_out_tasks": 20}
    few |= {"episodes": [0, 1, 5], "learner": {"type": "QLearning", "learning_rate": 0.5}}
    return {**few, "family": family, **settings}


def small(family, **settings):
    return Experiment.from_table(described(family, **settings))


def intervals(results):
    comparison = results.comparison
    return {name: comparison.interval(name) for name in comparison.curves}


GRID = mf.GoalGrid(size=4, slip=0.1, horizon=20)


# --- the quickstart ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(quickstart):
    """What the quickstart, reduced, wrote."""
    return json.loads((quickstart[0] / "results.json").read_text())


@pytest.fixture(scope="module")
def scores(results):
    """Scores of each contender as arrays, by `mean`, `low` and `high`."""
    assert results["episodes"] == EPISODES
    return {
        name: {part: np.array(values) for part, values in parts.items()}
        for name, parts in results["scores"].items()
    }


def test_results_hold_every_contender_at_every_episode(scores):
    assert list(scores) == ["scratch", "tuned_scratch", "reptile", "policy_prior", "optimal"]
    for parts in scores.values():
        assert set(parts) == {"mean", "low", "high"}
        assert all(len(values) == len(EPISODES) for values in parts.values())
        assert (parts["low"] <= parts["mean"]).all()
        assert (parts["mean"] <= parts["high"]).all()


def test_scores_begin_where_they_must(scores):
    """Untrained the learner is the random policy, score 0; the optimal table scores 1."""
    for name in ("scratch", "tuned_scratch"):
        assert abs(scores[name]["mean"][0]) < 1e-6
    assert abs(scores["optimal"]["mean"][0] - 1.0) < 1e-6


@pytest.mark.parametrize("start", ["reptile", "policy_prior"])
def test_meta_learned_starts_are_ahead_of_tuned_scratch_and_not_behind_at_the_end(scores, start):
    early = slice(0, 5)
    ahead = scores[start]["mean"] - scores["tuned_scratch"]["mean"]
    assert (ahead[early] > 0.1).all()
    assert (ahead > -0.05).all()  # with a sixth of the quickstart's budget


def test_differences_are_to_the_baseline(results, scores):
    assert list(results["differences"]) == ["scratch", "reptile", "policy_prior", "optimal"]
    for name, parts in results["differences"].items():
        ahead = scores[name]["mean"] - scores["tuned_scratch"]["mean"]
        np.testing.assert_allclose(parts["mean"], ahead, atol=1e-12)


def test_tuned_scratch_has_the_budget_of_the_others(results):
    spent = results["spent"]
    budget = 64 * 200 / 0.75
    assert spent["scratch"] == {"episodes": 0, "candidates": 0, "tuning_episodes": 0}
    for name in ("reptile", "policy_prior"):
        assert spent[name]["episodes"] == 64 * 200
    assert spent["reptile"]["candidates"] == 0  # as its table says
    for name in ("tuned_scratch", "policy_prior"):
        assert 0.8 * budget < spent[name]["episodes"] + spent[name]["tuning_episodes"] <= budget
        assert spent[name]["candidates"] > 1


def test_intervals_over_splits_say_by_how_much_they_are_too_narrow(quickstart):
    """sqrt(1 + 3 * 0.25 / 0.75), three splits that hold out a quarter."""
    assert "Nadeau and Bengio (2003)\nmakes it 1.4 times as wide" in quickstart[1]


def test_scratch_is_tuned_well(results):
    """Another rule than it began with, or other rates: the first candidate is what it began with."""
    begun = results["experiment"]["learner"]
    assert any(learner != begun for learner in results["learners"]["tuned_scratch"])


def goals(tasks):
    """The goal's cell of each task: where the rewarded transitions lead."""
    outcomes = tasks.outcomes
    rewarded = (outcomes["reward"] > 0) & (outcomes["probability"] > 0)
    found = [np.unique(outcomes["next_state"][task][rewarded[task]]) for task in range(len(tasks))]
    assert all(len(cells) == 1 for cells in found)
    return {divmod(int(cells[0]), 9) for cells in found}


def test_held_out_goals_are_new_and_tuning_goals_are_new_to_meta_learners():
    experiment = Experiment.from_table({})
    splits = set()
    for place in range(experiment.splits):
        part = experiment.split(place)
        seen, chosen, new = (
            goals(part.tasks("fitting", 200)),
            goals(part.tasks("tuning", 200)),
            goals(part.held_out),
        )
        assert (len(seen), len(chosen), len(new)) == (14, 5, 6)
        assert len(seen | chosen | new) == 25
        splits.add(frozenset(new))
    assert len(splits) > 4


def test_the_defaults_are_what_the_file_says():
    experiment = Experiment.from_table({})
    assert list(experiment.contenders) == NAMES
    assert experiment.episodes == tuple(EPISODES)
    assert experiment.to_config() == Experiment.from_table(experiment.to_config()).to_config()
    assert "fair case" in experiment.why


# --- other settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "family",
    [
        mf.FrozenLakeMaps(side=4, is_slippery=False),
        mf.TaskDistribution(8, 3, mf.Garnet(2), mf.Normal(0, 1), horizon=15),
        mf.TaskDistribution(5, 2, mf.Dirichlet(0.3), reward_noise=0.1, horizon=15),
        GRID,
    ],
    ids=["maps", "garnet", "dirichlet", "grid"],
)
def test_the_job_runs_on_any_family(family):
    found = intervals(small(family).run())
    assert list(found) == NAMES
    assert found["scratch"].mean[0] == pytest.approx(0.0, abs=1e-6)
    assert found["optimal"].mean[0] == pytest.approx(1.0, abs=1e-6)
    assert all(np.isfinite(interval.mean).all() for interval in found.values())


class Valley(mf.Family):
    """A family of one's own, which no configuration file can make."""

    num_states, num_actions, horizon = 3, 2, 10

    def task(self, rng):
        transitions = np.zeros((3, 2, 3))
        transitions[:, 0, 0] = transitions[:, 1, 2] = 1.0
        return {"transitions": transitions, "rewards": rng.random((3, 2)), "start": 1}


class Flat(Valley):
    def task(self, rng):
        return {**super().task(rng), "rewards": np.full((3, 2), rng.random())}


@dataclass(frozen=True)
class Scaled(Valley):
    scale: float = 2.0
    draw: Callable[..., float] = min


@pytest.mark.parametrize(
    ("family", "described"),
    [
        (Valley(), {"type": f"{__name__}.Valley"}),
        (Scaled(3.0), {"type": f"{__name__}.Scaled", "scale": 3.0}),
    ],
    ids=["class", "dataclass"],
)
def test_a_family_of_ones_own_goes_the_whole_way(family, described, tmp_path):
    results = small(family).run()
    assert intervals(results)["optimal"].mean[0] == pytest.approx(1.0, abs=1e-6)
    results.save(tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())["experiment"]["family"] == described
    context = mf.load(tmp_path / "meta.npz").context
    with pytest.raises(ValueError, match=r"type is '.*', a family of one's own: no file can make it"):
        Experiment.from_table(context)


class OwnLearner(mf.QLearning):
    pass


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"family": Valley().sample(3, rng=0)}, ValueError, "family is a Tasks, expected a distribution"),
        ({"family": Valley(), "learner": mf.QLearning(4, 2)}, ValueError, "the learner has 4 states"),
        ({"learner": "Q"}, TypeError, "learner is 'Q', expected a table"),
        ({"learner": OwnLearner(81, 4)}, TypeError, "OwnLearner has no form .* one of .*QLearning"),
        ({"held_out": 1.5}, ValueError, "held_out is 1.5"),
        ({"num_steps": 0}, ValueError, "num_steps is 0"),
    ],
)
def test_what_cannot_be_run_is_refused_when_it_is_described(settings, error, message):
    with pytest.raises(error, match=message):
        Experiment.from_table(settings)


class Signs(Valley):
    """Two different tasks."""

    signs = (-1.0, 1.0)

    def task(self, rng):
        sign = rng.choice(self.signs)
        outcomes = {s: {a: [(1.0, 2 * a, sign * (s == 2 * a), False)] for a in range(2)} for s in range(3)}
        return {"outcomes": outcomes, "start": 1}


class DividedSigns(Signs):
    def split(self, held_out=0.2):
        parts = Signs(), Signs()
        for part, sign in zip(parts, self.signs, strict=True):
            part.signs = (sign,)
        return parts


def test_a_split_that_does_not_keep_tasks_apart_is_refused():
    told = []
    with pytest.raises(ValueError, match=r"64 of 64 held-out tasks are among .*: give Signs a method split"):
        small(Signs()).run(progress=lambda *report: told.append(report))
    assert not told
    assert intervals(small(DividedSigns()).run())["optimal"].mean[0] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (Flat(), "the random policy is optimal on all 20 tasks: nothing can be learned"),
        (mf.TaskDistribution(4, 2), "these tasks have no horizon: give num_steps"),
    ],
)
def test_what_cannot_be_learned_is_refused_before_the_work(family, message):
    told = []
    with pytest.raises(ValueError, match=message):
        small(family).run(progress=lambda *report: told.append(report))
    assert not told


@pytest.mark.parametrize("kind", TD_LEARNERS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("behaviour", [{"epsilon": 0.1}, {"temperature": 0.05, "bonus": 0.1}])
def test_the_job_runs_with_any_learner(kind, behaviour):
    experiment = small(GRID, learner={"type": kind.__name__, **behaviour})
    assert type(experiment.learner) is kind
    assert (experiment.learner.learning_rate, experiment.learner.discount) == (0.5, 0.95)  # as by default
    found = intervals(experiment.run())
    assert found["scratch"].mean[0] == pytest.approx(0.0, abs=1e-6)
    assert found["optimal"].mean[0] == pytest.approx(1.0, abs=1e-6)
    assert found["scratch"].mean[-1] > 0.3


def test_training_explores_whatever_the_learner_does_later():
    learner = mf.QLearning(learning_rate=0.5)
    greedy, cold = learner.replace(epsilon=0.0), learner.replace(temperature=1e-6, epsilon=0.0)
    assert [exploring(each) for each in (greedy, cold)] == [learner.replace(epsilon=0.5)] * 2
    assert exploring(learner.replace(epsilon=0.7)).epsilon == 0.7


def test_undiscounted_episodes_are_scored_to_their_horizon():
    found = intervals(small(GRID, learner={"discount": 1.0}).run())
    assert found["scratch"].mean[0] == pytest.approx(0.0, abs=1e-6)
    assert all((interval.mean <= 1.0 + 1e-9).all() for interval in found.values())


def test_what_cannot_be_scored_is_refused_before_the_work():
    endless = small(mf.TaskDistribution(4, 2), learner={"discount": 1.0})
    told = []
    with pytest.raises(ValueError, match="these tasks have no horizon"):
        endless.run(progress=lambda *report: told.append(report))
    assert not told


def test_results_depend_on_the_seed_and_not_on_the_threads():
    def text(seed, num_threads):
        return json.dumps(small(GRID, seed=seed).run(num_threads=num_threads).to_json()["scores"])

    assert text(seed=3, num_threads=2) == text(seed=3, num_threads=1) != text(seed=4, num_threads=1)


def test_progress_tells_each_stage_to_its_end():
    told = {}
    small(GRID).run(progress=lambda stage, done, total: told.setdefault(stage, []).append((done, total)))
    assert list(told) == [
        "preparing on split 1 of 2",
        "preparing on split 2 of 2",
        "adapting to held-out tasks",
    ]
    for reports in told.values():
        assert reports[-1][0] == reports[-1][1]
        assert reports == sorted(reports)


def test_what_progress_raises_ends_the_job():
    def stop(stage, done, total):
        raise LookupError(stage)

    with pytest.raises(LookupError, match="preparing on split 1"):
        small(GRID).run(progress=stop)


def test_of_one_split_goals_are_the_units():
    """Tasks that share a goal say nothing of others."""
    comparison = small(GRID, splits=1).run().comparison
    assert len(set(comparison.clusters)) < 20
    expected = mf.bootstrap_mean(comparison.scores["reptile"], clusters=comparison.clusters)
    np.testing.assert_array_equal(comparison.interval("reptile").low, expected.low)


def test_only_optimal_looks_at_the_held_out_tasks():
    """What contenders are does not change with the tasks that they are held against."""
    found = [small(GRID, held_out_tasks=count).run().prepared for count in (5, 20)]
    for name in NAMES[:-1]:
        few, many = (prepared[name] for prepared in found)
        assert [part.learner for part in few] == [part.learner for part in many]
    assert [part.spent.episodes + part.spent.tuning_episodes for part in found[0]["optimal"]] == [0, 0]


def test_settings_come_back_from_their_description():
    experiment = small(mf.GoalGrid(size=5, start=None), seed=4, num_steps=12)
    again = Experiment.from_table(json.loads(json.dumps(experiment.to_config())))
    assert again.to_config() == experiment.to_config()
    assert again.learner == experiment.learner
    assert again.contenders == experiment.contenders


def test_a_meta_learner_inside_another_is_a_table_and_a_contender_that_fails_is_named():
    inner = {"type": "EmpiricalBayes", "inner_held_out": 0.0}
    settings = {"type": "SlidingWindow", "meta": inner, "window": 3}
    experiment = small(GRID, contenders={"window": settings}, baseline=None, save=None)
    assert experiment.contenders["window"].meta().meta == mf.EmpiricalBayes(inner_held_out=0.0)
    again = Experiment.from_table(json.loads(json.dumps(experiment.to_config())))
    assert again.contenders == experiment.contenders
    with pytest.raises(TypeError, match=r"meta is GoalGrid\(.*, expected a meta-learner"):
        small(GRID, contenders={"window": {**settings, "meta": {"type": "GoalGrid"}}})
    maml = {"type": "Maml", "learner": {"type": "QLambda"}}
    with pytest.raises(ValueError, match=r"contenders\.maml: learners of two tables or of traces"):
        small(GRID, contenders={"maml": maml}, baseline=None, save=None).run()


def test_a_table_replaces_only_what_it_names():
    default = Experiment.from_table({})
    changed = Experiment.from_table({"seed": 7, "learner": {"epsilon": 0.3}, "tuning": {"epsilon": [0.0]}})
    assert changed.seed == 7
    assert changed.learner == replace(default.learner, epsilon=0.3)
    assert changed.family == default.family
    assert changed.space() == {**default.space(), "epsilon": [0.0]}
    assert changed.why == default.why
    assert not Experiment.from_table({"family": {"type": "GoalGrid"}}).why


def test_contenders_of_a_file_replace_those_of_the_quickstart():
    table = {
        "contenders": {
            "mine": {"type": "Scratch", "tuned": False, "learner": {"type": "Sarsa", "epsilon": 0.2}},
            "meta": {"type": "Reptile", "step_size": 0.5, "num_iterations": 3, "num_episodes": 7},
            "average": {"type": "AverageQ", "num_tasks": 5, "tuned_for": [1, 5]},
        }
    }
    experiment = small(GRID, **table)
    assert list(experiment.contenders) == ["mine", "meta", "average"]
    assert experiment.contenders["mine"].learner == mf.Sarsa(learning_rate=0.5, epsilon=0.2)
    assert (experiment.save, experiment.baseline) == ("meta", "mine")
    results = experiment.run()
    spent = {name: parts[0].spent for name, parts in results.prepared.items()}
    assert spent["meta"].episodes == 3 * 30 * 7  # there are fewer tasks than a meta-batch has
    assert spent["average"].episodes == 5 * (30 * 20 // 5)
    assert "minus mine" in results.text()
    alone = small(GRID, contenders={"meta": {"type": "Reptile"}})
    assert (alone.save, alone.baseline) == ("meta", None)


def test_a_planner_with_a_learned_prior_is_a_contender_of_a_file():
    """It has no table, and tuning would put a learner that has one in its place."""
    contenders = {
        "mine": {"type": "Scratch", "tuned": False},
        "bayes": {"type": "EmpiricalBayes", "tasks_per_iteration": 30},
    }
    results = small(GRID, contenders=contenders).run()
    for part in results.prepared["bayes"]:
        assert isinstance(part.learner, mf.PosteriorPlanner)
        assert part.learner.prior is not None
        assert part.spent.candidates == 0
    assert results.to_json()["learners"]["bayes"][0]["type"] == "PosteriorPlanner"


def test_scores_are_by_the_discount_that_was_asked_for_whatever_is_tuned():
    contenders = {
        "mine": {"type": "Scratch", "tuned": False},
        "five": {"type": "Tuned", "num_random": 32, "num_iterations": 1, "tuned": False},
    }
    results = small(GRID, contenders=contenders, seed=1).run()
    assert any(part.learner.discount != 0.95 for part in results.prepared["five"])
    assert "five" in results.text()


def test_contenders_that_want_different_things_are_refused_when_the_file_is_read():
    contenders = {
        "mine": {"type": "Scratch"},
        "short_sighted": {"type": "Scratch", "learner": {"discount": 0.5}},
    }
    expected = "contenders.short_sighted is 0.5, that of contenders.mine 0.95, expected the same"
    with pytest.raises(ValueError, match=expected):
        small(GRID, contenders=contenders)
    both = {name: {**entry, "learner": {"discount": 0.5}} for name, entry in contenders.items()}
    assert small(GRID, contenders=both).discount() == 0.5


def test_bandits_are_described_in_a_file_too():
    """Of the space of tuning those hyper-parameters are used that the learners named have."""
    bandits = {"type": "TaskDistribution", "num_states": 1, "num_actions": 3, "horizon": 5}
    tuning = {"type": ["UCB1"], "reward_range": [0.5, 1.0]}
    table = described(bandits, learner={"type": "UCB1"}, tuning=tuning)
    experiment = Experiment.from_table({**table, "contenders": {"mine": {"type": "Scratch"}}})
    assert experiment.space() == {"type": (mf.UCB1,), "reward_range": [0.5, 1.0]}
    (first, _) = experiment.run().prepared["mine"]
    assert isinstance(first.learner, mf.UCB1)
    assert first.spent.candidates > 1


def test_files_of_before_keep_working():
    experiment = small(GRID, reptile_iterations=5, reptile_episodes=10)
    assert experiment.contenders["reptile"].fit == {"num_iterations": 5, "num_episodes": 10}


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ({"sead": 1}, ValueError, "there is no setting 'sead', expected some of family, learner"),
        ({"seed": -1}, ValueError, "seed is -1, expected at least 0"),
        ({"seed": 1.5}, TypeError, "seed is 1.5, expected an integer"),
        ({"training_tasks": 0}, ValueError, "training_tasks is 0, expected at least 1"),
        ({"training_tasks": "many"}, TypeError, "training_tasks is 'many', expected an integer"),
        ({"held_out": 2.0}, ValueError, "held_out is 2.0, expected"),
        ({"episodes": []}, ValueError, r"episodes are \[\], expected increasing numbers"),
        ({"episodes": [0, "five"]}, TypeError, "episodes is 'five', expected an integer"),
        ({"splits": 0}, ValueError, "splits is 0, expected at least 1"),
        ({"save": "me"}, ValueError, "save is 'me', expected one of scratch, tuned_scratch"),
        ({"baseline": "me"}, ValueError, "baseline is 'me', expected one of scratch, tuned_scratch"),
        ({"contenders": {}}, ValueError, "contenders is empty, expected at least one table"),
        ({"contenders": {"a": 3}}, TypeError, "contenders.a is 3, expected a table"),
        (
            {"contenders": {"a": {"type": "Reptil"}}},
            ValueError,
            "the type of contenders.a is 'Reptil', expected Scratch, Optimal, .*; did you mean Reptile",
        ),
        (
            {"contenders": {"a": {"type": "Reptile", "stepsize": 1}}},
            ValueError,
            "contenders.a has no setting 'stepsize', expected .*; did you mean step_size",
        ),
        (
            {"contenders": {"a": {"type": "Reptile", "step_size": 2}}},
            ValueError,
            "step_size is 2.0, expected a number above 0",
        ),
        (
            {"contenders": {"a": {"type": "Scratch", "num_episodes": 2}}},
            ValueError,
            "contenders.a has no setting 'num_episodes'",
        ),
        ({"contenders": {"a": {"type": "Scratch", "tuned": 3}}}, TypeError, "contenders.a.tuned is 3"),
        (
            {"contenders": {"a": {"type": "Scratch", "tuned_for": "first"}}},
            ValueError,
            "contenders.a.tuned_for is 'first', expected 'all', 'last' or a list of episodes",
        ),
        (
            {"contenders": {"a": {"type": "Scratch", "learner": {"type": "Q"}}}},
            ValueError,
            "contenders.a.learner is a Q, expected Actor",
        ),
        (
            {"contenders": {"a": {"type": "Scratch"}}, "reptile_iterations": 3},
            ValueError,
            "no setting 'reptile_iterations' beside contenders: write num_iterations into the table of one",
        ),
        ({"tuning": {"share": 1}}, ValueError, "tuning.share is 1.0, expected"),
        ({"tuning": {"type": ["Q"]}}, ValueError, "tuning.type holds 'Q', expected Actor"),
        ({"tuning": {"epsilon": 3}}, TypeError, "tuning.epsilon is 3"),
        ({"episodes": 5}, TypeError, "episodes is 5, expected a list of integers"),
        ({"episodes": [5, 1]}, ValueError, r"episodes are \[5, 1\], expected increasing numbers"),
        ({"family": {"type": "QLearning"}}, ValueError, "family is a QLearning, expected a distribution"),
        ({"family": {"type": "Normal"}}, ValueError, "family is a Normal, expected a distribution"),
        ({"family": "GoalGrid"}, ValueError, "family is a str, expected a distribution over tasks"),
        ({"learner": {"epsilon": 2}}, ValueError, "epsilon is 2.0, expected"),
        ({"learner": {"epsylon": 0.1}}, ValueError, "QLambda has no setting 'epsylon'"),
        ({"learner": {"type": "GoalGrid"}}, ValueError, "learner is a GoalGrid, expected Actor"),
        (
            {"learner": {"type": 3}},
            ValueError,
            "learner is a 3, expected ActorCritic, CommittedThompson, DoubleQ",
        ),
        (
            {"learner": {"type": "Sarsa", "trace_decay": 0.5}},
            ValueError,
            "Sarsa has no setting 'trace_decay'",
        ),
        ({"learner": {"type": "QLambda", "trace_decay": 2}}, ValueError, "trace_decay is 2.0, expected"),
        ({"learner": {"temperature": 0}}, ValueError, "temperature is 0.0, expected"),
        ({"learner": 3}, TypeError, "learner is 3, expected a table"),
        ({"learner": {"num_states": 3}}, ValueError, "the learner has 3 states, the tasks 81 and 4"),
    ],
)
def test_wrong_settings_are_refused_with_their_value(table, error, message):
    with pytest.raises(error, match=message):
        Experiment.from_table(table).split(0)


def test_saving_leaves_nothing_else_and_replaces_what_was_there(tmp_path):
    results = small(GRID).run()
    folder = tmp_path / "deep" / "down"
    for _ in range(2):
        results.save(folder)
    assert {file.name for file in folder.iterdir()} == {"results.json", "meta.npz"}
    assert json.loads((folder / "results.json").read_text()) == results.to_json()
    # Both are for everybody to read who may read new files.
    (folder / "other").write_text("")
    modes = {file.name: file.stat().st_mode for file in folder.iterdir()}
    assert len(set(modes.values())) == 1
    meta = mf.load(folder / "meta.npz")
    assert isinstance(meta.meta, mf.Reptile)
    assert meta.context == results.experiment.to_config()
    assert meta.learner == results.prepared["reptile"][0].learner


def test_the_text_shows_scores_differences_and_budgets():
    parts = small(GRID).run().text().split("\n\n")
    names = [name.replace("_", " ") for name in NAMES]
    scores, differences, budgets, units = parts
    for part, shown in (
        (scores, names),
        (differences, [n for n in names if n != "tuned scratch"]),
        (budgets, names),
    ):
        lines = part.splitlines()[2:]
        assert [line[:20].strip() for line in lines] == shown
    assert all(line.count("±") == 3 for line in scores.splitlines()[2:])
    assert "1,500" in budgets or "600" in budgets
    assert units.startswith("2 splits into training and held-out tasks, 20 held-out tasks")


def test_undiscounted_the_optimal_table_is_good_where_a_step_early_or_late_is_alike():
    table = optimal_table(mf.GoalGrid(size=4, horizon=20).sample(20, rng=0), 1.0, None, None)
    tasks = mf.GoalGrid(size=4, horizon=20).sample(20, rng=0)
    limits = mf.bounds(tasks, 1.0, horizon=20)
    assert mf.score(tasks, mf.greedy_policy(table), limits).min() > 0.99
