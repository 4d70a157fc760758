"""The training losses of a world."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.diffusion import RectifiedFlow, draw_jumps, shortcut_target
from vdworld.networks import VideoNetwork
from vdworld.training.batch import Batch, ContextCorruption
from vdworld.training.frame_error import LossWeights, frame_error
from vdworld.training.likely_motion import LikelyMotion
from vdworld.training.loss_terms import Losses, copy_penalty, loss_shares, outcome_loss
from vdworld.types import Frame
from vdworld.world import WorldModel


def world_loss(
    world: WorldModel,
    batch: Batch,
    weights: LossWeights,
    corruption: ContextCorruption,
    rng: torch.Generator,
    *,
    horizon: int = 1,
    whole_clips: bool = True,
    sampled: bool = False,
    motion: LikelyMotion | None = None,
    change_emphasis: float = 0.0,
) -> Losses:
    """Return the loss of a world's estimates: of whole clips for video networks, of next frames for the others.

    Args:
        world: The world in training.
        batch: K context and H >= 1 target frames.
        weights: Weights of the parts.
        corruption: How the contexts are corrupted.
        rng: Draws noise and noise levels; on the CPU.
        horizon: How many of the target frames to predict, each from the world's own estimates of those before.
        whole_clips: Whether video networks predict all frames of a clip, or next frames as the others do.
        sampled: Whether the pasts end with frames that a world sampled.
        motion: Tells where pixels are likely to change; None weighs all alike.
        change_emphasis: How far pixels that do change replace those that are likely to (``MotionCurriculum``).
    """
    if isinstance(world.network, VideoNetwork) and whole_clips:
        return clip_loss(world, batch, weights, corruption, rng, motion, change_emphasis)
    attention = {"motion": motion, "change_emphasis": change_emphasis}
    return unrolled_loss(world, batch, weights, corruption, rng, horizon=horizon, sampled=sampled, **attention)


def unrolled_loss(
    world: WorldModel,
    batch: Batch,
    weights: LossWeights,
    corruption: ContextCorruption,
    rng: torch.Generator,
    *,
    horizon: int = 1,
    sampled: bool = False,
    motion: LikelyMotion | None = None,
    change_emphasis: float = 0.0,
) -> Losses:
    """Return the loss of target frames that are predicted one after another.

    The context holds the world's own estimates of the earlier ones (Alonso et al. 2024, DIAMOND, section 3.1).
    """
    k, process, shares = world.context_length, world.process, loss_shares(batch.target_mask[:, :horizon])
    history = list(batch.frames[:, :k].unbind(dim=1))
    parts: Losses = {}
    for h in range(horizon):
        past, clean = torch.stack(history[h : h + k], dim=1), batch.frames[:, k + h]
        context, exact = corruption.context(
            process, past, batch.actions[:, h : h + k], batch.action_mask[:, h : h + k], rng
        )
        level = process.training_levels((len(batch),), rng).to(clean.device)
        noise = process.training_noise(tuple(clean.shape), level, rng).to(clean.device)
        prediction = world.denoiser(process.mix(clean, noise, level), level, context)
        estimate = prediction.frame.float()
        history.append(batch.keep_padding(estimate.detach().clamp(-1, 1), h))
        likely = 1.0 if motion is None else motion(past[:, -2:])[:, -1]
        error = frame_error(estimate, clean, past[:, -1], weights, likely, change_emphasis)
        terms = {
            "frame": (shares[:, h] * process.loss_weight(level) * error).sum(),
            **copy_penalty(prediction.moved_share, shares[:, h] * (exact & (h == 0 and not sampled))),
        }
        outcomes = batch.rewards[:, h], batch.continues[:, h], batch.readings[:, h]
        terms |= outcome_loss(world, prediction.features, *outcomes, shares[:, h])
        parts = {name: parts.get(name, 0.0) + term for name, term in terms.items()}
    return total(world, parts, weights)


def clip_loss(
    world: WorldModel,
    batch: Batch,
    weights: LossWeights,
    corruption: ContextCorruption,
    rng: torch.Generator,
    motion: LikelyMotion | None = None,
    change_emphasis: float = 0.0,
) -> Losses:
    """Return the loss of all frames of clips, each frame at a noise level of its own (Chen et al. 2024, algorithm 1).

    About half of the frames are nearly clean, so that the others learn from dreamlike pasts. Only the others count,
    and of those none that is padding.
    """
    process, frames, device = world.process, batch.frames, batch.frames.device
    b, t = frames.shape[:2]
    drawn, ratios = process.training_levels((b, t), rng), corruption.ratios((b, t), rng)
    is_context = torch.rand(b, t, generator=rng) < 0.5
    is_context |= ratios > corruption.context_noise  # a hidden past is hidden as a whole
    is_context[:, -1] = False
    level = torch.where(is_context, process.level_of(ratios), drawn).to(device)
    noise = process.training_noise(tuple(frames.shape), level, rng).to(device)
    actions = F.pad(batch.actions, (0, 0, 1, 0))
    action_mask = F.pad(corruption.action_mask(batch.action_mask, rng), (1, 0))
    corrupted_frames, corrupted = corruption.corrupt(frames, rng)
    inputs = torch.where(is_context[:, :, None, None, None].to(device), corrupted_frames, frames)
    prediction = world.denoiser.clip(process.mix(inputs, noise, level), level, actions, action_mask)
    shares, is_noisy = loss_shares(batch.action_mask), (~is_context[:, 1:]).to(device)
    estimate = prediction.frames[:, 1:].float().flatten(0, 1)
    clean, last = frames[:, 1:].flatten(0, 1), frames[:, :-1].flatten(0, 1)
    likely = 1.0 if motion is None else motion(frames[:, :-1]).flatten(0, 1)
    error = process.loss_weight(level[:, 1:].flatten()) * frame_error(
        estimate, clean, last, weights, likely, change_emphasis
    )
    exact = (level[:, :-1] == process.clean_level) & ~corrupted[:, None]
    moved_share = None if prediction.moved_share is None else prediction.moved_share[:, 1:]
    noisy_shares = shares * is_noisy / is_noisy.float().mean()  # padding or not, frames are equally often noisy
    parts = {"frame": (error * noisy_shares.flatten()).sum(), **copy_penalty(moved_share, shares * exact)}
    horizon = batch.rewards.shape[1]
    outcomes = (batch.rewards.flatten(), batch.continues.flatten(), batch.readings.flatten(0, 1))
    features, target_shares = prediction.features[:, -horizon:].flatten(0, 1), shares[:, -horizon:] * (t - 1) / horizon
    parts |= outcome_loss(world, features, *outcomes, target_shares.flatten())
    return total(world, parts, weights)


def shortcut_loss(
    world: WorldModel,
    teacher: WorldModel,
    batch: Batch,
    weights: LossWeights,
    corruption: ContextCorruption,
    rng: torch.Generator,
    finest: int,
    sampled: bool = False,
    motion: LikelyMotion | None = None,
    change_emphasis: float = 0.0,
) -> Tensor:
    """Return the loss of long steps against two half as long by the averaged weights (Frans et al. 2025, equation 5).

    Args:
        world: The world in training.
        teacher: The world with averaged weights.
        batch: Clips; the first target frame counts.
        weights: Weights of the parts.
        corruption: How the contexts are corrupted.
        rng: Draws jumps and noise; on the CPU.
        finest: The step count from which no step is a shortcut.
        sampled: Whether the pasts end with frames that a world sampled.
        motion: Tells where pixels are likely to change; None weighs all alike.
        change_emphasis: How far pixels that do change replace those that are likely to (``MotionCurriculum``).
    """
    process, k = world.process, world.context_length
    assert isinstance(process, RectifiedFlow)  # `train` refuses the others
    past, clean = batch.frames[:, :k], batch.frames[:, k]
    context, exact = corruption.context(process, past, batch.actions[:, :k], batch.action_mask[:, :k], rng)
    begin, length = (value.to(clean.device) for value in draw_jumps(len(batch), finest, rng))
    start, middle, end = (process.warp(time) for time in (begin, begin + length / 2, begin + length))
    half = torch.where(length / 2 > 1 / finest, length / 2, 0.0)
    noisy = process.mix(clean, process.training_noise(tuple(clean.shape), start, rng).to(clean.device), start)
    with torch.no_grad():

        def denoise(frames: Frame, level: Tensor) -> Frame:
            return teacher.denoiser(frames, level, context, half).frame.float().clamp(-1, 1)

        target = shortcut_target(denoise, process, noisy, start, middle, end)
    prediction = world.denoiser(noisy, start, context, length)
    estimate = prediction.frame.float()
    likely = 1.0 if motion is None else motion(past[:, -2:])[:, -1]
    error = (
        process.loss_weight(start) * frame_error(estimate, target, past[:, -1], weights, likely, change_emphasis)
    ).mean()
    penalty = copy_penalty(prediction.moved_share, (exact & (not sampled)) / len(batch))
    return error + weights.copy_penalty * penalty.get("copy_penalty", 0.0)


def total(world: WorldModel, parts: Losses, weights: LossWeights) -> Losses:
    """Return the weighted sum of the parts as ``loss``, beside the parts."""
    loss = parts["frame"] + weights.continuation * parts["continuation"]
    for name, weight in (("copy_penalty", weights.copy_penalty), ("readings", weights.readings)):
        loss = loss + weight * parts.get(name, 0.0)
    return {"loss": loss + weights.reward * parts["reward"] if world.has_reward else loss, **parts}
