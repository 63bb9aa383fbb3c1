"""Query sets: steps of a task in any order, a state, and what is best in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast.contexts import Contexts
from metarl_fast.result import Result


@dataclass(frozen=True, eq=False, repr=False)
class Queries(Result):
    """B queries, each with C steps of the same task, in the names of decision-pretrained transformers' data.

    Attributes
    ----------
    query_state
        [B], not terminal.
    optimal_action
        [B]: the first best action there.
    label
        [B, A] float32: all best actions there alike.
    context_states, context_actions, context_next_states, context_rewards
        [B, C]; zeros behind the last step.
    mask
        [B, C]: which places hold a step.
    task
        [B] ids of the tasks.
    """

    query_state: NDArray[Any]
    optimal_action: NDArray[Any]
    label: NDArray[np.float32]
    context_states: NDArray[Any]
    context_actions: NDArray[Any]
    context_next_states: NDArray[Any]
    context_rewards: NDArray[Any]
    mask: NDArray[np.bool_]
    task: NDArray[np.uint64]

    def _contents(self) -> Iterator[tuple[str, Any]]:
        names = ("query_state", "optimal_action", "context_states", "task")
        return ((name, getattr(self, name)) for name in names)


def queries_of(
    steps: Contexts,
    terminal: NDArray[np.bool_],
    best: NDArray[np.float64],
    generator: np.random.Generator,
) -> Queries:
    """Return a query for each piece of steps.

    Parameters
    ----------
    steps
        [B, C].
    terminal
        [B, S]: which states no query is of.
    best
        [B, S, A]: the policy that shares alike among the best actions.
    generator
        Draws the states, and the order of the steps.
    """
    number = np.arange(len(steps.state))
    drawn = generator.random(terminal.shape)
    state = np.where(terminal, -1.0, drawn).argmax(axis=1)
    label = best[number, state].astype(np.float32)
    # Steps first, in random order.
    order = np.argsort(np.where(steps.mask, generator.random(steps.mask.shape), 2.0), axis=1)
    context = {
        name: np.take_along_axis(getattr(steps, of), order, axis=1)
        for name, of in (
            ("context_states", "state"),
            ("context_actions", "action"),
            ("context_next_states", "next_state"),
            ("context_rewards", "reward"),
        )
    }
    return Queries(
        query_state=state.astype(steps.state.dtype),
        optimal_action=label.argmax(axis=1).astype(steps.action.dtype),
        label=label,
        **context,
        mask=steps.mask,  # steps stay in front
        task=steps.task,
    )
