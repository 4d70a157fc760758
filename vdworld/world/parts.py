"""The parts of a world, and the properties that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import torch
from torch import Tensor, nn

from vdworld.diffusion import Process
from vdworld.networks import Network
from vdworld.spaces import ActionCodec
from vdworld.spec import EnvironmentSpec
from vdworld.types import Features
from vdworld.world.denoiser import Denoiser
from vdworld.world.disagreement import quantile_rows
from vdworld.world.execution import CompiledNetwork, Execution
from vdworld.world.generator import FrameGenerator
from vdworld.world.graphs import StepGraphs
from vdworld.world.heads import OutcomeHeads
from vdworld.world.sampling import Sampling, check_sampling
from vdworld.world.start_clips import StartClips


class WorldParts(nn.Module):
    """The parts of a ``WorldModel``, without the dreams; the arguments are explained there."""

    def __init__(
        self,
        *,
        network: Network,
        process: Process,
        heads: OutcomeHeads,
        action_codec: ActionCodec,
        image_size: tuple[int, int],
        cameras: tuple[str, ...] = ("image",),
        readings: Mapping[str, int] | None = None,
        fps: float = 10.0,
        has_reward: bool = True,
        sampling: Sampling | None = None,
        shortcut_steps: int = 0,
        trained_without: tuple[str, ...] = (),
        spec: EnvironmentSpec | None = None,
        starts: StartClips | None = None,
        training_info: dict[str, Any] | None = None,
        uncertainty_quantiles: Sequence[float] | Sequence[Sequence[float]] = (),
    ) -> None:
        super().__init__()
        # channels_last: 1.5 times faster on CPUs without AVX-512
        self.network: Any = network.to(memory_format=torch.channels_last)  # pyright: ignore
        self.process, self.heads, self.action_codec = process, heads, action_codec
        height, width = image_size
        self.image_size, self.cameras = (height, width), tuple(cameras)
        self.readings, self.fps, self.has_reward = dict(readings or {}), fps, has_reward
        self.shortcut_steps, self.trained_without = shortcut_steps, tuple(trained_without)
        self.sampling, self.execution = sampling or Sampling(), Execution()
        self.spec, self.starts, self.training_info = spec, starts, training_info or {}
        self.uncertainty_quantiles = quantile_rows(uncertainty_quantiles)
        Denoiser(network, process)  # raises if the network and the process do not fit together
        self.eval()  # a trainer switches to training mode

    def __getattr__(self, name: str) -> Any:
        if name == "record":
            raise AttributeError("`record` of a world is now called `training_info`.")
        return super().__getattr__(name)

    @property
    def generator(self) -> FrameGenerator:
        """The generator of frames, made of the current parts and settings."""
        return FrameGenerator(self.denoiser, self.sampling, self.shortcut_steps, self.execution, self.graphs)

    @property
    def denoiser(self) -> Denoiser:
        """The network as an estimator of clean frames."""
        return Denoiser(self.network if self._compiled is None or self.training else self._compiled, self.process)

    @property
    def execution(self) -> Execution:
        """How the world computes; assign another ``Execution`` to change it."""
        return self._execution

    @execution.setter
    def execution(self, execution: Execution) -> None:
        self._execution, self.graphs = execution, StepGraphs()
        self._compiled = CompiledNetwork(self.network) if execution.compile else None

    @property
    def sampling(self) -> Sampling:
        """How frames are drawn; assign another ``Sampling`` to change it.

        Raises:
            ValueError: The world does not admit it; the message says what to choose.
        """
        return self._sampling

    @sampling.setter
    def sampling(self, sampling: Sampling) -> None:
        check_sampling(sampling, self.process, self.shortcut_steps, self.trained_without)
        self._sampling = sampling

    @property
    def num_sampling_steps(self) -> int:
        """Sampling steps per frame, unless a call says otherwise."""
        return self.sampling.num_steps

    @property
    def context_length(self) -> int:
        """K, how many past frames the network sees."""
        return self.network.context_length

    @property
    def action_space(self) -> gym.Space:
        """The environment's action space."""
        return self.action_codec.space

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one frame."""
        return (self.network.frame_channels, *self.image_size)

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return next(self.parameters()).device

    def own_clips(self) -> StartClips:
        """Return the world's start clips, moved to its device.

        Raises:
            ValueError: The world has none.
        """
        if self.starts is None:
            raise ValueError("This world has no start clips. Begin with `world.start(frames, actions)`.")
        self.starts = self.starts.to(self.device)
        return self.starts

    def background(self) -> Tensor:
        """Return the median of the start clips' last frames ``[c, h, w]``: what never moves, under a fixed camera.

        Raises:
            ValueError: The world has no start clips.
        """
        frames = self.own_clips().frames[:, -1].float().div(127.5).sub(1.0)
        return frames.median(dim=0).values

    def read(self, features: Features) -> dict[str, Tensor]:
        """Return the readings by name, ``[b, d]`` each in the environment's units.

        Args:
            features: Of the newest transitions ``[b, f]``, such as ``state.features``.
        """
        if not self.readings:
            return {}
        parts = self.heads.read(features).split(list(self.readings.values()), dim=-1)
        return dict(zip(self.readings, parts, strict=True))
