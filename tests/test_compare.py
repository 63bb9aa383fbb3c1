"""Contenders on common tasks: scores against `adapt`, intervals against NumPy and `bootstrap_mean`."""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

import metarl_fast as mf
from bits import assert_same_bits

GRID = mf.GoalGrid(size=4, slip=0.1, horizon=20)
TASKS = GRID.sample(25, rng=0)
EPISODES = (0, 1, 5)
SCRATCH = mf.QLearning(16, 4, learning_rate=0.5)
HOPEFUL = mf.QLambda(16, 4, learning_rate=0.5, initial_q=0.5)


@pytest.fixture(scope="module")
def pair():
    return mf.compare({"scratch": SCRATCH, "hopeful": HOPEFUL}, TASKS, EPISODES, rng=3)


@dataclass(frozen=True)
class Fitted:
    """What a meta-learner's fit returns, as far as `compare` looks at it."""

    learner: Any


def members(count):
    return [replace(HOPEFUL, initial_q=0.2 * (k + 1)) for k in range(count)]


# --- what each contender does ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [lambda: 3, lambda: np.random.SeedSequence(3)])
@pytest.mark.parametrize("num_runs", [None, 2])
def test_each_contender_does_what_adapt_does(seed, num_runs):
    found = mf.compare(
        {"scratch": SCRATCH, "hopeful": Fitted(HOPEFUL)}, TASKS, EPISODES, rng=seed(), num_runs=num_runs
    )
    for name, learner in (("scratch", SCRATCH), ("hopeful", HOPEFUL)):
        alone = mf.adapt(learner, TASKS, EPISODES, rng=seed(), num_runs=num_runs)
        assert_same_bits(found.scores[name], alone.scores)
        assert_same_bits(found.returns[name], alone.returns)
        interval, expected = found.interval(name), alone.interval()
        for end in ("mean", "low", "high"):
            assert_same_bits(getattr(interval, end), getattr(expected, end))


@pytest.mark.parametrize("rng", [None, np.random.default_rng(5)])
def test_contenders_share_their_random_numbers_whatever_the_seed(rng):
    found = mf.compare({"a": SCRATCH, "b": SCRATCH}, TASKS, EPISODES, rng=rng)
    assert_same_bits(found.returns["a"], found.returns["b"])
    zero = found.difference("a", "b")
    assert not zero.mean.any()
    assert not (zero.high - zero.low).any()


def test_members_of_a_list_each_adapt_to_the_same_tasks():
    found = mf.compare({"scratch": SCRATCH, "meta": members(3)}, TASKS, EPISODES, rng=3)
    assert found.scores["meta"].shape == (3, 25, 3)
    for k, learner in enumerate(members(3)):
        assert_same_bits(found.scores["meta"][k], mf.adapt(learner, TASKS, EPISODES, rng=3).scores)


def test_members_adapt_to_the_batch_of_their_place():
    batches = [GRID.sample(25, rng=k) for k in range(3)]
    found = mf.compare({"scratch": SCRATCH, "meta": members(3)}, batches, EPISODES, rng=3)
    assert found.scores["scratch"].shape == found.scores["meta"].shape == (3, 25, 3)
    for k, (learner, batch) in enumerate(zip(members(3), batches, strict=True)):
        start = mf.adapt(learner, batch, EPISODES, rng=0).scores[:, 0]  # before there is anything random
        assert_same_bits(found.scores["meta"][k, :, 0], start)
    # Scratch and the member of one batch meet the same random numbers; two batches do not.
    twins = mf.compare({"a": SCRATCH, "b": [SCRATCH] * 2}, [TASKS, TASKS], EPISODES, rng=3)
    assert_same_bits(twins.returns["a"], twins.returns["b"])
    assert (twins.returns["a"][0] != twins.returns["a"][1]).any()


def test_policies_are_scored_for_the_discount_asked_for():
    found = mf.compare(
        {"a": SCRATCH, "b": replace(SCRATCH, discount=0.9)}, TASKS, EPISODES, rng=3, discount=0.99
    )
    limits = mf.bounds(TASKS, 0.99, horizon=np.inf)
    alone = mf.adapt(replace(SCRATCH, discount=0.9), TASKS, EPISODES, rng=3, limits=limits)
    assert_same_bits(found.scores["b"], alone.scores)
    undiscounted = mf.compare({"a": replace(SCRATCH, discount=1.0)}, TASKS, EPISODES, rng=3)
    assert_same_bits(
        undiscounted.scores["a"], mf.adapt(replace(SCRATCH, discount=1.0), TASKS, EPISODES, rng=3).scores
    )


