"""Where dreams start by default: clips stored with the world, clips of a dataset, or resets of the real environment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from vdworld.data import Dataset, load_dataset
from vdworld.envs.real.real_env import RealEnv, make_real
from vdworld.spaces import frames_to_float
from vdworld.spec import EnvironmentSpec
from vdworld.training import sample_starts
from vdworld.world import StartClips, WorldModel, WorldState

REAL = "real"
Starts = str | Path | Dataset | EnvironmentSpec | RealEnv | None
"""What the environments accept as ``starts``; ``DreamEnv`` documents each kind."""


@runtime_checkable
class StartSource(Protocol):
    """Starts dreams."""

    def __len__(self) -> int:
        """Return the number of starts that ``begin_at`` selects from; 0 if they have no numbers."""
        ...

    def begin(self, seeds: Sequence[int]) -> WorldState:
        """Start one dream per seed, which decides its start and its noise."""
        ...

    def begin_at(self, indices: Tensor, seeds: Sequence[int]) -> WorldState:
        """Start one dream per seed from the starts with these numbers ``[b]``."""
        ...

    def close(self) -> None:
        """Close the environment that the source opened, if any."""
        ...


def start_source(world: WorldModel, starts: Starts, trust_environment: bool = False) -> StartSource:
    """Return the source of starts for dreams in this world; see ``make_real`` for `trust_environment`.

    Raises:
        ValueError: The world does not know its real environment or may not import it, or the dataset has other cameras
            or actions.
        TypeError: `starts` is of another type.
    """
    if starts is None:
        return ClipStarts(world)
    if isinstance(starts, RealEnv):
        return RealStarts(world, starts, owned=False)
    if isinstance(starts, EnvironmentSpec) or (isinstance(starts, str) and starts == REAL):
        spec = starts if isinstance(starts, EnvironmentSpec) else world.spec
        if spec is None:
            raise ValueError(
                f"`starts` must not be {REAL!r} for a world that does not know its environment. Pass an "
                "EnvironmentSpec, or what vdworld.envs.make_real returns."
            )
        return RealStarts(
            world, make_real(spec, trust_environment=trust_environment, image_size=world.image_size), owned=True
        )
    if isinstance(starts, str | Path):
        starts = load_dataset(starts)
    if not isinstance(starts, Dataset):
        raise TypeError(
            f"`starts` must be None, a dataset or its folder, {REAL!r}, an EnvironmentSpec or what "
            f"vdworld.envs.make_real returns, got {type(starts).__name__}."
        )
    return ClipStarts(world, sample_starts(starts, world, seed=0))


class ClipStarts:
    """Start from real context clips.

    Args:
        world: The world to dream in.
        clips: The clips; None takes the world's own.
    """

    def __init__(self, world: WorldModel, clips: StartClips | None = None) -> None:
        self.world, self.clips = world, clips

    def __len__(self) -> int:
        """Return the number of clips."""
        clips = self.world.starts if self.clips is None else self.clips
        return 0 if clips is None else len(clips)

    def begin(self, seeds: Sequence[int]) -> WorldState:
        """Start one dream per seed, which selects the clip."""
        return self.world.sample_start(len(seeds), seeds, self.clips)

    def begin_at(self, indices: Tensor, seeds: Sequence[int]) -> WorldState:
        """Start from the clips with these numbers ``[b]``."""
        return self.world.start_from_clips(indices, seeds, self.clips)

    def close(self) -> None:
        """Do nothing: clips need no release."""


class RealStarts:
    """Start from resets of the real environment: its first frame after a reset with the lane's seed is the context.

    Args:
        world: The world to dream in.
        env: The real environment.
        owned: Whether ``close`` closes the environment.

    Raises:
        ValueError: The environment shows other cameras than the world.
    """

    def __init__(self, world: WorldModel, env: RealEnv, *, owned: bool) -> None:
        if env.cameras != world.cameras:
            raise ValueError(f"`starts` must show the world's cameras {world.cameras}, got {env.cameras}.")
        self.world, self.env, self.owned = world, env, owned

    def __len__(self) -> int:
        """Return 0: the starts have no numbers."""
        return 0

    def begin(self, seeds: Sequence[int]) -> WorldState:
        """Reset the environment once per seed."""
        views = [self._first_frame(seed) for seed in seeds]
        pixels = torch.from_numpy(np.stack(views))[:, None]
        return self.world.start(frames_to_float(pixels), seed=seeds)

    def begin_at(self, indices: Tensor, seeds: Sequence[int]) -> WorldState:
        """Raise NotImplementedError: the starts have no numbers."""
        raise NotImplementedError("The starts of a real environment have no numbers.")

    def close(self) -> None:
        """Close the environment if the source owns it."""
        if self.owned:
            self.env.close()

    def _first_frame(self, seed: int) -> np.ndarray:
        """Return the cameras' frames on one channel axis, ``[h, w, 3 * cameras]``."""
        self.env.reset(seed=seed % 2**31)  # Atari and some others accept no larger seeds
        return np.concatenate([self.env.frames()[camera] for camera in self.world.cameras], axis=-1)
