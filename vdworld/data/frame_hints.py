"""How to convert frames in another common form."""

from __future__ import annotations

import numpy as np


def frame_hint(frames: np.ndarray) -> str:
    """Return how to turn frames of another form into uint8 RGB ``[T+1, h, w, 3]``; empty if no way is known."""
    steps = []
    if frames.ndim == 4 and frames.shape[-1] not in (1, 3, 4) and frames.shape[1] in (1, 3, 4):
        steps.append("`frames.transpose(0, 2, 3, 1)` puts channels last")
        frames = frames.transpose(0, 2, 3, 1)
    if frames.ndim == 3 or (frames.ndim == 4 and frames.shape[-1] == 1):
        grey = "frames[..., None]" if frames.ndim == 3 else "frames"
        steps.append(f"`np.repeat({grey}, 3, axis=-1)` makes grey frames RGB")
    if frames.ndim == 4 and frames.shape[-1] == 4:
        steps.append("`frames[..., :3]` leaves out the fourth channel")
    if np.issubdtype(frames.dtype, np.floating) and frames.size:
        low, high = float(np.nanmin(frames)), float(np.nanmax(frames))
        formula = "frames" if high > 2 else "127.5 * (frames + 1)" if low < 0 else "255 * frames"
        steps.append(f"`({formula}).round().astype(np.uint8)` makes numbers from {_range(low, high)} bytes")
    elif frames.dtype != np.uint8 and frames.dtype.kind in "iub":
        scaled = "255 * frames" if frames.dtype.kind == "b" or (frames.size and frames.max() <= 1) else "frames"
        steps.append(f"`({scaled}).astype(np.uint8)` makes them bytes")
    return f"{', and '.join(steps)}." if steps else ""


def _range(low: float, high: float) -> str:
    return "0 to 255" if high > 2 else "-1 to 1" if low < 0 else "0 to 1"
