"""CMA-ES by the library `cma`: what it has done so far is done again, from arrays that are ours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metarl_fast import checks

Float = NDArray[np.float64]


def require() -> Any:
    """Return the library, or raise ImportError that names the extra."""
    return checks.require_extra("cma", "tune")


def asked(begin: Float, spread: float, normals: Float, costs: Float) -> Float:
    """Return the candidates of the next generation [P, D], places from 0 to 1.

    Hansen and Ostermeier, "Completely derandomized self-adaptation in evolution strategies", Evolutionary
    Computation 9 (2001), as `cma` has it. The strategy is a function of what it was told: the generations
    before are gone through again, which takes a millisecond each.

    Parameters
    ----------
    begin, spread
        Mean [D] and step size of the first generation.
    normals
        Standard normal numbers of all generations [G + 1, P, D], those of the next one last.
    costs
        What the candidates of the generations before cost [G, P].
    """
    strategy, left = _after(begin, spread, normals, costs)
    left[:] = list(normals[-1])
    return np.clip(np.array(strategy.ask(), np.float64), 0.0, 1.0)


def favourite(begin: Float, spread: float, normals: Float, costs: Float) -> Float:
    """Return what is taken for the best place [D] after G generations."""
    found = _after(begin, spread, normals, costs)[0].result.xfavorite
    return np.clip(np.array(found, np.float64), 0.0, 1.0)


def _after(begin: Float, spread: float, normals: Float, costs: Float) -> tuple[Any, list[Float]]:
    """Return the strategy after the generations whose costs are known, and the numbers it draws from next.

    Of few candidates it may keep the best so far, and draw the others and how far to stretch it: in parts.
    """
    left: list[Float] = []

    def drawn(number: int, _: int) -> Float:
        found = np.array(left[:number])
        del left[:number]
        return found

    strategy = require().CMAEvolutionStrategy(
        begin.tolist(),
        spread,
        {
            "bounds": [0.0, 1.0],
            "popsize": normals.shape[1],
            "randn": drawn,
            "seed": np.nan,  # that of NumPy stays as it is
            "verb_log": 0,
            "verbose": -9,
        },
    )
    for rows, known in zip(normals, costs, strict=False):
        left[:] = list(rows)
        strategy.tell(strategy.ask(), known.tolist())
    return strategy, left
