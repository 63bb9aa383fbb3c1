"""A start table's gradient, in JAX
================================

What recorded steps teach is a JAX function, whose gradient comes from the core.
"""

import importlib.util
import sys

import numpy as np

import metarl_fast as mf

if importlib.util.find_spec("jax") is None:
    sys.exit("this example needs JAX: pip install jax")

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

tasks = mf.TaskDistribution(4, 3, horizon=6).sample(5, rng=0)
learner = mf.QLearning(epsilon=0.3)
steps = mf.train(learner, tasks, 5, rng=1, initial_table=np.zeros((4, 3)), record=True).history
shape = jax.ShapeDtypeStruct((5, 4, 3), jnp.float64)


@jax.custom_vjp
def adapted(theta):
    return jax.pure_callback(lambda table: mf.replay(learner, steps, np.asarray(table)), shape, theta)


def there(theta):
    return adapted(theta), theta


def way_back(theta, of_tables):
    def gradient(table, cotangents):
        found = mf.replay_gradient(learner, steps, np.asarray(table), cotangents=np.asarray(cotangents))
        return found.initial_table

    return (jax.pure_callback(gradient, shape, theta, of_tables).sum(axis=0),)


adapted.defvjp(there, way_back)


@jax.jit
def loss(theta):
    return (jax.nn.softmax(adapted(theta)) * adapted(theta)).sum(-1).mean()


theta = jnp.asarray(np.random.default_rng(0).normal(size=(4, 3)))
gradient = jax.grad(loss)(theta)
step = jnp.zeros((4, 3)).at[1, 2].set(1e-5)
difference = (loss(theta + step) - loss(theta - step)) / 2e-5
print(f"gradient {gradient[1, 2]:.6f}, central difference {difference:.6f}")