def test_bandits_are_contenders_like_any_other():
    means = np.random.default_rng(0).random((40, 1, 5))
    bandits = mf.from_arrays(np.ones((40, 1, 5, 1)), means, horizon=20, reward_noise=0.3)
    learners = {"UCB1": mf.UCB1(), "scratch": mf.QLearning(discount=1.0)}
    found = mf.compare(learners, bandits, EPISODES, rng=0, discount=1.0)
    assert found.difference("UCB1", "scratch").low[-1] > 0.1
    assert found.difference("UCB1", "scratch", "returns").low[-1] > 0.5


def test_results_do_not_depend_on_the_threads():
    one, two = (
        mf.compare({"a": SCRATCH, "b": members(2)}, TASKS, EPISODES, rng=3, num_threads=n).to_json()
        for n in (1, 2)
    )
    assert one == two


# --- intervals ---------------------------------------------------------------------------------------------


def test_differences_are_paired_by_task(pair):
    found = pair.difference("hopeful", "scratch")
    differences = pair.scores["hopeful"] - pair.scores["scratch"]
    expected = mf.bootstrap_mean(differences)
    np.testing.assert_allclose(found.mean, differences.mean(axis=0), rtol=1e-12)
    moved = differences[:, 1:]  # before learning nothing differs
    low, high = stats.t.interval(0.95, 24, moved.mean(axis=0), stats.sem(moved, axis=0))
    np.testing.assert_allclose(found.low[1:], low, rtol=1e-9)
    np.testing.assert_allclose(found.high[1:], high, rtol=1e-9)
    for end in ("mean", "low", "high"):
        assert_same_bits(getattr(found, end), getattr(expected, end))
    back = pair.difference("scratch", "hopeful")
    np.testing.assert_allclose(back.mean, -found.mean)
    np.testing.assert_allclose(back.low, -found.high, rtol=1e-9, atol=1e-15)


def test_clusters_of_tasks_are_the_units_where_there_is_one_member():
    labels = GRID.clusters(TASKS)
    found = mf.compare({"a": SCRATCH, "b": HOPEFUL}, TASKS, EPISODES, rng=3, clusters=labels, confidence=0.9)
    expected = mf.bootstrap_mean(found.scores["b"] - found.scores["a"], clusters=labels, confidence=0.9)
    for end in ("low", "high"):
        assert_same_bits(getattr(found.difference("b", "a"), end), getattr(expected, end))


