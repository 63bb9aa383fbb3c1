"""What ends of episodes give, as a reward of its own beside what pairs give; and which states end alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metarl_fast.learners import TaskPrior
from metarl_fast.meta.prior_of_models import values_of
from metarl_fast.meta.task_models import TaskModel, of_entries

Float = NDArray[np.float64]
_OF_PAIRS = "on_rewards", "on_weights", "end_rewards", "end_weights"
_OF_STATES = "ended_both", "ended_one"
_MOST_STATES = 512
"""Of more states it is not asked which end alike: that takes S^2 numbers."""


def nothing() -> dict[str, Float]:
    """Return the sums over no tasks, of no size yet."""
    return {name: np.zeros(0) for name in _OF_PAIRS} | {name: np.zeros((0, 0)) for name in _OF_STATES}


def with_ends(sums: dict[str, Float], model: TaskModel, num_states: int) -> dict[str, Float]:
    """Return the sums after one more task of S states, P pairs.

    `on_rewards`, `on_weights`, `end_rewards`, `end_weights` [P]
        Rewards of transitions by their probabilities, and these; of those that go on, and of those that end.
    `ended_both`, `ended_one` [S, S]
        In how many tasks, in which two states could be entered, entering the first and the second may end an
        episode, and entering the first but not the second; of many states [0, 0].
    """
    pairs = model.visits.size
    found = dict(sums)
    if not sums["on_weights"].size:
        size = num_states if num_states <= _MOST_STATES else 0
        found |= {name: np.zeros(pairs) for name in _OF_PAIRS}
        found |= {name: np.zeros((size, size)) for name in _OF_STATES}
    for of, part in (("on", 1.0 - model.end), ("end", model.end)):
        weight = model.probability * part
        found[f"{of}_weights"] = found[f"{of}_weights"] + np.bincount(model.pair, weight, pairs)
        found[f"{of}_rewards"] = found[f"{of}_rewards"] + np.bincount(
            model.pair, weight * model.reward, pairs
        )
    if not found["ended_one"].size:
        return found
    ends = of_entries(model, model.end, num_states) > 0.0
    others = (np.bincount(model.next_state, minlength=num_states) > 0) & ~ends
    for name, second in (("ended_both", ends), ("ended_one", others)):
        found[name] = found[name].copy()
        found[name][np.ix_(ends, second)] += 1.0
    return found


def with_end_rewards(prior: TaskPrior, sums: dict[str, Float], discount: float, bonus: float) -> TaskPrior:
    """Return the prior with what ends give apart from what classes give, where rewards are of classes.

    A class then gives what it gave on the way, on average; an end one number more: what transitions that end
    gave above that. States end alike if both may have ended some task, and neither ever did where the other
    could be entered and did not.
    """
    if prior.rewards != "pair" or not sums["end_weights"].any():
        return prior
    of_pair = prior.classes.ravel()
    weights = np.bincount(of_pair, sums["on_weights"], prior.num_classes)
    totals = np.bincount(of_pair, sums["on_rewards"], prior.num_classes)
    reward_means = np.where(weights > 0.0, totals / np.where(weights > 0.0, weights, 1.0), prior.reward_means)
    above = sums["end_rewards"] - sums["end_weights"] * reward_means[of_pair]
    at_end = float(above.sum() / sums["end_weights"].sum())
    alike = _alike(sums, prior.num_states)
    terminations = (np.bincount(alike, prior.terminations) / np.maximum(np.bincount(alike), 1))[alike]
    at_once = bonus + reward_means
    for k in range(prior.next_states.shape[1]):
        entered = np.maximum(prior.next_states[:, k], 0)
        at_once = at_once + prior.probabilities[:, k] * terminations[entered] * at_end
    reach = discount * prior.probabilities * (1.0 - terminations[np.maximum(prior.next_states, 0)])
    return prior.replace(
        reward_means=reward_means,
        terminations=terminations,
        values=values_of(at_once, reach, prior.next_states, prior.classes.astype(np.int64)),
        end_rewards=np.full(prior.num_states, at_end),
        end_alike=alike.astype(np.int32),
    )


def _alike(sums: dict[str, Float], num_states: int) -> NDArray[np.int64]:
    """Return the first of the states that each state ends like [S]."""
    alike = np.arange(num_states)
    if sums["ended_one"].size:
        like = (sums["ended_both"] > 0.0) & (sums["ended_one"] + sums["ended_one"].T == 0.0)
        for state in np.flatnonzero(sums["ended_both"].any(axis=1)):
            first = np.flatnonzero(like[state, :state] & (alike[:state] == np.arange(state)))
            alike[state] = first[0] if first.size else state
    return alike
