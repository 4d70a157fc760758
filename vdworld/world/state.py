"""The state of dreams: everything that the next step depends on."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass, fields
from dataclasses import replace as with_fields
from typing import Any, Literal

import torch
from torch import Tensor

from vdworld.argument_hints import FormerAttribute
from vdworld.extras import require
from vdworld.networks import KVCache
from vdworld.types import Features, Frames, LaneIntegers, LaneMask, PastActionMask, PastActions, PerLane
from vdworld.world.noise import DRAWS_PER_STEP, lane_key
from vdworld.world.older_names import with_present_names


@dataclass(frozen=True)
class WorldState:
    """A batch of dreams, one per lane; the lanes are the first axis of every tensor.

    Args:
        frames: The last K frames ``[b, K, c, h, w]`` in [-1, 1], newest last.
        actions: The encoded actions between them ``[b, K - 1, a]``.
        action_mask: ``[b, K - 1]``; False where an action is null, since the frame before it is padding.
        seed: The lanes' random streams ``[b]``.
        counter: How many numbers were drawn from each stream ``[b]``.
        features: The network's features of the newest transition ``[b, f]``.
        cache: The keys and values that a video network keeps of the frames so far; None for other networks.
        uncertainty: The uncertainty of the dreams so far ``[b]``, over the steps that computed it; None begins at 0.
    """

    frames: Frames
    actions: PastActions
    action_mask: PastActionMask
    seed: LaneIntegers
    counter: LaneIntegers
    features: Features
    cache: KVCache | None = None
    uncertainty: PerLane | None = None

    def __post_init__(self) -> None:
        if self.uncertainty is None:
            object.__setattr__(self, "uncertainty", torch.zeros_like(self.seed, dtype=torch.float32))

    known = FormerAttribute("is now called `action_mask`")
    memory = FormerAttribute("is now called `cache`")

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def frame(self) -> Tensor:
        """The newest frame ``[b, c, h, w]``."""
        return self.frames[:, -1]

    @property
    def num_steps(self) -> LaneIntegers:
        """The number of steps that each dream has imagined ``[b]``."""
        return self.counter // DRAWS_PER_STEP

    def repeat(self, count: int, noise: Literal["shared", "independent"] = "shared") -> WorldState:
        """Branch every lane into `count` consecutive lanes, as ``torch.repeat_interleave`` does.

        If there is a single lane, its branches share its memory.

        Args:
            count: Branches per lane.
            noise: ``"shared"`` gives the branches of a lane the same noise (common random numbers: they differ only by
                their actions). ``"independent"`` gives each branch its own stream (particles); the first one keeps the
                lane's.

        Raises:
            ValueError: `noise` is something else.
        """
        if noise not in ("shared", "independent"):
            raise ValueError(f'`noise` must be "shared" or "independent", got {noise!r}.')

        def copied(value: Tensor) -> Tensor:
            if len(self) == 1:  # branches may share memory, since nothing is ever written into a state
                return value.expand(count, *value.shape[1:])
            return value.repeat_interleave(count, dim=0)

        state = self._map(copied)
        if noise == "shared":
            return state
        branch = torch.arange(count, device=self.seed.device).repeat(len(self))
        seed = torch.where(branch == 0, state.seed, lane_key(lane_key(state.seed, state.counter), branch))
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

        theirs = other.tensors()
        return self.from_tensors({name: join(value, theirs[name]) for name, value in self.tensors().items()})

    def to(self, device: torch.device | str) -> WorldState:
        """Return the state on another device."""
        return self._map(lambda value: value.to(device))

    def to_bytes(self) -> bytes:
        """Return the state as bytes that ``from_bytes`` reads; nothing is pickled."""
        safetensors = require("safetensors.torch", "all")
        return safetensors.save({name: value.detach().cpu().contiguous() for name, value in self.tensors().items()})

    @classmethod
    def from_bytes(cls, data: bytes, device: torch.device | str = "cpu") -> WorldState:
        """Read what ``to_bytes`` wrote, onto any device.

        Raises:
            ValueError: The bytes are something else.
        """
        safetensors = require("safetensors.torch", "all")
        try:
            return cls.from_tensors(with_present_names(safetensors.load(data))).to(device)
        except Exception as error:  # safetensors raises its own errors
            raise ValueError(f"`data` must be what `WorldState.to_bytes` wrote: {error}") from error

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors by name, those of the cache as ``memory.<layer>.keys`` and ``memory.<layer>.values``.

        Saved states have these names.
        """
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "cache"}
        for i, (keys, values) in enumerate(self.cache.layers if self.cache is not None else ()):
            own |= {f"memory.{i}.keys": keys, f"memory.{i}.values": values}
        return own

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> WorldState:
        """Build a state from what ``tensors`` returned.

        Raises:
            TypeError: Tensors are missing or unknown.
        """
        own = {name: value for name, value in tensors.items() if not name.startswith("memory.")}
        pairs = (len(tensors) - len(own)) // 2
        layers = tuple((tensors[f"memory.{i}.keys"], tensors[f"memory.{i}.values"]) for i in range(pairs))
        return cls(**own, cache=KVCache(layers) if layers else None)

    def _map(self, change: Callable[[Tensor], Tensor]) -> WorldState:
        """Return the state with every tensor changed."""
        return self.from_tensors({name: change(value) for name, value in self.tensors().items()})
