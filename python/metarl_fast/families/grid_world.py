"""Grid worlds drawn as a map: walls, cells that pay, a goal and a start that may differ among tasks."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.cells import Anywhere, Cells, Region, goal_law
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.splitting import checked_path, divided_by, held_out_of, replaced
from metarl_fast.seeding import Seed

if TYPE_CHECKING:
    from typing_extensions import Self

_WALL, _FREE, _START = "#", ". ", "S"


@dataclass(frozen=True)
class GridWorld(CoreFamily):
    """A grid drawn as a map of characters; actions are up, right, down, left.

    States are the cells that are no walls, row by row from the top left, whose places are `cells`. A move
    into a wall or the border stays where it is. Rewards are paid for the cell in which a step ends.

    As the defaults stand all tasks are the same; with `goals` or `one_start` they are not.

    Parameters
    ----------
    rows
        The map, rows of text of one length: '#' is a wall, '.' and ' ' are free cells, 'S' is a start, and
        other characters are those of `rewards`. `from_ascii` takes it as one text.
    rewards
        What a step that ends in a cell of a character pays: a dict, or pairs.
    ends
        Characters of `rewards` whose cells end the episode, too; None for its upper-case letters but 'S'.
    step_reward
        Paid on every step, beside what the cell pays.
    slip
        Probability of not moving as the action says.
    slip_to
        Where else: "sides", at a right angle, half to each side, or "others", a third in each of the other
        three directions.
    wind
        By how many cells it blows upwards, one number for each column, that of the cell which a step leaves.
        Walls and the border stop it.
    goals
        Law of one more cell that ends the episode, another one in each task: `Anywhere()`,
        `Region(rows, columns)` or `Cells(cells, weights)`, of those that are free, end no episode and are not
        the only start. None for no such cell.
    goal_reward
        What a step that ends in this cell pays, instead of what the map says.
    one_start
        False: episodes of all tasks begin in any of the starts, evenly, but not in the goal. True: each task
        has one of them. Without an 'S' all cells that end no episode are starts.
    horizon
        Steps of an episode; default 4 * (height + width).
    split_path
        Which part of which splits this family is, as `split` writes it: 0 for training, 1 for held out, one
        split after the other. Different parts draw different numbers for the same seed.
    """

    group = "Grids"

    rows: tuple[str, ...]
    rewards: Mapping[str, float] | tuple[tuple[str, float], ...] = (("G", 1.0),)
    ends: str | None = None
    step_reward: float = 0.0
    slip: float = 0.0
    slip_to: Literal["sides", "others"] = "sides"
    wind: tuple[int, ...] = ()
    goals: Anywhere | Region | Cells | None = None
    goal_reward: float = 1.0
    one_start: bool = False
    horizon: int | None = None
    split_path: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rewards", _checked_rewards(self.rewards))
        object.__setattr__(self, "rows", self._checked_rows())
        self._check_ends()
        height, width = self.shape
        checks.keep(self, "step_reward", checks.real)
        checks.keep(self, "goal_reward", checks.real)
        for reward in (self.goal_reward, *dict(self.rewards).values()):
            checks.real(self.step_reward + reward, "step_reward + what a cell pays")
        checks.keep(self, "slip", checks.real, 0.0, 1.0)
        if self.slip_to not in ("sides", "others"):
            raise ValueError(f"slip_to is {checks.shown(self.slip_to)}, expected 'sides' or 'others'")
        if not isinstance(self.wind, (list, tuple)) or len(self.wind) not in (0, width):
            raise ValueError(f"wind is {checks.shown(self.wind)}, expected {width} numbers, one a column")
        object.__setattr__(self, "wind", tuple(checks.integer(w, "wind", 0, height) for w in self.wind))
        if not isinstance(self.goals, (Anywhere, Region, Cells, type(None))):
            raise TypeError(
                f"goals is {checks.shown(self.goals)}, expected Anywhere(), Region, Cells or None"
            )
        checks.keep(self, "one_start", checks.flag)
        if not self._starts().any():
            raise ValueError("the map has no free cell in which an episode could begin")
        if self.goals is not None and not self.goal_weights().any():
            raise ValueError(f"goals is {checks.shown(self.goals)}, which leaves no free cell for the goal")
        if self.horizon is None:
            object.__setattr__(self, "horizon", 4 * (height + width))
        checks.keep(self, "horizon", checks.integer, 1)
        checks.keep(self, "split_path", checked_path)

    @property
    def places(self) -> NDArray[np.int64]:
        """(row, column) [S, 2] of each state."""
        return self.cells

    def _checked_rows(self) -> tuple[str, ...]:
        rows = self.rows
        if not (isinstance(rows, (list, tuple)) and all(isinstance(row, str) for row in rows)):
            raise TypeError(f"rows is {checks.shown(rows)}, expected rows of text")
        if not rows or not rows[0] or any(len(row) != len(rows[0]) for row in rows):
            raise ValueError(f"rows is {checks.shown(rows)}, expected rows of one length")
        known = {_WALL, *_FREE, _START, *dict(self.rewards)}
        unknown = sorted(set("".join(rows)) - known)
        if unknown:
            raise ValueError(f"the map has {unknown[0]!r}, expected '#', '.', ' ', 'S' or one of rewards")
        return tuple(rows)

    def _check_ends(self) -> None:
        if not isinstance(self.ends, (str, type(None))):
            raise TypeError(f"ends is {checks.shown(self.ends)}, expected characters of rewards")
        for character in self.ends or "":
            if character not in dict(self.rewards) or character == _START:
                raise ValueError(f"ends has {character!r}, expected characters of rewards, not 'S'")

    @classmethod
    def from_ascii(cls, text: str, rewards: Mapping[str, float] | None = None, **settings: Any) -> GridWorld:
        """Return the grid world of a map in one text.

        Parameters
        ----------
        text
            The map, a line a row. Indentation that all lines share, and empty lines before and after them,
            are not part of it; short lines are filled with free cells.
        rewards
            By character, what a step that ends in its cells pays; upper-case letters end the episode, unless
            `ends` says which do. None for {"G": 1.0}.
        **settings
            Those of the class, by name.

        Examples
        --------
        >>> import metarl_fast as mf
        >>> cliff = mf.GridWorld.from_ascii('''
        ...     ............
        ...     ............
        ...     ............
        ...     SCCCCCCCCCCG''', {"G": 0.0, "C": -99.0}, step_reward=-1.0, horizon=100)
        >>> float(mf.backward_induction(cliff.sample(1, rng=0)).returns[0])
        -13.0
        """
        if not isinstance(text, str):
            raise TypeError(f"text is {checks.shown(text)}, expected a map in one text")
        lines = inspect.cleandoc("\n" + text).split("\n")
        width = max(map(len, lines))
        rows = tuple(line.ljust(width, ".") for line in lines)
        return GridWorld(rows, (("G", 1.0),) if rewards is None else rewards, **settings)

    @classmethod
    def t_maze(cls, corridor: int = 5, **settings: Any) -> GridWorld:
        """Return a T-maze: a corridor with an arm to each side of its end, and the goal in one of the arms.

        Of its two tasks each has the goal on one side; the other arm is a free cell. Episodes begin at the
        corridor's foot.

        Parameters
        ----------
        corridor
            Cells of the corridor, the crossing and the start included, at least 2.
        **settings
            Those of the class, by name.
        """
        length = checks.integer(corridor, "corridor", 2, 2**13)
        rows = ("...", *["#.#"] * (length - 2), "#S#")
        return GridWorld(rows, **{"goals": Cells(((0, 0), (0, 2))), **settings})

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the map."""
        return len(self.rows), len(self.rows[0])

    @property
    def cells(self) -> NDArray[np.int64]:
        """(row, column) [S, 2] of each state's cell."""
        return np.argwhere(self._map() != _WALL)

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """S, the number of cells that are no walls."""
        return sum(len(row) - row.count(_WALL) for row in self.rows)

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """4."""
        return 4

    def _map(self) -> NDArray[np.str_]:
        return np.array([list(row) for row in self.rows])

    def _lasting(self) -> NDArray[np.bool_]:
        """Return which cells [height, width] are free and end no episode."""
        ends = self.ends
        if ends is None:
            ends = "".join(character for character, _ in self._pairs() if character.isupper())
        return ~np.isin(self._map(), [_WALL, *ends.replace(_START, "")])

    def _pairs(self) -> tuple[tuple[str, float], ...]:
        assert isinstance(self.rewards, tuple)
        return self.rewards

    def _starts(self) -> NDArray[np.bool_]:
        marked = self._map() == _START
        return marked if marked.any() else self._lasting()

    def goal_weights(self) -> NDArray[np.float64]:
        """Return the weight [height, width] with which each cell holds the goal that differs among tasks."""
        if self.goals is None:
            return np.zeros(self.shape)
        starts = self._starts()
        possible = self._lasting() & ~(starts & (starts.sum() == 1))
        return np.where(possible, self.goals.weights(*self.shape), 0.0)

    def split(
        self, held_out: float = 0.2, *, rng: Seed = 0, by: Literal["goal", "start"] | None = None
    ) -> tuple[Self, Self]:
        """Return (training family, held-out family), which have no goal or no start in common.

        Parameters
        ----------
        held_out
            Fraction of the goals or starts to hold out, at least one of them and not all.
        rng
            Decides which; the default holds out the same on every call.
        by
            What is held out: goals, or the starts of tasks that have one each. None: goals if there are
            several, else starts.

        Raises
        ------
        ValueError
            If there are fewer than two of what is to be divided, as on a map whose tasks are all the same.
        """
        weights = self.goal_weights()
        goals = np.argwhere(weights > 0)
        starts = np.argwhere(self._starts()) if self.one_start else np.zeros((0, 2), np.int64)
        if by is None:
            by = "goal" if len(goals) > 1 or len(starts) < 2 else "start"
        settings: list[dict[str, Any]]
        if divided_by(by, ("goal", "start")) == "goal":
            unseen = held_out_of(len(goals), held_out, rng, "goals")
            settings = [{"goals": Cells.of(part, weights)} for part in (goals[~unseen], goals[unseen])]
        else:
            unseen = held_out_of(len(starts), held_out, rng, "starts of tasks with one_start")
            settings = [{"rows": self._with_starts(part)} for part in (starts[~unseen], starts[unseen])]
        return replaced(self, settings)

    def _with_starts(self, starts: NDArray[np.int64]) -> tuple[str, ...]:
        changed = np.where(self._map() == _START, ".", self._map())
        changed[tuple(starts.T)] = _START
        return tuple("".join(row) for row in changed)

    def _core_family(self) -> _core.Family:
        height, width = self.shape
        drawn = self._map()
        rewards = np.zeros(self.shape)
        for character, reward in self._pairs():
            rewards[drawn == character] = reward
        return _core.GridWorld(
            height=height,
            width=width,
            walls=(drawn == _WALL).astype(np.uint8).ravel(),
            rewards=rewards.ravel(),
            ends=(~self._lasting() & (drawn != _WALL)).astype(np.uint8).ravel(),
            starts=np.flatnonzero(self._starts()),
            one_start=int(self.one_start),
            **goal_law(self.goal_weights()),
            goal_reward=self.goal_reward,
            step_reward=self.step_reward,
            slip=self.slip,
            slip_to=self.slip_to,
            wind=np.array(self.wind, np.int64),
        )


def _checked_rewards(value: Any) -> tuple[tuple[str, float], ...]:
    """Return rewards by character as pairs, which are hashable."""
    if not isinstance(value, (Mapping, list, tuple)):
        raise TypeError(f"rewards is {checks.shown(value)}, expected a dict of numbers by character")
    pairs = value.items() if isinstance(value, Mapping) else value
    found: dict[str, float] = {}
    for pair in pairs:
        if not (isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str)):
            raise TypeError(f"rewards has {checks.shown(pair)}, expected a character and a number")
        character, reward = pair
        if len(character) != 1 or character == _WALL or character in found:
            raise ValueError(f"rewards has {checks.shown(character)}, expected one other character each time")
        found[character] = checks.real(reward, f"the reward of {character}")
    return tuple(sorted(found.items()))
