"""The seed of each episode: given for the first one, drawn from the lane's own generator for later ones."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding

from vdworld.seeds import stream_seed

Seeds = int | np.integer | Sequence[int | None] | np.ndarray | None


def draw_seed(rng: np.random.Generator) -> int:
    """Draw the seed of a lane's next episode; below 2**53, so that JSON readers and doubles keep it exactly."""
    return int(rng.integers(2**53))


class LaneSeeds:
    """One generator of episode seeds per lane, independent of one another.

    Lane i seeded with s gives the same seeds as one environment after ``reset(seed=s)``, ``reset()``, ``reset()``...

    Args:
        num_lanes: The number of lanes.
    """

    def __init__(self, num_lanes: int) -> None:
        self._generators: list[np.random.Generator | None] = [None] * num_lanes

    def next_episode(self, mask: np.ndarray, seed: Seeds = None) -> list[int]:
        """Return the seeds of the next episodes in the lanes of ``mask``, in the order of the lanes.

        They are below 2**63; see ``stream_seed``.

        Args:
            mask: The lanes that begin an episode, bool ``[num_lanes]``.
            seed: An int gives lane i ``seed + i``, a sequence gives each lane its own. None draws the seed from the
                lane's generator.

        Raises:
            ValueError: `seed` is no whole number, and no sequence of as many as there are lanes.
        """
        num_lanes = len(self._generators)
        if seed is None or isinstance(seed, int | np.integer):
            lane_seeds = [None if seed is None else int(seed) + i for i in range(num_lanes)]
        else:
            try:
                lane_seeds = [None if s is None else operator.index(s) for s in seed]
            except TypeError:
                raise ValueError(f"`seed` must be a whole number, or hold one per lane, got {seed!r}.") from None
        if len(lane_seeds) != num_lanes:
            raise ValueError(f"`seed` must hold one seed per lane, {num_lanes}, got {len(lane_seeds)}.")
        return [self._next_seed(int(lane), lane_seeds[lane]) for lane in np.flatnonzero(mask)]

    def to_json(self) -> list[dict[str, Any] | None]:
        """Return the states of the generators as plain JSON values; None for lanes that had no seed yet."""
        return [None if lane is None else dict(lane.bit_generator.state) for lane in self._generators]

    @classmethod
    def from_json(cls, states: Sequence[dict[str, Any] | None]) -> LaneSeeds:
        """Build the generators from what ``to_json`` returned."""
        seeds = cls(len(states))
        for lane, state in enumerate(states):
            if state is not None:
                generator = seeds._generators[lane] = seeding.np_random(0)[0]
                generator.bit_generator.state = state
        return seeds

    def _next_seed(self, lane: int, seed: int | None) -> int:
        if seed is not None:
            self._generators[lane] = seeding.np_random(seed)[0]
            return stream_seed(seed)
        generator = self._generators[lane]
        if generator is None:
            generator = self._generators[lane] = seeding.np_random()[0]
        return draw_seed(generator)
