"""Learning in context, measured: a policy that learns by what it has seen acts, episode by episode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metarl_fast import _core, checks
from metarl_fast.engine import HasLearner, Progress, as_learner, episode_steps, train
from metarl_fast.episode_contexts import EpisodeContexts
from metarl_fast.evaluate import bounds
from metarl_fast.history import History, narrowest
from metarl_fast.learners import Learner
from metarl_fast.result import Result
from metarl_fast.seeding import Seed, make_key
from metarl_fast.shards import end_to_end
from metarl_fast.tasks import Task, Tasks, as_batch

ContextPolicy: TypeAlias = Callable[[EpisodeContexts], Any]
"""Called with what was seen of N tasks, [N, L]; returns probabilities [N, A], or actions [N]."""


@dataclass(frozen=True, eq=False, repr=False)
class InContext(Result):
    """How a policy fared in N tasks, E episodes each.

    Attributes
    ----------
    returns
        [N, E] sums of rewards.
    optimal, random
        [N]: what the optimal and the random policy return on average in an episode of the task.
    discovered
        [N]: the first episode, from 0, with a reward above `threshold`; E if there was none. Episodes that
        a learner began in a terminal state, and that have no steps, are not counted.
    history
        All steps [N, T]: `relabel` says what a teacher would have done.
    """

    returns: NDArray[np.float64]
    optimal: NDArray[np.float64]
    random: NDArray[np.float64]
    discovered: NDArray[np.int64]
    history: History

    @property
    def mean_returns(self) -> NDArray[np.float64]:
        """Of all tasks, by episode [E]."""
        return np.asarray(self.returns.mean(axis=0))

    @property
    def discovered_by(self) -> NDArray[np.float64]:
        """Part of the tasks that had been rewarded by the end of each episode [E]."""
        return np.asarray((self.discovered[:, None] <= np.arange(self.returns.shape[1])).mean(axis=0))

    @property
    def exploited(self) -> NDArray[np.float64]:
        """Share of the optimum that each task gave on average after the episode of discovery [N]; else NaN.

        It is NaN, too, where the optimum is 0.
        """
        after = np.arange(self.returns.shape[1]) > self.discovered[:, None]
        number = after.sum(axis=1)
        gave = np.where(after, self.returns, 0.0).sum(axis=1)
        known = (number > 0) & (self.optimal != 0.0)
        shares = gave / np.where(known, number * self.optimal, 1.0)
        return np.where(known, shares, np.nan)

    def worst(self, episodes: slice = slice(-5, None)) -> tuple[int, float]:
        """Return the place of the task that fell furthest short of its optimum, and its mean return.

        Parameters
        ----------
        episodes
            Which count; default the last five.
        """
        found = self.returns[:, episodes].mean(axis=1)
        place = int((self.optimal - found).argmax())
        return place, float(found[place])

    def _contents(self) -> Iterator[tuple[str, Any]]:
        names = ("returns", "optimal", "random", "discovered")
        return ((name, getattr(self, name)) for name in names)

    @classmethod
    def joined(cls, parts: Any) -> InContext:
        """Put those of parts of the tasks one after the other."""
        arrays = {name: end_to_end(parts, name) for name in ("returns", "optimal", "random", "discovered")}
        return cls(**arrays, history=History.joined([part.history for part in parts]))


def act_in_context(
    policy: ContextPolicy | Learner | HasLearner,
    tasks: Tasks | Task,
    num_episodes: int,
    num_steps: int | None = None,
    *,
    window: int | None = None,
    threshold: float = 0.0,
    rng: Seed = None,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> InContext:
    """Let a policy act in tasks that it learns by what it sees, and say how it fared.

    Parameters
    ----------
    policy
        A function of an `EpisodeContexts` of N rows: what was seen in each task, up to the state that is to
        be acted in, which is the last token of its row (`mask` says where rows end; its `action`, `decides`
        and `label` are empty there). It returns probabilities [N, A] or actions [N]. Or a learner, or what a
        meta-learner's `fit` returned, for comparison.
    tasks
        N tasks.
    num_episodes
        E of each, at least 1.
    num_steps
        Of an episode, at most; default the tasks' horizon.
    window
        So many episodes are seen, the present one among them; None: all.
    threshold
        A reward above it counts as a discovery.
    rng
        Decides the answers of task and policy; those of a task depend on its id, too.
    num_threads
        As in `train`, for learners.
    progress
        Called with (episodes done, N * E).

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, and for what a policy returned, if it is no action.

    Examples
    --------
    >>> import metarl_fast as mf
    >>> tasks = mf.Darkroom.ad().sample(50, rng=0)
    >>> found = mf.act_in_context(lambda seen: seen.state[:, -1] % 5, tasks, 3, rng=0)
    >>> found.returns.shape
    (50, 3)
    """
    batch = as_batch(tasks)
    episodes = checks.integer(num_episodes, "num_episodes", 1, 2**31 - 2)
    limit = checks.real(threshold, "threshold")
    seen = episodes if window is None else checks.integer(window, "window", 1)
    report = checks.callback(progress, "progress")
    steps = episode_steps(batch, num_steps)
    if isinstance(policy, Learner) or not callable(policy):
        run = train(
            as_learner(policy), batch, episodes, num_steps, rng=rng, record=True,
            q_table=False, policy=False, num_threads=num_threads, progress=report,
        )  # fmt: skip
        history = run.history
        _, first = _by_episode(history, episodes, limit)
        returns = run.returns  # which know of episodes that had no steps
    else:
        history = _Rollout(batch, steps, episodes, seen, make_key(rng)).run(policy, report)
        returns, first = _by_episode(history, episodes, limit)
    limits = bounds(batch, 1.0, horizon=steps, num_threads=num_threads)
    return InContext(returns, limits.optimal, limits.random, first, history)


def _by_episode(
    history: History, num_episodes: int, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return sums of rewards [N, E], and the first episode with a reward above the threshold [N]."""
    ended = history.terminated | history.truncated
    episode: NDArray[np.int64] = np.cumsum(ended, axis=1) - ended
    row = np.broadcast_to(np.arange(len(episode))[:, None], episode.shape)
    there = history.mask
    place = (row * num_episodes + episode)[there]
    size = len(episode) * num_episodes
    returns = np.bincount(place, history.reward[there].astype(np.float64), minlength=size)
    found = there & (history.reward > threshold)
    first: NDArray[np.int64] = np.where(found, episode, num_episodes).min(axis=1, initial=num_episodes)
    return np.asarray(returns.reshape(len(episode), num_episodes), np.float64), first


