"""Pictures of tasks: maps where states have places, arms of a bandit, else a graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import checks
from metarl_fast.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NODES = 30
"""States of a graph that can still be told apart."""

_LONGEST_PASSAGE = 3.0
"""A step over more than that, in cells, is no way between places but another room."""

_WALL, _FREE, _PAYS, _COSTS, _LINE = "#3c3c3c", "#f4f4f4", "#009E73", "#D55E00", "#0072B2"


@dataclass(frozen=True)
class _Drawn:
    """What of a task is to be seen, state by state."""

    moves: NDArray[np.int64]  # [M, 2] from where to where one step can lead, each pair once
    walls: NDArray[np.bool_]  # [S] nothing leads there or away, and no episode begins there
    pays: NDArray[np.float64]  # [S] mean reward of the steps that lead there, less the commonest of all
    ends: NDArray[np.bool_]  # [S]
    starts: NDArray[np.float64]  # [S]


def _look_at(task: Any) -> _Drawn:
    found = task.outcomes
    probability, ahead, reward = found["probability"], found["next_state"], found["reward"]
    s = len(probability)
    acts = np.where(task.terminal[:, None, None], 0.0, probability)
    sums, weights, ends = np.zeros(s), np.zeros(s), task.terminal.copy()
    here = np.broadcast_to(np.arange(s)[:, None, None], ahead.shape)
    moving = (acts > 0.0) & (ahead != here)
    moves = np.unique(np.stack([here[moving], ahead[moving]], axis=1), axis=0)
    alone = task.start == 0.0
    alone[moves.ravel()] = False
    np.add.at(sums, ahead, acts * reward)
    np.add.at(weights, ahead, acts)
    ends[ahead[(acts > 0.0) & found["terminated"].astype(bool)]] = True
    means = np.divide(sums, weights, out=np.full(s, np.nan), where=weights > 0.0)
    values, counts = np.unique(np.round(means[~np.isnan(means)], 12), return_counts=True)
    common = values[counts.argmax()] if counts.size and counts.max() > 1 else 0.0
    return _Drawn(moves, alone, np.nan_to_num(means - common), ends, task.start)


def draw_task(
    task: Any,
    *,
    values: ArrayLike | None = None,
    policy: ArrayLike | None = None,
    path: Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a task; `Task.plot` says what the arguments are."""
    s, a = task.num_states, task.num_actions
    shown = None if values is None else checks.array(values, "values", np.float64)
    if shown is not None:
        checks.finite(checks.shape(shown, "values", (s,)), "values")
    acts = None if policy is None else _actions(policy, s, a)
    steps = [checks.integer(state, "a state of path", 0, s - 1) for state in path] if path is not None else []
    places = task.places
    if s == 1:
        return _draw_arms(task, new_figure(4.0, 3.0).subplots() if ax is None else ax)
    if places is None and s > _MOST_NODES:
        raise ValueError(
            f"this task has {s} states and no map: a graph of more than {_MOST_NODES} cannot be read"
        )
    size = (4.6, 4.6) if places is None else _inches(places)
    axes = new_figure(*size).subplots() if ax is None else ax
    drawn = _look_at(task)
    at = _circle(s) if places is None else np.asarray(places, float)[:, ::-1]  # x, y
    colours = _colours(drawn, shown)
    if places is None:
        _draw_graph(axes, at, task, colours, acts)
    else:
        _draw_cells(axes, at, drawn, colours)
        if acts is not None:
            _draw_policy(axes, at, task, acts, drawn)
    if steps:
        axes.plot(*at[steps].T, color=_LINE, linewidth=2.2, alpha=0.85, zorder=6)
        axes.plot(*at[steps[-1]], marker="o", color=_LINE, markersize=7, zorder=6)
    low, high = at.min(axis=0), at.max(axis=0)
    margin = 0.3 if places is None else 0.55
    axes.set_xlim(low[0] - margin, high[0] + margin)
    axes.set_ylim(high[1] + margin, low[1] - margin)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return axes


def _thinner(at: NDArray[np.float64]) -> float:
    """Return how much thinner lines are drawn where cells are small."""
    return min(1.0, 9.0 / (1.0 + float(np.ptp(at, axis=0).max())))


