"""Learning again from recorded steps, and exact gradients of what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metarl_fast import _core, checks
from metarl_fast.engine import HasLearner, Progress, as_learner
from metarl_fast.history import History, narrowest
from metarl_fast.learners import Learner, LinearLearner, Table
from metarl_fast.learners.td_settings import TdSettings
from metarl_fast.result import Result
from metarl_fast.runtime import thread_count

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class ReplayGradient(Result):
    """What N learners made of their steps, and how a loss moves with what they started from.

    Attributes
    ----------
    q_table
        [N, S, A] what was learned.
    loss
        [N] half the mean squared temporal-difference error on the fresh steps; None where cotangents were
        given.
    initial_table
        [N, S, A] the gradient of each learner's loss with respect to the table that it started from.
    learning_rates
        [N, S, A] the same with respect to the learning rate of each entry: their sum is that of a rate which
        all entries share. None if it was not asked for.
    """

    q_table: Float
    loss: Float | None
    initial_table: Float
    learning_rates: Float | None


def replay(
    learner: Learner | HasLearner,
    history: History,
    initial_table: ArrayLike | Table | None = None,
    *,
    learning_rates: ArrayLike | None = None,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> Float:
    """Return what learners make of recorded steps, [N, S, A], in float64.

    From the table that a run of `train` started from, with `dtype=float64`, its history gives its `q_table`
    to the bit; other steps, of whomever, are learned from alike.

    Parameters
    ----------
    learner
        With one table and no eligibility traces: `QLearning`, `ExpectedSarsa` and `Sarsa`. Of those on
        features `LinearQLearning`, at one learning rate that stays: its weights [F, A] take the place of
        tables everywhere. It must be known which actions are best, so all have to be available.
    history
        Steps of N learners in rows of T. Exploration that changes from episode to episode changes after each
        step that is `terminated` or `truncated`. `Sarsa` learns from the actions that it chose ahead: from
        its `next_action`, or where a history has none, as that of another learner, from the actions taken
        next, if each episode is recorded until it terminates.
    initial_table
        [S, A], or [N, S, A]; -inf for actions that are not available. Default: what the learner starts from.
    learning_rates
        [S, A] in place of the learner's own, each 0 to 1.
    num_threads, progress
        As in `train`.

    Raises
    ------
    ValueError, TypeError
        For other shapes, for states and actions out of range, and for learners that cannot be replayed.
    """
    batch = _Batch(learner, history, initial_table, learning_rates)
    found = np.empty(batch.shape)
    batch.run(num_threads, progress, q_table=found)
    return found


def replay_gradient(
    learner: Learner | HasLearner,
    history: History,
    initial_table: ArrayLike | Table | None = None,
    *,
    fresh: History | None = None,
    cotangents: ArrayLike | None = None,
    worth: ArrayLike | None = None,
    learning_rates: ArrayLike | None = None,
    of_learning_rates: bool = False,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> ReplayGradient:
    """Return `replay`'s tables, and the exact gradient of a loss of them through all updates.

    The loss of a table is half the mean squared temporal-difference error (target - q(s, a))^2 on `fresh`
    steps, the targets moving with the table; or whatever has the `cotangents` as its gradient with respect to
    the tables: so one's own loss is the last link of the chain rule. Steps are held fixed, and where several
    actions are best the first one counts as the best.

    With the `worth` of each step the loss of its choices is added: sum_t worth_t ln pi(a_t | s_t) by the
    softmax of the table as it stood. If worth is minus what was earned from a step on, the mean over runs of
    its gradient is that of minus the expected return, of all of the lifetime (Williams 1992).

    An update changes one entry, so its adjoint touches that entry and those looked ahead at: the way back
    costs about as much as the way there, and memory grows as the root of the number of steps.

    Parameters
    ----------
    learner, history, initial_table, learning_rates, num_threads, progress
        As in `replay`.
    fresh
        Steps [N, T'] of the same tasks; their episodes count on from those of `history`.
    cotangents
        [N, S, A], in place of `fresh`: how a loss moves with the tables learned.
    worth
        [N, T] in place of both or beside them; for a learner with a `temperature` that does not choose ahead.
        The `loss` that is returned is that of `fresh` alone.
    of_learning_rates
        Whether to return the gradient with respect to the rates, too.

    Raises
    ------
    ValueError, TypeError
        As `replay` does; unless there is either of `fresh` and `cotangents`, or `worth`; and for learners
        whose choices cannot be scored.
    """
    ways = (fresh is not None) + (cotangents is not None)
    if ways == 2 or (ways == 0 and worth is None):
        raise ValueError("give either fresh, steps to be judged by, or cotangents")
    batch = _Batch(learner, history, initial_table, learning_rates, fresh)
    given = None if cotangents is None else checks.array(cotangents, "cotangents", np.float64)
    if given is not None:
        checks.finite(checks.shape(given, "cotangents", batch.shape), "cotangents")
    elif worth is not None and fresh is None:
        given = np.zeros(batch.shape)
    scored = None if worth is None else checks.array(worth, "worth", np.float64)
    if scored is not None:
        steps = batch.history["state"].shape
        scored = np.ascontiguousarray(checks.finite(checks.shape(scored, "worth", steps), "worth"))
    tables = ["q_table", "of_initial"]
    if checks.flag(of_learning_rates, "of_learning_rates"):
        tables.append("of_rates")
    # In one piece: the C library hands several back to the system after each call, to ask for them anew.
    found = dict(zip(tables, np.empty((len(tables), *batch.shape)), strict=True))
    if fresh is not None:
        found["loss"] = np.empty(batch.shape[0])
    batch.run(num_threads, progress, cotangents=given, worth=scored, **found)
    return ReplayGradient(found["q_table"], found.get("loss"), found["of_initial"], found.get("of_rates"))


class _Batch:
    """Steps, and what is to be learned from them, in the core's numbers."""

    def __init__(
        self,
        learner: Learner | HasLearner,
        history: History,
        initial_table: ArrayLike | Table | None,
        learning_rates: ArrayLike | None,
        fresh: History | None = None,
    ) -> None:
        own = as_learner(learner)
        self.features = own.features if isinstance(own, LinearLearner) else None
        if self.features is not None and learning_rates is not None:
            raise ValueError("learning_rates are given, expected None: weights of features have no own ones")
        self.table = _table(own, initial_table)
        rows, a = self.table.shape[-2:]
        s = rows if self.features is None else self.features.num_states
        own.check_sizes(s, a)
        self.history = checked_steps(history, "history", s, a)
        self.fresh = {} if fresh is None else checked_steps(fresh, "fresh", s, a)
        n = len(self.history["length"])
        self.shape = (n, rows, a)
        if self.table.ndim == 3:
            checks.shape(self.table, "initial_table", self.shape)
        if self.fresh:
            checks.shape(self.fresh["length"], "the length of fresh", (n,))
        self.rates = None
        if learning_rates is not None:
            self.rates = checks.shape(
                checks.array(learning_rates, "learning_rates", np.float64), "learning_rates", (s, a)
            )
            checks.finite(self.rates, "learning_rates")
            for extreme in (self.rates.min(), self.rates.max()):
                checks.real(extreme, "a learning rate of learning_rates", 0.0, 1.0)
        changes = isinstance(own, TdSettings) and own.num_explorations(2) > 1
        self.core = own.core(_most_episodes(self.history, self.fresh) if changes else 1)

    def run(
        self,
        num_threads: int | None,
        progress: Progress | None,
        *,
        cotangents: Float | None = None,
        worth: Float | None = None,
        q_table: Float | None = None,
        loss: Float | None = None,
        of_initial: Float | None = None,
        of_rates: Float | None = None,
    ) -> None:
        """Have the core fill the arrays."""
        n, s, a = self.shape
        threads = max(1, min(thread_count(num_threads), n))
        longest = self.history["state"].shape[1]
        scratch = threads * int(_core.replay_scratch(s, a, longest))
        checks.memory(3 * 8 * n * s * a + scratch, lambda: f"learning again {n} tables [{s}, {a}]")
        report = checks.callback(progress, "progress")
        if self.features is not None:
            if worth is not None or of_rates is not None:
                raise ValueError("of learners on features the gradient is that of the start alone")
            _core.replay_linear(
                self.core,
                self.history,
                self.table,
                self.fresh,
                cotangents,
                q_table,
                loss,
                of_initial,
                threads,
                report,
            )
            return
        _core.replay(
            self.core,
            self.history,
            self.table,
            self.rates,
            self.fresh,
            cotangents,
            worth,
            q_table,
            loss,
            of_initial,
            of_rates,
            threads,
            report,
        )


def _table(learner: Learner, initial_table: ArrayLike | Table | None) -> Float:
    """Return what is started from, [S, A] or [N, S, A]; of learners on features [F, A] or [N, F, A]."""
    rows = learner.table_shape(learner.num_states or 0, 0)[0] or None
    start = learner.initial_q if initial_table is None else initial_table
    if not isinstance(start, Table) and checks.single(start):
        if rows is None or learner.num_actions is None:
            raise ValueError(
                f"initial_table is {checks.shown(start)}, expected a table [S, A]: steps do not say how many "
                "states there are"
            )
        return np.full((rows, learner.num_actions), checks.real(start, "initial_table"))
    found = checks.array(start.values if isinstance(start, Table) else start, "initial_table", np.float64)
    sizes = tuple(
        size or given for size, given in zip((rows, learner.num_actions), found.shape[-2:], strict=False)
    )
    if found.ndim not in (2, 3) or 0 in sizes or found.shape[-2:] != sizes:
        s, a = rows or "S", learner.num_actions or "A"
        raise ValueError(f"initial_table has shape {found.shape}, expected ({s}, {a}) or (N, {s}, {a})")
    return np.asarray(checks.action_values(found, "initial_table"))


def checked_steps(history: Any, name: str, num_states: int, num_actions: int) -> dict[str, NDArray[Any]]:
    """Return a history's arrays as the core reads them."""
    if not isinstance(history, History):
        raise TypeError(
            f"{name} is {checks.shown(history)}, expected a History: train(..., record=True).history"
        )
    states, actions = narrowest(num_states), narrowest(num_actions)
    types: dict[str, Any] = {"state": states, "action": actions, "reward": np.float64, "next_state": states}
    types |= {"terminated": bool, "truncated": bool}
    types |= {} if history.next_action is None else {"next_action": actions}
    if np.ndim(history.state) != 2:
        raise ValueError(f"{name}.state has shape {np.shape(history.state)}, expected (N, T)")
    n, t = np.shape(history.state)
    found: dict[str, NDArray[Any]] = {
        "length": checks.shape(
            checks.array(history.length, f"{name}.length", np.int64), f"{name}.length", (n,)
        )
    }
    if n and not (found["length"].min() >= 0 and found["length"].max() <= t):
        raise ValueError(f"{name}.length has numbers that are not 0 to {t}, the steps that there are")
    for key, kind in types.items():
        given = np.asarray(getattr(history, key))
        checks.shape(given, f"{name}.{key}", (n, t))
        if kind in (states, actions):
            limit = num_actions if key in ("action", "next_action") else num_states
            if given.dtype.kind not in "iu":
                raise TypeError(f"{name}.{key} has the dtype {given.dtype}, expected integers")
            low = 0 if given.dtype.kind == "u" else int(given.min(initial=0))
            high = int(given.max(initial=0))
            if low < 0 or high >= limit:
                raise ValueError(
                    f"{name}.{key} has {low if low < 0 else high}, expected integers 0 to {limit - 1}"
                )
        found[key] = np.ascontiguousarray(given, kind)
    return found


def _most_episodes(*histories: dict[str, NDArray[Any]]) -> int:
    """Return how many episodes any learner was in."""
    most = 1
    for steps in filter(None, histories):
        ended = steps["terminated"] | steps["truncated"]
        # Narrow sums take a third of the time.
        most += int(ended.sum(axis=1, dtype=narrowest(ended.shape[1] + 1)).max(initial=0))
    return most
