"""Random numbers of a lane: a function of its seed and its counter alone."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vdworld.seeds import stream_seed
from vdworld.types import LaneIntegers

_GOLDEN = -7046029254386353131  # 2**64 / golden ratio as a signed integer
_MIX1, _MIX2 = -4658895280553007687, -7723592293110705685

DRAWS_PER_STEP = 3
"""Draws by which a step advances a lane's stream: for its frame, for a second frame, and for its end."""


def lane_seeds(seed: int | Sequence[int] | Tensor, num_lanes: int, device: torch.device | str) -> LaneIntegers:
    """Return one seed per lane ``[b]``: ``seed + i`` for an int, otherwise the seeds themselves; see ``stream_seed``.

    Raises:
        ValueError: There are not as many seeds as lanes, or they are no whole numbers.
    """
    if isinstance(seed, int | np.integer):
        seed = [int(seed) + lane for lane in range(num_lanes)]
    if not isinstance(seed, Tensor):
        try:
            seed = torch.tensor([stream_seed(operator.index(one)) for one in seed])
        except TypeError:
            raise ValueError(f"`seed` must be an int or hold {num_lanes} ints, one per lane, got {seed!r}.") from None
    seeds = seed.to(device, torch.int64)
    if seeds.ndim == 0:
        return seeds + torch.arange(num_lanes, device=device)
    if seeds.shape != (num_lanes,):
        raise ValueError(f"`seed` must be an int or hold {num_lanes} ints, one per lane, got {list(seeds.shape)}.")
    return seeds


def mix(values: Tensor) -> Tensor:
    """Scramble int64 values, one to one (splitmix64's finaliser, Steele et al. 2014)."""
    values = (values ^ _shift(values, 30)) * _MIX1
    values = (values ^ _shift(values, 27)) * _MIX2
    return values ^ _shift(values, 31)


def lane_key(seed: LaneIntegers, counter: LaneIntegers) -> LaneIntegers:
    """Return one well-mixed integer per lane for its stream at this counter."""
    return mix(mix(seed + _GOLDEN) + counter * _GOLDEN)


def lane_normal(seed: LaneIntegers, counter: LaneIntegers, shape: tuple[int, ...]) -> Tensor:
    """Draw standard normal numbers ``[b, *shape]``, float32.

    On the CPU each lane reseeds one generator; on other devices a counter-based hash runs for all lanes at once. The
    two give different numbers.
    """
    keys = lane_key(seed, counter)
    return reseeded_normal(keys, shape) if seed.device.type == "cpu" else hashed_normal(keys, shape)


def reseeded_normal(keys: LaneIntegers, shape: tuple[int, ...]) -> Tensor:
    """Draw standard normal numbers ``[b, *shape]`` with a CPU generator that is reseeded for every key.

    The generator is NumPy's SFC64, seeded as its author does (Doty-Humphrey, PractRand), since that of torch reads no
    more than 32 bits of a seed: among 65,000 frames two would have the same noise.
    """
    noise = np.empty((len(keys), math.prod(shape)), np.float32)
    bits = np.random.SFC64(0)
    generator, state = np.random.Generator(bits), bits.state
    for row, key in zip(noise, keys.numpy().view(np.uint64), strict=True):
        state["state"]["state"][:] = (key, key, key, 1)
        bits.state = state
        bits.random_raw(12, output=False)
        generator.standard_normal(dtype=np.float32, out=row)
    return torch.from_numpy(noise).reshape(len(keys), *shape)


def hashed_normal(keys: LaneIntegers, shape: tuple[int, ...]) -> Tensor:
    """Draw standard normal numbers ``[b, *shape]`` from hashed counters, all lanes at once (Box and Muller 1958)."""
    half = (math.prod(shape) + 1) // 2
    radius, angle = (_uniform(keys, half, stream) for stream in (1, 2))
    radius = (-2 * radius.log()).sqrt()
    noise = torch.cat([radius * (2 * math.pi * angle).cos(), radius * (2 * math.pi * angle).sin()], dim=1)
    return noise[:, : math.prod(shape)].reshape(-1, *shape)


def lane_uniform(seed: LaneIntegers, counter: LaneIntegers) -> Tensor:
    """Draw one uniform number in (0, 1) per lane, the same on every device up to float32 rounding."""
    return _uniform(lane_key(seed, counter), 1, 0)[:, 0]


def _uniform(keys: LaneIntegers, count: int, stream: int) -> Tensor:
    index = torch.arange(count, device=keys.device) + (stream << 40)
    bits = mix(keys[:, None] + index * _GOLDEN)
    return (_shift(bits, 41).float() + 0.5) / 2**23  # 23 bits: with 24 the largest would round to 1


def _shift(values: Tensor, bits: int) -> Tensor:
    """Shift right as if unsigned."""
    return (values >> bits) & ((1 << (64 - bits)) - 1)
