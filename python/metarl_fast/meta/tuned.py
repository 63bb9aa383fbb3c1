"""Hyper-parameters as what is meta-learned: random search, then an evolution strategy or CMA-ES."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.learners import Learner
from metarl_fast.meta import cma_es
from metarl_fast.meta.base import Meta
from metarl_fast.meta.candidates import directions, mean_returns
from metarl_fast.meta.fitted import State, check_state
from metarl_fast.meta.meta_batch import MetaBatch
from metarl_fast.seeding import child, make_key

Space: TypeAlias = tuple[tuple[str, float, float], ...]

SPACE: Space = (
    ("learning_rate", 0.05, 1.0),
    ("learning_rate_decay", 0.0, 1.0),
    ("discount", 0.0, 0.99),
    ("epsilon", 0.0, 0.3),
    ("initial_q", 0.0, 3.0),
    ("bonus", 0.0, 2.0),
)
"""What is tuned if nothing is said, of what the learner has; for rewards of about 1."""

_FIRST_SPREAD, _SHRINKING = 0.15, 0.9
"""Of the candidates of the second step, in parts of the space, and from step to step."""


@dataclass(frozen=True, kw_only=True)
class Tuned(Meta):
    """Numeric settings of a learner, any of them, with which it earns most on training tasks.

    The first step is random search: the learner itself and `num_random` candidates drawn evenly from `space`
    (Bergstra and Bengio, JMLR 13, 2012). Every further step is one of an evolution strategy with mirrored
    samples: `num_pairs` pairs m + sigma z and m - sigma z, the better half of which, weighted by rank, become
    the next mean m, while sigma shrinks (Brockhoff et al., PPSN 2010; Salimans et al., arXiv 1703.03864). All
    candidates of a step learn on the same tasks, with the same random numbers, so that what they differ by is
    theirs. What is made as large as possible is the mean return of all episodes::

        five = {"initial_q": (0, 5), "learning_rate": (0.1, 1), "learning_rate_decay": (0, 1),
                "discount": (0, 0.9), "bonus": (0, 3)}
        Tuned(space=five).fit(TaskDistribution.rl2(), QLearning(epsilon=0.0, bonus_episodes=10), 10, rng=0)

    With `method="cma"` the further steps are generations of CMA-ES instead, which learns how settings hang
    together and how far to look (Hansen and Ostermeier 2001), by the library `cma`. It begins at the best
    candidate of the first step; how floating-point numbers are summed there is the library's, so that the
    same seed gives the same on one machine.

    On families whose law stays the same if states and actions change places no table is better than a
    constant; settings such as these are what can be meta-learned there.

    Parameters
    ----------
    space
        Smallest and largest value of each setting: a dict of pairs, or tuples (name, low, high). Settings
        that are integers stay integers. None: of `SPACE` those that the learner has.
    num_random
        Candidates of the first step, beside the learner itself.
    num_pairs
        Pairs of candidates of every further step.
    method
        Of the further steps: "es", or "cma", which needs the extra `tune` and at least 2 pairs.
    """

    space: Mapping[str, tuple[float, float]] | Space | None = None
    num_random: int = 64
    num_pairs: int = 8
    method: Literal["es", "cma"] = "es"
    tasks_per_iteration: int = 256

    default_iterations: ClassVar[int | None] = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "num_random", checks.integer, 0)
        checks.keep(self, "num_pairs", checks.integer, 1)
        if not isinstance(self.method, str) or self.method not in ("es", "cma"):
            kind = ValueError if isinstance(self.method, str) else TypeError
            raise kind(f"method is {checks.shown(self.method)}, expected 'es' or 'cma'")
        if self.method == "cma" and self.num_pairs < 2:
            raise ValueError(f"num_pairs is {self.num_pairs}, expected at least 2 with method 'cma'")
        if self.space is not None:
            object.__setattr__(self, "space", _accepted(self.space))

    def init(self, learner: Learner) -> State:
        """Return the state before any task was seen; m is in parts of the space, 0 to 1."""
        size = len(self._space_of(learner))
        for end in (0.0, 1.0):  # what the learner refuses is found out before the work
            self._made(np.full(size, end), learner)
        found: State = {"steps": np.zeros(1), "mean": np.zeros(size), "returns": np.empty(0)}
        if self.method == "cma":
            number = 2 * self.num_pairs
            empty: State = {"normals": np.empty((0, number, size)), "costs": np.empty((0, number))}
            found |= {"begin": np.zeros(size), **empty}
        return found

    def step_on(self, batch: MetaBatch, state: State, learner: Learner) -> State:
        """Return the state after one meta-batch.

        `returns` are those of the step's best candidate.
        """
        self.apply(state, learner).check_sizes(batch.tasks.num_states, batch.tasks.num_actions)
        key = make_key(batch.rng)
        generator = np.random.default_rng(child(key, 0))
        steps, mean = int(state["steps"][0]), state["mean"]
        cma = self.method == "cma"
        if cma:
            cma_es.require()
        if steps == 0:
            begin = self._places_of(learner)
            pool = np.vstack([begin, generator.random((self.num_random, begin.size))])
        elif cma:
            drawn_now = generator.standard_normal((1, 2 * self.num_pairs, mean.size))
            normals = np.concatenate([state["normals"], drawn_now])
            pool = cma_es.asked(state["begin"], _FIRST_SPREAD, normals, state["costs"])
        else:
            spread = _FIRST_SPREAD
            for _ in range(steps - 1):
                spread *= _SHRINKING
            z = directions(generator, self.num_pairs, mean.size)
            pool = np.clip(np.vstack([mean + spread * z, mean - spread * z]), 0.0, 1.0)
        candidates = (self._made(place, learner) for place in pool)
        returns = mean_returns(candidates, len(pool), batch, rng=child(key, 1))
        earned = np.array([found.mean() if found.size else 0.0 for found in returns])
        order = np.argsort(-earned, kind="stable")
        better = pool[order[: 1 if steps == 0 else self.num_pairs]]
        weight = np.arange(len(better), 0, -1.0)
        found = {
            "steps": np.array([steps + 1.0]),
            "mean": (weight[:, None] * better).sum(axis=0) / weight.sum(),
            "returns": returns[order[0]],
        }
        if not cma:
            return found
        if steps == 0:
            kept = {name: state[name] for name in ("normals", "costs")}
            return {**found, **kept, "begin": found["mean"]}
        costs = np.vstack([state["costs"], -earned])
        best = cma_es.favourite(state["begin"], _FIRST_SPREAD, normals, costs)
        return {**found, "begin": state["begin"], "normals": normals, "costs": costs, "mean": best}

    def apply(self, state: State, learner: Learner) -> Learner:
        """Return the learner with the settings that were found."""
        check_state(state, self.init(learner))
        if not state["steps"].any():
            return learner
        checks.shape(state["mean"], "mean", (len(self._space_of(learner)),))
        return self._made(state["mean"], learner)

    def cost(self, num_tasks: int, num_episodes: int, num_iterations: int | None = None) -> int:
        """Return how many episodes in training tasks `fit` takes, those of all candidates."""
        steps = self.default_iterations if num_iterations is None else num_iterations
        candidates = 1 + self.num_random + 2 * self.num_pairs * ((steps or 0) - 1) if steps else 0
        return candidates * super().cost(num_tasks, num_episodes, 1)

    def _space_of(self, learner: Learner) -> Space:
        """Return the space, of which the learner must have all settings that were named."""
        names = [f.name for f in fields(learner) if f.init]
        if self.space is None:
            found = tuple(row for row in SPACE if row[0] in names and _is_number(getattr(learner, row[0])))
            if not found:
                raise ValueError(
                    f"space is None, and {type(learner).__name__} has none of the usual settings"
                )
            return found
        space = cast("Space", self.space)  # `__post_init__` has made it so
        for name, _, _ in space:
            if name not in names:
                raise ValueError(
                    f"space names {checks.shown(name)}, which {type(learner).__name__} does not have, "
                    f"expected some of {checks.choices(name, names)}"
                )
            value = getattr(learner, name)
            if not _is_number(value):
                raise ValueError(f"space names {name!r}, which is {checks.shown(value)}, expected a number")
        return space

    def _places_of(self, learner: Learner) -> NDArray[np.float64]:
        """Return where the learner itself is in the space, or what of the space is nearest to it."""
        found = [
            (float(getattr(learner, name)) - low) / (high - low)
            for name, low, high in self._space_of(learner)
        ]
        return np.clip(np.array(found, np.float64), 0.0, 1.0)

    def _made(self, place: NDArray[np.float64], learner: Learner) -> Learner:
        """Return the learner whose settings are at a place in the space."""
        changes: dict[str, Any] = {}
        for (name, low, high), part in zip(self._space_of(learner), place.tolist(), strict=True):
            value = min(max(low + (high - low) * part, low), high)
            changes[name] = round(value) if isinstance(getattr(learner, name), int) else value
        return learner.replace(**changes)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _accepted(space: Any) -> Space:
    """Return a space as tuples."""
    if isinstance(space, Mapping):
        pairs = list(space.items())
    else:
        listed = isinstance(space, (list, tuple))
        if not (listed and all(isinstance(row, (list, tuple)) and len(row) == 3 for row in space)):
            raise TypeError(
                f"space is {checks.shown(space)}, expected a dict of pairs, or tuples (name, low, high)"
            )
        pairs = [(name, (low, high)) for name, low, high in space]
    if not pairs:
        raise ValueError("space is empty, expected at least one setting")
    found = []
    for name, limits in pairs:
        if not isinstance(name, str):
            raise TypeError(f"space has the key {checks.shown(name)}, expected the name of a setting")
        low, high = checks.interval(limits, f"space[{name!r}]", -(2.0**126), 2.0**126)
        found.append((name, low, high))
    return tuple(found)
