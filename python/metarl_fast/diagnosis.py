"""What a diagnosis says: gains of meta-learned starts, as tables, pictures and a few sentences of advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from metarl_fast import checks, plotting
from metarl_fast.comparison import Comparison, interval_to_json
from metarl_fast.describe import MeasureCard
from metarl_fast.figures import new_figure
from metarl_fast.result import Result
from metarl_fast.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "table": "a start table (AverageQ, Reptile)",
        "exploration": "a start policy, which says where to look first (PolicyPrior, MaxQInit)",
        "scalars": "scalars (Tuned, tune)",
        "prior": "a prior to plan by (EmpiricalBayes)",
    }
)
"""Kinds of meta-learners by what they learn."""
FEW = 5
"""Episodes that are few."""
_RELATED, _UNRELATED, _MYOPIC = 0.3, 0.02, 0.05
"""Shares on the measure card from, below and below which it says so."""
_NEGLIGIBLE = 0.02
"""A gain of the score."""
_NONE = "none"
"""The best kind where no kind gains anything."""


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis(Result):
    """What `diagnose` found; `print` shows it as tables and a sentence of advice.

    Attributes
    ----------
    suits
        Whether the best kind of meta-learner is clearly ahead of tuned scratch after few episodes.
    best
        The kind that gains most over the first episodes with the most training tasks: "table",
        "exploration", "scalars" or "prior"; "none" if none of them gains anything.
    gain
        By kind: by how much the score of a meta-learned start is above that of tuned scratch, an `Interval`
        of [len(num_tasks), len(episodes)] over splits, each with a meta-training of its own.
    scratch, untuned
        Scores of the learner with hyper-parameters tuned on all training tasks, and as it was given:
        each an `Interval` of [len(episodes)].
    num_tasks, episodes
        Numbers of training tasks, and of episodes on a new task.
    card
        The measures of the training tasks.
    advice
        What to do, in a few sentences.
    comparison
        All scores.
    """

    suits: bool
    best: str
    gain: Mapping[str, Interval]
    scratch: Interval
    untuned: Interval
    num_tasks: tuple[int, ...]
    episodes: tuple[int, ...]
    card: MeasureCard
    advice: str
    comparison: Comparison

    @property
    def few(self) -> int:
        """The number of episodes that the verdict is about."""
        return few_of(self.episodes)

    def __repr__(self) -> str:
        if self.best == _NONE:
            return (
                f"Diagnosis(does not suit meta-learning; no kind gains anything after {self.few} episodes, "
                f"{self.num_tasks[-1]} tasks)"
            )
        found, place = self.gain[self.best], self.episodes.index(self.few)
        mean, low, high = (float(getattr(found, end)[-1, place]) for end in ("mean", "low", "high"))
        return (
            f"Diagnosis({'suits' if self.suits else 'does not suit'} meta-learning; {self.best} "
            f"{mean:+.2f} [{low:+.2f}, {high:+.2f}] after {self.few} episodes, {self.num_tasks[-1]} tasks)"
        )

    def __str__(self) -> str:
        return f"{self.table()}\n\n{self.advice}"

    def table(self) -> str:
        """Return the gains over tuned scratch as text, a line for each kind and number of training tasks."""
        head = f"{'gain over tuned scratch':<25}{'tasks':>6}"
        lines = [head + "".join(f"{f'{e} episodes':>15}" for e in self.episodes)]
        lines.append("-" * len(lines[0]))
        for kind, found in self.gain.items():
            half = (found.high - found.low) / 2
            for row, number in enumerate(self.num_tasks):
                cells = (f"{m:+.3f} ±{h:.3f}" for m, h in zip(found.mean[row], half[row], strict=True))
                name = kind if row == 0 else ""
                lines.append(f"{name:<25}{number:>6}" + "".join(f"{cell:>15}" for cell in cells))
        for name, score in (("score of tuned scratch", self.scratch), ("score of scratch", self.untuned)):
            cells = (
                f"{m:.3f} ±{h:.3f}" for m, h in zip(score.mean, (score.high - score.low) / 2, strict=True)
            )
            lines.append(f"{name:<31}" + "".join(f"{cell:>15}" for cell in cells))
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return all but the single tasks' scores in JSON types."""
        return {
            "suits": self.suits,
            "best": self.best,
            "advice": self.advice,
            "num_tasks": list(self.num_tasks),
            "episodes": list(self.episodes),
            "gain": {kind: interval_to_json(found) for kind, found in self.gain.items()},
            "scratch": interval_to_json(self.scratch),
            "untuned": interval_to_json(self.untuned),
            "card": self.card.to_json(),
        }

    def plot(self, *, axes: Sequence[Axes] | None = None) -> Axes:
        """Draw gains over the number of training tasks, and over episodes; needs the extra `plot`.

        Parameters
        ----------
        axes
            Two, where to draw; default: those of a new figure, which no window shows.

        Returns
        -------
        matplotlib.axes.Axes
            The first of them; `.figure.savefig` writes both.
        """
        checks.require_extra("matplotlib", "plot")
        left, right = new_figure(13.0, 4.6).subplots(1, 2) if axes is None else axes
        place = self.episodes.index(self.few)
        by_tasks = {k: part_of(found, (slice(None), place)) for k, found in self.gain.items()}
        by_episodes = {k: part_of(found, (-1, slice(None))) for k, found in self.gain.items()}
        plotting.draw_curves(by_tasks, self.num_tasks, ax=left, label="gain over tuned scratch")
        left.set_xlabel("training tasks")
        left.set_title(f"After {self.few} episodes on a new task", fontsize=11, loc="left")
        plotting.draw_curves(by_episodes, self.episodes, ax=right, label="gain over tuned scratch")
        right.set_title(f"With {self.num_tasks[-1]} training tasks", fontsize=11, loc="left")
        for ax in (left, right):
            ax.axhline(0.0, color="#999999", linewidth=0.8)
        return left


