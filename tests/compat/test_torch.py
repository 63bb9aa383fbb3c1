"""Adaptation as an autograd function: gradients from the core, checked by PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import metarl_fast as mf

pytest.importorskip("torch")

import torch

from metarl_fast.compat.torch import adapted

TASKS = mf.TaskDistribution(4, 3, horizon=6).sample(3, rng=0)


@pytest.mark.parametrize("learner", [mf.QLearning(epsilon=0.3), mf.ExpectedSarsa(temperature=0.5)], ids=repr)
def test_gradcheck_passes(learner):
    generator = torch.Generator().manual_seed(0)
    theta = torch.randn(4, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    rates = (0.2 + 0.5 * torch.rand(4, 3, dtype=torch.float64, generator=generator)).requires_grad_()
    start = theta.detach().numpy()
    steps = mf.train(learner, TASKS, 5, rng=1, initial_table=start, record=True, dtype=np.float64).history
    assert torch.autograd.gradcheck(lambda table, rate: adapted(learner, steps, table, rate), (theta, rates))
    own = torch.stack([theta.detach()] * 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda table: adapted(learner, steps, table), (own,))


def test_a_network_makes_what_is_learned_from():
    learner = mf.QLearning(epsilon=0.3)
    torch.manual_seed(0)
    network = torch.nn.Linear(2, 12)
    theta = network(torch.ones(2)).reshape(4, 3)
    start = theta.detach().numpy().astype(np.float64)
    steps = mf.train(learner, TASKS, 3, rng=1, initial_table=start, record=True, dtype=np.float64).history
    tables = adapted(learner, steps, theta)
    assert tables.dtype == torch.float32
    tables.sum().backward()
    found = mf.replay_gradient(learner, steps, start, cotangents=np.ones((3, 4, 3)))
    expected = found.initial_table.sum(axis=0).reshape(12, 1)
    np.testing.assert_allclose(network.weight.grad.numpy(), np.repeat(expected, 2, 1), rtol=1e-5)
