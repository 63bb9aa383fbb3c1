"""Other planners of discounted tasks: batched NumPy and packages; a call solves a whole batch."""

from __future__ import annotations

import numpy as np


def numpy_policy_iteration(transitions, rewards, discount):
    """Howard's algorithm on stacks: tasks [N, S, A, S], rewards [N, S, A]. Tasks that are done drop out."""
    n, s, a = rewards.shape
    values = np.zeros((n, s))
    running = np.arange(n)
    p, r = transitions, rewards
    identity = np.eye(s)
    policy = rewards.argmax(axis=2)
    while running.size:
        rows = np.take_along_axis(p, policy[:, :, None, None], axis=2)[:, :, 0]
        chosen = np.take_along_axis(r, policy[:, :, None], axis=2)
        v = np.linalg.solve(identity - discount * rows, chosen)
        q = r + discount * (p.reshape(len(r), s * a, s) @ v).reshape(r.shape)
        gain = q.max(axis=2) - np.take_along_axis(q, policy[:, :, None], axis=2)[:, :, 0]
        better = gain > 1e-12 * np.abs(v[:, :, 0]).max(axis=1, keepdims=True)
        done = ~better.any(axis=1)
        values[running[done]] = v[done, :, 0]
        policy = np.where(better, q.argmax(axis=2), policy)[~done]
        if done.any():
            running, p, r = running[~done], p[~done], r[~done]
    return values


class Quantecon:
    """Policy iteration by quantecon; its models are made beforehand, outside what is timed."""

    def __init__(self, transitions, rewards, discount, *, sparse):
        from quantecon.markov import DiscreteDP

        s, a = rewards.shape[1:]
        pairs = (np.repeat(np.arange(s), a), np.tile(np.arange(a), s))
        self.models = []
        for p, r in zip(transitions, rewards, strict=True):
            if sparse:
                from scipy.sparse import csr_matrix

                rows = csr_matrix(p.reshape(s * a, s))
                self.models.append(DiscreteDP(r.ravel(), rows, discount, *pairs))
            else:
                self.models.append(DiscreteDP(r, p, discount))

    def __call__(self):
        return np.array([model.solve(method="policy_iteration").v for model in self.models])


class MdpSolver:
    """Policy iteration by mdpsolver; its models are made beforehand, too."""

    def __init__(self, transitions, rewards, discount):
        import mdpsolver

        self.models = []
        for p, r in zip(transitions, rewards, strict=True):
            model = mdpsolver.model()
            model.mdp(discount=discount, rewards=r.tolist(), tranMatWithZeros=p.tolist())
            self.models.append(model)

    def __call__(self):
        for model in self.models:
            model.solve(algorithm="pi", tolerance=1e-8, parallel=False, postProcessing=False)
        return np.array([model.getValueVector() for model in self.models])


class Toolbox:
    """Policy iteration by pymdptoolbox, which keeps what a model found: so models are made anew, in time."""

    def __init__(self, transitions, rewards, discount):
        from mdptoolbox.mdp import PolicyIteration

        self.make = PolicyIteration
        self.models = [
            (np.ascontiguousarray(p.transpose(1, 0, 2)), np.ascontiguousarray(r))
            for p, r in zip(transitions, rewards, strict=True)
        ]
        self.discount = discount

    def __call__(self):
        values = []
        for p, r in self.models:
            model = self.make(p, r, self.discount)
            model.run()
            values.append(model.V)
        return np.array(values)


class MdpLib:
    """Policy iteration by mdplib, whose transitions come in memory here instead of by a file."""

    def __init__(self, transitions, rewards, discount):
        from mdp import MDP
        from mdp._core import _mdp_core

        self.discount = discount
        self.models = []
        s, a = rewards.shape[1:]
        for p, r in zip(transitions, rewards, strict=True):
            model = MDP.__new__(MDP)
            model.S, model.A = list(range(s)), list(range(a))
            state, action, entered = np.nonzero(p)
            columns = (state, action, entered, p[state, action, entered], r[state, action])
            model.transition_matrix = np.stack(columns, axis=1).astype(np.float64)
            model.transition_index = _mdp_core.build_transition_index(model.transition_matrix)
            self.models.append(model)

    def __call__(self):
        return np.array([model.PI(self.discount, 1e-9, verbose=False).value for model in self.models])


