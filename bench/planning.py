"""Planning against its peers, each figure beside its target: `python bench/planning.py`.

Everybody gets the same arrays and one thread, though JAX may take more; the peers' models are made outside
what is timed, this package's call is timed whole. Runs take turns, and medians are given. The values that all
find are compared.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, field
from functools import partial

# One thread for NumPy's and SciPy's linear algebra, and the kernels that its library chooses by itself. It
# reads these when it is loaded: so they are set, and the program begun again, before NumPy is imported.
ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
LEFT_TO_ITSELF = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def begin_again_alone():
    environment = {name: value for name, value in os.environ.items() if name not in LEFT_TO_ITSELF} | ALONE
    if environment != dict(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)


if __name__ == "__main__":
    begin_again_alone()

import numpy as np  # noqa: E402

import metarl_fast as mf  # noqa: E402
from peers import planners  # noqa: E402

DISCOUNTS = (0.5, 0.9, 0.99, 0.9999)
ANY = ""  # of peers: the fastest of them, whatever its name
BY_SPAN = (
    "mdpsolver"  # stops when a sweep moves all values alike: by one number they may be off, at 0.9999 far
)
TOLERANCE = 1e-6  # of values; whose are further off does not count


@dataclass(frozen=True)
class Row:
    """Some tasks, and how many times as fast as each peer this package is to be."""

    name: str
    tasks: mf.Tasks
    targets: dict[str, float]
    discounts: tuple[float, ...] = DISCOUNTS
    peers: tuple[str, ...] = ("numpy", "quantecon dense", "quantecon sparse", "mdpsolver")
    few: int | None = None  # the peers get the first of the tasks, so many
    threads: bool = True  # enough work to measure two of them


@dataclass
class Found:
    """Microseconds a task of every contender, and how far the values of who stops early are off."""

    microseconds: dict[str, float] = field(default_factory=dict)
    off: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def dense_row(states, actions, count, **targets):
    tasks = mf.TaskDistribution(states, actions).sample(count, rng=0).materialise()
    name = f"random, S={states} A={actions}"
    peers = ("numpy", "quantecon dense", "mdpsolver")
    return Row(name, tasks, targets, peers=peers if states <= 64 else peers[:2])


def grid(size, count, slip=0.0):
    """Grids with a goal in the last corner."""
    moves = ((-1, 0), (0, 1), (1, 0), (0, -1))

    def outcomes(cell, move):
        ways = [(1.0 - slip, move), (slip / 2, move - 1), (slip / 2, (move + 1) % 4)]
        found = []
        for chance, way in ways:
            if chance > 0.0:
                row, column = divmod(cell, size)
                row = min(max(row + moves[way][0], 0), size - 1)
                column = min(max(column + moves[way][1], 0), size - 1)
                entered = row * size + column
                goal = entered == size * size - 1
                found.append((chance, entered, float(goal), goal))
        return found

    table = {cell: {move: outcomes(cell, move) for move in range(4)} for cell in range(size * size)}
    return mf.concatenate([mf.from_outcomes(table) for _ in range(count)])


def chain(states, count):
    """A corridor that pays 1 at its end."""

    def step(state, way):
        entered = min(max(state + way, 0), states - 1)
        end = entered == states - 1
        return [(1.0, entered, float(end), end)]

    table = {state: {0: step(state, -1), 1: step(state, 1)} for state in range(states)}
    return mf.concatenate([mf.from_outcomes(table) for _ in range(count)])


LOOPS = ("quantecon dense", "mdpsolver", "pymdptoolbox", "mdplib", "jaxdp")
SPARSE = {"quantecon": 4.0}


def rows(quick):
    some = 1 if quick else 4
    many = mf.TaskDistribution(16, 5).sample(10_000, rng=0).materialise()
    yield Row("10,000 random, S=16 A=5", many, {ANY: 20.0}, (0.95,), LOOPS, few=200 * some)
    yield dense_row(10, 5, 500 * some, numpy=5.0, quantecon=30.0)
    yield dense_row(16, 5, 300 * some, numpy=5.0, quantecon=30.0)
    yield dense_row(64, 4, 25 * some, numpy=5.0, quantecon=4.0)
    yield dense_row(256, 4, 2 * some, numpy=2.0, quantecon=1.2)
    both = ("quantecon dense", "quantecon sparse")
    yield Row("grid 9x9", grid(9, 5 * some), SPARSE, peers=both, threads=False)
    yield Row("slippery grid 9x9", grid(9, 5 * some, 0.2), SPARSE, peers=both, threads=False)
    yield Row("chain of 200", chain(200, 2 * some), SPARSE, peers=both, threads=False)
    lakes = mf.FrozenLakeMaps(8).sample(5 * some, rng=0)
    yield Row("FrozenLake 8x8", lakes, SPARSE, peers=both, threads=False)
    garnet = mf.TaskDistribution(100, 4, transitions=mf.Garnet(2)).sample(3 * some, rng=0).materialise()
    yield Row("Garnet b=2, S=100", garnet, SPARSE, peers=both, threads=False)


def dense_arrays(tasks):
    """(transitions [N, S, A, S], rewards [N, S, A]); outcomes that terminate enter one state more."""
    if tasks.core.dense:
        return np.asarray(tasks.transitions), np.asarray(tasks.rewards)
    parts = tasks.outcomes
    probability, reward = parts["probability"], parts["reward"]
    n, s, a, k = probability.shape
    entered = np.where(parts["terminated"], s, parts["next_state"])
    transitions, rewards = np.zeros((n, s + 1, a, s + 1)), np.zeros((n, s + 1, a))
    where = np.indices((n, s, a, k))
    np.add.at(transitions, (where[0], where[1], where[2], entered), probability)
    transitions[:, s, :, s] = 1.0
    rewards[:, :s] = (probability * reward).sum(axis=-1)
    return transitions, rewards


def contenders(row, discount):
    """(what to call for every contender, why some are absent)."""
    transitions, rewards = dense_arrays(row.tasks[: row.few])
    calls = {"mf": lambda: mf.policy_iteration(row.tasks, discount, num_threads=1).values}
    if row.threads:
        calls["mf, 2 threads"] = lambda: mf.policy_iteration(row.tasks, discount, num_threads=2).values
    absent = {}
    makers = {
        "numpy": lambda: lambda: planners.numpy_policy_iteration(transitions, rewards, discount),
        "quantecon dense": lambda: planners.Quantecon(transitions, rewards, discount, sparse=False),
        "quantecon sparse": lambda: planners.Quantecon(transitions, rewards, discount, sparse=True),
        "mdpsolver": lambda: planners.MdpSolver(transitions, rewards, discount),
        "pymdptoolbox": lambda: planners.Toolbox(transitions, rewards, discount),
        "mdplib": lambda: planners.MdpLib(transitions, rewards, discount),
        "jaxdp": lambda: planners.JaxDp(transitions, rewards, discount),
    }
    for peer in row.peers:
        if peer == BY_SPAN and discount > 0.99:
            continue
        try:
            calls[peer] = makers[peer]()
        except ImportError as error:
            absent[peer] = str(error)
    return calls, absent


def measure(row, discount, turns, patience):
    calls, absent = contenders(row, discount)
    found = Found(absent=absent)
    laps = {name: [] for name in calls}
    own = None
    for turn in range(turns + 1):
        for name, call in calls.items():
            if laps[name] and sum(laps[name]) > patience:
                continue  # a slow peer's few laps are enough
            start = time.perf_counter()
            values = call()
            lap = time.perf_counter() - start
            own = values if own is None else own
            states = own.shape[1]
            same = own[: len(values)]
            if name == BY_SPAN:
                found.off[name] = np.abs(values[:, :states] / same - 1.0).max()
            else:
                np.testing.assert_allclose(values[:, :states], same, rtol=1e-6, atol=1e-9, err_msg=name)
            if turn or lap > patience:  # the first turn warms up
                laps[name].append(lap)
    for name, seconds in laps.items():
        number = len(row.tasks if is_own(name) else row.tasks[: row.few])
        found.microseconds[name] = float(np.median(seconds)) / number * 1e6
    return found


def does_not_count(off):
    return "" if off <= TOLERANCE else " and does not count"


def is_own(name):
    return name.startswith("mf")


def judge(row, found):
    """(peer, times as fast, target) for every target; quantecon counts in its better form."""
    times = found.microseconds
    for peer, target in row.targets.items():
        forms = [
            time
            for name, time in times.items()
            if name.startswith(peer) and not is_own(name) and found.off.get(name, 0.0) <= TOLERANCE
        ]
        if forms:
            yield peer or "the best peer", min(forms) / times["mf"], target
    if "mf, 2 threads" in times:
        yield "2 threads", times["mf"] / times["mf, 2 threads"], 1.9


def large_task(states, branching=5, actions=2):
    """(rows [S * A, S] of scipy's, rewards [S, A]) of a random task with so many next states a pair."""
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    pairs = states * actions
    entered = np.sort(rng.integers(0, states, (pairs, branching), dtype=np.int32), axis=1)
    chances = rng.random((pairs, branching))
    chances /= chances.sum(axis=1, keepdims=True)
    begin = np.arange(pairs + 1, dtype=np.int64) * branching
    rows = csr_matrix((chances.ravel(), entered.ravel(), begin), shape=(pairs, states))
    rows.sum_duplicates()
    return rows, rng.random((states, actions))


def measure_large(states, discount, turns):
    """Print everybody's least seconds on one task; return whether no peer was faster, and who is absent."""
    rows, rewards = large_task(states)
    own = mf.from_arrays(rows, rewards, layout="sas")
    calls, absent = {}, {}
    for threads in (1, 2):
        calls[f"mf, {threads} threads"] = partial(
            mf.modified_policy_iteration, own, discount, tolerance=TOLERANCE, num_threads=threads
        )
    makers = {
        "quantecon": planners.LargeQuantecon,
        "mdpsolver": planners.LargeMdpSolver,
        "mdplib": planners.LargeMdpLib,
    }
    for name, make in makers.items():
        try:
            calls[name] = make(rows, rewards, discount, TOLERANCE)
        except ImportError as error:
            absent[name] = str(error)
    least, values = dict.fromkeys(calls, np.inf), {}
    for _ in range(turns):
        for name, call in calls.items():
            if least[name] > 20.0 and name in values:
                continue
            start = time.perf_counter()
            found = call()
            least[name] = min(time.perf_counter() - start, least[name])
            values[name] = found.values[0] if is_own(name) else found
    reference = values["mf, 1 threads"]
    np.testing.assert_array_equal(values["mf, 2 threads"], reference)
    print(f"one random task, S={states} A=2, {rows.nnz} outcomes, discount {discount}, to {TOLERANCE}")
    off = {name: np.abs(found - reference).max() for name, found in values.items()}
    for name, seconds in least.items():
        print(f"    {name}: {seconds:.3g} s, off by {off[name]:.1e} at most" + does_not_count(off[name]))
    peers = [t for name, t in least.items() if not is_own(name) and off[name] <= TOLERANCE]
    ratio = min(peers, default=np.inf) / least["mf, 1 threads"]
    print(f"    the best peer: {ratio:.3g} times, target 1: {'met' if ratio >= 1.0 else 'MISSED'}")
    return ratio >= 1.0, absent


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer tasks and turns")
    parser.add_argument("--only", default="", help="rows whose name holds this; `large` for the large task")
    parser.add_argument("--states", type=int, default=None, help="of the large task (default 1e6, quick 1e5)")
    parser.add_argument("--turns", type=int, default=None, help="timed turns (default 5, quick 3)")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    turns = options.turns or (3 if options.quick else 5)
    info = mf.build_info()
    print(f"metarl_fast {info['version']}, {info['isa']}, NumPy {np.__version__}; microseconds a task")
    missed, judged, absent = 0, 0, {}
    for row in rows(options.quick):
        if options.only not in row.name:
            continue
        for discount in row.discounts:
            found = measure(row, discount, turns, patience=2.0 if options.quick else 10.0)
            absent |= found.absent
            figures = ", ".join(f"{name} {value:.3g}" for name, value in found.microseconds.items())
            print(f"{row.name}, discount {discount}: {figures}")
            for name, off in found.off.items():
                print(f"    {name} is off by {off:.1e} of a value" + does_not_count(off))
            for peer, ratio, target in judge(row, found):
                met = ratio >= target
                missed, judged = missed + (not met), judged + 1
                print(f"    {peer}: {ratio:.3g} times, target {target}: {'met' if met else 'MISSED'}")
            sys.stdout.flush()
    for discount in (0.95, 0.99) if options.only in "one large task" else ():
        states = options.states or (100_000 if options.quick else 1_000_000)
        met, missing = measure_large(states, discount, turns)
        missed, judged = missed + (not met), judged + 1
        absent |= missing
    for peer, why in absent.items():
        print(f"{peer} is absent: {why}")
    print(f"{missed} of {judged} targets missed")


if __name__ == "__main__":
    main()
