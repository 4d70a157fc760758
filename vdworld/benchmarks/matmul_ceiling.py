"""The machine's peak arithmetic rate: large matrix products."""

from __future__ import annotations

from functools import partial

import torch

from vdworld.benchmarks.timing import median_seconds

SIZES = {"cpu": (512, 1_024, 2_048), "cuda": (2_048, 4_096, 8_192)}
"""Sides of the square matrices by device type; which is fastest depends on the machine."""
LONGEST = 0.25  # seconds; arithmetic that a processor emulates takes minutes for the largest product


@torch.no_grad()
def matmul_ceiling(device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> float:
    """Return the GFLOP/s of the fastest square matrix product, a median over repeated products.

    A multiply-add counts as two operations, as in ``count_flops``. After a product that takes longer than ``LONGEST``
    no larger one is tried.
    """
    device, fastest = torch.device(device), 0.0
    for size in SIZES.get(device.type, SIZES["cpu"]):
        left, right = (torch.rand(size, size, device=device).to(dtype) for _ in range(2))
        seconds = median_seconds(partial(torch.mm, left, right), device)
        fastest = max(fastest, 2 * size**3 / seconds / 1e9)
        if seconds > LONGEST:
            break
    return fastest
