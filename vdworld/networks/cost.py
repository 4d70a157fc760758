"""The cost of networks in operations."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vdworld.networks.context import Context
from vdworld.networks.network import Network


@dataclass(frozen=True)
class Cost:
    """The cost of one lane in a dream. A multiply-add counts as two operations, copies and elementwise work as none.

    Args:
        parameters: Number of learned parameters.
        evaluation: GFLOP of one estimate of the next frame, with the past cached; an Euler step takes one.
        commit: GFLOP of the pass that returns the features, and the cache if there is one; once per frame.
    """

    parameters: int
    evaluation: float
    commit: float


def count_flops(network: Network, image_size: tuple[int, int], action_dim: int) -> Cost:
    """Count a network's operations, on the meta device.

    Args:
        network: Any of ``vdworld.networks``.
        image_size: Height and width that it was built for.
        action_dim: Length of an encoded action that it was built for.
    """
    assert isinstance(network, nn.Module)
    k, channels = network.context_length, network.frame_channels
    meta_network: Network = copy.deepcopy(network).to("meta")
    frames = torch.empty(1, k + 1, channels, *image_size, device="meta")
    numbers, action_mask = frames.new_empty(1, k + 1), frames.new_empty(1, k + 1, dtype=torch.bool)
    actions = frames.new_empty(1, k + 1, action_dim)
    context = Context(frames[:, 1:], actions[:, 1:], action_mask[:, 1:], numbers[:, 1:])
    with torch.no_grad():
        context.cache = meta_network.commit(frames[:, 0], numbers[:, 0], context, numbers[:, 0])[1]
        with FlopCounterMode(display=False) as evaluation:
            meta_network(frames[:, 0], numbers[:, 0], context, numbers[:, 0])
        with FlopCounterMode(display=False) as commit:
            meta_network.commit(frames[:, 0], numbers[:, 0], context, numbers[:, 0])
    parameters = sum(p.numel() for p in network.parameters())
    return Cost(parameters, evaluation.get_total_flops() / 1e9, commit.get_total_flops() / 1e9)
