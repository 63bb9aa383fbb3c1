"""Tables of bad input: what is given to which entry, and how it is refused."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass
class Case:
    entry: str
    given: str
    call: Callable[[], Any]
    error: type[Exception]
    text: str

    def __str__(self):
        """The same in every process, so without addresses: who shares tests out compares their names."""
        return re.sub(r" at 0x[0-9a-f]+", "", f"{self.entry}({self.given})")

    def check(self):
        """The exception is the one expected, says what was wrong, and came before any large allocation."""
        tracemalloc.start()
        try:
            with pytest.raises(self.error, match=re.escape(self.text)):
                self.call()
            assert tracemalloc.get_traced_memory()[1] < 2**26
        finally:
            tracemalloc.stop()


class Table(list[Case]):
    def add(self, entry, given, call, error, text):
        self.append(Case(entry, given, call, error, text))
