"""Driving: trips through a town whose weather, road, traffic and destination differ from task to task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.families.cells import Cell, inside, row_by_row, sides
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.families.grid import Grid
from metarl_fast.families.splitting import checked_path, divided_by, endings, held_out_of, replaced
from metarl_fast.recipes import DrawnRecipe, explicit_ids
from metarl_fast.seeding import Seed, make_key
from metarl_fast.tasks import Task, Tasks, as_batch

if TYPE_CHECKING:
    from typing_extensions import Self

Case: TypeAlias = tuple[str, str, str, Cell]

WEATHERS = "dry", "rain", "snow", "fog"
ROADS = "town", "ring", "motorway"
TRAFFIC = "light", "moderate", "heavy"
_FACTORS = "weather", "road", "traffic", "destination"
_TRIES = 100  # to hold out combinations of values that training knows one by one


@dataclass(frozen=True)
class Driving(Grid, CoreFamily):
    """Trips from home through a town; each task has its own weather, road, traffic and destination.

    Intersections form a grid, with a street between each two neighbours where the road has one. States are
    intersections with the heading in which one arrived, (row * width + column) * 4 + (0 north, 1 east,
    2 south, 3 west); episodes begin at home, facing east. Actions are 2 * turn + speed - 1: turns 0 straight
    on, 1 right, 2 back, 3 left, and speeds 1 (slow) and 2 (fast). Where there is no street one stays, and
    loses two minutes.

    A task draws its case evenly, then its closed streets, and then which streets are busy:

    * *weather*: grip g is 1 if dry, 0.7 in rain, 0.4 in snow; in fog it is 1, and everything takes 1.5 times
      as long. The braking distance at speed v is v**2 / g.
    * *road*: a `town` has all streets; a `ring` has a fast road around and north-south streets inside; a
      `motorway` is a fast road through the middle row of a town, which is left or crossed in every third
      column alone, from column 0 on.
    * *traffic*: a tenth of the streets are busy if it is light, 0.3 if moderate, 0.6 if heavy.

    A street takes 2 / v minutes, half of that on a fast road, and one more where it is busy. A turn fails
    with probability 0.02 times the braking distance: the car slides straight on, or against the kerb, a
    collision, if there is no street. A busy street sees a collision with probability 0.01 times the braking
    distance.

    Parameters
    ----------
    size
        Intersections along a side of a square town, or (height, width).
    weathers, roads, traffic
        Values that there are, of "dry", "rain", "snow", "fog"; "town", "ring", "motorway"; "light",
        "moderate", "heavy".
    destinations
        Intersections, (row, column); None for all but home. Arriving there ends the episode.
    cases
        Combinations (weather, road, traffic, destination) of these values that there are, as `split` writes
        them; None for all.
    closures
        Fraction of the streets that are closed, drawn for each task; one that would cut off a part of the
        town stays open.
    home
        Where episodes begin, (row, column).
    horizon
        Steps of an episode; default 4 * (height + width).
    minute_cost, fuel_cost, collision_cost
        What a minute, a unit of fuel and a collision cost; a street takes v units of fuel.
    arrival_reward
        For arriving at the destination.
    split_path
        Which part of which splits this family is, as `split` writes it: 0 for training, 1 for held out, one
        split after the other. Different parts draw different numbers for the same seed.
    """

    group = "Driving"

    size: int | tuple[int, int] = 6
    weathers: tuple[str, ...] = WEATHERS
    roads: tuple[str, ...] = ROADS
    traffic: tuple[str, ...] = TRAFFIC
    destinations: tuple[Cell, ...] | None = None
    cases: tuple[Case, ...] | None = None
    closures: float = 0.08
    home: Cell = (0, 0)
    horizon: int | None = None
    minute_cost: float = 0.02
    fuel_cost: float = 0.01
    collision_cost: float = 0.5
    arrival_reward: float = 1.0
    split_path: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sides(self.size))
        height, width = self.shape
        if max(height, width) > 64:
            raise ValueError(f"size is {self.size}, expected at most 64 intersections along a side")
        checks.keep(self, "home", inside, height, width)
        for name, known in (("weathers", WEATHERS), ("roads", ROADS), ("traffic", TRAFFIC)):
            object.__setattr__(self, name, _checked_values(getattr(self, name), name, known))
        object.__setattr__(self, "destinations", self._checked_destinations())
        if self.cases is not None:
            object.__setattr__(self, "cases", self._checked_cases())
        checks.keep(self, "closures", checks.real, 0.0, 1.0)
        if self.horizon is None:
            object.__setattr__(self, "horizon", 4 * (height + width))
        checks.keep(self, "horizon", checks.integer, 1)
        for name in ("minute_cost", "fuel_cost", "collision_cost", "arrival_reward"):
            checks.keep(self, name, checks.real, -1e100, 1e100)
        checks.keep(self, "split_path", checked_path)

    def _checked_destinations(self) -> tuple[Cell, ...] | None:
        if self.destinations is None:
            return None
        if not isinstance(self.destinations, (list, tuple)) or not self.destinations:
            raise TypeError(f"destinations is {checks.shown(self.destinations)}, expected intersections")
        found = tuple(inside(cell, "a destination", *self.shape) for cell in self.destinations)
        if self.home in found or len(set(found)) < len(found):
            raise ValueError(f"destinations is {checks.shown(found)}, expected different ones, not home")
        return found

    def _checked_cases(self) -> tuple[Case, ...]:
        if not isinstance(self.cases, (list, tuple)) or not self.cases:
            raise TypeError(f"cases is {checks.shown(self.cases)}, expected combinations of the values")
        possible = set(self._product())
        found: dict[Case, None] = {}
        for given in self.cases:
            if not (isinstance(given, (list, tuple)) and len(given) == len(_FACTORS)):
                raise TypeError(f"a case is {checks.shown(given)}, expected four values")
            case = (*given[:3], inside(given[3], "a destination", *self.shape))
            if case not in possible or case in found:
                raise ValueError(f"a case is {checks.shown(given)}, expected different ones of the values")
            found[case] = None
        return tuple(found)

    @property
    def places(self) -> NDArray[np.int64]:
        """(row, column) [S, 2] of each state: of each intersection the four lanes in which one arrives."""
        lanes = np.array(
            [[0, 1], [1, 1], [1, 0], [0, 0]]
        )  # north, east, south, west: one drives on the right
        intersections = 3 * row_by_row(*self.shape)
        return np.reshape(intersections[:, None] + lanes, (-1, 2))

    @property
    def num_states(self) -> int:  # type: ignore[override]
        """S, four headings of each intersection."""
        return 4 * self.shape[0] * self.shape[1]

    @property
    def num_actions(self) -> int:  # type: ignore[override]
        """8: four turns at two speeds."""
        return 8

    def _values(self) -> tuple[Sequence[Any], ...]:
        """Return the values of each factor."""
        cells = product(range(self.shape[0]), range(self.shape[1]))
        anywhere = tuple(cell for cell in cells if cell != self.home)
        return self.weathers, self.roads, self.traffic, self.destinations or anywhere

    def _product(self) -> list[Case]:
        weathers, roads, traffic, destinations = self._values()
        return list(product(weathers, roads, traffic, destinations))

    def all_cases(self) -> tuple[Case, ...]:
        """Return the combinations (weather, road, traffic, destination) there are, all equally likely."""
        return tuple(self._product()) if self.cases is None else self.cases

    def cases_of(self, tasks: Tasks | Task) -> list[Case]:
        """Return what each of this family's tasks drew: (weather, road, traffic, destination).

        Raises
        ------
        ValueError
            For tasks that are not lazy ones of this family, which do not know what was drawn.
        """
        recipe = as_batch(tasks).recipe
        if not (isinstance(recipe, DrawnRecipe) and recipe.family == self):
            raise ValueError(
                "tasks are not drawn from this family, or no longer lazy: their cases are not known"
            )
        cases = self.all_cases()
        layout = _core.Purpose.layout
        drawn = [
            int(_core.stream(recipe.key, task, layout, 1)[0]) for task in explicit_ids(recipe.ids).tolist()
        ]
        return [cases[number * len(cases) >> 32] for number in drawn]

    def split(
        self, held_out: float = 0.2, *, rng: Seed = 0, by: str | tuple[str, ...] = "destination"
    ) -> tuple[Self, Self]:
        """Return (training family, held-out family), told apart by a factor or by combinations of several.

        Parameters
        ----------
        held_out
            Fraction of the factor's values, or of the combinations, to hold out, at least one and not all.
        rng
            Decides which; the default holds out the same on every call.
        by
            "weather", "road", "traffic" or "destination": training never sees the values held out. A tuple
            of several: training never sees the combinations held out, but each of their values in others, so
            that what is new is how known things come together.

        Raises
        ------
        ValueError
            If there are fewer than two values, or no way to hold out that many combinations.
        """
        names = (by,) if isinstance(by, str) else by
        if not isinstance(names, (list, tuple)) or not names:
            raise TypeError(f"by is {checks.shown(by)}, expected a factor or a tuple of them")
        places = sorted({_FACTORS.index(divided_by(name, _FACTORS)) for name in names})
        cases = self.all_cases()
        kinds = sorted({tuple(case[place] for place in places) for case in cases})
        unseen = self._held_out_kinds(kinds, held_out, rng, " and ".join(_FACTORS[place] for place in places))
        parts: list[list[Case]] = [[], []]
        for case in cases:
            parts[tuple(case[place] for place in places) in unseen].append(case)
        return replaced(self, ({"cases": tuple(part)} for part in parts))

    @staticmethod
    def _held_out_kinds(
        kinds: list[tuple[Any, ...]], held_out: float, rng: Seed, what: str
    ) -> set[tuple[Any, ...]]:
        """Return kinds of cases to hold out; of several factors, none whose values no other kind has."""
        seed = np.random.SeedSequence(make_key(rng))
        for attempt in seed.spawn(_TRIES):
            chosen = held_out_of(len(kinds), held_out, attempt, f"values of {what}")
            unseen = [kind for kind, out in zip(kinds, chosen, strict=True) if out]
            seen = [kind for kind, out in zip(kinds, chosen, strict=True) if not out]
            known = [set(values) for values in zip(*seen, strict=True)]
            if len(known) == 1 or all(map(set.issuperset, known, zip(*unseen, strict=True))):
                return set(unseen)
        raise ValueError(
            f"held_out is {held_out}: training would miss values of {what}, not only combinations of them"
        )

    def clusters(self, tasks: Tasks) -> NDArray[np.int64]:
        """Return the destination [N] of each task, row * width + column."""
        return endings(tasks) // 4

    def _core_family(self) -> _core.Family:
        height, width = self.shape
        numbers = [
            (WEATHERS.index(weather), ROADS.index(road), TRAFFIC.index(traffic), row * width + column)
            for weather, road, traffic, (row, column) in self.all_cases()
        ]
        return _core.Driving(
            height=height,
            width=width,
            cases=np.array(numbers, np.int64).ravel(),
            home=self.home[0] * width + self.home[1],
            closures=self.closures,
            minute_cost=self.minute_cost,
            fuel_cost=self.fuel_cost,
            collision_cost=self.collision_cost,
            arrival_reward=self.arrival_reward,
        )


def _checked_values(value: Any, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return some of the known values of a factor."""
    if not isinstance(value, (list, tuple)) or not value:
        raise TypeError(f"{name} is {checks.shown(value)}, expected a tuple of {', '.join(map(repr, known))}")
    for one in value:
        if not isinstance(one, str) or one not in known or value.count(one) > 1:
            raise ValueError(
                f"{name} has {checks.shown(one)}, expected different ones of {', '.join(map(repr, known))}"
            )
    return tuple(value)
