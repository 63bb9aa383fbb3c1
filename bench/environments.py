"""Steps of many environments at once, against EnvPool's and Gymnasium's own: `python bench/environments.py`.

Actions come from a NumPy array, 1,024 sub-environments take them. All run on one thread, in turn, and the
least processor time of several rounds counts, so that a busy machine does little harm; `rollout` stays in the
core, and runs on `--threads`.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import gymnasium
import numpy as np

import metarl_fast as mf
from metarl_fast.envs import TabularEnv, TabularVectorEnv

TARGETS = {"EnvPool": 10.0, "SyncVectorEnv": 100.0}


@dataclass
class Contender:
    """A way to take steps: `run()` takes `steps` of them."""

    name: str
    run: Callable[[], object]
    steps: int
    seconds: float = float("inf")

    def measure(self) -> None:
        began = time.process_time()
        self.run()
        self.seconds = min(self.seconds, time.process_time() - began)

    @property
    def nanoseconds(self) -> float:
        return 1e9 * self.seconds / self.steps


def stepping(name, env, actions, rounds):
    def run():
        for k in range(rounds):
            env.step(actions[k % len(actions)])

    env.reset()
    run()
    return Contender(name, run, rounds * actions.shape[1])


def envpool_of(num_envs):
    """EnvPool's FrozenLake, where it is installed; it has no random MDPs."""
    with contextlib.suppress(ImportError):
        import envpool

        return envpool.make("FrozenLake-v1", env_type="gymnasium", num_envs=num_envs, num_threads=1)
    return None


def contenders(which, num_envs, threads):
    if which == "FrozenLake":
        source = mf.from_gymnasium(gymnasium.make("FrozenLake-v1"))[0]
        made = [lambda: gymnasium.make("FrozenLake-v1", disable_env_checker=True) for _ in range(num_envs)]
    else:
        source = mf.TaskDistribution.rl2().sample(num_envs, rng=0)
        made = [lambda task=task: TabularEnv(task) for task in source]
    env = TabularVectorEnv(source, num_envs, autoreset_mode="SameStep")
    rng = np.random.default_rng(0)
    actions = rng.integers(env.single_action_space.n, size=(16, num_envs))
    found = [stepping("step", env, actions, 100)]
    pool = envpool_of(num_envs) if which == "FrozenLake" else None
    if pool is not None:
        found.append(stepping("EnvPool", pool, actions.astype(np.int32), 20))
    found.append(stepping("SyncVectorEnv", gymnasium.vector.SyncVectorEnv(made), actions, 2))
    policy = rng.integers(env.single_action_space.n, size=source.num_states)
    for name, behaviour in (("rollout, actions", policy), ("rollout, uniform", None)):
        rolling = TabularVectorEnv(source, num_envs)
        rolling.reset(seed=0)
        found.append(
            Contender(
                name,
                lambda rolling=rolling, behaviour=behaviour: (
                    rolling.rollout(200, behaviour, num_threads=threads) and None
                ),
                200 * num_envs,
            )
        )
    return found


def report(which, found):
    print(f"{which}, nanoseconds of processor time a step")
    by_name = {contender.name: contender.nanoseconds for contender in found}
    for name, nanoseconds in by_name.items():
        print(f"  {name:18} {nanoseconds:10,.1f}  {1e9 / nanoseconds:12,.0f} steps/s")
    for peer, target in TARGETS.items():
        if peer not in by_name:
            print(f"  {peer} is not installed, or has no such tasks")
            continue
        for name, wanted in (("step", target), ("rollout, actions", 10.0 * target)):
            ratio = by_name[peer] / by_name[name]
            said = "met" if ratio >= wanted else "MISSED"
            print(f"  {name:18} {ratio:8,.0f} times as fast as {peer}, target {wanted:,.0f}: {said}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-envs", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1, help="of rollouts")
    given = parser.parse_args()
    for which in ("FrozenLake", "RL2MDP"):
        found = contenders(which, given.num_envs, given.threads)
        for _ in range(given.rounds):
            for contender in found:
                contender.measure()
        report(which, found)


if __name__ == "__main__":
    main()
