"""Dirichlet laws in plain Python, for the twins of families that draw from them."""

from __future__ import annotations

import math

from families.test_task_distribution import log_gamma_variate
from reference import portable_exp


def draw_dirichlet(stream, concentration, weights):
    """Shares [n] of Dirichlet(concentration * weights); a weight of 0 has none."""
    logs = [log_gamma_variate(stream, concentration * w) if w > 0.0 else -math.inf for w in weights]
    found = [portable_exp(x - max(logs)) if w > 0.0 else 0.0 for x, w in zip(logs, weights, strict=True)]
    total = 0.0
    for share in found:
        total += share
    return [share / total for share in found]
