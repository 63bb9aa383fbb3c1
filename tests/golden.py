"""Small runs whose results are part of the promise: the same bits on every machine and instruction set.

`python tests/golden.py` writes their checksums anew, a file of `tests/data/golden` for each family; do that
only when a release is meant to change results, and say so in the changelog.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import family_twins
import metarl_fast as mf
from bits import digest
from metarl_fast.learners import TD_LEARNERS

FOLDER = Path(__file__).parent / "data" / "golden"

MODULES = {module.__name__.rpartition(".test_")[2]: module for module in family_twins.MODULES.values()}
LEARNED = {
    name: family for module in MODULES.values() for name, family in getattr(module, "GOLDEN", {}).items()
}
"""Families in which every learner's results are pinned."""
_OF_FILES = {
    file: getattr(module, "GOLDEN", {}) | getattr(module, "GOLDEN_TASKS", {})
    for file, module in MODULES.items()
}
FAMILIES = {name: family for families in _OF_FILES.values() for name, family in families.items()}


def train(family, dtype, kind=mf.QLearning, **options):
    settings = {
        "epsilon": 0.9,
        "epsilon_decay": 0.8,
        "epsilon_min": 0.05,
        "learning_rate_decay": 0.3,
        **options,
    }
    learner = kind(family.num_states, family.num_actions, **settings)
    tasks = family.sample(40, rng=1)
    run = mf.train(learner, tasks, 12, 30, rng=2, snapshot_episodes=[1, 5], dtype=dtype)
    return digest(run.q_table, run.policy, run.returns, run.snapshots)


def plan(family):
    tasks = family.sample(4, rng=1)
    best, swept = mf.policy_iteration(tasks, 0.9), mf.value_iteration(tasks, 0.9)
    finite = mf.backward_induction(tasks, 12)
    uniform = np.full((family.num_states, family.num_actions), 1.0 / family.num_actions)
    random = mf.policy_evaluation(tasks, uniform, 0.9)
    scores = mf.score(tasks, np.zeros(family.num_states, int), mf.bounds(tasks, 0.9))
    return digest(
        best.q_values, best.policy, swept.values, finite.q_values, finite.policy, random.values, scores
    )


def checksums(families=FAMILIES):
    found = {}
    for name, family in families.items():
        tasks = family.sample(5, rng=1)
        found[f"{name}, tasks"] = digest(*tasks.outcomes.values(), tasks.start)
        found[f"{name}, float32"] = train(family, np.float32)
        found[f"{name}, float64"] = train(family, np.float64)
        found[f"{name}, uniform behaviour"] = train(family, np.float32, epsilon=1.0, epsilon_decay=1.0)
        found[f"{name}, planning"] = plan(family)
        for kind in TD_LEARNERS if name in LEARNED else ():
            softmax = {"temperature": 2.0, "temperature_decay": 0.7, "temperature_min": 0.05}
            for dtype in (np.float32, np.float64):
                more = f"{name}, {np.dtype(dtype)}, {kind.__name__}"
                found[more] = train(family, dtype, kind)
                found[f"{more}, bonus"] = train(family, dtype, kind, bonus=0.5)
                found[f"{more}, softmax"] = train(family, dtype, kind, **softmax)
            found[f"{name}, {kind.__name__}, uniform behaviour"] = train(
                family, np.float32, kind, epsilon=1.0, epsilon_decay=1.0
            )
    return found


def known_checksums():
    """What the files hold."""
    return {
        name: checksum
        for file in _OF_FILES
        for name, checksum in json.loads((FOLDER / f"{file}.json").read_text(encoding="ascii")).items()
    }


if __name__ == "__main__":
    for file, families in _OF_FILES.items():
        (FOLDER / f"{file}.json").write_text(
            json.dumps(checksums(families), indent=2) + "\n", encoding="ascii"
        )
