"""What networks cost, counted rather than timed."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vdworld.networks.context import Context
from vdworld.networks.network import Network, VideoNetwork


@dataclass(frozen=True)
class Cost:
    """What one lane costs. A multiply-add counts as two operations; copies and elementwise work count nothing.

    Args:
        parameters: Numbers that are learned.
        evaluation: GFLOP of one estimate of the next frame; a sampling step of Euler's takes one.
        features: GFLOP of the features alone, once per frame.
        clip_frame: GFLOP of a frame in a whole clip, as in training; None for networks that don't see clips.
    """

    parameters: int
    evaluation: float
    features: float
    clip_frame: float | None


def count_flops(
    network: Network, image_size: tuple[int, int], action_dim: int, context_length: int | None = None
) -> Cost:
    """Count what a network does; nothing is computed.

    Args:
        network: Any of ``vdworld.networks``.
        image_size: Height and width that it was made for.
        action_dim: Length of an encoded action that it was made for.
        context_length: Past frames; None takes the network's own number, the only one for stacked frames.
    """
    assert isinstance(network, nn.Module)
    k, channels = context_length or network.context_length, network.frame_channels
    dry: Network = copy.deepcopy(network).to("meta")
    frames = torch.empty(1, k + 1, channels, *image_size, device="meta")
    numbers, known = frames.new_empty(1, k + 1), frames.new_empty(1, k + 1, dtype=torch.bool)
    actions = frames.new_empty(1, k + 1, action_dim)
    context = Context(frames[:, 1:], actions[:, 1:], known[:, 1:], numbers[:, 1:])
    with torch.no_grad():
        with FlopCounterMode(display=False) as evaluation:
            dry(frames[:, 0], numbers[:, 0], context, numbers[:, 0])
        with FlopCounterMode(display=False) as features:
            dry.commit(frames[:, 0], numbers[:, 0], context, numbers[:, 0])
        clip_frame = None
        if isinstance(dry, VideoNetwork):
            with FlopCounterMode(display=False) as clip:
                dry.clip(frames, numbers, actions, known, numbers)
            clip_frame = clip.get_total_flops() / 1e9 / (k + 1)
    parameters = sum(p.numel() for p in network.parameters())
    return Cost(parameters, evaluation.get_total_flops() / 1e9, features.get_total_flops() / 1e9, clip_frame)
