"""Seconds that each family's measure card takes, and how near its shares are: `python bench/describe.py`."""

from __future__ import annotations

import argparse
import time

import metarl_fast as mf
from metarl_fast.config import from_config
from metarl_fast.envs.registration import instances

NEAR, MOST = 0.01, 60.0  # half of the interval of 95 %; seconds


def shares(card):
    """The three shares whose precision counts."""
    return card.planning_content, card.relatedness, card.policy_relatedness


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="families of these names")
    options = parser.parse_args(arguments)
    missed = []
    for name, settings in instances().items():
        if options.only and name not in options.only:
            continue
        try:
            family = from_config(settings, mf.Family)
            begun, worked = time.perf_counter(), time.process_time()
            card = mf.describe(family, precision=NEAR)
            seconds, worked = time.perf_counter() - begun, time.process_time() - worked
        except ValueError as error:
            print(f"{name}: {error}", flush=True)
            continue
        width = max(share.half_width for share in shares(card))
        met = width <= NEAR and seconds <= MOST
        missed += [] if met else [name]
        print(
            f"{name}: S={card.num_states} A={card.num_actions}, {card.num_tasks} tasks, {seconds:.1f} s "
            f"({worked:.1f} of processors), ±{width:.2g}, "
            f"looks {card.effective_horizon or 'all of the horizon'} ahead{'' if met else ', MISSED'}",
            flush=True,
        )
    print(f"±{NEAR} within {MOST:.0f} s: {'MISSED by ' + ', '.join(missed) if missed else 'met by all'}")


if __name__ == "__main__":
    main()
