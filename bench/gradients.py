"""Exact gradients through updates beside JAX's: python bench/gradients.py [--tasks 1024] [--repeats 7].

Both get the same recorded steps of Q-learning on random MDPs (10 states, 5 actions) and give, for each task,
the loss on 10 fresh steps of the table learned, and its gradient with respect to the start; warm, in float64.
JAX is written in two ways: as one writes it, for one task and then vmap over all; and by hand, all tasks in
one scan, which is three times as fast. (One-hot products, flat tables, unrolled scans and promises about
indices are not faster at both numbers of updates.) Ratios are of the processors' time, of all threads, to
which other work on the machine does little harm. The clock's stand beside them, and mean something when
nothing else runs: metarl_fast uses all processors, and a scan of JAX's about one. Needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

import metarl_fast as mf

DISCOUNT, RATE = 0.95, 0.1
LEARNER = mf.QLearning(learning_rate=RATE, discount=DISCOUNT, epsilon=1.0)


def jax_programs():
    """By name: functions (theta, history, fresh) that return losses and gradients."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def errors(q, steps):
        s, a, r, after = steps
        return r + DISCOUNT * q[after].max(-1) - q[s, a]

    def task_by_task(theta, history, fresh):
        def loss(start, learned_from, judged_by):
            def step(q, seen):
                s, a, _, _ = seen
                return q.at[s, a].add(RATE * errors(q, seen)), None

            q, _ = jax.lax.scan(step, start, learned_from)
            return 0.5 * (errors(q, judged_by) ** 2).mean()

        return jax.vmap(jax.value_and_grad(loss), (None, 0, 0))(theta, history, fresh)

    def side_by_side(theta, history, fresh):
        n = jnp.arange(history[0].shape[0])

        def loss(start):
            def step(q, seen):
                s, a, r, after = seen
                error = r + DISCOUNT * q[n, after].max(-1) - q[n, s, a]
                return q.at[n, s, a].add(RATE * error), None

            q, _ = jax.lax.scan(step, start, tuple(x.T for x in history))
            found = 0.5 * (jax.vmap(errors)(q, fresh) ** 2).mean(-1)
            return found.sum(), found

        starts = jnp.broadcast_to(theta, (n.size, *theta.shape))
        (_, losses), gradient = jax.value_and_grad(loss, has_aux=True)(starts)
        return losses, gradient

    def wait(function):
        compiled = jax.jit(function)
        return lambda *given: jax.block_until_ready(compiled(*given))

    return {"task by task": wait(task_by_task), "side by side": wait(side_by_side)}, jnp.asarray


def medians(works, repeats):
    """Return the median seconds of processors and of the clock that each work takes, by name."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(repeats):  # in turn, so that what else runs disturbs all alike
        for name, work in works.items():
            begun = time.process_time(), time.perf_counter()
            work()
            found[name].append((time.process_time() - begun[0], time.perf_counter() - begun[1]))
    return tuple(
        {name: statistics.median(both[i] for both in times) for name, times in found.items()} for i in (0, 1)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    programs, to_jax = jax_programs()
    tasks = mf.TaskDistribution(10, 5, horizon=10).sample(options.tasks, rng=0)
    theta = np.random.default_rng(0).normal(size=(10, 5))
    for updates in (100, 1000):
        more = {"record": True, "dtype": np.float64}
        run = mf.train(LEARNER, tasks, updates // 10, rng=1, initial_table=theta, **more)
        history, fresh = run.history, mf.train(LEARNER, tasks, 1, rng=2, **more).history
        found = mf.replay_gradient(LEARNER, history, theta, fresh=fresh)
        names = ("state", "action", "reward", "next_state")
        given = [tuple(to_jax(getattr(of, name)) for name in names) for of in (history, fresh)]
        works = {"metarl_fast": lambda h=history, f=fresh: mf.replay_gradient(LEARNER, h, theta, fresh=f)}
        for name, program in programs.items():
            works[f"JAX, {name}"] = lambda p=program, g=given: p(to_jax(theta), *g)
            losses, gradient = program(to_jax(theta), *given)
            np.testing.assert_allclose(found.loss, losses, rtol=1e-11)
            np.testing.assert_allclose(found.initial_table, gradient, rtol=1e-10, atol=1e-13)
        processors, clock = medians(works, options.repeats)
        for name, taken in processors.items():
            each = 1e9 * taken / (options.tasks * updates)
            print(
                f"K = {updates:5d}  {name:18s} {1e3 * taken:9.2f} ms of processors, {each:6.1f} ns an "
                f"update; by the clock {1e3 * clock[name]:9.2f} ms"
            )
        for name in programs:
            times, by_clock = (of[f"JAX, {name}"] / of["metarl_fast"] for of in (processors, clock))
            print(f"K = {updates:5d}  {times:.1f} times as fast as JAX, {name} (by the clock {by_clock:.1f})")


if __name__ == "__main__":
    main()
