"""Muon for the matrices inside a network, AdamW for everything else."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Muon(torch.optim.Optimizer):
    """Momentum whose update of every matrix is made orthogonal (Jordan et al. 2024).

    A convolution's weight counts as the matrix ``[out, in * kernel]``.

    Args:
        parameters: Weights with at least two axes.
        lr: Length of a step; the update's singular values are about 1.
        momentum: Decay of the running gradient, Nesterov's way.
        weight_decay: Decoupled, as in AdamW.
        num_iterations: Newton-Schulz iterations.
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
        """Move every weight one step."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                running = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                update = weight.grad.lerp(running, group["momentum"]).flatten(1)
                update = orthogonalize(update, group["num_iterations"])
                rows, columns = update.shape
                scale = group["lr"] * max(1.0, rows / columns) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(scale * update.reshape(weight.shape))


def orthogonalize(matrix: Tensor, num_iterations: int = 5) -> Tensor:
    """Return a matrix with the same singular vectors and singular values near 1 (about 0.7 to 1.2).

    The quintic Newton-Schulz iteration with Jordan's coefficients. Every iterate is a matrix P times the input, so that
    the iteration runs on the small Gram matrix, and the large one is multiplied only at the beginning and the end.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if tall else matrix
    wide = wide / (wide.norm() + 1e-7)
    gram = wide @ wide.T
    product = identity = torch.eye(len(wide), dtype=wide.dtype, device=wide.device)
    for _ in range(num_iterations):
        factor = 3.4445 * identity - 4.7750 * gram + 2.0315 * gram @ gram
        gram, product = factor @ gram @ factor, factor @ product
    result = product @ wide
    return result.T if tall else result


def split_parameters(module: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Part the parameters into those for Muon, matrices between hidden features, and the rest.

    These are convolutions, but for those that read frames or write them, which the network names in `edge_layers`; and
    the linear layers that it names in `hidden_layers`, if any.
    """
    edges = {id(p) for layer in getattr(module, "edge_layers", ()) for p in layer.parameters()}
    linear = {id(layer.weight) for layer in getattr(module, "hidden_layers", ())}
    inner: list[Tensor] = [p for p in module.parameters() if (p.ndim == 4 and id(p) not in edges) or id(p) in linear]
    chosen = {id(p) for p in inner}
    return inner, [p for p in module.parameters() if id(p) not in chosen]
