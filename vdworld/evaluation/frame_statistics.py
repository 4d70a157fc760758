"""Statistics of frames that need no real frame for comparison, and the distance of frames from recorded ones.

Unless stated otherwise, functions take uint8 pixels and return grey levels from 0 to 255.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

MAX_FLICKER = 8
"""Changes of at most this many grey levels between two frames count as flicker, not as motion."""

SATURATION_MARGIN = 5
"""Values within this many grey levels of black or white count as saturated."""

_BLURRED_SIZE = 16  # pixels; finer detail says little about which frame is nearest


def gradient_energy(frames: Tensor) -> Tensor:
    """Return the mean squared difference of neighbouring pixels ``[...]`` of frames ``[..., c, h, w]``."""
    down, right = frames.diff(dim=-2).square(), frames.diff(dim=-1).square()
    return down.mean(dim=(-3, -2, -1)) + right.mean(dim=(-3, -2, -1))


def frame_statistics(pixels: Tensor) -> dict[str, Tensor]:
    """Return statistics ``[b, t]`` of frames ``[b, t + 1, h, w, c]``; the first frame is used for motion only.

    ``brightness``: mean. ``contrast``: standard deviation over all values of a frame. ``sharpness``: gradient energy,
    in squared grey levels. ``motion``: mean absolute change since the previous frame, without changes of at most
    ``MAX_FLICKER``. ``saturation``: share of values within ``SATURATION_MARGIN`` of black or white.
    """
    levels = pixels.movedim(-1, -3).float()
    frames, change = levels[:, 1:], levels.diff(dim=1).abs()
    whole = (-3, -2, -1)
    return {
        "brightness": frames.mean(dim=whole),
        "contrast": frames.std(dim=whole, correction=0),
        "sharpness": gradient_energy(frames),
        "motion": change.where(change > MAX_FLICKER, 0.0).mean(dim=whole),
        "saturation": ((frames <= SATURATION_MARGIN) | (frames >= 255 - SATURATION_MARGIN)).float().mean(dim=whole),
    }


class NearestFrames:
    """Recorded frames to which the distance of other frames is measured.

    Distances are root mean squares between frames that are averaged down to at most 16 x 16 pixels, so that they
    distinguish scenes rather than textures.

    Args:
        pixels: Recorded frames, uint8 ``[n, h, w, c]``.
        episodes: The episode of each ``[n]``.
    """

    def __init__(self, pixels: Tensor, episodes: Tensor) -> None:
        self._frames, self._episodes = _blurred(pixels), episodes

    def distances(self, pixels: Tensor, episodes: Tensor) -> Tensor:
        """Return the distance ``[b, t]`` of each frame ``[b, t, h, w, c]`` from the nearest one of another episode.

        It is infinite if all recorded frames belong to the frame's own episode ``[b]``.
        """
        b, t = pixels.shape[:2]
        distances = torch.cdist(_blurred(pixels.flatten(0, 1)), self._frames) / self._frames.shape[1] ** 0.5
        own = episodes[:, None] == self._episodes
        return distances.unflatten(0, (b, t)).masked_fill(own[:, None], torch.inf).amin(dim=-1).float()

    def scale(self) -> float:
        """Return the root mean square distance between two independently drawn recorded frames."""
        return float((2 * self._frames.var(dim=0, correction=0).mean()).sqrt())


def _blurred(pixels: Tensor) -> Tensor:
    """Return frames ``[n, h, w, c]`` as vectors ``[n, d]``, in double precision so that equal frames differ by 0."""
    height, width = pixels.shape[1:3]
    size = (min(height, _BLURRED_SIZE), min(width, _BLURRED_SIZE))
    return F.adaptive_avg_pool2d(pixels.movedim(-1, -3).float(), size).flatten(1).double()
