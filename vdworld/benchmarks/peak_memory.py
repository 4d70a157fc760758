"""Peak memory of this process."""

from __future__ import annotations

import sys

import torch

try:
    import resource
except ImportError:  # not on Windows
    resource = None


def peak_memory(device: torch.device | str = "cpu") -> int:
    """Return the peak in bytes: of torch's allocations on a GPU, of the whole process elsewhere; 0 if unknown."""
    if torch.device(device).type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if resource is None:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
