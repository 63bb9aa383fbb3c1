"""Blackjack as in Sutton and Barto, example 5.1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast.families.fixed_task import FixedTask

STICK, HIT = 0, 1
_CARDS = {card: (4.0 if card == 10 else 1.0) / 13.0 for card in range(1, 11)}  # an endless deck
_SUMS = range(12, 22)
_BUST = 22
_NATURALS = 200


@dataclass(frozen=True)
class Blackjack(FixedTask):
    """One hand of blackjack against a dealer who hits until 17, from an endless deck.

    State (usable ace, dealer's card, own sum) is usable * 100 + (card - 1) * 10 + sum - 12, for cards 1, the
    ace, to 10, and sums 12 to 21: below that one always hits. Actions are stick (0) and hit (1). The reward,
    at the end of the hand, is 1, 0 or -1. States 200 to 209 are naturals by the dealer's card: 21 in two
    cards, which wins whatever is done unless the dealer has one too. Hands start as they are dealt.

    The optimal policy is that of Sutton and Barto (2018), figure 5.2; its value, exactly, is
    `mf.backward_induction(mf.Blackjack().sample(1))`.
    """

    num_states, num_actions, horizon = 210, 2, 22

    @property
    def places(self) -> NDArray[np.int64]:
        """(row, column) [S, 2]: sums upwards, dealer's cards to the right, as in the book's figure.

        Hands with a usable ace stand above those without, naturals above all.
        """
        usable, rest = np.divmod(np.arange(_NATURALS), 100)
        shown, total = np.divmod(rest, 10)
        hands = np.stack([12 * (1 - usable) + 11 - total, shown], axis=1)
        naturals = np.stack([np.zeros(10, np.int64), np.arange(10)], axis=1)
        return np.concatenate([hands, naturals])

    def written(self) -> Mapping[str, Any]:
        """Return the task as outcome lists."""
        table: dict[int, Any] = {}
        for usable in (False, True):
            for shown in _CARDS:
                for total in _SUMS:
                    table[_state(usable, shown, total)] = {
                        STICK: _result(total, shown, _state(usable, shown, total)),
                        HIT: _after_a_card(usable, shown, total),
                    }
        for shown in _CARDS:
            draw = _CARDS[10] if shown == 1 else _CARDS[1] if shown == 10 else 0.0
            state = _NATURALS + shown - 1
            outcomes = [(1.0 - draw, state, 1.0, True), (draw, state, 0.0, True)]
            table[state] = {STICK: outcomes, HIT: outcomes}
        return {"outcomes": table, "start": _dealt()}


def _state(usable: bool, shown: int, total: int) -> int:
    return usable * 100 + (shown - 1) * 10 + total - 12


def _with_card(total: int, usable: bool, card: int) -> tuple[int, bool]:
    """Return the sum and whether an ace counts 11 in it, after one more card; 22 is any sum above 21."""
    total += card
    if card == 1 and total + 10 <= 21 and not usable:
        return total + 10, True
    if total > 21 and usable:
        return total - 10, False
    return min(total, _BUST), usable


@cache
def _dealers(total: int, usable: bool) -> tuple[float, ...]:
    """Return the probabilities that the dealer ends with 17, 18, ..., 21 or above."""
    if total >= 17:
        return tuple(float(total == end) for end in range(17, _BUST + 1))
    ends = np.zeros(6)
    for card, probability in _CARDS.items():
        ends += probability * np.array(_dealers(*_with_card(total, usable, card)))
    return tuple(ends.tolist())


def _result(total: int, shown: int, state: int) -> list[tuple[float, int, float, bool]]:
    """Return the outcomes of sticking."""
    dealer = _dealers(*_with_card(0, False, shown))
    chances = {1.0: 0.0, 0.0: 0.0, -1.0: 0.0}
    for end, probability in enumerate(dealer, start=17):
        wins = end == _BUST or end < total
        chances[1.0 if wins else -float(end > total)] += probability
    return [(probability, state, reward, True) for reward, probability in chances.items()]


def _after_a_card(usable: bool, shown: int, total: int) -> list[tuple[float, int, float, bool]]:
    """Return the outcomes of hitting."""
    outcomes = []
    for card, probability in _CARDS.items():
        sum_then, usable_then = _with_card(total, usable, card)
        if sum_then == _BUST:
            outcomes.append((probability, _state(usable, shown, total), -1.0, True))
        else:
            outcomes.append((probability, _state(usable_then, shown, sum_then), 0.0, False))
    return outcomes


@cache
def _from_twelve(total: int, usable: bool) -> Mapping[tuple[int, bool], float]:
    """Return how often each first sum to decide in is reached, hitting below 12."""
    if total >= 12:
        return {(total, usable): 1.0}
    reached: dict[tuple[int, bool], float] = {}
    for card, probability in _CARDS.items():
        for hand, often in _from_twelve(*_with_card(total, usable, card)).items():
            reached[hand] = reached.get(hand, 0.0) + probability * often
    return reached


def _dealt() -> NDArray[np.float64]:
    """Return how often hands start in each state [S]."""
    start: NDArray[np.float64] = np.zeros(210)
    for shown, dealer_has in _CARDS.items():
        for one, p in _CARDS.items():
            for two, q in _CARDS.items():
                if {one, two} == {1, 10}:
                    start[_NATURALS + shown - 1] += dealer_has * p * q
                    continue
                hand = _with_card(*_with_card(0, False, one), two)
                for (total, usable), often in _from_twelve(*hand).items():
                    start[_state(usable, shown, total)] += dealer_has * p * q * often
    start /= math.fsum(start)
    return start
