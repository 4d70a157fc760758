"""Networks that are small, and whose every layer has something to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from vdworld.networks import Context, StackedUNet

K, A = 3, 2


@pytest.fixture
def make_network() -> Callable[..., StackedUNet]:
    """A small network; `disturbed` gives the layers that start at zero some weight too."""

    def make(
        size: tuple[int, int] = (16, 16), channels: int = 3, disturbed: bool = True, **settings: Any
    ) -> StackedUNet:
        sizes = {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, "condition_dim": 16, "feature_dim": 32}
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            network = StackedUNet(
                frame_channels=channels, image_size=size, action_dim=A, context_length=K, **{**sizes, **settings}
            )
            if disturbed:
                for parameter in network.parameters():
                    parameter.add_(0.1 * torch.randn_like(parameter))
        return network

    return make


@pytest.fixture
def make_inputs() -> Callable[..., tuple[torch.Tensor, torch.Tensor, Context]]:
    """A noisy frame, its level and a context, all at random."""

    def make(
        size: tuple[int, int] = (16, 16), channels: int = 3, b: int = 2
    ) -> tuple[torch.Tensor, torch.Tensor, Context]:
        rng = torch.Generator().manual_seed(1)
        frames = torch.rand(b, K, channels, *size, generator=rng) * 2 - 1
        actions = torch.rand(b, K, A, generator=rng) * 2 - 1
        context = Context(frames, actions, torch.ones(b, K, dtype=torch.bool), torch.full((b,), 0.9))
        return torch.randn(b, channels, *size, generator=rng), torch.rand(b, generator=rng), context

    return make
