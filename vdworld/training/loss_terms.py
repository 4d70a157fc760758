"""How much each frame counts in the training losses, and the parts beside the error of frames."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from vdworld.types import Features, StepMask
from vdworld.world import WorldModel

Losses = dict[str, Tensor]
"""``loss`` and its parts, each a scalar."""


def loss_shares(mask: StepMask) -> Tensor:
    """Return the share of each frame ``[b, t]`` in a loss: padding has none, and clips count equally.

    If clips are drawn by one of these frames, so does every transition of the data, wherever it is in its episode. That
    needs a mean within clips: over the whole batch, those at an episode's end would count less often.

    Args:
        mask: Which frames belong to their clip's episode.
    """
    return mask / mask.sum(dim=1, keepdim=True).clamp(min=1) / len(mask)


def copy_penalty(moved_share: Tensor | None, shares: Tensor) -> Losses:
    """Return the mean share of the pixels that are not copied in place, for networks that copy pixels.

    A frame whose past differs from the recording counts as 0: there the network should repair what is wrong, however
    little that is.

    Args:
        moved_share: Per frame, ``[b]`` or ``[b, t]``, as the network predicted it; None where it copies no pixels.
        shares: The share of each frame in the loss, in the same shape; 0 where its past is not exactly as recorded.
    """
    return {} if moved_share is None else {"copy_penalty": (moved_share * shares).sum()}


def outcome_loss(
    world: WorldModel, features: Features, rewards: Tensor, continues: Tensor, readings: Tensor, shares: Tensor
) -> Losses:
    """Return the losses of reward, continuation and the readings that were recorded.

    Args:
        world: The world in training.
        features: Of the transitions ``[b, f]``.
        rewards, continues, readings: As recorded, ``[b]``, ``[b]`` and ``[b, d]``; see ``Batch``.
        shares: The share of each transition in the loss ``[b]``.
    """
    reward, continuation_logit, predicted = world.heads(features)
    surprise = F.binary_cross_entropy_with_logits(continuation_logit.float(), continues, reduction="none")
    losses = {
        "reward": ((reward.float() - rewards).square() * shares).sum(),
        "continuation": (surprise * shares).sum(),
    }
    if world.readings:
        recorded = readings.isfinite() * shares[:, None]
        error = (predicted.float() - readings.where(readings.isfinite(), 0.0)).square() * recorded
        losses["readings"] = error.sum() / recorded.sum().clamp(min=1e-6) * shares.sum()
    return losses