def few_of(episodes: Sequence[int]) -> int:
    """Return the largest number of episodes that are few."""
    return max(e for e in episodes if 1 <= e <= FEW)


def judged(
    comparison: Comparison, gain: Mapping[str, Interval], num_tasks: Sequence[int], **found: Any
) -> Diagnosis:
    """Return the diagnosis of these gains [len(num_tasks), len(episodes)].

    Parameters
    ----------
    comparison, gain, num_tasks
        As in `Diagnosis`.
    found
        Its further attributes: `scratch`, `untuned` and `card`.
    """
    episodes = comparison.episodes
    place = episodes.index(few_of(episodes))
    early = slice(1 - (episodes[0] > 0), place + 1)
    gains = {kind: float(found.mean[-1, early].mean()) for kind, found in gain.items()}
    first = max(gains, key=gains.__getitem__)
    best = first if gains[first] > 0.0 else _NONE
    at_most_tasks = part_of(gain[first], -1)
    suits = best != _NONE and bool(
        at_most_tasks.low[place] > 0.0 and at_most_tasks.mean[place] >= _NEGLIGIBLE
    )
    advice = " ".join(
        [
            _verdict(suits, best, at_most_tasks, num_tasks[-1], episodes),
            *(
                _few_tasks(gain[first].mean[:, place], num_tasks)
                if suits
                else _why_not(found["scratch"], place)
            ),
            _of_card(found["card"], best, suits),
        ]
    )
    return Diagnosis(
        suits=suits,
        best=best,
        gain=gain,
        num_tasks=tuple(num_tasks),
        episodes=episodes,
        advice=advice,
        comparison=comparison,
        **found,
    )


def part_of(found: Interval, place: Any) -> Interval:
    """Return a part of the arrays of an interval."""
    return Interval(found.mean[place], found.low[place], found.high[place])


def _verdict(suits: bool, best: str, gain: Interval, most: int, episodes: Sequence[int]) -> str:
    few = few_of(episodes)
    place = episodes.index(few)
    mean, low, high = (float(getattr(gain, end)[place]) for end in ("mean", "low", "high"))
    size = f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"
    tasks = f"{most} training task{'s' if most > 1 else ''}"
    if best == _NONE:
        return (
            f"No: nothing helps. Over the first {few} episodes no kind that was meta-learned on {tasks} "
            "is ahead of tuned scratch."
        )
    if not suits:
        return (
            f"No: after {few} episodes nothing that was meta-learned on {tasks} is clearly ahead of tuned "
            f"scratch; the best kind is {KINDS[best]}, {size}."
        )
    ahead = [e for e, lowest in zip(episodes, gain.low, strict=True) if lowest > 0.0]
    until = f"It stays ahead up to episode {ahead[-1]}."
    if ahead[-1] < episodes[-1]:
        until = f"After {episodes[episodes.index(ahead[-1]) + 1]} episodes scratch has caught up."
    return (
        f"Yes: try {KINDS[best]}. With {tasks} its start is ahead of tuned scratch by {size} of the way from "
        f"random to optimal after {few} episodes on a new task. {until}"
    )


def _few_tasks(means: Any, num_tasks: Sequence[int]) -> list[str]:
    """Say how many training tasks it takes."""
    enough = next(m for m, mean in zip(num_tasks, means, strict=True) if mean >= 0.9 * means[-1])
    if enough == num_tasks[-1]:
        return ["More training tasks may help further."] if len(num_tasks) > 1 else []
    return [f"{enough} training task{' gives' if enough == 1 else 's give'} nine tenths of that or more."]


def _why_not(scratch: Interval, place: int) -> list[str]:
    """Say which of the two conditions may be amiss."""
    if float(scratch.mean[place]) > 0.9:
        return ["Scratch is nearly there by then: samples of a task are not few."]
    return ["Tasks share too little for these, or there are too few of them."]


def suggested(card: MeasureCard) -> str:
    """Return the kind of meta-learner that the measure card alone speaks for."""
    shared = card.relatedness.value, card.policy_relatedness.value
    if max(shared) >= _RELATED:  # also where nothing takes planning: the best arm may be the same one
        return "table" if shared[0] >= _RELATED else "exploration"
    return "scalars" if card.planning_content.value < _MYOPIC or max(shared) < _UNRELATED else "prior"


def _of_card(card: MeasureCard, best: str, suits: bool) -> str:
    """Say what the measure card speaks for, and why."""
    values, policies = f"{card.relatedness.value:.0%}", f"{card.policy_relatedness.value:.0%}"
    why = {
        "table": f"tasks have {values} of their optimal values in common",
        "exploration": f"tasks have {policies} of their optimal policies in common, {values} of the values",
        "scalars": (
            f"tasks have {values} of their optimal values and {policies} of their policies in common, "
            f"{card.planning_content.value:.0%} of the gain takes planning, and what is left to learn is how "
            "fast to learn and how much to explore"
        ),
        "prior": (
            f"a mean table says little ({values} of the values in common, {policies} of the policies), but "
            "looking ahead pays, and what actions lead to may be alike"
        ),
    }
    kind = suggested(card)
    if kind == best or not suits:
        return f"The measure card speaks for {KINDS[kind]}: {why[kind]}."
    return f"The measure card alone would speak for {KINDS[kind]}: {why[kind]}; what was tried differs."
