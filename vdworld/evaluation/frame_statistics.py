"""What single frames look like, in numbers that need no real frame beside them; and how near the data they lie.

Unless it says otherwise a function takes uint8 pixels, as a screen would show them, and answers in grey levels (0 to
255).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

LEVELS = 127.5
"""Grey levels per unit of a float frame in [-1, 1]."""

HARDLY_SEEN = 8
"""Changes of up to so many grey levels from one frame to the next count as no motion: they are flicker."""

SATURATED = 5
"""Values within so many grey levels of black or white count as saturated."""

_BLURRED_SIDE = 16  # pixels; finer detail than this says little about which frame is nearest


def gradient_energy(frames: Tensor) -> Tensor:
    """Return the squared differences of neighbouring pixels ``[...]``, averaged over a frame ``[..., c, h, w]``."""
    down, right = frames.diff(dim=-2).square(), frames.diff(dim=-1).square()
    return down.mean(dim=(-3, -2, -1)) + right.mean(dim=(-3, -2, -1))


def frame_statistics(pixels: Tensor) -> dict[str, Tensor]:
    """Return statistics ``[b, t]`` of frames ``[b, t + 1, h, w, c]``, the first of which serves for motion alone.

    ``brightness``: mean. ``contrast``: standard deviation over all values of a frame. ``sharpness``: gradient energy,
    in squared grey levels. ``motion``: mean absolute change since the frame before, where only values that change by
    more than ``HARDLY_SEEN`` count. ``saturation``: share of values near black or white.
    """
    levels = pixels.movedim(-1, -3).float()
    frames, change = levels[:, 1:], levels.diff(dim=1).abs()
    whole = (-3, -2, -1)
    return {
        "brightness": frames.mean(dim=whole),
        "contrast": frames.std(dim=whole, correction=0),
        "sharpness": gradient_energy(frames),
        "motion": change.where(change > HARDLY_SEEN, 0.0).mean(dim=whole),
        "saturation": ((frames <= SATURATED) | (frames >= 255 - SATURATED)).float().mean(dim=whole),
    }


class NearestFrames:
    """Real frames to be near to: blurred, and never compared with frames of their own episode.

    Distances are root mean squares over the values of frames that are averaged down to at most 16 x 16 pixels, so that
    they tell scenes apart and not textures.

    Args:
        pixels: uint8 ``[n, h, w, c]``.
        episodes: The episode that each comes from ``[n]``.
    """

    def __init__(self, pixels: Tensor, episodes: Tensor) -> None:
        self._frames, self._episodes = _blurred(pixels), episodes

    def distances(self, pixels: Tensor, episodes: Tensor) -> Tensor:
        """Return how far each frame ``[b, t, h, w, c]`` of an episode ``[b]`` is from the nearest here ``[b, t]``.

        Infinite where all frames here belong to that episode.
        """
        b, t = pixels.shape[:2]
        gaps = torch.cdist(_blurred(pixels.flatten(0, 1)), self._frames) / self._frames.shape[1] ** 0.5
        own = episodes[:, None] == self._episodes
        return gaps.unflatten(0, (b, t)).masked_fill(own[:, None], torch.inf).amin(dim=-1).float()

    def scale(self) -> float:
        """Return the root mean square distance between two frames here that have nothing to do with each other."""
        return float((2 * self._frames.var(dim=0, correction=0).mean()).sqrt())


def _blurred(pixels: Tensor) -> Tensor:
    """Return frames ``[n, h, w, c]`` as vectors ``[n, d]``, in double precision so that equal ones lie at 0."""
    height, width = pixels.shape[1:3]
    size = (min(height, _BLURRED_SIDE), min(width, _BLURRED_SIDE))
    return F.adaptive_avg_pool2d(pixels.movedim(-1, -3).float(), size).flatten(1).double()
