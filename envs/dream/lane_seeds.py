"""Which seed each episode dreams with: the first one as given, later ones from the lane's own stream."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gymnasium.utils import seeding

Seeds = int | np.integer | Sequence[int | None] | np.ndarray | None


def draw_seed(stream: np.random.Generator) -> int:
    """Draw the seed of a lane's next episode; below 2**53, so that any JSON reader or double keeps it exactly."""
    return int(stream.integers(2**53))


class LaneSeeds:
    """The seed streams of many lanes, none of which hears of the others.

    Lane i seeded with s gives the same seeds as one environment after ``reset(seed=s)``, ``reset()``, ``reset()``...

    Args:
        num_lanes: How many lanes there are.
    """

    def __init__(self, num_lanes: int) -> None:
        self._streams: list[np.random.Generator | None] = [None] * num_lanes

    def reset(self, seed: Seeds, mask: np.ndarray) -> list[int]:
        """Return the seeds of the episodes that begin in the lanes of ``mask``, in their order.

        Args:
            seed: An int gives lane i ``seed + i``, a sequence each lane its own; None goes on with the lane's stream.
            mask: Bool ``[num_lanes]``, the lanes that begin an episode.

        Raises:
            ValueError: `seed` is a sequence of another length than there are lanes.
        """
        num_lanes = len(self._streams)
        if seed is None or isinstance(seed, int | np.integer):
            per_lane = [None if seed is None else int(seed) + i for i in range(num_lanes)]
        else:
            per_lane = [None if s is None else int(s) for s in seed]
        if len(per_lane) != num_lanes:
            raise ValueError(f"`seed` must hold one seed per lane, {num_lanes}, got {len(per_lane)}.")
        return [self._begin(int(lane), per_lane[lane]) for lane in np.flatnonzero(mask)]

    def draw(self, mask: np.ndarray) -> list[int]:
        """Return the seeds of the next episodes in the lanes of ``mask``."""
        return self.reset(None, mask)

    def _begin(self, lane: int, seed: int | None) -> int:
        if seed is not None:
            self._streams[lane] = seeding.np_random(seed)[0]
            return seed
        stream = self._streams[lane]
        if stream is None:
            stream = self._streams[lane] = seeding.np_random()[0]
        return draw_seed(stream)
