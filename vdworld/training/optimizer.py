"""The Muon optimiser, for the matrices between hidden features; AdamW trains everything else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalised updates of matrices (Jordan et al. 2024).

    A convolution's weight is treated as the matrix ``[out, in * kernel]``.

    Args:
        parameters: Weights with at least two axes.
        lr: Learning rate. The singular values of an update are about the learning rate.
        momentum: Decay of the running gradient, with Nesterov momentum.
        weight_decay: Decoupled weight decay, as in AdamW.
        num_iterations: Number of Newton-Schulz iterations.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
        num_iterations: int = 5,
    ) -> None:
        settings = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "num_iterations": num_iterations}
        super().__init__(parameters, settings)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Update every weight once; those of one shape together."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape.setdefault(weight.shape, []).append(weight)
            for weights in by_shape.values():
                self._update(weights, group)

    def _update(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        """Update weights of one shape."""
        updates = orthogonalize(
            torch.stack([self._momentum(weight, group["momentum"]).flatten(1) for weight in weights]),
            group["num_iterations"],
        )
        rows, columns = updates.shape[1:]
        scale = group["lr"] * max(1.0, rows / columns) ** 0.5
        for weight, update in zip(weights, updates, strict=True):
            weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(update.reshape(weight.shape), alpha=scale)

    def _momentum(self, weight: Tensor, decay: float) -> Tensor:
        """Advance a weight's running gradient, and return where Nesterov momentum looks ahead to."""
        gradient, state = weight.grad, self.state[weight]
        assert gradient is not None
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        running = state["momentum"].lerp_(gradient, 1 - decay)
        return gradient.lerp(running, decay)


def orthogonalize(matrices: Tensor, num_iterations: int = 5) -> Tensor:
    """Return matrices with the same singular vectors and singular values near 1 (about 0.7 to 1.2).

    Runs the quintic Newton-Schulz iteration with Jordan's coefficients. Each iteration starts from the matrix itself,
    and so corrects the rounding of the one before, in TF32 and bfloat16 too. Iterating the small Gram matrix instead
    would be cheaper, but diverges there.

    Args:
        matrices: ``[..., rows, columns]``.
        num_iterations: Number of iterations.
    """
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    wide = matrices.mT if is_tall else matrices
    wide = wide / (wide.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(num_iterations):
        gram = wide @ wide.mT
        wide = 3.4445 * wide + (2.0315 * gram @ gram - 4.7750 * gram) @ wide
    return wide.mT if is_tall else wide


def split_parameters(module: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Split the parameters into those for Muon, which are matrices between hidden features, and the rest.

    Muon trains all convolutions except those in the network's `edge_layers`, which read or write frames, and the
    linear layers in its `hidden_layers`, if it has any.
    """
    edges = {id(p) for layer in getattr(module, "edge_layers", ()) for p in layer.parameters()}
    linear = {id(layer.weight) for layer in getattr(module, "hidden_layers", ())}
    inner: list[Tensor] = [p for p in module.parameters() if (p.ndim == 4 and id(p) not in edges) or id(p) in linear]
    inner_ids = {id(p) for p in inner}
    return inner, [p for p in module.parameters() if id(p) not in inner_ids]
