"""Families, laws and learners to and from the tables of a file."""

import json

import numpy as np
import pytest

import golden
import metarl_fast as mf
from metarl_fast.config import _TYPES, from_config, read_table, to_config
from metarl_fast.learners import LEARNERS, Learner
from metarl_fast.listing import concrete
from metarl_fast.meta import METAS

DESCRIBED = [
    *golden.FAMILIES.values(),
    *(kind() for kind in concrete(vars(mf), mf.FixedTask)),
    mf.TaskDistribution(10, 5),
    mf.TaskDistribution(
        6, 2, mf.Dirichlet(0.5), mf.Normal(1.0, 2.0), start=mf.Uniform(), reward_noise=0.5, horizon=20
    ),
    mf.TaskDistribution(
        8, 3, mf.Garnet(2), mf.Fixed([[1.0, 2.0, 3.0]] * 8), start=(0.5, 0.5, 0, 0, 0, 0, 0, 0)
    ),
    mf.FourRooms(),
    mf.GoalGrid(),
    mf.GoalGrid(size=(3, 4), walls=("....", ".#..", "...."), goals=mf.Cells(((0, 3), (2, 3)), (1.0, 2.0))),
    mf.GoalGrid(size=6, goals=mf.Region((0, 3), (2, 6)), start=None, slip=0.2, step_reward=-0.1),
    mf.FrozenLakeMaps(side=5, is_slippery=False, part="held_out"),
    mf.FrozenLakeMaps().split(0.5)[0].split(0.3)[1],
    mf.FrozenLakeMaps().split(0.5, rng=1)[0].split(0.3, rng=2)[1],
    mf.GoalGrid(4, wall_density=0.2).split()[1].split(0.5, rng=3)[0],
    mf.FamilyPart(mf.GoalGrid(4), (5, 50)).split()[1],
    mf.TaskDistribution(4, 2).split()[1].split()[0],
    mf.QLearning(4, 3, learning_rate=0.3, epsilon=0.5, epsilon_decay=0.9, initial_q=1.0),
    mf.Sarsa(4, 3, temperature=0.5, temperature_decay=0.9, temperature_min=0.1),
    mf.ExpectedSarsa(4, 3, bonus=0.5),
    mf.DoubleQLearning(4, 3, discount=0.5),
    mf.QLambda(4, 3, trace_decay=0.5),
    mf.SarsaLambda(4, 3, trace_decay=1.0, temperature=2.0),
    *(kind() for kind in LEARNERS),
    mf.QLearning(learning_rate=0.3),
    mf.Sarsa(initial_q=mf.Table([[0.5, 1.0]] * 3)),
]


@pytest.mark.parametrize("value", DESCRIBED, ids=lambda value: type(value).__name__)
def test_what_json_keeps_comes_back_equal(value):
    config = to_config(value)
    assert config["type"] == type(value).__name__
    again = from_config(json.loads(json.dumps(config)))
    assert type(again) is type(value)
    assert to_config(again) == config
    if isinstance(value, Learner):
        assert again == value
    if isinstance(value, mf.Family):
        first, second = (family.sample(3, rng=0) for family in (value, again))
        np.testing.assert_array_equal(first.transitions, second.transitions)
        np.testing.assert_array_equal(first.rewards, second.rewards)
        np.testing.assert_array_equal(first.start, second.start)


PARTS = [
    mf.Anywhere(),
    mf.Cells(((0, 1),)),
    mf.Region((0, 1), (0, 2)),
    mf.Dirichlet(2.0),
    mf.Fixed(1.5),
    mf.Garnet(3),
    mf.Linear(1.0, 0.1, 100),
    mf.ListedFeatures([[0, 1], [2, 1]], [[0.5, -1.0], [1.0, 0.0]]),
    mf.LogUniform(0.01, 1.0),
    mf.Normal(0.0, 1.0),
    mf.Table([[[0.0, 0.5]], [[-1.0, 1e300]]]),
    mf.TaskLibrary([2.0], [[[[1.0]]]], [[[[0]]]], [[[[0.5]]]], [[[[1]]]], [0.0], [[[0.5]]], 0.9),
    mf.TaskPrior([[0, 1]], [[0], [-1]], [[1.0], [0.0]], "pair", [0.0, 1.0], [0.5], [2.0]),
    *(kind(tasks_per_iteration=7) for kind in METAS),
    mf.RandomTiles((3, 4), (1, 2), 3, 5),
    mf.TileCoding((3, 4), (2, 1), 2),
    mf.Reptile(step_size=0.5),
    mf.MaxQInit(optimal=True),
    mf.Uniform(-1.0, 1.0),
]


