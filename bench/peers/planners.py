"""Other planners of discounted tasks: batched NumPy, quantecon and mdpsolver; a call solves a whole batch."""

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
