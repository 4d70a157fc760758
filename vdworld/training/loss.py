"""What training minimises."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.data import Clips
from vdworld.networks import Context
from vdworld.types import Frame
from vdworld.world import WorldModel

MOVING = 0.05  # a pixel moves if a channel changes by more than this, of a range of 2


@dataclass(frozen=True)
class LossWeights:
    """How the parts of the loss add up.

    Args:
        moving: Weight of each clip's mean squared error over its moving pixels, those that differ from the last
            context frame, beside the mean over all pixels: something small that moves counts as much as something
            large.
        reward: Weight of the squared error of the standardised reward.
        continuation: Weight of the cross entropy of the episode's going on.
        context_noise: The context frames' noise level is drawn between clean and this far from it, in [0, 1].
    """

    moving: float = 0.2
    reward: float = 0.01
    continuation: float = 0.01
    context_noise: float = 0.1


def world_loss(
    world: WorldModel, clips: Clips, weights: LossWeights, rng: torch.Generator, horizon: int | None = None
) -> dict[str, Tensor]:
    """Return the loss and its parts, each a scalar.

    The target frames of a clip are predicted one after the other, each from a context that holds the model's own
    estimates of the earlier ones (Alonso et al. 2024, DIAMOND, section 3.1), so that errors don't pile up in dreams.

    Args:
        world: The world in training.
        clips: K context and H >= 1 target frames.
        weights: How the parts add up.
        rng: Draws noise and noise levels; on the CPU.
        horizon: How many of the target frames to predict; None means all.
    """
    device, k = world.device, world.context_length
    frames = clips.frames.to(device).float().div(127.5).sub(1.0)
    known = clips.known.to(device)
    actions = world.action_codec.encode_flat(clips.actions.to(device), known)
    rewards = (clips.rewards.to(device) - world.heads.reward_offset) / world.heads.reward_scale
    going_on = 1.0 - clips.terminated.to(device).float()
    history = list(frames[:, :k].unbind(dim=1))
    parts: dict[str, Tensor] = {}
    horizon = horizon or frames.shape[1] - k
    for h in range(horizon):
        past = torch.stack(history[h : h + k], dim=1)
        step = slice(h, h + k)
        targets = rewards[:, h], going_on[:, h]
        estimate, terms = _step_loss(
            world, past, frames[:, k + h], actions[:, step], known[:, step], targets, weights, rng
        )
        history.append(estimate.detach().clamp(-1, 1))
        parts = {name: parts.get(name, 0.0) + term / horizon for name, term in terms.items()}
    total = parts["frame"] + weights.continuation * parts["continuation"]
    return {"loss": total + weights.reward * parts["reward"] if world.has_reward else total, **parts}


def _step_loss(
    world: WorldModel,
    past: Tensor,
    clean: Frame,
    actions: Tensor,
    known: Tensor,
    targets: tuple[Tensor, Tensor],
    weights: LossWeights,
    rng: torch.Generator,
) -> tuple[Frame, dict[str, Tensor]]:
    b, device = len(clean), clean.device

    def normal(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=rng).to(device)

    context_level = (1 - weights.context_noise * torch.rand(b, generator=rng)).to(device)
    level = world.process.training_levels(b, rng).to(device)
    noisy_past = world.process.mix(past, normal(past), context_level)
    noisy = world.process.mix(clean, normal(clean), level)
    estimate, features = world.network(noisy, level, Context(noisy_past, actions, known, context_level))
    estimate = estimate.float()
    squared = (estimate - clean).square().mean(dim=1)  # [b, h, w]
    moving = ((clean - past[:, -1]).abs().amax(dim=1) > MOVING).float()
    moving_error = (squared * moving).sum(dim=(1, 2)) / moving.sum(dim=(1, 2)).clamp(min=4.0)
    error = squared.mean(dim=(1, 2)) + weights.moving * moving_error
    reward, continuation_logit = world.heads(features)
    return estimate, {
        "frame": (world.process.loss_weight(level) * error).mean(),
        "reward": F.mse_loss(reward.float(), targets[0]),
        "continuation": F.binary_cross_entropy_with_logits(continuation_logit.float(), targets[1]),
    }