class JaxDp:
    """Policy iteration by jaxdp, all tasks in one compiled call under vmap, until no value moves."""

    def __init__(self, transitions, rewards, discount):
        import chex
        import jax

        chex.disable_asserts()  # they run on values, which compiled code does not have
        jax.config.update("jax_enable_x64", True)
        import jax.numpy as jnp
        import jaxdp

        n, s, a = rewards.shape
        paid = np.broadcast_to(rewards.transpose(0, 2, 1)[:, :, :, None], (n, a, s, s))
        self.mdps = jaxdp.MDP(
            transition=jnp.asarray(transitions.transpose(0, 2, 3, 1)),
            reward=jnp.asarray(paid),
            initial=jnp.full((n, s), 1.0 / s),
            terminal=jnp.zeros((n, s)),
        )
        planner = jaxdp.PolicyIteration(gamma=discount)

        def solve(mdp):
            first = planner.init(mdp, jnp.full((a, s), 1.0 / a))
            begun = (first, planner.update(mdp, first))
            found = jax.lax.while_loop(
                lambda pair: (
                    jnp.abs(pair[1].v_val - pair[0].v_val).max() > 1e-9 * jnp.abs(pair[1].v_val).max()
                ),
                lambda pair: (pair[1], planner.update(mdp, pair[1])),
                begun,
            )
            return found[1].v_val

        self.solve = jax.jit(jax.vmap(solve))

    def __call__(self):
        return np.asarray(self.solve(self.mdps))


# --- one large sparse task ---------------------------------------------------------------------------------


class LargeQuantecon:
    """Modified policy iteration by quantecon; rows [S * A, S] of scipy's, rewards [S, A]."""

    def __init__(self, rows, rewards, discount, tolerance):
        from quantecon.markov import DiscreteDP

        s, a = rewards.shape
        pairs = (np.repeat(np.arange(s), a), np.tile(np.arange(a), s))
        self.model = DiscreteDP(rewards.ravel(), rows, discount, *pairs)
        self.tolerance = tolerance

    def __call__(self):
        return self.model.solve(method="modified_policy_iteration", epsilon=self.tolerance).v


class LargeMdpSolver:
    """Modified policy iteration by mdpsolver, by entries."""

    def __init__(self, rows, rewards, discount, tolerance):
        import mdpsolver

        s, a = rewards.shape
        self.tolerance = tolerance
        self.model = mdpsolver.model()
        begin, columns, chances = rows.indptr, rows.indices, rows.data

        def of_state(array, state):
            return [array[begin[p] : begin[p + 1]].tolist() for p in range(state * a, (state + 1) * a)]

        self.model.mdp(
            discount=discount,
            rewards=rewards.tolist(),
            tranMatProbs=[of_state(chances, state) for state in range(s)],
            tranMatColumns=[of_state(columns, state) for state in range(s)],
        )

    def __call__(self):
        self.model.solve(algorithm="mpi", tolerance=self.tolerance, parallel=False, postProcessing=False)
        return np.array(self.model.getValueVector())


class LargeMdpLib:
    """Gauss-Seidel sweeps by mdplib, the fastest that it has for a large task."""

    def __init__(self, rows, rewards, discount, tolerance):
        from mdp import MDP
        from mdp._core import _mdp_core

        s, a = rewards.shape
        pair = np.repeat(np.arange(s * a), np.diff(rows.indptr))
        columns = (pair // a, pair % a, rows.indices, rows.data, rewards.ravel()[pair])
        self.model = MDP.__new__(MDP)
        self.model.S, self.model.A = list(range(s)), list(range(a))
        self.model.transition_matrix = np.stack(columns, axis=1).astype(np.float64)
        self.model.transition_index = _mdp_core.build_transition_index(self.model.transition_matrix)
        self.how = {"gamma": discount, "tol": (1.0 - discount) * tolerance, "norm_type": 1, "verbose": False}

    def __call__(self):
        return np.array(self.model.VIGS(**self.how).value)
