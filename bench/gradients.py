"""Exact gradients through updates beside JAX's: python bench/gradients.py [--tasks 1024] [--repeats 7].

Both get the same recorded steps of Q-learning on random MDPs (10 states, 5 actions) and give, for each task,
the loss on 10 fresh steps of the table learned, and its gradient with respect to the start; warm, in float64.
Times are the processors', of all threads, so that other work on the machine does little harm.
JAX is written in two ways, of which the faster one counts. Needs the extra `bench`.
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
        seconds: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(options.repeats):  # in turn, so that what else runs disturbs all alike
            for name, work in works.items():
                begun = time.process_time()
                work()
                seconds[name].append(time.process_time() - begun)
        median = {name: statistics.median(times) for name, times in seconds.items()}
        fastest = min(time for name, time in median.items() if name != "metarl_fast")
        for name, time_taken in median.items():
            each = 1e9 * time_taken / (options.tasks * updates)
            print(f"K = {updates:5d}  {name:20s} {1e3 * time_taken:9.2f} ms  {each:7.1f} ns an update")
        print(f"K = {updates:5d}  {fastest / median['metarl_fast']:.1f} times as fast as JAX")


if __name__ == "__main__":
    main()
