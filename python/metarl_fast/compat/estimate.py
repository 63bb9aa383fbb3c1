"""Tasks from environments that publish no model: counted from samples, and said how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.compat.gymnasium import time_limit
from metarl_fast.data import from_outcomes
from metarl_fast.result import Result
from metarl_fast.seeding import Seed, make_key
from metarl_fast.tasks import Tasks


@dataclass(frozen=True, repr=False)
class Estimate(Result):
    """A task as it was counted, and the counts."""

    tasks: Tasks
    """One task. A pair that was never tried stays where it is, for reward 0."""
    visits: NDArray[np.int64]
    """How often each action was taken in each state [S, A]."""
    counts: NDArray[np.int64]
    """How often it led to each state [S, A, S]."""
    start_counts: NDArray[np.int64]
    """How often episodes began in each state [S]."""
    reward_errors: NDArray[np.float64]
    """Standard error of the mean reward of each pair [S, A]; infinite for fewer than two visits."""

    @property
    def transition_errors(self) -> NDArray[np.float64]:
        """Standard deviation [S, A, S] of each probability, under a uniform prior on the rows.

        A row is then Dirichlet distributed with parameters 1 + counts.
        """
        weights = 1.0 + self.counts
        total = weights.sum(axis=-1, keepdims=True)
        return np.asarray(np.sqrt(weights * (total - weights) / (total * total * (total + 1.0))))

    @property
    def untried(self) -> int:
        """How many pairs were never tried, of states that were seen."""
        seen = (self.visits.sum(axis=1) > 0) | (self.start_counts > 0)
        return int((self.visits[seen] == 0).sum())


@dataclass
class _Counts:
    """What was seen so far; rewards by (state, action, next state, whether the episode terminated)."""

    num_states: int
    num_actions: int
    rewards: dict[tuple[int, int, int, bool], list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start = np.zeros(self.num_states, np.int64)

    def add(self, state: int, action: int, reward: float, next_state: int, terminated: bool) -> None:
        """Count one step."""
        sums = self.rewards.setdefault((state, action, next_state, terminated), [0, 0.0, 0.0])
        sums[0] += 1  # Welford's mean and sum of squares
        difference = reward - sums[1]
        sums[1] += difference / sums[0]
        sums[2] += difference * (reward - sums[1])


def estimate(env: Any, num_steps: int, *, horizon: int | None = None, rng: Seed = None) -> Estimate:
    """Estimate an environment's task from steps taken at random.

    Parameters
    ----------
    env
        A Gymnasium environment whose states and actions are numbers: both spaces are `Discrete`. Actions
        that `info["action_mask"]` rules out are not taken.
    num_steps
        How many steps to take.
    horizon
        Steps of an episode; default the environment's time limit.
    rng
        Decides the actions and the environment's seed.

    Returns
    -------
    Estimate
        `tasks`, with the probabilities counted and mean rewards; `tasks.reward_noise` is the standard
        deviation of rewards around the mean of their transition, if they vary. Beside them the counts.

    Raises
    ------
    TypeError
        For an environment whose spaces are not discrete.
    ValueError
        For `num_steps` below 1, and an environment that returns what its spaces do not hold.
    """
    s, first_state = _discrete(env, "observation_space")
    a, first_action = _discrete(env, "action_space")
    steps = checks.integer(num_steps, "num_steps", 1)
    checks.memory(s * a * s * 16, f"counts of {s} states and {a} actions")
    random = np.random.Generator(np.random.PCG64(make_key(rng)))
    counts = _Counts(s, a)

    def number(seen: Any) -> int:
        found = int(seen) - first_state
        if not 0 <= found < s:
            held = f"one of {s} numbers from {first_state} on"
            raise ValueError(f"the observation returned is {checks.shown(seen)}, expected {held}")
        return found

    seen, info = env.reset(seed=int(random.integers(2**31)))
    state = number(seen)
    counts.start[state] += 1
    for _ in range(steps):
        mask = info.get("action_mask")
        choices = np.arange(a) if mask is None else np.flatnonzero(mask)
        if not choices.size:
            raise ValueError(f"info['action_mask'] has no action in state {state}, expected at least one")
        action = int(random.choice(choices))
        seen, reward, terminated, truncated, info = env.step(action + first_action)
        entered = number(seen)
        counts.add(state, action, float(reward), entered, bool(terminated))
        if terminated or truncated:
            seen, info = env.reset()
            entered = number(seen)
            counts.start[entered] += 1
        state = entered
    return _estimate_of(counts, time_limit(env) if horizon is None else horizon)


def _discrete(env: Any, name: str) -> tuple[int, int]:
    """Return how many values a space has, and the first."""
    space = getattr(env, name, None)
    size = getattr(space, "n", None)
    if not isinstance(size, (int, np.integer)):
        raise TypeError(f"{name} is {checks.shown(space)}, expected Discrete")
    return int(size), int(getattr(space, "start", 0))


def _estimate_of(counts: _Counts, horizon: int | None) -> Estimate:
    s, a = counts.num_states, counts.num_actions
    visits, transitions = np.zeros((s, a), np.int64), np.zeros((s, a, s), np.int64)
    mean, squares = np.zeros((s, a)), np.zeros((s, a))
    table: dict[int, dict[int, list[tuple[float, int, float, bool]]]] = {
        state: {action: [] for action in range(a)} for state in range(s)
    }
    within, degrees = 0.0, 0
    for (state, action, entered, terminated), (n, reward, squared) in counts.rewards.items():
        visits[state, action] += int(n)
        transitions[state, action, entered] += int(n)
        table[state][action].append((n, entered, reward, terminated))
        mean[state, action] += n * reward
        within += squared
        degrees += int(n) - 1
    tried = visits > 0
    mean[tried] /= visits[tried]
    for (state, action, _, _), (n, reward, squared) in counts.rewards.items():
        squares[state, action] += squared + n * (reward - mean[state, action]) ** 2
    for state, action in np.ndindex(s, a):
        n = int(visits[state, action])
        found = table[state][action]
        table[state][action] = [(k / n, *rest) for k, *rest in found] if n else [(1.0, state, 0.0, False)]  # type: ignore[misc]
    tasks = from_outcomes(
        table,
        start=counts.start / counts.start.sum(),
        terminal=np.zeros(s, np.bool_),
        horizon=horizon,
        reward_noise=float(np.sqrt(within / degrees)) if degrees else 0.0,
    )
    errors = np.full((s, a), np.inf)
    several = visits > 1
    errors[several] = np.sqrt(squares[several] / (visits[several] - 1) / visits[several])
    return Estimate(tasks, visits, transitions, counts.start, errors)
