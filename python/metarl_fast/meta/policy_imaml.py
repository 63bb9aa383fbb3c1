"""Implicit MAML on softmax policies: the gradient of where adaptation ends, whatever way it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from metarl_fast import checks
from metarl_fast.meta.policy_start import Float, PolicyStart, Returns
from metarl_fast.policy_gradient import PolicyGradient


@dataclass(frozen=True, kw_only=True)
class PolicyImaml(PolicyStart):
    """theta <- theta + step_size d/dtheta mean_T J_T(phi_T(theta)), with phi_T the end of adaptation itself.

    phi_T(theta) makes J_T(phi) - strength / 2 sum (phi - theta)^2 as large as possible: it may go far where
    that pays, and stays at theta where nothing is gained. How it moves with theta follows from its being the
    largest, and not from how it was found: dJ_T/dtheta = (I - H / strength)^-1 dJ_T/dphi with the Hessian H
    of J_T at phi_T, which conjugate gradients solve by products with it (`policy_gradient`). So memory does
    not grow with the number of steps, of which there may be many: `num_episodes` is how many are tried on
    each task, uphill, half as long after one that led down and longer by half after one that led up.

    Rajeswaran, Finn, Kakade and Levine, "Meta-learning with implicit gradients", NeurIPS 2019. On tasks where
    phi_T is not yet the end, the gradient is that of a nearby problem; where the objective bends upwards
    along the way of conjugate gradients, they stop there.

    Parameters
    ----------
    strength
        Of the pull towards theta, lambda; above 0.
    num_products
        Products with each task's Hessian that conjugate gradients may take, at least 0; with 0 this is
        first-order MAML.
    """

    strength: float = 0.1
    num_products: int = 10
    default_episodes: ClassVar[int] = 30

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, "strength", checks.real, 0.0, open_low=True)
        checks.keep(self, "num_products", checks.integer, 0)

    def num_evaluations(self, num_steps: int) -> int:
        """Return how often `adapted` asks for returns, at most."""
        return num_steps + 1 + self.num_products

    def adapted(
        self, returns_of: Returns, theta: Float, learning_rate: float, num_steps: int
    ) -> tuple[Float, Float, Float]:
        """Return minus the implicit gradient, J at the end of adaptation, and before each step."""
        phi, found, returns = self._climbed(returns_of, theta, learning_rate, num_steps)
        return -self._implicit(returns_of, phi, found.gradient), found.returns, returns

    def _climbed(
        self, returns_of: Returns, theta: Float, learning_rate: float, num_steps: int
    ) -> tuple[Float, PolicyGradient, Float]:
        """Return where steps uphill lead on each task, J there, and J before each."""
        phi, found = theta, returns_of(theta)
        returns = np.empty((len(theta), num_steps))
        size = np.full((len(theta), 1, 1), learning_rate)
        for k in range(num_steps):
            returns[:, k] = found.returns
            tried = phi + size * (found.gradient - self.strength * _between(theta, phi))
            there = returns_of(tried)
            gain = self._objective(there, theta, tried) - self._objective(found, theta, phi)
            up = (gain >= 0.0)[:, None, None]
            phi = np.where(up, tried, phi)
            found = PolicyGradient(
                np.where(gain >= 0.0, there.returns, found.returns),
                np.where(up, there.gradient, found.gradient),
                None,
            )
            size = size * np.where(up, 1.5, 0.5)
        return phi, found, returns

    def _objective(self, found: PolicyGradient, theta: Float, phi: Float) -> Float:
        """Return J(phi) - strength / 2 |phi - theta|^2 [N]."""
        far = _between(theta, phi)
        return np.asarray(found.returns - 0.5 * self.strength * (far * far).sum(axis=(1, 2)))

    def _implicit(self, returns_of: Returns, phi: Float, gradient: Float) -> Float:
        """Return x with (I - H / strength) x = gradient, by conjugate gradients for all tasks at once."""
        if self.num_products == 0:
            return gradient
        x, left, way = np.zeros(gradient.shape), gradient, gradient
        square = _dot(left, left)
        smallest = 1e-24 * square
        for k in range(self.num_products):
            product = returns_of(phi, way).product
            assert product is not None
            bent = way - product / self.strength
            along = _dot(way, bent)
            goes_on = (along > 0.0) & (square > smallest)
            if k == 0:  # bent upwards from the beginning: to the first order
                x = np.where(along > 0.0, x, gradient)
            length = np.divide(square, along, out=np.zeros(square.shape), where=goes_on)
            x = x + length * way
            left = left - length * bent
            after = _dot(left, left)
            ratio = np.divide(after, square, out=np.zeros(square.shape), where=goes_on)
            way = np.where(goes_on, left + ratio * way, 0.0)
            square = np.where(goes_on, after, 0.0)
            if not goes_on.any():
                break
        return x


def _between(theta: Float, phi: Float) -> Float:
    """Return phi - theta, 0 where both are -inf."""
    return np.subtract(phi, theta, out=np.zeros(phi.shape), where=theta > -np.inf)


def _dot(x: Float, y: Float) -> Float:
    """Return the products of the tables of each task [N, 1, 1]."""
    return np.asarray((x * y).sum(axis=(1, 2), keepdims=True))