@pytest.mark.parametrize("several", [False, True])
def test_members_are_the_units_where_there_are_several(several):
    tasks = [GRID.sample(25, rng=k) for k in range(4)] if several else TASKS
    found = mf.compare({"scratch": SCRATCH, "meta": members(4)}, tasks, EPISODES, rng=3)
    differences = found.scores["meta"] - found.scores["scratch"]
    for interval, values in (
        (found.interval("meta"), found.scores["meta"]),
        (found.difference("meta", "scratch"), differences),
    ):
        means = values.mean(axis=1)[:, 1:]  # before learning nothing differs
        low, high = stats.t.interval(0.95, 3, means.mean(axis=0), stats.sem(means, axis=0))
        np.testing.assert_allclose(interval.mean[1:], means.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(interval.low[1:], low, rtol=1e-9)
        np.testing.assert_allclose(interval.high[1:], high, rtol=1e-9)


def test_tasks_where_nothing_can_be_learned_are_left_out():
    transitions = np.zeros((2, 2, 2))
    transitions[:, 0, 0] = transitions[:, 1, 1] = 1.0
    rewards = np.zeros((3, 2, 2))
    rewards[0, :, 1] = rewards[2, 0, 1] = 1.0  # the second task's rewards are all alike
    tasks = mf.from_arrays(np.stack([transitions] * 3), rewards, horizon=5)
    learner = mf.QLearning(2, 2, learning_rate=0.5)
    found = mf.compare({"a": learner, "b": [learner] * 3}, tasks, EPISODES, rng=0)
    assert np.isnan(found.scores["a"][1]).all()
    kept = found.scores["a"][[0, 2]]
    np.testing.assert_allclose(found.interval("a").mean, kept.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.interval("b").mean, kept.mean(axis=0), rtol=1e-12)


def test_members_without_pairs_have_no_difference():
    found = mf.compare({"a": members(2), "b": members(3)}, TASKS, (0, 1), rng=0)
    with pytest.raises(ValueError, match="'a' has 2 members and 'b' 3: there are no pairs"):
        found.difference("a", "b")


def test_summaries_and_improvement_have_the_units_of_intervals(pair):
    labels = GRID.clusters(TASKS)
    one = replace(pair, clusters=labels)
    found, column = one.summary(1), pair.scores["hopeful"][:, 1, None]
    expected = mf.interquartile_mean(column, clusters=labels)
    assert_same_bits(found.interquartile_mean["hopeful"].low, expected.low)
    assert found.mean["hopeful"].mean == pair.interval("hopeful").mean[1]
    wins = one.improvement("hopeful", "scratch", 1)
    other = pair.scores["scratch"][:, 1, None]
    assert_same_bits(
        wins.high, mf.probability_of_improvement(column, other, paired=True, clusters=labels).high
    )

    several = mf.compare({"scratch": SCRATCH, "meta": members(3)}, TASKS, EPISODES, rng=3)
    scores, alone = several.scores["meta"][:, :, -1], several.scores["scratch"][None, :, -1]
    assert_same_bits(several.summary().optimality_gap["meta"].low, mf.optimality_gap(scores).low)
    assert_same_bits(
        several.improvement("meta", "scratch").low, mf.probability_of_improvement(scores, alone).low
    )
    batches = [GRID.sample(25, rng=k) for k in range(3)]
    apart = mf.compare({"scratch": SCRATCH, "meta": members(3)}, batches, EPISODES, rng=3)
    wins = apart.scores["meta"][..., 1] > apart.scores["scratch"][..., 1]
    ties = apart.scores["meta"][..., 1] == apart.scores["scratch"][..., 1]
    np.testing.assert_allclose(apart.improvement("meta", "scratch", 1).mean, (wins + 0.5 * ties).mean())
    with pytest.raises(ValueError, match=r"after is 3, expected one of the episodes \[0, 1, 5\]"):
        pair.summary(3)


def test_a_summary_prints_as_a_table(pair):
    summary = pair.summary(1)
    head, _, line, _ = str(summary).splitlines()
    assert head.split() == ["after", "1", "episodes", "mean", "interquartile", "mean", "optimality", "gap"]
    gap = summary.optimality_gap["scratch"]
    assert line.endswith(f"{gap.mean:.3f} [{gap.low:.3f}, {gap.high:.3f}]")
    assert repr(summary) == "Summary(scratch, hopeful; after 1 episodes)"


def test_episodes_to_a_share_are_those_from_which_on_the_mean_is_above_it(pair):
    scores = np.array([[0.0, 0.7, 0.4, 0.6, 0.95]] * 2)
    curve = mf.AdaptationCurve((0, 1, 2, 5, 9), scores, np.zeros((2, 9)))
    found = replace(pair, episodes=curve.episodes, curves={"a": (curve,)})
    assert [found.episodes_to(share)["a"] for share in (0.0, 0.5, 0.9, 0.96)] == [0, 5, 9, None]
    for share in (0.3, 0.9):
        for name, first in pair.episodes_to(share).items():
            enough = pair.scores[name].mean(axis=0) >= share
            assert first == next((e for e, good in zip(EPISODES, enough, strict=True) if good), None)


def test_profiles_are_drawn_where_there_are_scores(pair):
    axes = pair.plot_profiles(1)
    assert [line.get_label() for line in axes.get_lines()] == ["scratch", "hopeful"]
    scores = pair.scores["scratch"][:, 1]
    line = axes.get_lines()[0]
    shares = [(scores > threshold).mean() for threshold in line.get_xdata()]
    np.testing.assert_allclose(line.get_ydata(), shares, rtol=1e-12)
    own = Figure().subplots()
    assert pair.plot_profiles(ax=own) is own


# --- what is shown -----------------------------------------------------------------------------------------


def test_the_table_shows_means_and_half_widths(pair):
    head, rule, *lines = pair.table().splitlines()
    assert head.split() == ["score", "after", "episodes", "0", "1", "5"]
    assert set(rule) == {"-"}
    for line, name in zip(lines, ("scratch", "hopeful"), strict=True):
        found = pair.interval(name)
        cells = zip(found.mean, (found.high - found.low) / 2, strict=True)
        assert line.split() == [name, *" ".join(f"{mean:.3f} ±{half:.3f}" for mean, half in cells).split()]


def test_the_table_of_differences_has_signs_and_leaves_itself_out(pair):
    head, _, line = pair.table(minus="scratch").splitlines()
    assert head.split()[:2] == ["minus", "scratch"]
    found = pair.difference("hopeful", "scratch")
    assert [float(cell) for cell in line.split()[1::2]] == [round(mean, 3) for mean in found.mean]
    assert line.split()[3].startswith("+")


def test_the_table_of_returns_has_those_of_the_episodes_before(pair):
    head, _, line, _ = pair.table("returns").splitlines()
    assert head.split() == ["return", "in", "episode", "1", "5"]
    earned = pair.returns["scratch"].mean(axis=0)
    assert [float(cell) for cell in line.split()[1::2]] == [round(earned[k], 3) for k in (0, 4)]


def test_json_has_the_form_of_results(pair):
    table = json.loads(json.dumps(pair.to_json()))
    assert table["episodes"] == [0, 1, 5]
    assert list(table["scores"]) == ["scratch", "hopeful"]
    for name, parts in table["scores"].items():
        found = pair.interval(name)
        assert parts == {end: getattr(found, end).tolist() for end in ("mean", "low", "high")}
    single = mf.compare({"a": SCRATCH}, TASKS[0], EPISODES, rng=0).to_json()
    assert single["scores"]["a"]["low"] == [None] * 3


def test_repr_is_a_line(pair):
    assert repr(pair) == "Comparison(scratch, hopeful; 25 tasks, episodes [0, 1, 5])"


def test_a_plot_has_a_line_a_contender_and_opens_no_window(pair):
    axes = pair.plot()
    assert isinstance(axes.figure, Figure)
    for line, name in zip(axes.get_lines(), ("scratch", "hopeful"), strict=True):
        assert line.get_label() == name
        np.testing.assert_array_equal(line.get_ydata(), pair.interval(name).mean)
    assert {text.get_text() for text in axes.texts} == {"scratch", "hopeful"}
    own = Figure().subplots()
    assert pair.plot("returns", ax=own) is own
    np.testing.assert_array_equal(own.get_lines()[0].get_xdata(), range(1, 6))


def test_names_beside_the_curves_do_not_overlap():
    found = mf.compare({f"c{k}": HOPEFUL for k in range(9)}, TASKS, EPISODES, rng=0)
    heights = sorted(text.xyann[1] for text in found.plot().texts)
    assert min(np.diff(heights)) > 0.05
    assert heights[-1] <= 1.0


def test_progress_counts_all_tasks_of_all_contenders():
    told = []
    mf.compare(
        {"a": SCRATCH, "b": members(2)}, TASKS, EPISODES, rng=0, progress=lambda *report: told.append(report)
    )
    assert told[-1] == (75, 75)
    assert told == sorted(told)
    assert {total for _, total in told} == {75}


# --- what is refused ---------------------------------------------------------------------------------------

FLAT = mf.from_arrays(np.ones((2, 2, 2)) / 2, np.ones((2, 2)), horizon=5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"contenders": {}}, ValueError, "contenders is empty, expected at least one"),
        ({"contenders": SCRATCH}, TypeError, r"contenders is QLearning\(.*, expected a dict"),
        ({"contenders": {3: SCRATCH}}, TypeError, "a contender's name is 3, expected text"),
        (
            {"contenders": {"a": "Q"}},
            TypeError,
            "contender 'a' is a str, expected a learner such",
        ),
        ({"contenders": {"a": []}}, ValueError, "contender 'a' is an empty list, expected its members"),
        ({"contenders": {"a": mf.QLearning(3, 2)}}, ValueError, "the learner has 3 states and 2 actions"),
        (
            {"contenders": {"a": SCRATCH, "b": replace(SCRATCH, discount=0.5)}},
            ValueError,
            r"the contenders have the discounts \[0.5, 0.95\]: say for which .* discount=",
        ),
        ({"tasks": 3}, TypeError, "tasks is a int, expected Tasks"),
        ({"tasks": []}, ValueError, "tasks is an empty list, expected a batch for each split"),
        ({"tasks": TASKS[:0]}, ValueError, "there are no tasks to compare on"),
        ({"tasks": [TASKS, TASKS[:3]]}, ValueError, r"the batches have \[25, 3\] tasks, expected as many"),
        (
            {"contenders": {"a": members(3)}, "tasks": [TASKS, TASKS]},
            ValueError,
            "contender 'a' has 3 members for 2 batches of tasks, expected one for each, or one for all",
        ),
        (
            {"contenders": {"a": mf.QLearning(2, 2)}, "tasks": FLAT},
            ValueError,
            "the random policy is optimal on all 1 tasks: nothing can be learned",
        ),
        ({"episodes": (5, 1)}, ValueError, r"episodes are \[5, 1\], expected increasing numbers"),
        ({"discount": 1.5}, ValueError, "discount is 1.5, expected"),
        ({"clusters": [0, 1]}, ValueError, r"clusters has shape \(2,\), expected \(25,\)"),
        ({"confidence": 1}, ValueError, r"confidence is 1\.0, expected below 1"),
        ({"rng": -1}, ValueError, "rng is -1"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_the_work(arguments, error, message):
    told = []
    good = {"contenders": {"a": SCRATCH}, "tasks": TASKS, "episodes": EPISODES, "rng": 0}
    with pytest.raises(error, match=message):
        mf.compare(**{**good, **arguments}, progress=lambda *report: told.append(report))
    assert not told


def test_unknown_names_and_measures_are_refused_with_those_there_are(pair):
    with pytest.raises(ValueError, match="there is no contender 'reptile', expected scratch, hopeful"):
        pair.difference("reptile", "scratch")
    with pytest.raises(ValueError, match="of is 'regret', expected 'scores' or 'returns'"):
        pair.interval("scratch", "regret")
