"""Everything a dream remembers."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass, fields
from dataclasses import replace as with_fields
from typing import Any, Literal

import torch
from torch import Tensor

from vdworld.extras import require
from vdworld.networks import Memory
from vdworld.types import Features, Frames, LaneIntegers, LaneMask, PastActions, PastKnown
from vdworld.world.noise import lane_key


@dataclass(frozen=True)
class WorldState:
    """A batch of dreams, one per lane; every tensor has the lanes first.

    Args:
        frames: The last K frames ``[b, K, c, h, w]`` in [-1, 1], newest last.
        actions: The encoded actions between them ``[b, K - 1, a]``.
        known: ``[b, K - 1]``; False where an action is null, so that what came before it is padding.
        seed: The lanes' random streams ``[b]``.
        counter: How often each stream was drawn from ``[b]``.
        features: What the network makes of the newest transition ``[b, f]``.
        memory: What a video network keeps of the frames so far; None for the others.
    """

    frames: Frames
    actions: PastActions
    known: PastKnown
    seed: LaneIntegers
    counter: LaneIntegers
    features: Features
    memory: Memory | None = None

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def frame(self) -> Tensor:
        """The newest frame ``[b, c, h, w]``."""
        return self.frames[:, -1]

    def repeat(self, count: int, noise: Literal["shared", "independent"] = "shared") -> WorldState:
        """Branch every lane into `count` lanes that follow one another, as ``torch.repeat_interleave`` does.

        Args:
            count: Branches per lane.
            noise: ``"shared"`` lets the branches of a lane see the same noise (common random numbers: differences
                come from actions alone); ``"independent"`` gives each its own stream (particles), the first branch
                keeping the lane's.

        Raises:
            ValueError: `noise` is neither.
        """
        if noise not in ("shared", "independent"):
            raise ValueError(f'`noise` must be "shared" or "independent", got {noise!r}.')
        state = self._map(lambda value: value.repeat_interleave(count, dim=0))
        if noise == "shared":
            return state
        branch = torch.arange(count, device=self.seed.device).repeat(len(self))
        seed = torch.where(branch == 0, state.seed, lane_key(state.seed + (branch << 32), state.counter))
        return with_fields(state, seed=seed)

    def __getitem__(self, lanes: Any) -> WorldState:
        """Select lanes by a slice, a list, a mask or an index tensor; a single integer keeps the lane axis."""
        if isinstance(lanes, numbers.Integral):
            lanes = [int(lanes)]
        return self._map(lambda value: value[lanes])

    def clone(self) -> WorldState:
        """Return a copy that shares no memory with this state."""
        return self._map(torch.clone)

    def replace(self, mask: LaneMask, other: WorldState) -> WorldState:
        """Return this state with the lanes in `mask` taken from `other`, which has as many lanes.

        Raises:
            ValueError: The numbers of lanes differ.
        """
        if not len(self) == len(other) == len(mask):
            raise ValueError(
                f"`mask` and `other` must have {len(self)} lanes like this state, got {len(mask)} and {len(other)}."
            )
        mask = mask.to(self.seed.device)

        def join(mine: Tensor, theirs: Tensor) -> Tensor:
            return torch.where(mask.reshape(-1, *[1] * (mine.ndim - 1)), theirs, mine)

        theirs = other._tensors()
        joined = {name: join(value, theirs[name]) for name, value in self._tensors().items()}
        memory = None
        if self.memory is not None and other.memory is not None:
            memory = self.memory.zip(other.memory, join)
        return WorldState(**joined, memory=memory)

    def to(self, device: torch.device | str) -> WorldState:
        """Move to another device."""
        return self._map(lambda value: value.to(device))

    def to_bytes(self) -> bytes:
        """Return all of it as bytes that ``from_bytes`` reads; nothing is pickled."""
        tensors = self._tensors()
        for i, (keys, values) in enumerate(self.memory.layers if self.memory is not None else ()):
            tensors |= {f"memory.{i}.keys": keys, f"memory.{i}.values": values}
        safetensors = require("safetensors.torch", "all")
        return safetensors.save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})

    @classmethod
    def from_bytes(cls, data: bytes, device: torch.device | str = "cpu") -> WorldState:
        """Read back what ``to_bytes`` wrote, on any device.

        Raises:
            ValueError: The bytes are something else.
        """
        safetensors = require("safetensors.torch", "all")
        try:
            tensors = safetensors.load(data)
            own = {field.name: tensors.pop(field.name) for field in fields(cls) if field.name != "memory"}
            layers = [
                (tensors.pop(f"memory.{i}.keys"), tensors.pop(f"memory.{i}.values")) for i in range(len(tensors) // 2)
            ]
        except Exception as error:  # safetensors has errors of its own
            raise ValueError(f"`data` must be what `WorldState.to_bytes` wrote: {error}") from error
        return cls(**own, memory=Memory(tuple(layers)) if layers else None).to(device)

    def _map(self, change: Callable[[Tensor], Tensor]) -> WorldState:
        """Return the state with every tensor changed."""
        changed = {name: change(value) for name, value in self._tensors().items()}
        return WorldState(**changed, memory=None if self.memory is None else self.memory.map(change))

    def _tensors(self) -> dict[str, Tensor]:
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "memory"}
