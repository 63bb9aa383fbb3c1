"""Pictures of tasks: every family has one, and it shows what the task is."""

from __future__ import annotations

import numpy as np
import pytest

import golden
import metarl_fast as mf

pytest.importorskip("matplotlib")


def colours(axes):
    """The colours of the cells, in the order of states."""
    return [tuple(colour) for colour in np.round(axes.collections[1].get_facecolor()[:, :3], 2)]


@pytest.mark.parametrize("family", golden.FAMILIES.values(), ids=golden.FAMILIES)
def test_every_family_has_a_picture(family):
    task = family.sample(rng=0).segment(0)
    if task.places is None and task.num_states > 30:
        with pytest.raises(ValueError, match="states and no map"):
            task.plot()
        return
    axes = task.plot(policy=mf.policy_iteration(task).policy[0], path=[0, task.num_states - 1])
    if family.num_states < 10:
        axes.figure.canvas.draw()
    if task.places is not None:
        assert task.places.shape == (task.num_states, 2)
        assert len({tuple(place) for place in task.places.tolist()}) == task.num_states


def test_a_map_shows_goal_walls_start_and_end():
    task = mf.GridWorld.from_ascii(
        """
        S.#
        ..G
        ..H
        """,
        {"G": 1.0, "H": -1.0},
    ).sample(rng=0)
    axes = task.plot()
    found = dict(zip(map(tuple, task.places.tolist()), colours(axes), strict=True))
    green, orange, free = found[1, 2], found[2, 2], found[0, 1]
    assert green[1] > green[0]
    assert orange[0] > orange[2]
    assert free == found[2, 1] == (0.96, 0.96, 0.96)
    assert [text.get_text() for text in axes.texts if text.get_text()] == ["S"]
    assert (0, 2) not in found
    walls = mf.GoalGrid(3, walls=("...", ".#.", "...")).sample(rng=0).plot()
    assert colours(walls)[4] == (0.24, 0.24, 0.24)


def arrows_of(axes):
    """Tail and tip [N, 2, 2]."""
    return [stroke[:2] for stroke in axes.collections[3].get_segments()]


def test_arrows_go_where_the_policy_does():
    task = mf.Darkroom(3, start=(0, 0)).sample(rng=0)
    right = np.full(9, 2)
    arrows = arrows_of(task.plot(policy=right))
    moved = [tip - tail for tail, tip in arrows]
    assert len(moved) == 6  # at the right border it stays: a dot
    assert all(x > 0.5 and y == 0 for x, y in moved)
    some = np.zeros((9, 5))
    some[:, 0] = 1.0
    assert not arrows_of(task.plot(policy=some))


def test_streets_are_drawn_and_closed_ones_are_not():
    """A ring of two by three intersections; lanes lie beside each other, with a gap to the next ones."""
    from matplotlib.colors import to_rgb

    family = mf.Driving((3, 2), roads=("town",), destinations=((2, 1),), closures=0.0)
    task = family.sample(rng=0)
    axes = task.plot(path=[1, 5])
    free = [tuple((path.vertices[0] + 0.5).tolist()) for path in axes.collections[0].get_paths()]
    assert axes.patches[0].get_facecolor()[:3] == to_rgb("#3c3c3c")
    # From the first intersection east, and back; nobody drives on from the destination.
    assert {(2.0, 1.0), (2.0, 0.0)} <= set(free)
    assert (2.0, 6.0) not in free
    assert len(free) == len(set(free)) == 2 * 7 - 2
    assert axes.lines[0].get_xydata().tolist() == [[1, 1], [4, 1]]


def test_values_are_colours_and_paths_are_lines():
    task = mf.Darkroom(3).sample(rng=0)
    axes = task.plot(values=np.arange(9), path=[0, 1, 4])
    shades = [colour[2] for colour in colours(axes)]
    assert shades == sorted(shades, reverse=True)
    assert axes.lines[0].get_xydata().tolist() == [[0, 0], [1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"values": np.zeros(8)}, "values has shape (8,)"),
        ({"values": np.full(9, np.nan)}, "values"),
        ({"policy": np.full(9, 5)}, "an action of policy is 5"),
        ({"policy": np.zeros((9, 4))}, "policy has shape (9, 4)"),
        ({"path": [0, 9]}, "a state of path is 9"),
        ({"path": [0.5]}, "a state of path is 0.5"),
    ],
)
def test_what_does_not_fit_the_task_is_refused(arguments, text):
    with pytest.raises((ValueError, TypeError)) as error:
        mf.Darkroom(3).sample(rng=0).plot(**arguments)
    assert text in str(error.value)


def test_families_around_families_draw_the_same_map():
    room = mf.Darkroom(3)
    for family in (
        mf.Slippery(room, 0.1),
        mf.Switching(room, 2),
        mf.Mixture((room, room)),
        room.split(0.3)[0],
        mf.Perturbed(room),
        mf.Perturbed(room.sample()),
        mf.HiddenParameter(room),
        mf.SharedDynamics(mf.TaskDistribution(9, 5), base=room),
    ):
        np.testing.assert_array_equal(family.places, room.places)
    assert mf.Permuted(room).places is None
    assert mf.TimeInState(room, 3).places is None
