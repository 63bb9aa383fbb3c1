"""The whole job: learn, meta-learn, adapt to held-out tasks, score."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

import metarl_fast as mf
from metarl_fast.experiment import STARTS, Experiment
from metarl_fast.learners import LEARNERS

EPISODES = [0, 1, 2, 5, 10, 20, 50]


def small(family, **settings):
    learner = mf.QLearning(family.num_states, family.num_actions, learning_rate=0.5)
    few = {"training_tasks": 30, "training_episodes": 20, "held_out_tasks": 20, "episodes": (0, 1, 5)}
    few |= {"reptile_iterations": 5, "reptile_episodes": 10}
    return Experiment(family=family, learner=learner, **{**few, **settings})


GRID = mf.GoalGrid(size=4, slip=0.1, horizon=20)


# --- the quickstart ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scores(quickstart):
    """Scores of each start of the quickstart as arrays, by `mean`, `low` and `high`."""
    results = json.loads((quickstart[0] / "results.json").read_text())
    assert results["episodes"] == EPISODES
    return {
        name: {part: np.array(values) for part, values in parts.items()}
        for name, parts in results["scores"].items()
    }


def test_results_hold_every_start_at_every_episode(scores):
    assert list(scores) == ["scratch", "transfer", "average_q", "reptile", "policy_prior", "optimal"]
    for parts in scores.values():
        assert set(parts) == {"mean", "low", "high"}
        assert all(len(values) == len(EPISODES) for values in parts.values())
        assert (parts["low"] <= parts["mean"]).all()
        assert (parts["mean"] <= parts["high"]).all()
        assert (parts["high"] <= 1.0 + 1e-6).all()


def test_scores_begin_where_they_must(scores):
    """Untrained the learner is the random policy, score 0; the optimal table scores 1."""
    assert abs(scores["scratch"]["mean"][0]) < 1e-6
    assert abs(scores["optimal"]["mean"][0] - 1.0) < 1e-6


@pytest.mark.parametrize("start", ["reptile", "policy_prior"])
def test_meta_learned_starts_are_clearly_ahead_and_no_worse_at_the_end(scores, start):
    """Intervals over tasks do not even touch, after 0 to 50 episodes; transfer from one task does worse."""
    assert (scores[start]["low"] > scores["scratch"]["high"]).all()
    early = slice(1, 6)
    assert (scores[start]["mean"][early] > scores["scratch"]["mean"][early] + 0.15).all()
    assert (scores[start]["low"][early] > scores["transfer"]["high"][early]).all()


def test_learning_improves_what_it_starts_from(scores):
    for start in ("scratch", "average_q", "reptile", "policy_prior"):
        assert scores[start]["low"][-1] > scores[start]["high"][0]


def goals(tasks):
    """The goal's cell of each task: where the rewarded transitions lead."""
    outcomes = tasks.outcomes
    rewarded = (outcomes["reward"] > 0) & (outcomes["probability"] > 0)
    found = [np.unique(outcomes["next_state"][task][rewarded[task]]) for task in range(len(tasks))]
    assert all(len(cells) == 1 for cells in found)
    return {divmod(int(cells[0]), 9) for cells in found}


def test_held_out_goals_are_new_and_lie_among_the_training_goals():
    training, held_out = Experiment().tasks()
    seen, new = goals(training), goals(held_out)
    assert len(seen) == 20
    assert len(new) == 5
    assert not seen & new
    for row, column in new:
        around = {(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)}
        assert len(around & seen) >= 3


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
    results = small(family).run()
    assert set(results.scores) == set(STARTS)
    assert results.scores["scratch"].mean[0] == pytest.approx(0.0, abs=1e-6)
    assert results.scores["optimal"].mean[0] == pytest.approx(1.0, abs=1e-6)
    assert all(np.isfinite(found.mean).all() for found in results.scores.values())


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
    assert results.scores["optimal"].mean[0] == pytest.approx(1.0, abs=1e-6)
    results.save(tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())["experiment"]["family"] == described
    context = mf.load(tmp_path / "meta.npz").context
    with pytest.raises(ValueError, match=r"type is '.*', a family of one's own: no file can make it"):
        Experiment.from_table(context)


def test_the_learner_follows_the_family():
    assert Experiment(family=Valley()).learner == replace(Experiment().learner, num_states=3, num_actions=2)


class OwnLearner(mf.QLearning):
    pass


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"family": Valley().sample(3, rng=0)}, TypeError, "family is a Tasks, expected a distribution"),
        ({"family": Valley(), "learner": mf.QLearning(4, 2)}, ValueError, "the learner has 4 states"),
        ({"learner": "Q"}, TypeError, "learner is a str, expected one such as QLearning"),
        ({"learner": OwnLearner(81, 4)}, TypeError, "OwnLearner has no form .* one of .*QLearning"),
        ({"held_out": 1.5}, ValueError, "held_out is 1.5"),
        ({"num_steps": 0}, ValueError, "num_steps is 0"),
    ],
)
def test_what_cannot_be_run_is_refused_when_it_is_described(settings, error, message):
    with pytest.raises(error, match=message):
        Experiment(**settings)


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
    assert small(DividedSigns()).run().scores["optimal"].mean[0] == pytest.approx(1.0, abs=1e-6)


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


