"""How much memory this process has needed so far."""

from __future__ import annotations

import sys

import torch

try:
    import resource
except ImportError:  # not on Windows
    resource = None


def peak_memory(device: torch.device | str = "cpu") -> int:
    """Return the peak in bytes: of what torch held on a GPU, elsewhere of the whole process; 0 where nobody knows."""
    if torch.device(device).type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if resource is None:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
