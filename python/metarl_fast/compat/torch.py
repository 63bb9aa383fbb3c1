"""Learning from recorded steps as a function that PyTorch differentiates; needs the extra `torch`."""

from __future__ import annotations

from typing import Any

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
        Tensor [S, A] or [N, S, A] of a floating-point type; -inf for actions that are not available.
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
    RuntimeError
        When it is differentiated twice: the core has first derivatives alone.
    """
    torch = checks.require_extra("torch", "torch")
    for name, tensor in (("initial_table", initial_table), ("learning_rates", learning_rates)):
        given = isinstance(tensor, torch.Tensor)
        if not (given and tensor.is_floating_point()) and not (tensor is None and name == "learning_rates"):
            what = f"of dtype {tensor.dtype}" if given else checks.shown(tensor)
            raise TypeError(f"{name} is {what}, expected a tensor of floating-point numbers")

    def numbers(tensor: Any) -> Any:
        return None if tensor is None else tensor.detach().to("cpu", torch.float64).numpy()

    def like(array: Any, tensor: Any) -> Any:
        return torch.as_tensor(array, dtype=tensor.dtype, device=tensor.device)

    def learned(start: Any, rates: Any) -> Any:
        found = replay(
            learner, history, numbers(start), learning_rates=numbers(rates), num_threads=num_threads
        )
        return like(found, start)

    def gradient(of_tables: Any, start: Any, rates: Any, wants_rates: bool) -> Any:
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
        return like(of_start, start), None if of_rates is None else like(of_rates.sum(axis=0), rates)

    def not_twice(context: Any, *_: Any) -> Any:
        raise RuntimeError("adapted is differentiated twice, but the core has first derivatives alone")

    of_gradient = _function(torch, "AdaptedGradient", gradient, not_twice)

    def backward(context: Any, of_tables: Any) -> Any:
        return of_gradient.apply(of_tables, *context.saved_tensors, context.needs_input_grad[1])

    return _function(torch, "Adapted", learned, backward).apply(initial_table, learning_rates)


def _function(torch: Any, name: str, forward: Any, backward: Any) -> Any:
    """Return an autograd function; made when it is used, since its base exists only where PyTorch does."""

    def setup_context(context: Any, inputs: Any, output: Any) -> None:
        context.save_for_backward(*(part for part in inputs if not isinstance(part, bool)))

    parts = {"forward": forward, "setup_context": setup_context, "backward": backward}
    return type(name, (torch.autograd.Function,), {key: staticmethod(part) for key, part in parts.items()})
