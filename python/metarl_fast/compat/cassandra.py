"""Tasks from Cassandra's .mdp files: his POMDP file format without observations."""

from __future__ import annotations

import os
import re
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks
from metarl_fast.data import from_arrays
from metarl_fast.files import Path, regular_file
from metarl_fast.recipes import Float
from metarl_fast.tasks import Tasks

_TOKEN = re.compile(r"#.*|:|[^\s:#]+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_SECTIONS = ("discount", "values", "states", "actions", "observations", "start", "T", "O", "R")


class MdpFile(NamedTuple):
    """What an .mdp file says."""

    tasks: Tasks
    """Its one task."""
    discount: float
    """For the planners: `policy_evaluation(tasks, policy, discount)`."""
    states: tuple[str, ...]
    """The names of the states, or "0", "1", ..."""
    actions: tuple[str, ...]
    """The names of the actions, or "0", "1", ..."""


def read_mdp(path: Path, *, horizon: int | None = None) -> MdpFile:
    """Read a Markov decision process in the format of A. R. Cassandra's pomdp-solve, without observations.

    Sections in any order, `#` to the end of a line is a comment::

        discount: 0.95
        values: reward                      # or cost: then rewards are the negative numbers
        states: 3                           # or names
        actions: left right                 # or a number
        start: 0                            # or S probabilities, or uniform
                                            # or start include: states, or start exclude: states

        T: left : 1 : 0  1.0                # action : state : next state, probability
        T: right : *  uniform               # action : state, a row of S probabilities; or uniform, reset
        T: *  identity                      # action, S rows of S probabilities; or uniform, identity
        R: right : * : 2  1.0               # rewards likewise, as numbers, rows or matrices

    States and actions are named or numbered from 0, `*` stands for all, and later lines replace what earlier
    ones said. Without a start all states are equally likely; rewards that are not given are 0.

    Parameters
    ----------
    path
        The file.
    horizon
        Steps of an episode, the default of `train`; the format has none.

    Returns
    -------
    MdpFile
        `tasks, discount, states, actions`.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it says what the format does not have, with the line, or rows do not sum to 1, with their names.
    MemoryError
        If its S * A * S numbers do not fit into memory.

    References
    ----------
    A. R. Cassandra, "POMDP file format", pomdp.org/code/pomdp-file-spec.html.
    """
    name = os.fsdecode(path)
    with regular_file(name) as file:
        checks.memory(20 * os.fstat(file.fileno()).st_size, f"reading {name}")
        data = file.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is no text: {error}") from None
    return _Parser(text, name).parse(horizon)


class _Parser:
    """Goes through the words of a file, and fills the arrays that they describe."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        lines = enumerate(text.splitlines(), 1)
        self.words = [
            (word, number) for number, line in lines for word in _TOKEN.findall(line) if word[0] != "#"
        ]
        self.at = 0
        self.discount: float | None = None
        self.sign = 1.0
        self.states: tuple[str, ...] = ()
        self.actions: tuple[str, ...] = ()
        self.places: dict[str, dict[str, int]] = {}
        self.seen: set[str] = set()

    def parse(self, horizon: int | None) -> MdpFile:
        """Read all sections, those of the preamble first."""
        while self._section() in ("discount", "values", "states", "actions"):
            self._preamble(self._open(once=True))
        for needed in ("discount", "states", "actions"):
            if needed not in self.seen:
                self._fail(f"expected {needed}: before what refers to it")
        assert self.discount is not None
        s, a = len(self.states), len(self.actions)
        checks.memory(4 * 8 * a * s * s, f"an MDP of {s} states and {a} actions")
        self.start: Float = np.full(s, 1.0 / s)
        self.probability: Float = np.zeros((a, s, s))
        self.reward: Float = np.zeros((a, s, s))
        while self.at < len(self.words):
            section = self._open(once=self._section() == "start")
            if section == "start":
                if self.seen & {"T", "R"}:
                    self._fail("start stands after T or R, expected it before: reset refers to it", back=1)
                self._start()
            elif section == "T":
                self._entry(self.probability, "T")
            elif section == "R":
                self._entry(self.reward, "R")
            elif section in ("observations", "O"):
                self._fail(f"{section} belongs to a POMDP, expected a file without observations", back=2)
            else:
                self._fail(f"{section} stands after what refers to it, expected it before", back=2)
        self._check_rows()
        transitions = self.probability.transpose(1, 0, 2)
        rewards = self.sign * self.reward.transpose(1, 0, 2) + 0.0
        if (rewards == rewards[..., :1]).all():  # by action alone: the smaller form
            rewards = rewards[..., 0]
        tasks = from_arrays(transitions[None], rewards[None], start=self.start, horizon=horizon)
        return MdpFile(tasks, self.discount, self.states, self.actions)

    def _check_rows(self) -> None:
        sums = self.probability.sum(axis=2)
        bad = np.argwhere(~(np.abs(sums - 1.0) <= 1e-5))
        if len(bad):
            action, state = bad[0]
            raise ValueError(
                f"{self.name}: T: {self.actions[action]} : {self.states[state]} sums to "
                f"{sums[action, state]:.9g}, expected probabilities that sum to 1"
            )

    # --- words ---

    def _fail(self, message: str, back: int = 0) -> NoReturn:
        """Raise an error with the line of the word that is next, or of one before."""
        place = min(max(self.at - back, 0), len(self.words) - 1)
        line = self.words[place][1] if self.words else 1
        raise ValueError(f"{self.name}, line {line}: {message}")

    def _peek(self, ahead: int = 0) -> str:
        """Return a word that comes, or nothing at the end."""
        place = self.at + ahead
        return self.words[place][0] if place < len(self.words) else ""

    def _next(self, expected: str) -> str:
        word = self._peek()
        if not word or (word == ":" and expected != ":"):
            self._fail(f"found {checks.shown(word) if word else 'the end'}, expected {expected}")
        self.at += 1
        return word

    def _colon(self) -> None:
        if self._peek() != ":":
            self._fail(f"found {checks.shown(self._peek()) if self._peek() else 'the end'}, expected a colon")
        self.at += 1

    def _section(self) -> str:
        """Return the name of the section that begins at the next word, or nothing if none does."""
        word = self._peek()
        if word == "start" and self._peek(1) in ("include", "exclude") and self._peek(2) == ":":
            return word
        return word if word in _SECTIONS and self._peek(1) == ":" else ""

    def _open(self, *, once: bool) -> str:
        """Step over the name and colon of a section."""
        section = self._section()
        if not section:
            self._fail(f"found {checks.shown(self._peek())}, expected a section: {', '.join(_SECTIONS)}")
        if once and section in self.seen:
            self._fail(f"{section} is given twice")
        self.seen.add(section)
        self.at += 1
        if section != "start":  # include or exclude may come before its colon
            self._colon()
        return section

    def _until_section(self) -> list[str]:
        """Return the words up to the next section."""
        found = []
        while self._peek() and not self._section():
            found.append(self._next("a word"))
        return found

    def _number(self, low: float, high: float) -> float:
        word = self._next("a number")
        if not _NUMBER.fullmatch(word):
            self._fail(f"found {checks.shown(word)}, expected a number", back=1)
        try:
            return checks.real(float(word), "the number", low, high)
        except ValueError as error:
            self._fail(str(error), back=1)

    # --- sections ---

    def _preamble(self, section: str) -> None:
        if section == "discount":
            self.discount = self._number(0.0, 1.0)
        elif section == "values":
            word = self._next("reward or cost")
            if word not in ("reward", "cost"):
                self._fail(f"values is {checks.shown(word)}, expected reward or cost", back=1)
            self.sign = 1.0 if word == "reward" else -1.0
        else:
            names = self._names(section)
            self.places[section] = {str(k): k for k in range(len(names))}
            self.places[section].update((name, k) for k, name in enumerate(names))
            if section == "states":
                self.states = names
            else:
                self.actions = names

    def _names(self, what: str) -> tuple[str, ...]:
        """Return names, or numbers in their place if it is said how many there are."""
        words = self._until_section()
        if len(words) == 1 and words[0].isdecimal():
            try:
                count = checks.integer(int(words[0]), what, 1, 2**31 - 1)
                checks.memory(64 * count, f"{count} {what}")
            except ValueError as error:
                self._fail(str(error), back=1)
            return tuple(map(str, range(count)))
        if not words:
            self._fail(f"{what} is empty, expected names or how many there are", back=1)
        for place, word in enumerate(words):
            if not _NAME.fullmatch(word):
                self._fail(f"found {checks.shown(word)}, expected a name of {what}", back=len(words) - place)
        if len(set(words)) < len(words):
            self._fail(f"{what} has a name twice, expected different ones", back=1)
        return tuple(words)

    def _place(self, what: str, *, star: bool = True) -> slice:
        """Return where a named or numbered state or action stands, or all for `*`."""
        word = self._next(f"a name of {what}")
        if word == "*" and star:
            return slice(None)
        places = self.places[what]
        if word not in places:
            known = checks.shown(self.states if what == "states" else self.actions)
            self._fail(f"found {checks.shown(word)}, expected one of the {what} {known}", back=1)
        return slice(places[word], places[word] + 1)

    def _start(self) -> None:
        how = self._next("a colon, include or exclude") if self._peek() != ":" else ""
        self._colon()
        s, word = len(self.states), self._peek()
        if how:
            marked = np.zeros(s, bool)
            while self._peek() and not self._section():
                marked[self._place("states", star=False)] = True
            chosen = marked if how == "include" else ~marked
            if not chosen.any():
                self._fail(f"start {how} leaves no state, expected at least one", back=1)
            self.start = chosen / chosen.sum()
        elif word == "uniform":
            self.at += 1
        elif self._is_number(word) and (self._is_number(self._peek(1)) or word not in self.places["states"]):
            self.start = self._numbers((s,), "start", 0.0, 1.0)
            if not abs(self.start.sum() - 1.0) <= 1e-5:
                self._fail(f"start sums to {self.start.sum():.9g}, expected 1", back=1)
        else:
            self.start = np.zeros(s)
            self.start[self._place("states", star=False)] = 1.0

    def _entry(self, table: Float, section: str) -> None:
        """Read a number, a row or a matrix of `table` [A, S, S]."""
        s = len(self.states)
        low, high = (0.0, 1.0) if section == "T" else (-np.inf, np.inf)
        where = [self._place("actions")]
        while self._peek() == ":" and len(where) < 3:
            self._colon()
            where.append(self._place("states"))
        if section == "R" and len(where) == 3 and self._peek() == ":" and self._peek(1) == "*":
            self.at += 2  # of a POMDP's files: whatever is observed
        word = (section, len(where), self._peek())
        if word == ("T", 1, "identity"):
            numbers: Float = np.eye(s)
        elif word in (("T", 1, "uniform"), ("T", 2, "uniform")):
            numbers = np.full(s, 1.0 / s)
        elif word == ("T", 2, "reset"):
            numbers = self.start
        else:
            table[tuple(where)] = self._numbers((s,) * (3 - len(where)), section, low, high)
            return
        self.at += 1
        table[tuple(where)] = numbers

    @staticmethod
    def _is_number(word: str) -> bool:
        return _NUMBER.fullmatch(word) is not None

    def _numbers(self, shape: tuple[int, ...], what: str, low: float, high: float) -> NDArray[np.float64]:
        """Return the numbers that follow, as many as `shape` has."""
        expected = int(np.prod(shape))
        found = []
        while self._is_number(self._peek()):
            found.append(self._number(low, high))
        if self._peek() and not self._section():
            self._fail(f"found {checks.shown(self._peek())}, expected a number")
        if len(found) != expected:
            self._fail(f"{what} has {len(found)} numbers here, expected {expected}", back=1)
        return np.reshape(found, shape)
