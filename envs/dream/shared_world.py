"""The world of a dream environment: a path is loaded once per process, and its environments share the copy."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from vdworld.finite_tensors import check_finite_tensors

if TYPE_CHECKING:
    from vdworld.world import WorldModel

Key = tuple[str, str, int]  # path, device, time of the last change

# Worlds in use; an entry vanishes with the last environment that uses it.
_LOADED: weakref.WeakValueDictionary[Key, WorldModel] = weakref.WeakValueDictionary()
_LOADING = threading.Lock()


def shared_world(world: str | Path | WorldModel | None, device: str | torch.device | None = None) -> WorldModel:
    """Return the world to dream with.

    A path or name is loaded once per process, device and version on disk. Environments of the same folder share this
    copy, so treat it as read-only. A folder that has changed since is loaded again.

    Args:
        world: A checkpoint folder, a name that ``WorldModel.from_pretrained`` knows, or a world in memory.
        device: The device of a loaded world, by default the CPU; a world in memory stays where it is.

    Raises:
        TypeError: `world` is none of these.
        ValueError: `world` is None, or `device` is not that of a world in memory.
        FloatingPointError: A weight of the world is NaN or infinite.
    """
    if world is None:
        raise ValueError(
            "`world` must be given, a world's folder or a WorldModel, as in "
            'gym.make("vdworld/Dream-v0", world="runs/world").'
        )
    if isinstance(world, str | Path):
        return _loaded(str(world), torch.device(device or "cpu"))
    if not callable(getattr(world, "sample_start", None)):
        raise TypeError(f"`world` must be a checkpoint folder, a name or a WorldModel, got {type(world).__name__}.")
    if device is not None and not _same_device(torch.device(device), torch.device(world.device)):
        raise ValueError(
            f"`device` must be that of the world in memory, {world.device}, got {device}. "
            "Leave it out, or move the world first: world.to(device)."
        )
    if isinstance(world, nn.Module):
        check_finite_tensors(world.state_dict(), "`world`", "Load its last good checkpoint, or train it again.")
    return world


def _loaded(name: str, device: torch.device) -> WorldModel:
    from vdworld.world import WorldModel  # imported here: worlds in memory need no checkpoint reader

    with _LOADING:
        key = _key(name, device)
        world = _LOADED.get(key)
        if world is None:
            world = _LOADED[key] = WorldModel.from_pretrained(name, device=device)
        return world


def _key(name: str, device: torch.device) -> Key:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        return name, str(device), 0
    files = [file for file in folder.iterdir() if file.suffix in (".json", ".safetensors")]  # logs change in training
    changed = max((file.stat().st_mtime_ns for file in files), default=0)
    return str(folder.resolve()), str(device), changed


def _same_device(requested: torch.device, actual: torch.device) -> bool:
    return requested.type == actual.type and requested.index in (None, actual.index)