@pytest.mark.parametrize("value", PARTS, ids=lambda value: type(value).__name__)
def test_laws_come_back_equal(value):
    assert from_config(to_config(value)) == value


def test_every_family_law_and_learner_has_a_form():
    """What files can name is read off the lists of families and learners; each is tried above."""
    assert set(_TYPES) == {type(value).__name__ for value in [*DESCRIBED, *PARTS]}
    assert {kind.__name__ for kind in LEARNERS} < set(_TYPES)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"type": "GoalGird"}, "type is 'GoalGird', expected one of .*GoalGrid"),
        ({"size": 5}, "type is None"),
        ({"type": "GoalGrid", "sise": 5}, "GoalGrid has no setting 'sise', expected some of size, walls"),
        ({"type": "GoalGrid", "sise": 5}, "; did you mean size[?]"),
        ({"type": "GoalGird"}, "; did you mean GoalGrid[?]"),
        ({"type": ["GoalGrid"]}, r"type is \['GoalGrid'\], expected one of"),
        (
            {"type": "GoalGrid", "goals": {"type": "Regoin"}},
            "type is 'Regoin', expected one of Anywhere, Cells, Region; did you mean Region[?]$",
        ),
        (
            {"type": "TaskDistribution", "transitions": {"type": "Normal"}},
            "type is 'Normal', expected one of Dirichlet, Garnet, Uniform",
        ),
        (
            {"type": "FamilyPart", "family": {"type": "QLearning"}},
            "expected one of AnyMdp, ",
        ),
        ({"type": "Garnet"}, "Garnet needs branching"),
        ({"type": "GoalGrid", "goals": {"type": "Region", "rows": [0, 2]}}, "Region needs columns"),
        ({"type": "TaskDistribution", "num_states": 4}, "TaskDistribution needs num_actions"),
    ],
)
def test_a_wrong_table_is_refused_with_what_is_expected(config, message):
    with pytest.raises(ValueError, match=message):
        from_config(config)


def test_a_table_where_a_plain_value_belongs_is_refused():
    with pytest.raises(TypeError, match="found a table of type 'Normal', expected a plain value"):
        from_config({"type": "QLearning", "discount": {"type": "Normal"}})


def test_further_arguments_are_of_the_outermost_class():
    learner = from_config({"type": "QLearning", "epsilon": 0.2}, num_states=3, num_actions=2)
    assert learner == mf.QLearning(3, 2, epsilon=0.2)


def test_what_has_no_form_is_refused():
    with pytest.raises(TypeError, match="complex has no form in a configuration file"):
        to_config([1.0, 2j])


def test_a_class_of_ones_own_is_not_taken_for_one_of_the_same_name():
    class GoalGrid(mf.GoalGrid):
        pass

    described = to_config(GoalGrid(3))
    assert described == {**to_config(mf.GoalGrid(3)), "type": f"{__name__}.{GoalGrid.__qualname__}"}
    with pytest.raises(ValueError, match="a family of one's own: no file can make it"):
        from_config(described)


def test_toml_and_json_files_say_the_same(tmp_path):
    toml, text = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text('seed = 3\nepisodes = [0, 5]\n[family]\ntype = "GoalGrid"\nsize = [4, 5]\n')
    text.write_text('{"seed": 3, "episodes": [0, 5], "family": {"type": "GoalGrid", "size": [4, 5]}}')
    assert read_table(toml) == read_table(str(text)) == json.loads(text.read_text())
    marked = tmp_path / "marked.toml"  # as some editors write it
    marked.write_bytes(b"\xef\xbb\xbf" + toml.read_bytes())
    assert read_table(marked) == read_table(toml)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", b"seed = \n", "a.toml does not parse: .*line 1"),
        ("a.toml", b"seed = 1\nseed = 2\n", "a.toml does not parse: .*line 2"),
        ("a.json", b'{"seed": 1,}', "a.json does not parse: .*line 1"),
        ("a.json", b"[1, 2]", "a.json holds a list, expected a table"),
        ("a.toml", b"seed = '\xff'", "a.toml does not parse: 'utf-8' codec"),
    ],
)
def test_a_file_that_does_not_parse_is_refused_with_the_place(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.toml"):
        read_table(tmp_path / "nowhere.toml")