def _inches(places: NDArray[np.int64]) -> tuple[float, float]:
    height, width = np.ptp(places, axis=0) + 1
    scale = min(0.45, 7.0 / max(height, width))
    return max(1.6, scale * width + 0.3), max(1.6, scale * height + 0.3)


def _actions(policy: ArrayLike, num_states: int, num_actions: int) -> NDArray[np.float64]:
    """Return a policy's probabilities [S, A], given those or one action for each state."""
    found = checks.numeric(policy, "policy")
    if found.ndim == 1:
        numbers = checks.shape(checks.array(found, "policy", np.int64), "policy", (num_states,))
        checks.integer(numbers.min(), "an action of policy", 0)
        checks.integer(numbers.max(), "an action of policy", 0, num_actions - 1)
        return np.asarray(np.eye(num_actions)[numbers])
    return checks.shape(checks.array(found, "policy", np.float64), "policy", (num_states, num_actions))


def _colours(drawn: _Drawn, values: NDArray[np.float64] | None) -> list[Any]:
    """Return the colour of each state: by its value, or by what it pays to enter it."""
    from matplotlib.colors import to_rgb

    def between(share: float, colour: str) -> tuple[float, ...]:
        base, top = np.array(to_rgb(_FREE)), np.array(to_rgb(colour))
        return tuple(base + share * (top - base))

    walls = drawn.walls
    if values is not None:
        low, span = float(values.min()), float(np.ptp(values)) or 1.0
        found = [between(0.85 * (value - low) / span, "#E69F00") for value in values.tolist()]
    else:
        most = float(np.abs(drawn.pays).max()) or 1.0
        found = [between(abs(pay) / most, _PAYS if pay > 0 else _COSTS) for pay in drawn.pays.tolist()]
    return [to_rgb(_WALL) if wall else colour for wall, colour in zip(walls.tolist(), found, strict=True)]


def _draw_cells(axes: Axes, at: NDArray[np.float64], drawn: _Drawn, colours: list[Any]) -> None:
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Rectangle

    axes.set_facecolor(_WALL)
    thin = _thinner(at)
    low, high = at.min(axis=0) - 0.5, at.max(axis=0) + 0.5
    axes.add_patch(Rectangle(tuple(low), *(high - low), facecolor=_WALL, linewidth=0))
    between = np.array(_passages(at, drawn)).reshape(-1, 2)
    axes.add_collection(PolyCollection(_squares(between, 0.5), facecolors=_FREE, linewidths=0, zorder=1))
    axes.add_collection(
        PolyCollection(
            _squares(at, 0.5), facecolors=colours, edgecolors="#c8c8c8", linewidths=0.6 * thin, zorder=1
        )
    )
    few = 0 < (drawn.starts > 0.0).sum() <= max(1, len(at) // 4)
    for state in np.flatnonzero(drawn.starts > 0.0) if few else ():
        x, y = at[state]
        axes.text(
            x - 0.42, y - 0.4, "S", ha="left", va="top", fontsize=max(4, 7 * thin), color=_LINE, zorder=5
        )
    frames = _squares(at[drawn.ends & ~drawn.walls], 0.42)  # where episodes end
    axes.add_collection(
        PolyCollection(frames, facecolors="none", edgecolors="black", linewidths=1.4 * thin, zorder=4)
    )


def _squares(middles: NDArray[np.float64], half: float) -> list[NDArray[np.float64]]:
    """Return the corners [N, 4, 2] of squares about places [N, 2]."""
    return list(middles[:, None] + half * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]))


def _passages(at: NDArray[np.float64], drawn: _Drawn) -> list[tuple[float, float]]:
    """Return what lies between the places of a map and is no place itself, where a straight step passes."""
    taken = set(map(tuple, at.tolist()))
    found: dict[tuple[float, float], None] = {}
    for state, ahead in drawn.moves[~drawn.ends[drawn.moves[:, 0]]]:
        step = at[ahead] - at[state]
        length = float(np.abs(step).max())
        if np.count_nonzero(step) == 1 and 1.0 < length <= _LONGEST_PASSAGE:
            for k in range(1, int(length)):
                x, y = at[state] + k * step / length
                if (x, y) not in taken:
                    found[float(x), float(y)] = None
    return list(found)


