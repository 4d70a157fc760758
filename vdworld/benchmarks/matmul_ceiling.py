"""What a machine can do at most: large matrix products."""

from __future__ import annotations

import statistics
import time

import torch

SIZES = {"cpu": (512, 1_024, 2_048), "cuda": (2_048, 4_096, 8_192)}
"""Sides of the square matrices, by kind of device; one of them fits the machine best."""


@torch.no_grad()
def matmul_ceiling(device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32, repeats: int = 5) -> float:
    """Return the GFLOP/s of the fastest square matrix product, the median of `repeats`.

    A multiply-add counts as two operations, as in ``count_flops``.
    """
    device, best = torch.device(device), 0.0
    for size in SIZES.get(device.type, SIZES["cpu"]):
        left, right = (torch.rand(size, size, device=device).to(dtype) for _ in range(2))
        _seconds(left, right)  # the first call allocates
        seconds = statistics.median(_seconds(left, right) for _ in range(repeats))
        best = max(best, 2 * size**3 / seconds / 1e9)
    return best


def _seconds(left: torch.Tensor, right: torch.Tensor) -> float:
    count = 10 if left.device.type == "cuda" else 1  # a launch takes as long as a small product
    wait = torch.cuda.synchronize if left.device.type == "cuda" else (lambda: None)
    wait()
    began = time.perf_counter()
    for _ in range(count):
        torch.mm(left, right)
    wait()
    return (time.perf_counter() - began) / count
