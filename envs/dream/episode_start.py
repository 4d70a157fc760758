"""Start episodes from the options of ``reset``, and describe the starts in its info."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium.vector.utils import batch_space
from torch import Tensor

from vdworld.envs.dream.dream_dynamics import DreamDynamics
from vdworld.envs.dream.dream_observations import camera_pixels
from vdworld.envs.dream.start_sources import StartSource
from vdworld.spaces import frames_to_float
from vdworld.world import WorldModel, WorldState

OPTIONS = ("frames", "actions", "lengths", "start_index")


def start_episodes(dynamics: DreamDynamics, seeds: Sequence[int], options: dict[str, Any]) -> WorldState:
    """Start one dream per seed.

    Args:
        dynamics: The world to dream in, and where dreams start unless `options` say otherwise.
        seeds: One per lane. It decides the lane's noise, and its start unless `options` do.
        options: ``"start_index"``, ints ``[b]``, selects among the source's clips. ``"frames"``, uint8
            ``[b, k, h, w, 3]`` or one image ``[b, h, w, 3]`` (by camera for several), replaces them, with the optional
            ``"actions"`` ``[b, k - 1, ...]`` between the frames in the environment's units. ``"lengths"``, ints
            ``[b]``, is the number of real frames, counted from the newest.

    Raises:
        ValueError: An unknown option, two ways to start at once, or a value of the wrong shape.
    """
    unknown = sorted(options.keys() - set(OPTIONS))
    if unknown:
        raise ValueError(f"`options` must hold only {', '.join(OPTIONS)}, got {', '.join(unknown)}.")
    if "start_index" in options:
        if len(options) > 1:
            raise ValueError(f"`options` must hold one way to start, got {', '.join(sorted(options))}. Leave one out.")
        return _from_clips(dynamics.starts, seeds, options["start_index"])
    if "frames" in options:
        return _from_frames(dynamics, seeds, options["frames"], options.get("actions"), options.get("lengths"))
    if options:
        raise ValueError(f"`options` must hold frames beside {' and '.join(options)}, got no frames.")
    return dynamics.starts.begin(seeds)


def reset_info(world: WorldModel, state: WorldState, seeds: Sequence[int]) -> dict[str, Any]:
    """Return the entries of the info of ``reset``, a row per lane; ``DreamEnv`` documents them."""
    return {
        "seed": np.array(seeds, dtype=np.int64),
        "context_frames": camera_pixels(world, state.frames),
        "context_actions": world.action_codec.decode(state.actions),
        "context_action_mask": state.action_mask,
    }


def _from_clips(source: StartSource, seeds: Sequence[int], index: Any) -> WorldState:
    indices, num_clips = torch.as_tensor(index), len(source)
    whole = indices.shape == (len(seeds),) and not indices.is_floating_point()
    if not whole or not ((indices >= 0) & (indices < num_clips)).all():
        raise ValueError(
            f"`start_index` must be a whole number from 0 and below {num_clips}, the number of start clips, for each "
            f"of {len(seeds)} lanes, got {index}."
        )
    return source.begin_at(indices, seeds)


def _from_frames(dynamics: DreamDynamics, seeds: Sequence[int], frames: Any, actions: Any, lengths: Any) -> WorldState:
    world = dynamics.world
    views = [frames.get(camera) for camera in world.cameras] if isinstance(frames, dict) else [frames]
    if len(views) != len(world.cameras) or any(view is None for view in views):
        raise ValueError(f"`frames` must hold the cameras {', '.join(world.cameras)}, got {_cameras(frames)}.")
    pixels = [_checked_pixels(world, len(seeds), view) for view in views]
    if any(view.shape != pixels[0].shape for view in pixels):
        raise ValueError(f"`frames` must be as many for each camera, got {[view.shape[1] for view in pixels]}.")
    num_actions = pixels[0].shape[1] - 1
    native = None
    if actions is not None and num_actions > 0:
        space = batch_space(batch_space(world.action_space, num_actions), len(seeds))
        native = dynamics.native(space, actions)
    clips = torch.cat([frames_to_float(view) for view in pixels], dim=2)
    counts = None if lengths is None else torch.as_tensor(lengths, device=world.device)
    return world.start(clips, native, lengths=counts, seed=seeds)


def _checked_pixels(world: WorldModel, num_lanes: int, view: Any) -> Tensor:
    pixels = torch.as_tensor(view, device=world.device)
    if pixels.ndim == 4:  # one image per lane
        pixels = pixels[:, None]
    fits = pixels.ndim == 5 and (len(pixels), *pixels.shape[2:]) == (num_lanes, *world.image_size, 3)
    if pixels.dtype != torch.uint8 or not fits or pixels.shape[1] < 1:
        height, width = world.image_size
        raise ValueError(
            f"`frames` must be uint8 [{num_lanes}, k, {height}, {width}, 3] with k from 1 (a single environment omits "
            f"the first axis, a single image the second), got {pixels.dtype} {list(pixels.shape)}."
        )
    return pixels


def _cameras(frames: Any) -> str:
    return ", ".join(frames) if isinstance(frames, dict) else "one array"
