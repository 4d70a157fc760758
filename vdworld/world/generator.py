"""How a world draws a frame: network, diffusion process and sampler, behind the environment's actions and cameras."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch
from torch import Tensor, nn

from vdworld.diffusion import Process
from vdworld.networks import Context, KVCache, Network
from vdworld.spaces import ActionCodec
from vdworld.types import ActionMask, Actions, Features, Frame, Frames, LaneIntegers
from vdworld.world.denoiser import Denoiser
from vdworld.world.execution import CompiledNetwork, Execution
from vdworld.world.graphs import StepGraphs
from vdworld.world.sampling import DRAWS_PER_STEP, Sampling, check_sampling, jump_length, sample_frame, show, shown


class FrameGenerator(nn.Module):
    """Draw the frame that follows a context; what the arguments mean stands at ``WorldModel``."""

    def __init__(
        self,
        network: Network,
        process: Process,
        action_codec: ActionCodec,
        image_size: tuple[int, int],
        sampling: Sampling,
        shortcut_steps: int,
        trained_without: tuple[str, ...],
    ) -> None:
        super().__init__()
        # channels_last: 1.5 times faster on CPUs without AVX-512
        self.network: Any = network.to(memory_format=torch.channels_last)  # pyright: ignore
        self.process, self.action_codec = process, action_codec
        height, width = image_size
        self.image_size = (height, width)
        self.shortcut_steps, self.trained_without = shortcut_steps, tuple(trained_without)
        self.sampling, self.execution = sampling, Execution()
        Denoiser(network, process)  # refuses a network and a process that don't go together

    @property
    def denoiser(self) -> Denoiser:
        """The network as an estimator of clean frames."""
        return Denoiser(self.network if self._compiled is None or self.training else self._compiled, self.process)

    @property
    def execution(self) -> Execution:
        """How the world computes; set another to change it."""
        return self._execution

    @execution.setter
    def execution(self, execution: Execution) -> None:
        self._execution, self.graphs = execution, StepGraphs()
        self._compiled = CompiledNetwork(self.network) if execution.compile else None

    @property
    def sampling(self) -> Sampling:
        """How frames are drawn; set another to change it.

        Raises:
            ValueError: This world can't be sampled so; the message says what can.
        """
        return self._sampling

    @sampling.setter
    def sampling(self, sampling: Sampling) -> None:
        check_sampling(sampling, self.process, self.shortcut_steps, self.trained_without)
        self._sampling = sampling

    @property
    def num_sampling_steps(self) -> int:
        """Steps from noise to a frame unless a call says otherwise."""
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
        """Where the parameters lie."""
        return next(self.parameters()).device

    def encode_actions(self, actions: Any, batch: tuple[int, ...], action_mask: Tensor | None = None) -> Tensor:
        """Return actions in the environment's units as flat encoded ones ``[*batch, a]``.

        Raises:
            ValueError: Their leading axes are not `batch`.
        """
        flat = self.action_codec.flatten(actions).to(self.device)
        if flat.shape[:-1] != batch:
            raise ValueError(
                f"`actions` must have leading axes {list(batch)} before one action of {self.action_space}, "
                f"got {list(flat.shape[:-1])}."
            )
        return self.action_codec.encode_flat(flat, action_mask)

    def clean_context(
        self, frames: Frames, actions: Actions, action_mask: ActionMask, cache: KVCache | None = None
    ) -> Context:
        """Return clean frames and the actions after them as the context of the next frame."""
        level = frames.new_full(frames.shape[:2], self.process.clean_level)
        return Context(frames, actions, action_mask, level, cache)

    def draw_frame(
        self, context: Context, seed: LaneIntegers, counter: LaneIntegers, num_steps: int | None = None
    ) -> Frame:
        """Draw the frame after a context ``[b, c, h, w]``; seed and counter of a lane decide its noise."""
        steps = self.num_sampling_steps if num_steps is None else num_steps
        jump = jump_length(steps, self.shortcut_steps, self.sampling.sampler)
        return sample_frame(self.denoiser, context, seed, counter, self.sampling, num_steps=steps, jump=jump)

    def commit(
        self, frame: Frame, context: Context, seed: LaneIntegers, counter: LaneIntegers
    ) -> tuple[Features, KVCache | None]:
        """Return the features of the transition into a frame ``[b, f]``, and what a video network keeps of it.

        Frame and context are shown with this world's context noise, as later steps will see them.

        Args:
            frame: A clean frame, drawn or real.
            context: The clean frames before it.
            seed: The lanes' streams ``[b]``.
            counter: As the frame was drawn with ``[b]``.
        """
        ratio = self.sampling.context_noise
        level = frame.new_full((len(frame), 1), self.process.clean_level)
        frames = frame[:, None]
        if ratio:
            frames, level = show(self.process, frames, seed, counter + DRAWS_PER_STEP, ratio)
        past = shown(self.process, context, seed, counter, ratio)
        features, cache = self.denoiser.commit(frames[:, 0], level[:, 0], past)
        return features.float(), cache
