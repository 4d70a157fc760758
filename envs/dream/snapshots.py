"""Saved states of dream environments, from which they can continue any number of times."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vdworld.envs.array_trees import map_leaves
from vdworld.envs.dream.dream_observations import observe_lanes
from vdworld.envs.dream.lane_seeds import LaneSeeds
from vdworld.world import WorldModel, WorldState


@dataclass(frozen=True)
class DreamSnapshot:
    """Everything a DreamEnv needs to continue.

    Args:
        state: The dream; None if the episode is over.
        observation: The current observation, as tensors with a leading axis of 1.
        np_random: The generator of later episodes' seeds.
        episode_info: What infos say of the episode: its seed and the context that it started from.
    """

    state: WorldState | None
    observation: Any
    np_random: np.random.Generator
    episode_info: dict[str, Any]

    def clone(self) -> DreamSnapshot:
        """Return a copy that shares no memory with this one."""
        state = None if self.state is None else self.state.clone()
        observation = map_leaves(torch.clone, self.observation)
        return DreamSnapshot(state, observation, copy.deepcopy(self.np_random), copy.deepcopy(self.episode_info))


@dataclass(frozen=True)
class VectorSnapshot:
    """Everything a DreamVectorEnv needs to continue.

    Args:
        state: The dreams.
        observation: The current observations, as tensors.
        elapsed: Steps since each lane's episode began, int ``[num_envs]``.
        ended: Which lanes' episodes are over and not yet followed by another, bool ``[num_envs]``.
        seeds: The generators of later episodes' seeds.
        episode_infos: What infos say of the episodes, a row per lane.
    """

    state: WorldState
    observation: Any
    elapsed: np.ndarray
    ended: np.ndarray
    seeds: LaneSeeds
    episode_infos: dict[str, Any]

    def clone(self) -> VectorSnapshot:
        """Return a copy that shares no memory with this one."""
        return VectorSnapshot(
            self.state.clone(),
            map_leaves(torch.clone, self.observation),
            self.elapsed.copy(),
            self.ended.copy(),
            copy.deepcopy(self.seeds),
            copy.deepcopy(self.episode_infos),
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return everything but the observation, which follows from the dreams, as tensors that can be saved."""
        own = {"elapsed": torch.from_numpy(self.elapsed), "ended": torch.from_numpy(self.ended)}
        own["seeds"] = torch.frombuffer(bytearray(json.dumps(self.seeds.to_json()).encode()), dtype=torch.uint8)
        numbers = itertools.count()
        map_leaves(lambda leaf: own.update({f"episodes.{next(numbers)}": torch.as_tensor(leaf)}), self.episode_infos)
        return own | {f"state.{name}": value for name, value in self.state.tensors().items()}

    def with_tensors(self, tensors: Mapping[str, Tensor], world: WorldModel) -> VectorSnapshot:
        """Return the snapshot whose ``tensors`` these are, of the same environment in this world."""
        inner = {name: value for name, value in tensors.items() if name.startswith("state.")}
        state = WorldState.from_tensors({name.removeprefix("state."): value for name, value in inner.items()})
        state, numbers = state.to(world.device), itertools.count()

        def saved(leaf: Any) -> Any:
            value = tensors[f"episodes.{next(numbers)}"]
            return value.to(leaf.device) if isinstance(leaf, Tensor) else value.numpy()

        return VectorSnapshot(
            state,
            observe_lanes(world, state),
            tensors["elapsed"].numpy(),
            tensors["ended"].numpy(),
            LaneSeeds.from_json(json.loads(bytes(tensors["seeds"].tolist()))),
            map_leaves(saved, self.episode_infos),
        )
