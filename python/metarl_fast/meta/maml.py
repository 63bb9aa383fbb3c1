"""MAML on action values: the start from which a few updates lead furthest, by the gradient through them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.engine import episode_steps, train
from metarl_fast.history import History
from metarl_fast.learners import Learner, LinearLearner
from metarl_fast.meta.fitted import State
from metarl_fast.meta.gradient import GradientMeta, mean_over_tasks
from metarl_fast.meta.meta_batch import MetaBatch
from metarl_fast.policy_gradient import policy_gradient
from metarl_fast.replay import replay_gradient
from metarl_fast.seeding import Seed, child, make_key
from metarl_fast.tasks import Tasks

_HISTORY = 2.0**28
"""Bytes of recorded steps that are held at once."""
_BYTES_OF_STEP = 40


@dataclass(frozen=True, kw_only=True)
class Maml(GradientMeta):
    """theta <- theta - step_size * d/dtheta mean_T L_T(U_T(theta)), in steps of Adam.

    U_T(theta) is the table learned from theta on task T, in `num_episodes` episodes: about as many as a new
    task will have, since what is looked for is a start from which so many are enough. L_T is half the mean
    squared temporal-difference error of that table on fresh steps in T, taken by the adapted learner. The
    gradient goes back through all updates, exactly, as in `replay_gradient`. The steps themselves are held
    fixed: that another start would lead to other steps is not seen, and where rewards are rare, as in
    `GoalGrid`, the start may be worse than none.

    Hundreds of updates forget what they started from: the gradient of an entry shrinks by 1 - learning_rate
    each time it is updated, and what little is left differs between entries by chance, to which Adam gives
    steps as large as any. For many episodes take `multi_step`.

    Finn, Abbeel and Levine, "Model-agnostic meta-learning for fast adaptation of deep networks", ICML 2017,
    with a learner inside that `replay` takes: Q-learning, SARSA or expected SARSA, or Q-learning on features,
    whose weights are then what theta is, if all actions are available; Kingma and Ba, "Adam", ICLR 2015.

    Parameters
    ----------
    step_size
        The most by which an action value moves in a step, about; above 0.
    fresh_episodes
        Episodes on each task whose steps the adapted table is judged by.
    loss
        "td_error", as above; "return": minus the exact return of an episode by the softmax policy of the
        adapted table, discounted as the learner does; or "lifetime": minus the mean return of all episodes
        that the learner lived, exploration and all. The last two need no fresh steps, and value what is
        earned. That of a lifetime sees that another start leads to other steps: by the likelihood ratio, each
        choice weighs what was earned from there on, less what the meta-batch before earned from that episode
        on (`replay_gradient`'s `worth`; Williams, "Simple statistical gradient-following algorithms for
        connectionist reinforcement learning", Machine Learning 8, 1992). Its learner acts by softmax.
    temperature
        Of the policy of "return", above 0.
    first_order
        Take the gradient with respect to the adapted table for that with respect to theta: first-order MAML.
    multi_step
        Judge the table after 1, 2, 4, ... and all episodes, and go down the mean of these losses (Antoniou,
        Edwards and Storkey, "How to train your MAML", ICLR 2019).
    """

    fresh_episodes: int = 5
    loss: Literal["td_error", "return", "lifetime"] = "td_error"
    temperature: float = 0.1
    first_order: bool = False
    multi_step: bool = False
    learns_rates: ClassVar[bool] = False
    """Whether the gradient with respect to the learning rates is wanted, too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "fresh_episodes", checks.integer, 1)
        if not isinstance(self.loss, str) or self.loss not in ("td_error", "return", "lifetime"):
            raise ValueError(
                f"loss is {checks.shown(self.loss)}, expected 'td_error', 'return' or 'lifetime'"
            )
        checks.keep(self, "temperature", checks.real, 0.0, open_low=True)
        checks.keep(self, "first_order", checks.flag)
        checks.keep(self, "multi_step", checks.flag)
        if self.loss == "lifetime" and (self.first_order or self.multi_step):
            raise ValueError(
                f"loss is 'lifetime' and first_order {self.first_order}, multi_step {self.multi_step}, "
                "expected neither: all steps count, and nothing but what led to them"
            )

    def cost(self, num_tasks: int, num_episodes: int, num_iterations: int | None = None) -> int:
        """Return how many episodes in training tasks `fit` takes, with those that `loss` judges by."""
        fresh = self.fresh_episodes if self.loss == "td_error" else 0
        return super().cost(num_tasks, num_episodes + fresh, num_iterations)

    def step_on(self, batch: MetaBatch, state: State, learner: Learner) -> State:
        """Return the state after one meta-batch."""
        tasks, student = batch.tasks, self.apply(state, learner)
        student.check_sizes(tasks.num_states, tasks.num_actions)
        of_features = isinstance(learner, LinearLearner) and learner.features is not None
        if of_features and (self.loss != "td_error" or tasks.core.masked):
            raise ValueError(
                f"loss is {self.loss!r} and actions {'are' if not tasks.core.masked else 'are not all'} "
                "available: of learners on features expected 'td_error', with all actions available"
            )
        episodes = checks.integer(batch.num_episodes, "num_episodes", 0)
        key, num_steps = make_key(batch.rng), batch.num_steps
        work: dict[str, Any] = {"dtype": np.float64, "record": True, "num_threads": batch.num_threads}
        judged_after = _powers_of_two(episodes) if self.multi_step else [episodes]
        returns, losses, gradients = [], [], []
        for places in _pieces(tasks, episodes + self.fresh_episodes, num_steps):
            part = tasks[places]
            snapshots = sorted({0, *judged_after})
            run = train(
                student, part, episodes, num_steps, rng=child(key, 0), snapshot_episodes=snapshots, **work
            )
            assert run.history is not None
            lost, moved_by = [], []
            for place, number in enumerate(reversed(judged_after), start=1):
                steps, begun, adapted = run.history, run.snapshots[:, 0], run.snapshots[:, -place]
                if self.first_order:  # as if nothing had led to the table
                    steps, begun = replace(steps, length=np.zeros_like(steps.length)), adapted
                elif number < episodes:
                    steps = replace(steps, length=_steps_of(steps, number))
                loss = None
                if self.loss == "return":
                    loss, of_table = self._lost(learner, part, adapted, num_steps, batch.num_threads)
                    judged: dict[str, Any] = {"cotangents": of_table}
                elif self.loss == "lifetime":
                    loss = -run.returns.mean(axis=1) if episodes else np.zeros(len(part))
                    judged = {"worth": _worth_of(steps, state["returns"], episodes)}
                else:
                    judged = {
                        "fresh": self._fresh(learner, part, adapted, num_steps, child(key, place), work)
                    }
                found = replay_gradient(
                    student,
                    steps,
                    begun,
                    of_learning_rates=self.learns_rates,
                    num_threads=batch.num_threads,
                    **judged,
                )
                lost.append(np.asarray(found.loss if loss is None else loss))
                slopes = found.initial_table, found.learning_rates
                moved_by.append([slope for slope in slopes if slope is not None])
            returns.append(run.returns)
            losses.append(np.mean(lost, axis=0))
            gradients.append([np.mean(of, axis=0) for of in zip(*moved_by, strict=True)])
            batch.report(places.stop, len(tasks))
        means = [mean_over_tasks(np.concatenate(of)) for of in zip(*gradients, strict=True)]
        return {
            **self.descended(state, means),
            "returns": mean_over_tasks(np.concatenate(returns)),
            "loss": mean_over_tasks(np.concatenate(losses)),
        }

    def descended(self, state: State, gradients: list[NDArray[np.float64]]) -> State:
        """Return what of the state a step down changes; gradients of theta, and of the rates if wanted."""
        return self.moved(state, gradients[0])

    def _fresh(
        self,
        learner: Learner,
        tasks: Tasks,
        tables: NDArray[np.float64],
        num_steps: int | None,
        rng: Seed,
        work: dict[str, Any],
    ) -> History:
        """Return steps that adapted learners take, which learn no more."""
        judge = learner.replace(learning_rate=0.0)
        return train(
            judge, tasks, self.fresh_episodes, num_steps, rng=rng, initial_table=tables, **work
        ).history

    def _lost(
        self,
        learner: Learner,
        tasks: Tasks,
        tables: NDArray[np.float64],
        num_steps: int | None,
        num_threads: int | None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return minus the returns [N] of the softmax of tables, and how that moves with them [N, S, A]."""
        found = policy_gradient(
            tasks,
            tables / self.temperature,
            learner.discount,
            horizon=episode_steps(tasks, num_steps),
            num_threads=num_threads,
        )
        return -found.returns, -found.gradient / self.temperature


def _worth_of(steps: History, expected: NDArray[np.float64], num_episodes: int) -> NDArray[np.float64]:
    """Return minus what was earned from each step on [N, T], less what was expected of each episode [E]."""
    there = np.arange(steps.reward.shape[1]) < steps.length[:, None]
    later = np.where(there, steps.reward, 0.0)[:, ::-1].cumsum(axis=1)[:, ::-1]
    ended = there & (steps.terminated | steps.truncated)
    episode = ended.cumsum(axis=1) - ended
    usual = np.zeros(num_episodes + 1)
    if expected.shape == (num_episodes,):  # of the meta-batch before
        usual[:-1] = expected[::-1].cumsum()[::-1]
    return np.where(there, usual[np.minimum(episode, num_episodes)] - later, 0.0) / max(1, num_episodes)


def _pieces(tasks: Tasks, num_episodes: int, num_steps: int | None) -> Iterator[slice]:
    """Yield places of tasks whose steps fit into memory together."""
    steps = num_episodes * float(np.max(episode_steps(tasks, num_steps), initial=1))
    at_once = max(1, int(_HISTORY / (_BYTES_OF_STEP * steps)))
    for first in range(0, max(1, len(tasks)), at_once):  # of no tasks one piece, too
        yield slice(first, min(first + at_once, len(tasks)))


def _powers_of_two(largest: int) -> list[int]:
    """Return 1, 2, 4, ... below `largest`, and it."""
    return [1 << k for k in range(max(0, largest - 1).bit_length())] + [largest]


def _steps_of(history: History, num_episodes: int) -> NDArray[np.int64]:
    """Return how many steps each learner took in its first `num_episodes`, [N]."""
    ended = np.cumsum(history.terminated | history.truncated, axis=1)
    return np.asarray(np.minimum((ended < num_episodes).sum(axis=1) + 1, history.length))
