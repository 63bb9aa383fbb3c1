"""Learning from recorded steps as a function that PyTorch differentiates; needs the extra `torch`."""

from __future__ import annotations

from typing import Any

import numpy as np

from metarl_fast import checks
from metarl_fast.engine import HasLearner
from metarl_fast.history import History
from metarl_fast.learners import Learner
from metarl_fast.replay import replay, replay_gradient


def adapted(
    learner: Learner | HasLearner,
    history: History,
    initial_table: Any,
    learning_rates: Any = None,
    *,
    num_threads: int | None = None,
) -> Any:
    """Return what learners make of recorded steps, as a tensor whose gradient comes from the core.

    So what learners start from, and how fast they learn, may come from a network::

        theta = network(observation)                              # [S, A], or [N, S, A]
        run = mf.train(learner, tasks, 5, rng=0, record=True, dtype=np.float64,
                       initial_table=theta.detach().numpy())
        loss = my_loss(adapted(learner, run.history, theta))
        loss.backward()                                           # through all updates, into the network

    Parameters
    ----------
    learner, history, num_threads
        As in `replay`; the steps are held fixed.
    initial_table
        Tensor [S, A] or [N, S, A]; -inf for actions that are not available.
    learning_rates
        Tensor [S, A] in place of the learner's rate, each 0 to 1.

    Returns
    -------
    torch.Tensor
        [N, S, A], of the initial table's dtype and on its device; the work is done in float64.

    Raises
    ------
    ImportError
        Without PyTorch.
    ValueError, TypeError
        As `replay` does.
    """
    torch = checks.require_extra("torch", "torch")

    def numbers(tensor: Any) -> Any:
        return None if tensor is None else tensor.detach().cpu().numpy().astype(np.float64)

    def like(array: Any, tensor: Any) -> Any:
        return torch.as_tensor(array, dtype=tensor.dtype, device=tensor.device)

    def forward(context: Any, start: Any, rates: Any) -> Any:
        context.save_for_backward(start, rates)
        found = replay(
            learner, history, numbers(start), learning_rates=numbers(rates), num_threads=num_threads
        )
        return like(found, start)

    def backward(context: Any, of_tables: Any) -> Any:
        start, rates = context.saved_tensors
        wants_rates = context.needs_input_grad[1]
        found = replay_gradient(
            learner,
            history,
            numbers(start),
            cotangents=numbers(of_tables),
            learning_rates=numbers(rates),
            of_learning_rates=wants_rates,
            num_threads=num_threads,
        )
        of_start = found.initial_table.sum(axis=0) if start.ndim == 2 else found.initial_table
        of_rates = found.learning_rates
        return (
            like(of_start, start) if context.needs_input_grad[0] else None,
            like(of_rates.sum(axis=0), rates) if wants_rates and of_rates is not None else None,
        )

    # Made here, since the base exists only where PyTorch does.
    kind: Any = type(
        "Adapted",
        (torch.autograd.Function,),
        {
            "forward": staticmethod(forward),
            "backward": staticmethod(torch.autograd.function.once_differentiable(backward)),
        },
    )
    return kind.apply(initial_table, learning_rates)