def _draw_graph(
    axes: Axes,
    at: NDArray[np.float64],
    task: Any,
    colours: list[Any],
    policy: NDArray[np.float64] | None,
) -> None:
    """Draw where actions lead, all of them evenly, and in another colour where a policy's do."""
    evenly = np.full((task.num_states, task.num_actions), 1.0 / task.num_actions)
    _draw_edges(axes, at, _steps(task, evenly), "#555555" if policy is None else "#bbbbbb")
    axes.scatter(at[:, 0], at[:, 1], s=260, c=colours, edgecolors="black", linewidths=0.8, zorder=3)
    for state, (x, y) in enumerate(at):
        axes.text(x, y, str(state), ha="center", va="center", fontsize=7.5, zorder=4)
    if policy is not None:
        _draw_edges(axes, at, _steps(task, policy), _LINE)


def _steps(task: Any, policy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of a step from one state to another [S, S] under a policy."""
    found, s = task.outcomes, len(policy)
    steps = np.zeros((s, s))
    here = np.broadcast_to(np.arange(s)[:, None, None], found["next_state"].shape)
    np.add.at(steps, (here, found["next_state"]), policy[:, :, None] * found["probability"])
    return np.where(task.terminal[:, None], 0.0, steps)


def _draw_edges(axes: Axes, at: NDArray[np.float64], steps: NDArray[np.float64], colour: str) -> None:
    for state, ahead in np.argwhere(steps > 0.0):
        if state != ahead:
            share = float(steps[state, ahead])
            axes.annotate(
                "",
                xy=at[ahead],
                xytext=at[state],
                arrowprops={
                    "arrowstyle": "-|>",
                    "connectionstyle": "arc3,rad=0.12",
                    "shrinkA": 9,
                    "shrinkB": 9,
                    "linewidth": 0.4 + 2.0 * share,
                    "alpha": min(1.0, 0.15 + share),
                    "color": colour,
                },
            )


def _draw_policy(
    axes: Axes, at: NDArray[np.float64], task: Any, policy: NDArray[np.float64], drawn: _Drawn
) -> None:
    """Draw an arrow from each state towards where the policy expects to go; a dot where that is nowhere."""
    from matplotlib.collections import LineCollection

    found = task.outcomes
    moves = at[found["next_state"]] - at[:, None, None, :]
    towards = (found["probability"][..., None] * moves).sum(axis=2)  # [S, A, 2]
    arrows = (policy[:, :, None] * towards).sum(axis=1)
    lengths = np.sqrt((arrows**2).sum(axis=1))
    thin = _thinner(at)
    acts = ~drawn.walls & ~task.terminal
    stays, goes = at[acts & (lengths < 0.05)], acts & (lengths >= 0.05)
    axes.plot(*stays.T, linestyle="none", marker=".", color="black", markersize=3 * thin, zorder=5)
    ahead = arrows[goes] / lengths[goes, None]
    strokes = LineCollection(list(_arrows(at[goes], ahead)), colors="black", linewidths=0.9 * thin, zorder=5)
    axes.add_collection(strokes)


def _arrows(at: NDArray[np.float64], ahead: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return arrows in one stroke [N, 5, 2], about places and along directions [N, 2]: tail, tip, wings."""
    tip, aside = at + 0.31 * ahead, ahead[:, ::-1] * np.array([-1.0, 1.0])
    wings = [tip - 0.16 * ahead + side * 0.1 * aside for side in (1.0, -1.0)]
    return np.stack([at - 0.31 * ahead, tip, wings[0], tip, wings[1]], axis=1)


def _draw_arms(task: Any, axes: Axes) -> Axes:
    means = task.rewards[0]
    able = task.available[0]
    colours = [_PAYS if mean == means[able].max() else "#999999" for mean in means]
    axes.bar(np.arange(len(means)), np.where(able, means, 0.0), color=colours)
    if task.reward_noise:
        axes.errorbar(
            np.arange(len(means)), means, yerr=task.reward_noise, fmt="none", ecolor="black", linewidth=0.7
        )
    axes.set_xlabel("arm")
    axes.set_ylabel("mean reward")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _circle(number: int) -> NDArray[np.float64]:
    """Return places on a circle, the first at the top, clockwise."""
    turns = np.exp(2j * np.pi * np.arange(number) / number)
    return np.stack([turns.imag, -turns.real], axis=1) * max(1.0, number / 9.0)