class _Rollout:
    """N tasks in the core, stepped by a policy, and what was seen in each."""

    def __init__(self, tasks: Tasks, steps: Any, num_episodes: int, window: int, key: int) -> None:
        self.tasks, self.num_episodes, self.window = tasks, num_episodes, window
        n, longest = len(tasks), int(np.max(steps))
        size = num_episodes * longest
        checks.memory(n * (size + num_episodes) * 40, lambda: f"what is seen of {n} tasks in {size} steps")
        self.history = History.room(n, size, tasks.num_states, tasks.num_actions, np.dtype(np.float32))
        room = size + num_episodes  # tokens
        self._none = tasks.num_actions
        self._tokens: dict[str, NDArray[Any]] = {
            "state": np.zeros((n, room), narrowest(tasks.num_states)),
            "previous_action": np.zeros((n, room), narrowest(tasks.num_actions + 1)),
            "previous_reward": np.zeros((n, room), np.float32),
            "reset": np.zeros((n, room), bool),
            "step": np.zeros((n, room), np.int32),
            "episode": np.zeros((n, room), np.int32),
            "action": np.zeros((n, room), narrowest(tasks.num_actions)),
            "decides": np.zeros((n, room), bool),
        }
        self._length = np.zeros(n, np.int64)  # tokens so far
        self._first = np.zeros((n, num_episodes), np.int64)  # the token with which each episode begins
        self._done = np.zeros(n, np.int64)  # episodes
        self._rows = np.arange(n)
        limits = np.full(n, longest) if np.ndim(steps) == 0 else np.asarray(steps, np.int64)
        self._core = _core.VectorSimulatorFloat32(n, 0, False)
        self._core.assign(self._rows, tasks.core, self._rows, 0, limits.astype(np.int64), False)
        self._core.seed(self._rows, np.full(n, key, np.uint64))
        self._limits = limits
        self._draws = np.random.default_rng(key)

    def run(self, policy: ContextPolicy, progress: Progress | None) -> History:
        """Let the policy act until all tasks have had their episodes."""
        going = self._rows
        self._begin(going)
        while going.size:
            actions = self._chosen(policy(self.seen()))
            over = self._step(going, actions[going])
            self._done[over] += 1
            if over.size and progress is not None:
                progress(int(self._done.sum()), len(self._rows) * self.num_episodes)
            self._begin(over[self._done[over] < self.num_episodes])
            going = going[self._done[going] < self.num_episodes]
        return self.history.cut(None)

    def seen(self) -> EpisodeContexts:
        """Return what was seen of each task, the present state last; a copy."""
        episode = np.minimum(self._done, self.num_episodes - 1)
        oldest = np.maximum(episode - self.window + 1, 0)
        begins = self._first[self._rows, oldest]
        length = self._length - begins
        longest = int(length.max())
        mask = np.arange(longest) < length[:, None]
        if (begins == begins[0]).all():
            arrays = {k: a[:, begins[0] : begins[0] + longest].copy() for k, a in self._tokens.items()}
        else:
            at = np.minimum(begins[:, None] + np.arange(longest), self._tokens["state"].shape[1] - 1)
            arrays = {k: np.take_along_axis(a, at, axis=1) for k, a in self._tokens.items()}
        if not mask.all():
            arrays = {k: np.where(mask, a, 0).astype(a.dtype) for k, a in arrays.items()}
        place = np.where(mask, arrays["episode"] - oldest[:, None], 0).astype(np.int32)
        return EpisodeContexts(**arrays, place=place, mask=mask, label=None, task=self.tasks.ids)

    def _begin(self, rows: NDArray[np.int64]) -> None:
        if not rows.size:
            return
        self._core.reset(rows)
        self._first[rows, self._done[rows]] = self._length[rows]
        self._see(rows, self._core.states[rows], self._none, 0.0, reset=True, step=0)

    def _see(
        self, rows: NDArray[np.int64], state: Any, action: Any, reward: Any, *, reset: bool, step: Any
    ) -> None:
        values = {
            "state": state,
            "previous_action": action,
            "previous_reward": reward,
            "reset": reset,
            "step": step,
            "episode": self._done[rows],
        }
        for name, value in values.items():
            self._tokens[name][rows, self._length[rows]] = value
        self._length[rows] += 1

    def _step(self, rows: NDArray[np.int64], actions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take actions, keep what they led to, and return which episodes are over."""
        last = self._length[rows] - 1
        state, step = (self._tokens[name][rows, last] for name in ("state", "step"))
        entered, reward, terminated, truncated = self._core.step_some(rows, actions, _core.Autoreset.disabled)
        past, at = self.history, self.history.length[rows]
        truncated &= ~terminated
        for name, value in (
            ("state", state), ("action", actions), ("reward", reward), ("next_state", entered),
            ("terminated", terminated), ("truncated", truncated),
        ):  # fmt: skip
            getattr(past, name)[rows, at] = value
        past.length[rows] += 1
        self._tokens["action"][rows, last] = actions
        self._tokens["decides"][rows, last] = True
        self._see(rows, entered, actions, reward, reset=False, step=step + 1)
        return rows[terminated | truncated]

    def _chosen(self, given: Any) -> NDArray[np.int64]:
        """Return actions [N] of what a policy returned."""
        n, number = len(self._rows), self._none
        found = checks.numeric(given, "what the policy returned")
        if found.ndim == 1 and found.dtype.kind in "iu":
            taken = checks.shape(found, "what the policy returned", (n,)).astype(np.int64)
            if taken.size and not (0 <= taken.min() and taken.max() < number):
                raise ValueError(
                    f"the policy returned {checks.shown(given)}, expected actions below {number}"
                )
            return taken
        rows = checks.shape(found, "what the policy returned", (n, number)).astype(np.float64)
        total = rows.sum(axis=1)
        if not (rows.min(initial=0.0) >= 0.0 and np.isfinite(total).all() and (total > 0.0).all()):
            raise ValueError(f"the policy returned {checks.shown(given)}, expected probabilities [N, A]")
        cumulative = np.cumsum(rows, axis=1) / total[:, None]
        taken = (self._draws.random(n)[:, None] >= cumulative).sum(axis=1)
        likely = number - 1 - (rows[:, ::-1] > 0.0).argmax(axis=1)  # the last one that can be
        return np.asarray(np.minimum(taken, likely), np.int64)