@pytest.mark.parametrize("kind", LEARNERS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("behaviour", [{"epsilon": 0.1}, {"temperature": 0.05, "bonus": 0.1}])
def test_the_job_runs_with_any_learner(kind, behaviour):
    table = {**small(GRID).to_config(), "learner": {"type": kind.__name__, **behaviour}}
    experiment = Experiment.from_table(table)
    assert type(experiment.learner) is kind
    assert (experiment.learner.learning_rate, experiment.learner.discount) == (0.5, 0.95)  # as by default
    results = experiment.run()
    assert results.scores["scratch"].mean[0] == pytest.approx(0.0, abs=1e-6)
    assert results.scores["optimal"].mean[0] == pytest.approx(1.0, abs=1e-6)
    assert results.scores["scratch"].mean[-1] > 0.3
    assert results.scores["optimal"].mean[-1] > 0.5


def test_training_explores_whatever_the_learner_does_later():
    experiment = small(GRID)
    greedy = replace(experiment.learner, epsilon=0.0)
    cold = replace(experiment.learner, temperature=1e-6, epsilon=0.0)
    found = [replace(experiment, learner=learner)._training_learner() for learner in (greedy, cold)]
    assert found == [replace(greedy, epsilon=0.5)] * 2


def test_undiscounted_episodes_are_scored_to_their_horizon():
    experiment = small(GRID)
    experiment = replace(experiment, learner=replace(experiment.learner, discount=1.0))
    found = experiment.run().scores
    assert found["scratch"].mean[0] == pytest.approx(0.0, abs=1e-6)
    assert all((interval.mean <= 1.0 + 1e-9).all() for interval in found.values())


def test_what_cannot_be_scored_is_refused_before_the_work():
    endless = small(mf.TaskDistribution(4, 2), num_steps=None)
    endless = replace(endless, learner=replace(endless.learner, discount=1.0))
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
    adapting = [f"adapting from {name}" for name in STARTS]
    assert list(told) == ["learning on training tasks", "reptile", *adapting]
    for reports in told.values():
        assert reports[-1][0] == reports[-1][1]
        assert reports == sorted(reports)


def test_what_progress_raises_ends_the_job():
    def stop(stage, done, total):
        raise LookupError(stage)

    with pytest.raises(LookupError, match="learning on training tasks"):
        small(GRID).run(progress=stop)


def test_settings_come_back_from_their_description():
    experiment = small(mf.GoalGrid(size=5, start=None), seed=4, num_steps=12)
    again = Experiment.from_table(json.loads(json.dumps(experiment.to_config())))
    assert again.to_config() == experiment.to_config()
    assert again.learner == experiment.learner


def test_a_table_replaces_only_what_it_names():
    default = Experiment()
    changed = Experiment.from_table({"seed": 7, "learner": {"epsilon": 0.3}})
    assert changed.seed == 7
    assert changed.learner == replace(default.learner, epsilon=0.3)
    assert changed.family == default.family
    sized = Experiment.from_table({"family": {"type": "GoalGrid", "size": 3}})
    assert (sized.learner.num_states, sized.learner.num_actions) == (9, 4)


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
        ({"episodes": 5}, TypeError, "episodes is 5, expected a list of integers"),
        ({"episodes": [5, 1]}, ValueError, r"episodes are \[5, 1\], expected increasing numbers"),
        ({"family": {"type": "QLearning"}}, ValueError, "family is a QLearning, expected a distribution"),
        ({"family": {"type": "Normal"}}, ValueError, "family is a Normal, expected a distribution"),
        ({"family": "GoalGrid"}, ValueError, "family is a str, expected a distribution over tasks"),
        ({"learner": {"epsilon": 2}}, ValueError, "epsilon is 2.0, expected"),
        ({"learner": {"epsylon": 0.1}}, ValueError, "QLearning has no setting 'epsylon'"),
        ({"learner": {"type": "GoalGrid"}}, ValueError, "learner is a GoalGrid, expected DoubleQLearning"),
        ({"learner": {"type": 3}}, ValueError, "learner is a 3, expected DoubleQLearning, ExpectedSarsa"),
        (
            {"learner": {"type": "Sarsa", "trace_decay": 0.5}},
            ValueError,
            "Sarsa has no setting 'trace_decay'",
        ),
        ({"learner": {"type": "QLambda", "trace_decay": 2}}, ValueError, "trace_decay is 2.0, expected"),
        ({"learner": {"temperature": 0}}, ValueError, "temperature is 0.0, expected"),
        ({"learner": 3}, TypeError, "learner is 3, expected a table"),
        ({"learner": {"num_states": 3}}, ValueError, "the learner has 3 states and 4 actions, the tasks 81"),
    ],
)
def test_wrong_settings_are_refused_with_their_value(table, error, message):
    with pytest.raises(error, match=message):
        Experiment.from_table(table).tasks()


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
    assert meta.learner == results.reptile.learner


def test_the_table_shows_every_start():
    lines = small(GRID).run().table().splitlines()
    assert lines[0].split() == ["score", "after", "episodes", "0", "1", "5"]
    assert [line.split()[0] for line in lines[2:]] == list(STARTS)
    assert all(line.count("±") == 3 for line in lines[2:])


def test_undiscounted_the_optimal_table_is_good_where_a_step_early_or_late_is_alike():
    family = mf.GoalGrid(size=4, horizon=20)
    learner = mf.QLearning(16, 4, learning_rate=0.5, discount=1.0)
    job = Experiment(
        family=family,
        learner=learner,
        training_tasks=20,
        training_episodes=20,
        held_out_tasks=20,
        episodes=(0,),
        reptile_iterations=1,
        reptile_episodes=1,
    )
    assert job.run().scores["optimal"].mean[0] > 0.99
