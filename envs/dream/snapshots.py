"""Dreams set down, to go on from as often as one likes."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from vdworld.envs.dream.dream_spaces import map_leaves
from vdworld.envs.dream.lane_seeds import LaneSeeds
from vdworld.world import WorldState


@dataclass(frozen=True)
class DreamSnapshot:
    """All that a DreamEnv needs to go on from here: the dream, what it shows, and the stream of later seeds."""

    state: WorldState | None  # None: the episode is over
    seen: Any
    np_random: np.random.Generator

    def clone(self) -> DreamSnapshot:
        """Return a copy that shares no memory with this one."""
        state = None if self.state is None else self.state.clone()
        return DreamSnapshot(state, map_leaves(torch.clone, self.seen), copy.deepcopy(self.np_random))


@dataclass(frozen=True)
class VectorSnapshot:
    """All that a DreamVectorEnv needs to go on from here."""

    state: WorldState
    seen: Any
    elapsed: np.ndarray
    ended: np.ndarray
    seeds: LaneSeeds

    def clone(self) -> VectorSnapshot:
        """Return a copy that shares no memory with this one."""
        seen = map_leaves(torch.clone, self.seen)
        return VectorSnapshot(
            self.state.clone(), seen, self.elapsed.copy(), self.ended.copy(), copy.deepcopy(self.seeds)
        )
