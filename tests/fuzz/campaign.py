"""How long the campaign runs: seconds in `pytest`, as long as one likes by `nox -s fuzz -- EXAMPLES`."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("METARL_FAST_FUZZ_EXAMPLES", "0"))
"""0: few examples, the same ones each time; else so many new ones for each test."""


def examples(few):
    """Settings of one test: `few` fixed examples, or as many fresh ones as the campaign asks for."""
    return settings(
        max_examples=EXAMPLES or few,
        derandomize=EXAMPLES == 0,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
