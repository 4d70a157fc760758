"""One denoiser for every process, prediction and network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from vdworld.diffusion import Process, over_pixels
from vdworld.networks import ClipPrediction, Context, KVCache, Prediction
from vdworld.types import ActionMask, ClipLevels, Features, Frame, Frames, NoiseLevels


@dataclass(frozen=True)
class Denoiser:
    """Estimate clean frames: ``clean = c_skip * noisy + c_out * network(c_in * noisy)`` (Karras et al. 2022, eq. 7).

    The process gives the three factors for whatever its network predicts (clean frame, noise or velocity), so that
    samplers and losses handle only clean estimates.

    Args:
        network: Any of ``vdworld.networks``.
        process: Any of ``vdworld.diffusion``.

    Raises:
        ValueError: The network copies pixels, and the process predicts something other than clean frames.
    """

    network: Any
    process: Process

    def __post_init__(self) -> None:
        if self.network.predicts_clean and self.process.prediction != "x":
            raise ValueError(
                "`prediction` must be 'x' for a network that copies pixels, since copies are clean frames, got "
                f"{self.process.prediction!r}. Choose process.prediction=x or network.copy=false."
            )

    def __call__(
        self, noisy: Frame, level: NoiseLevels, context: Context, step_size: Tensor | None = None
    ) -> Prediction:
        """Return E[clean | noisy, context] as the frame of the network's prediction.

        Args:
            noisy: The frame after the context, ``[b, c, h, w]``.
            level: Its noise level ``[b]``, on the scale of the process, like those of the context.
            context: The frames before it, each with its level, and the actions.
            step_size: How far a shortcut step goes with this estimate ``[b]``, in [0, 1]; None is no shortcut.
        """
        c_skip, c_out, c_in = (over_pixels(value, noisy) for value in self.process.scalings(level))
        scaled = self._scaled_context(context)
        step_size = torch.zeros_like(level) if step_size is None else step_size
        output = self.network(c_in * noisy, self.process.condition(level), scaled, step_size)
        frame = c_skip * noisy + c_out * output.frame
        return output._replace(frame=self._posterior(frame, output.spread, noisy, level))

    def clip(self, noisy: Frames, level: ClipLevels, actions: Tensor, action_mask: ActionMask) -> ClipPrediction:
        """Return the clean estimates of all frames of a clip, each from its own noisy frame and the frames before it.

        Args:
            noisy: ``[b, t, c, h, w]``.
            level: One level per frame ``[b, t]``.
            actions: Encoded ``[b, t, a]``; each leads into the frame at its index.
            action_mask: ``[b, t]``; False marks a null action, as that of the first frame.
        """
        c_skip, c_out, c_in = (over_pixels(value, noisy) for value in self.process.scalings(level))
        condition = self.process.condition(level)
        output = self.network.clip(c_in * noisy, condition, actions, action_mask, torch.zeros_like(level))
        frames = c_skip * noisy + c_out * output.frames
        return output._replace(frames=self._posterior(frames, output.spread, noisy, level))

    def commit(self, frame: Frame, level: NoiseLevels, context: Context) -> tuple[Features, KVCache | None]:
        """Return the features of the transition into a frame at this level, and a video network's cache."""
        c_in, condition = over_pixels(self.process.scalings(level)[2], frame), self.process.condition(level)
        return self.network.commit(c_in * frame, condition, self._scaled_context(context), torch.zeros_like(level))

    def _posterior(self, mean: Tensor, spread: Tensor | None, noisy: Tensor, level: Tensor) -> Tensor:
        """Return the expected clean pixels, given the noisy ones, if they are normal around `mean` without these.

        At noise it is `mean`; as the level becomes clean it becomes the noisy frame.
        """
        if spread is None:
            return mean
        alpha, sigma = (
            over_pixels(part, noisy).float() for part in (self.process.alpha(level), self.process.sigma(level))
        )
        variance = spread.square().repeat_interleave(3, dim=-3)
        return mean + alpha * variance / (alpha.square() * variance + sigma.square()) * (noisy - alpha * mean)

    def _scaled_context(self, context: Context) -> Context:
        """Return the context with its frames scaled for the network.

        A video network takes the past scaled like the frame it denoises. The others take clean frames unscaled, and
        noisy ones scaled down in proportion.
        """
        scale = self.process.scalings(context.level)[2]
        # isinstance(..., VideoNetwork) is slower, and this runs at every evaluation
        if not hasattr(self.network, "clip"):
            clean = torch.full_like(context.level, self.process.clean_level)
            scale = scale / self.process.scalings(clean)[2]
        frames = over_pixels(scale, context.frames) * context.frames
        return replace(context, frames=frames, level=self.process.condition(context.level))
