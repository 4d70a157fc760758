"""The device to compute on, by name."""

from __future__ import annotations

import torch


def pick_device(name: str) -> torch.device:
    """Return the device of this name; ``"auto"`` is the GPU if there is one, otherwise the CPU.

    Raises:
        ValueError: This machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # a name that torch can't parse, or a build without CUDA
        reason = str(error).splitlines()[0]
        raise ValueError(f"`device` must be auto, cpu or a device of this machine, got {name!r} ({reason}).") from error
    return device
