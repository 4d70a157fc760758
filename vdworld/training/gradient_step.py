"""One step of gradient descent, which no loss and no gradient that is not finite gets through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from vdworld.extras import require
from vdworld.training.checkpoint import has_checkpoint

FAILED_BATCH = "failed_batch.safetensors"
"""File in a run's folder with the batch that stopped it."""


def gradient_step(
    losses: Mapping[str, Tensor],
    parameters: Sequence[nn.Parameter],
    optimizers: Sequence[torch.optim.Optimizer],
    max_gradient_norm: float = float("inf"),
) -> None:
    """Take one step down ``losses["loss"]``.

    Args:
        losses: The loss, and its parts for the message.
        parameters: What the optimisers train.
        optimizers: They step together.
        max_gradient_norm: Norm to which the gradient is clipped.

    Raises:
        FloatingPointError: The loss or its gradient is NaN or infinite; no parameter has changed.
    """
    loss = losses["loss"]
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(parameters, max_gradient_norm)
    if bool(loss.detach().isfinite() & norm.isfinite()):
        for optimizer in optimizers:
            optimizer.step()
        return
    values = {name: float(value.detach()) for name, value in losses.items()} | {"gradient norm": float(norm)}
    wrong = [f"{name} {value}" for name, value in values.items() if not torch.tensor(value).isfinite()]
    raise FloatingPointError(f"the loss and its gradient must be finite, got {', '.join(wrong)}.")


def keep_failed_batch(folder: Path | None, tensors: Mapping[str, Tensor]) -> str:
    """Save the batch that stopped a run, and return where it is as a sentence; without a folder nothing is saved."""
    if folder is None:
        return "The batch is not saved, since the run has no output folder."
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FAILED_BATCH
    batch = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    require("safetensors.torch", "all").save_file(batch, path)
    return f"The batch is in {path}{', and the last checkpoint stays' if has_checkpoint(folder) else ''}."
