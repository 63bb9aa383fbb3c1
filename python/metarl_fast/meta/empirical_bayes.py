"""Empirical Bayes: a prior over tasks, learned from training tasks, for a learner that plans by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from metarl_fast import checks
from metarl_fast.learners import Learner, MixturePlanner, PosteriorPlanner
from metarl_fast.meta import ends_of_models
from metarl_fast.meta.fitted import State
from metarl_fast.meta.kinds_of_models import kinds_of, likelihood_of
from metarl_fast.meta.model_meta import ModelMeta
from metarl_fast.meta.prior_of_models import (
    Goals,
    Smoothing,
    noise_of,
    prior_of,
    reward_deviation,
    reward_scale,
)
from metarl_fast.meta.task_models import TaskModel
from metarl_fast.seeding import Seed

_MOST_KINDS = 64
_AT_ONCE = 512
_TRANSITIONS_AT_ONCE = 2**19
"""So many tasks are told apart at a time, and so many transitions of theirs, but some tasks of each kind."""
_LEAST_NOISE = 0.1
"""Of rewards, in units of the deviation between tasks: no prior is as exact as it says."""


@dataclass(frozen=True)
class Candidate:
    """Settings to choose from: what of the prior to believe, and what the planner makes of it."""

    goals: Goals = "support"
    everywhere: float = 0.003
    bonus: float = 0.0005
    """In units of `reward_scale`."""
    bonus_decay: float = 0.5
    transition_strength: float = 0.01
    trust: float = 0.0
    """Times noise / variance between tasks is what prior rewards are worth; without noise not tried."""


CANDIDATES = (
    Candidate(),
    Candidate(goals="mean"),
    Candidate(everywhere=100.0),
    Candidate(bonus=0.02),
    Candidate(goals="mean", bonus=0.02),
    Candidate(transition_strength=1.0),
    Candidate(transition_strength=10.0),
    Candidate(transition_strength=10.0, bonus=0.1, bonus_decay=1.0),
    Candidate(transition_strength=10.0, bonus=0.5, bonus_decay=2.0),
    Candidate(transition_strength=10.0, bonus=1.0, bonus_decay=2.0),
    Candidate(transition_strength=3.0, bonus=2.0, bonus_decay=2.0),
    Candidate(bonus=0.5, bonus_decay=1.0, trust=0.03),
    Candidate(bonus=0.1, trust=1.0),
)
"""The first one does well nearly everywhere, and is what is taken if there are too few tasks to choose."""


@dataclass(frozen=True, kw_only=True)
class EmpiricalBayes(ModelMeta):
    """Learns what tasks have in common, as the prior of a `PosteriorPlanner`.

    From the exact models of the training tasks it takes which pairs (state, action) behave alike in all of
    them, where they lead on average, what rewards depend on and where they may lie, and how episodes end. The
    means are smoothed: what no training task rewarded may be the goal of a new one. (Robbins, "An empirical
    Bayes approach to statistics", 1956; of priors over MDPs Wilson et al., ICML 2007.)

    Where rewards are noisy, it tells what differs from what is chance by an analysis of variance, so that
    `experience` finds what rewards depend on, and tries how many rewards the prior is worth: noise / variance
    between tasks, times a part, for goals are rarer than a normal law has them.

    Which settings suit the family is chosen on an inner split of the training tasks.

        fitted = EmpiricalBayes().fit(training, rng=0)
        compare({"scratch": QLearning(), "empirical Bayes": fitted}, held_out, (0, 1, 5), rng=1)

    Parameters
    ----------
    neighbours
        Part of a state's reward that is believed of the states that lead there, 0 to 1.
    num_kinds
        How many kinds of tasks there are, 1 to 64: walls of several sorts, say, or goals and traps. Of more
        than one, hard EM finds the kind of each training task (those of a meta-batch together), each kind has
        a prior of its own, and the learner is a `MixturePlanner`. Of several numbers the one is taken under
        which tasks held back are likeliest; the first, if none were.
    end_rewards
        Whether what the end of an episode gives is a reward of its own, where rewards are of pairs: so what a
        trip costs is one thing and where it ends another. Of combinations never seen that is known sooner.
    """

    neighbours: float = 0.3
    num_kinds: int | tuple[int, ...] = 1
    end_rewards: bool = False

    candidates: ClassVar[tuple[Candidate, ...]] = CANDIDATES

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "neighbours", checks.real, 0.0, 1.0)
        checks.keep(self, "end_rewards", checks.flag)
        if isinstance(self.num_kinds, (list, tuple)):
            found = tuple(checks.integer(k, "num_kinds", 1, _MOST_KINDS) for k in self.num_kinds)
            if not found or len(set(found)) < len(found):
                raise ValueError(f"num_kinds is {checks.shown(self.num_kinds)}, expected different numbers")
            object.__setattr__(self, "num_kinds", found)
        else:
            checks.keep(self, "num_kinds", checks.integer, 1, _MOST_KINDS)

    def _numbers(self) -> tuple[int, ...]:
        """Return of how many kinds tasks may be."""
        return self.num_kinds if isinstance(self.num_kinds, tuple) else (self.num_kinds,)

    def nothing(self) -> State:
        """Return the sums over no tasks: of all, and of each kind, for each number of kinds."""
        of_one = super().nothing() | (ends_of_models.nothing() if self.end_rewards else {})
        found = dict(of_one)
        for prefix in self._prefixes():
            found |= {prefix + name: values for name, values in of_one.items()}
        return found | (
            {"likelihoods": np.zeros(len(numbers))} if len(numbers := self._numbers()) > 1 else {}
        )

    def with_model(self, sums: State, model: TaskModel, num_states: int, num_actions: int) -> State:
        """Return the sums after one more task of S states and A actions."""
        ends = ends_of_models.with_ends(sums, model, num_states) if self.end_rewards else sums
        return {**ends, **super().with_model(sums, model, num_states, num_actions)}

    def _chosen_number(self, state: State) -> int:
        """Return of how many kinds tasks held back were likeliest."""
        return self._numbers()[int(state["likelihoods"].argmax()) if "likelihoods" in state else 0]

    def _sums_of(self, state: State, number: int) -> list[State]:
        """Return the sums over the tasks of each of so many kinds."""
        return [of_kind(state, prefix) for prefix in self._prefixes(number)] if number > 1 else [state]

    def _prefixes(self, *numbers: int) -> list[str]:
        """Return what the names of the sums of each kind begin with."""
        return [f"{k}_of_{n}_" for n in numbers or self._numbers() for k in range(n) if n > 1]

    def with_models(
        self, state: State, seen: Iterable[TaskModel], num_states: int, num_actions: int, rng: Seed
    ) -> State:
        """Return the state after further tasks, each also counted among those of its kind."""
        several = [number for number in self._numbers() if number > 1]
        if not several:
            return super().with_models(state, seen, num_states, num_actions, rng)
        found, generator = dict(state), np.random.default_rng(rng)
        for some in _bunches(seen, 8 * max(several)):
            found = super().with_models(found, some, num_states, num_actions, rng)
            for number in several:
                prefixes = self._prefixes(number)
                sums = self._sums_of(found, number)
                for model, k in zip(some, kinds_of(some, sums, num_states, generator), strict=True):
                    sums[k] = self.with_model(sums[k], model, num_states, num_actions)
                for prefix, one in zip(prefixes, sums, strict=True):
                    found |= {prefix + name: values for name, values in one.items()}
        return found

    def default_learner(self) -> Learner:
        """Return the planner without a prior."""
        return PosteriorPlanner()

    def with_held_out(
        self, state: State, held: Iterable[TaskModel], num_states: int, num_actions: int
    ) -> State:
        """Return the state after a look at tasks held back: of which number of kinds they are likeliest."""
        if "likelihoods" not in state:
            return state
        tasks = next(_bunches(held, 1))
        found = [likelihood_of(tasks, self._sums_of(state, number), num_states) for number in self._numbers()]
        return {**state, "likelihoods": state["likelihoods"] + found}

    def product(self, sums: State, chosen: Any, learner: Learner) -> Learner:
        """Return the planner with the prior of these sums and with these settings, or one for each kind."""
        kinds = self._sums_of(sums, self._chosen_number(sums))
        met = [one for one in kinds if one["num_tasks"][0] > 0.0]
        if len(met) == 1:
            return self._planner(met[0], chosen, learner)
        deviation = max(reward_deviation(one) for one in met)
        return MixturePlanner(
            learner.num_states,
            learner.num_actions,
            planners=tuple(self._planner(one, chosen, learner) for one in met),
            weights=tuple(float(one["num_tasks"][0]) for one in met),
            reward_deviation=deviation,
            reward_noise=max(float(np.sqrt(noise_of(sums))), _LEAST_NOISE * deviation),
        )

    def _planner(self, sums: State, chosen: Any, learner: Learner) -> PosteriorPlanner:
        """Return the planner of one kind of tasks."""
        base = learner
        if not isinstance(base, PosteriorPlanner):
            base = PosteriorPlanner(learner.num_states, learner.num_actions, discount=learner.discount)
        if chosen.trust and noise_of(sums) == 0.0:
            chosen = self.candidates[0]
        bonus = chosen.bonus * reward_scale(sums)
        smoothing = Smoothing(chosen.goals, self.neighbours, chosen.everywhere)
        prior = prior_of(sums, smoothing, base.discount, bonus, chosen.trust, base.reward_strength)
        if self.end_rewards:
            prior = ends_of_models.with_end_rewards(prior, sums, base.discount, bonus)
        return base.replace(
            prior=prior,
            bonus=bonus,
            bonus_decay=chosen.bonus_decay,
            transition_strength=chosen.transition_strength,
        )


def _bunches(seen: Iterable[TaskModel], least: int) -> Iterator[list[TaskModel]]:
    """Yield some models at a time, `least` at least while there are so many."""
    left = iter(seen)
    while some := list(islice(left, 1)):
        number = max(least, _TRANSITIONS_AT_ONCE // max(some[0].pair.size, 1))
        yield some + list(islice(left, min(number, _AT_ONCE) - 1))


def of_kind(sums: State, prefix: str) -> State:
    """Return the sums of one kind of tasks."""
    return {name[len(prefix) :]: values for name, values in sums.items() if name.startswith(prefix)}
