"""How a world draws a frame."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from vdworld.diffusion import CONSISTENCY, SAMPLERS, Process, RectifiedFlow, check_sampler, sample_consistency
from vdworld.networks import Context
from vdworld.types import ClipLevels, Frame, Frames, LaneIntegers
from vdworld.world.denoiser import Denoiser
from vdworld.world.noise import lane_key, lane_normal

DRAWS_PER_STEP = 3
"""By how much a step moves a lane's stream on: its frame, another one to compare, and the draw of its end."""

Draw = Callable[[], Frame]
"""Gives fresh standard normal numbers in the shape of a frame."""


@dataclass(frozen=True)
class Sampling:
    """Settings of a world's sampler.

    Guidance adds ``(weight - 1)`` times what the estimate owes to the actions or to the history, the estimate without
    them taken away (Ho & Salimans 2022, equation 6; Song et al. 2025, History-Guided Video Diffusion, equation 5). Each
    costs one more network evaluation per step, and needs a world trained with the dropout of its name.

    Args:
        sampler: Which of ``vdworld.diffusion.SAMPLERS``; or ``"consistency"``, in worlds trained with shortcuts.
        num_steps: Steps from noise to a frame, unless a call says otherwise.
        context_noise: Noise mixed into the context, as a share of the signal; the network is told.
        action_guidance: Weight of the actions; 1 guides nothing.
        history_guidance: Weight of the context frames; 1 guides nothing.
        history_noise: Noise on the context frames where they guide, as a share of the signal: with much of it the slow
            motions guide alone.
        quantize: Round frames to 256 levels, as recordings are: errors of less than half a level then don't add up over
            a long dream. Gradients pass as if nothing were rounded; a lane may differ by a level with its batch's size.

    Raises:
        ValueError: A setting out of range.
    """

    sampler: str = "euler"
    num_steps: int = 1
    context_noise: float = 0.0
    action_guidance: float = 1.0
    history_guidance: float = 1.0
    history_noise: float = 0.0
    quantize: bool = False

    def __post_init__(self) -> None:
        if self.num_steps < 1:
            raise ValueError(f"`num_steps` must be at least 1, got {self.num_steps}.")
        for name in ("context_noise", "action_guidance", "history_guidance", "history_noise"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must not be negative, got {getattr(self, name)}.")


def check_sampling(
    sampling: Sampling, process: Process, shortcut_steps: int = 0, trained_without: tuple[str, ...] = ()
) -> None:
    """Raise a ValueError, with advice, where a world can't be sampled so."""
    if sampling.sampler != CONSISTENCY:
        check_sampler(sampling.sampler, process)
    elif not shortcut_steps:
        raise ValueError(
            f"`sampler` must be another one for a world that was trained without shortcuts, got {CONSISTENCY!r}, which "
            "leaps by them. Choose sampler=euler, or train with trainer.shortcut.share=0.25."
        )
    if shortcut_steps and sampling.sampler not in ("euler", "ddim", CONSISTENCY):
        raise ValueError(
            f"`sampler` must be 'euler' or {CONSISTENCY!r} for a world trained with shortcuts, got "
            f"{sampling.sampler!r}. Choose one of these, or train with trainer.shortcut.share=0."
        )
    wanted = {"actions": ("action", sampling.action_guidance), "history": ("history", sampling.history_guidance)}
    for name, (setting, weight) in wanted.items():
        if weight != 1 and name not in trained_without:
            raise ValueError(
                f"`{setting}_guidance` must be 1 for a world that never went without its {name}, got {weight}. "
                f"Train with trainer.corruption.{setting}_dropout=0.1."
            )


def jump_length(num_steps: int, shortcut_steps: int, sampler: str = "euler") -> float:
    """Return the length of the first of `num_steps` steps as a shortcut world is told it; 0 where none is a shortcut.

    Raises:
        ValueError: The world has no shortcuts of that length.
    """
    if sampler == CONSISTENCY:
        if not 1 <= num_steps < (most := shortcut_steps.bit_length() - 1):
            raise ValueError(
                f"`num_sampling_steps` must lie in 1..{most - 1} with sampler=consistency, got {num_steps}."
            )
        return 1.0
    if not shortcut_steps or num_steps >= shortcut_steps or num_steps < 1:
        return 0.0
    if num_steps & (num_steps - 1):
        raise ValueError(
            f"`num_sampling_steps` must be a power of two, or {shortcut_steps} and more, for a world trained with "
            f"shortcuts, got {num_steps}."
        )
    return 1 / num_steps


def sample_frame(
    denoiser: Denoiser,
    context: Context,
    seed: LaneIntegers,
    counter: LaneIntegers,
    sampling: Sampling,
    *,
    num_steps: int,
    jump: float = 0.0,
) -> Frame:
    """Draw the frame after a context, in about [-1, 1]; a lane's seed and counter decide all its noise.

    Args:
        denoiser: The network and its process.
        context: Clean frames and the actions; the levels are set here.
        seed: The lanes' streams ``[b]``.
        counter: How far they have been drawn from ``[b]``.
        sampling: How to draw.
        num_steps: Steps from noise to the frame.
        jump: The length of each step as a shortcut world is told it; 0 is no shortcut. Consistency sampling has lengths
            of its own.
    """
    shape, keys, draws = tuple(context.frames.shape[2:]), lane_key(seed, counter), itertools.count(1)
    plain = shown(denoiser.process, context, seed, counter, sampling.context_noise)

    def draw() -> Frame:
        return lane_normal(keys, torch.full_like(keys, next(draws)), shape)

    evaluations = _evaluations(denoiser, plain, context, sampling, draw)

    def denoise(noisy: Frame, level: float, length: float = jump) -> Frame:
        levels, steps = (torch.full_like(noisy[:, 0, 0, 0], value) for value in (level, length))
        estimates = (weight * denoiser(noisy, levels, told, steps)[0] for weight, told in evaluations)
        return sum(estimates).clamp(-1, 1)  # pyright: ignore[reportAttributeAccessIssue]

    process, noise = denoiser.process, lane_normal(seed, counter, shape)
    if sampling.sampler == CONSISTENCY:
        assert isinstance(process, RectifiedFlow)  # no other is trained with shortcuts
        frame = sample_consistency(denoise, process, noise, num_steps, draw=draw)
    else:
        frame = SAMPLERS[sampling.sampler](denoise, process, noise, process.schedule(num_steps), draw=draw)
    if not sampling.quantize:
        return frame
    return frame + ((frame * 127.5 + 127.5).round().div(127.5).sub(1) - frame).detach()


def _evaluations(
    denoiser: Denoiser, plain: Context, clean: Context, sampling: Sampling, draw: Draw
) -> list[tuple[float, Context]]:
    """Return the contexts to denoise under, each with the weight of its estimate; the weights add up to 1."""
    action, history = sampling.action_guidance - 1, sampling.history_guidance - 1
    terms = [(1 + action + (history if sampling.history_noise == 0 else 0.0), plain)]
    if action:
        terms.append((-action, replace(plain, action_mask=torch.zeros_like(plain.action_mask), cache=None)))
    if history:
        terms.append((-history, noised(denoiser.process, clean, math.inf, draw)))
        if sampling.history_noise > 0:
            terms.append((history, noised(denoiser.process, clean, sampling.history_noise, draw)))
    return terms


def shown(process: Process, clean: Context, seed: LaneIntegers, counter: LaneIntegers, ratio: float) -> Context:
    """Mix into a clean context the noise with which a dream sees its past; see ``show``."""
    if ratio == 0:
        return clean
    frames, level = show(process, clean.frames, seed, counter, ratio)
    return replace(clean, frames=frames, level=level)


def show(
    process: Process, frames: Frames, seed: LaneIntegers, counter: LaneIntegers, ratio: float
) -> tuple[Frames, ClipLevels]:
    """Return frames with noise `ratio` times as strong as the signal, and their levels ``[b, k]``.

    A frame's noise is the same in every step that sees it, so that what a video network keeps of it stays right.

    Args:
        process: What the world was trained with.
        frames: Clean ones that follow one another ``[b, k, c, h, w]``.
        seed: The lanes' streams ``[b]``.
        counter: Of the step after the last of them ``[b]``.
        ratio: Above 0.
    """
    b, k, *shape = frames.shape
    keys = [lane_key(seed, counter - DRAWS_PER_STEP * (k - i)) for i in range(k)]
    noise = torch.stack([lane_normal(key, torch.zeros_like(key), tuple(shape)) for key in keys], dim=1)
    level = process.level_of(torch.full((b, k), ratio, device=frames.device))
    return process.mix(frames, noise, level), level


def noised(process: Process, context: Context, ratio: float, draw: Draw) -> Context:
    """Mix noise into a clean context, `ratio` times as strong as the signal (infinite: nothing but noise)."""
    level = process.level_of(torch.full(context.level.shape, ratio, device=context.frames.device))
    noise = torch.stack([draw() for _ in range(context.frames.shape[1])], dim=1)
    return replace(context, frames=process.mix(context.frames, noise, level), level=level, cache=None)
