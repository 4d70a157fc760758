"""Draw the frame that follows a context, and compute the features of the transition into it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import torch

from vdworld.diffusion import CONSISTENCY, SAMPLERS, RectifiedFlow, sample_consistency
from vdworld.networks import Context, KVCache
from vdworld.types import ActionMask, Actions, Features, Frame, Frames, LaneIntegers
from vdworld.world.context_noise import add_lane_noise
from vdworld.world.denoiser import Denoiser
from vdworld.world.execution import Execution
from vdworld.world.graphs import StepGraphs
from vdworld.world.guidance import make_guidance
from vdworld.world.noise import DRAWS_PER_STEP, lane_key, lane_normal
from vdworld.world.sampling import Sampling, jump_length


@dataclass(frozen=True)
class FrameGenerator:
    """A denoiser, the settings of its sampler, and how both are computed; it holds no state of a dream.

    Args:
        denoiser: The network and its diffusion process.
        sampling: How frames are drawn.
        shortcut_steps: The step count from which no step is a shortcut; 0 for a world trained without shortcuts.
        execution: How the network is computed.
        graphs: Recorded steps, filled as steps are computed.
    """

    denoiser: Denoiser
    sampling: Sampling = field(default_factory=Sampling)
    shortcut_steps: int = 0
    execution: Execution = field(default_factory=Execution)
    graphs: StepGraphs = field(default_factory=StepGraphs)

    def clean_context(
        self, frames: Frames, actions: Actions, action_mask: ActionMask, cache: KVCache | None = None
    ) -> Context:
        """Return clean frames and the actions after them as the context of the next frame."""
        level = frames.new_full(frames.shape[:2], self.denoiser.process.clean_level)
        return Context(frames, actions, action_mask, level, cache)

    def draw_frame(
        self, context: Context, seed: LaneIntegers, counter: LaneIntegers, num_steps: int | None = None
    ) -> Frame:
        """Draw the frame after a context, ``[b, c, h, w]`` in about [-1, 1].

        Args:
            context: Clean frames and the actions after them.
            seed: The lanes' random streams ``[b]``; with `counter` they determine all noise.
            counter: How many numbers were drawn from each stream ``[b]``.
            num_steps: Sampling steps; None takes the number of `sampling`.

        Raises:
            ValueError: The sampler does not admit `num_steps`.
        """
        num_steps = self.sampling.num_steps if num_steps is None else num_steps
        jump = jump_length(num_steps, self.shortcut_steps, self.sampling.sampler)
        shape, keys, draws = tuple(context.frames.shape[2:]), lane_key(seed, counter), itertools.count(1)

        def draw() -> Frame:
            return lane_normal(keys, torch.full_like(keys, next(draws)), shape)

        process, noise = self.denoiser.process, lane_normal(seed, counter, shape)
        whole = self._with_context_noise(context, seed, counter)
        guidance = make_guidance(self.sampling, process, whole, context, draw)

        def denoise(noisy: Frame, level: float, length: float = jump) -> Frame:
            levels, steps = (torch.full_like(noisy[:, 0, 0, 0], value) for value in (level, length))
            return guidance.combine(lambda past: self.denoiser(noisy, levels, past, steps).frame).clamp(-1, 1)

        if self.sampling.sampler == CONSISTENCY:
            assert isinstance(process, RectifiedFlow)  # no other is trained with shortcuts
            frame = sample_consistency(denoise, process, noise, num_steps, draw=draw)
        else:
            sample = SAMPLERS[self.sampling.sampler]
            frame = sample(denoise, process, noise, self._schedule(num_steps), draw=draw)
        if not self.sampling.quantize:
            return frame
        return frame + ((frame * 127.5 + 127.5).round().div(127.5).sub(1) - frame).detach()

    def commit(
        self, frame: Frame, context: Context, seed: LaneIntegers, counter: LaneIntegers
    ) -> tuple[Features, KVCache | None]:
        """Return the features of the transition into a frame ``[b, f]``, and the cache that a video network keeps.

        Frame and context get the context noise of `sampling`, as later steps will see them.

        Args:
            frame: A clean frame, drawn or real.
            context: The clean frames before it.
            seed: The lanes' random streams ``[b]``.
            counter: The counter with which the frame was drawn ``[b]``.
        """
        ratio, process = self.sampling.context_noise, self.denoiser.process
        frames, level = frame[:, None], frame.new_full((len(frame), 1), process.clean_level)
        if ratio:
            frames, level = add_lane_noise(process, frames, seed, counter + DRAWS_PER_STEP, ratio)
        past = self._with_context_noise(context, seed, counter)
        features, cache = self.denoiser.commit(frames[:, 0], level[:, 0], past)
        return features.float(), cache

    def _schedule(self, num_steps: int) -> list[float]:
        """Return the levels that a sample visits."""
        process, shift = self.denoiser.process, self.sampling.shift
        if shift is not None and isinstance(process, RectifiedFlow):
            process = process.shifted(shift)
        return process.schedule(num_steps)

    def _with_context_noise(self, clean: Context, seed: LaneIntegers, counter: LaneIntegers) -> Context:
        """Return a clean context with the noise of `sampling` on its frames."""
        if self.sampling.context_noise == 0:
            return clean
        ratio = self.sampling.context_noise
        frames, level = add_lane_noise(self.denoiser.process, clean.frames, seed, counter, ratio)
        return replace(clean, frames=frames, level=level)
