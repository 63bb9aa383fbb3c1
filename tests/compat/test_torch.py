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


def test_short_floats_and_functional_gradients_go_through_and_integers_do_not():
    learner = mf.QLearning(epsilon=0.3)
    steps = mf.train(learner, TASKS, 3, rng=1, record=True, dtype=np.float64, initial_table=np.ones((4, 3)))
    steps, theta = steps.history, torch.ones(4, 3)
    expected = mf.replay_gradient(learner, steps, np.ones((4, 3)), cotangents=np.ones((3, 4, 3)))
    found = torch.func.grad(lambda table: adapted(learner, steps, table).sum())(theta)
    np.testing.assert_allclose(found, expected.initial_table.sum(axis=0), rtol=1e-5)
    assert adapted(learner, steps, theta.bfloat16()).dtype == torch.bfloat16
    for wrong in (theta.long(), theta.numpy(), None):
        with pytest.raises(TypeError, match=r"initial_table is .*, expected a tensor of floating-point"):
            adapted(learner, steps, wrong)


def test_there_is_no_second_derivative_and_none_that_is_silently_zero():
    theta = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    learner = mf.ExpectedSarsa(temperature=0.5)
    steps = mf.train(learner, TASKS, 3, rng=1, record=True, initial_table=np.ones((4, 3))).history
    (slope,) = torch.autograd.grad(adapted(learner, steps, theta).sum(), theta, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiated twice"):
        slope.sum().backward()
