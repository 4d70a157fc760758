"""Parts of a world that fit together: sizes that a file could state differently in several places."""

from __future__ import annotations

import torch

from vdworld.diffusion import Process
from vdworld.networks import Network
from vdworld.world.model import WorldModel
from vdworld.world.start_clips import StartClips

MAX_CONTEXT, MAX_SIDE = 4096, 4096  # frames and pixels; larger values are taken for damage


def check_parts(world: WorldModel) -> None:
    """Check that the parts of a world agree in their sizes.

    Raises:
        ValueError: They do not, or a size is out of range.
    """
    network, heads = world.network, world.heads
    if not isinstance(world.network, Network) or not isinstance(world.process, Process):
        parts = type(network).__name__, type(world.process).__name__
        raise ValueError(f"`network` and `process` must be a network and a process, got {' and '.join(parts)}.")
    sizes = {
        "image_size": (world.image_size, tuple(network.description["image_size"])),
        "action_dim": (world.action_codec.dim, network.description["action_dim"]),
        "frame_channels": (3 * len(world.cameras), network.frame_channels),
        "feature_dim": (heads.trunk[1].in_features, network.feature_dim),
        "readings": (sum(world.readings.values()), len(heads.reading_offset)),
        "reading_scale": (len(heads.reading_scale), len(heads.reading_offset)),
    }
    for name, (value, expected) in sizes.items():
        if value != expected:
            raise ValueError(f"`{name}` must be the same in all parts of a world, got {value} and {expected}.")
    if not 1 <= network.context_length <= MAX_CONTEXT:
        raise ValueError(f"`context_length` must be between 1 and {MAX_CONTEXT}, got {network.context_length}.")
    if not all(1 <= side <= MAX_SIDE for side in world.image_size):
        raise ValueError(f"`image_size` must be between 1 and {MAX_SIDE} pixels, got {world.image_size}.")
    if not 0 < world.fps < 1e6:
        raise ValueError(f"`fps` must be between 0 and a million, got {world.fps}.")


def check_starts(world: WorldModel) -> None:
    """Check that a world's start clips fit it.

    Raises:
        ValueError: They have other frames or actions.
    """
    starts = world.starts
    assert starts is not None
    num_clips, num_frames = len(starts), starts.frames.shape[1]
    gaps = (num_clips, num_frames - 1)
    num_actions = len(world.action_codec.num_choices)
    expected = StartClips(
        torch.empty(num_clips, num_frames, *world.frame_shape, dtype=torch.uint8, device="meta"),
        torch.empty(*gaps, num_actions, device="meta"),
        torch.empty(gaps, dtype=torch.bool, device="meta"),
    ).tensors()
    for name, tensor in starts.tensors().items():
        if (tensor.shape, tensor.dtype) != (expected[name].shape, expected[name].dtype):
            rule = f"{expected[name].dtype} {list(expected[name].shape)}"
            raise ValueError(f"`{name}` must be {rule}, got {tensor.dtype} {list(tensor.shape)}.")
    if not bool(starts.actions.isfinite().all()):
        raise ValueError("`actions` must be finite, got NaN or infinity.")
    world.action_codec.encode_flat(starts.actions, starts.action_mask)  # raises if a choice does not exist
