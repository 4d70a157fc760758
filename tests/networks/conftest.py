"""Networks that are small, and whose every layer has something to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from vdworld import networks
from vdworld.networks import Context

K, A = 3, 2
SMALL: dict[str, dict[str, Any]] = {
    "StackedUNet": {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, "condition_dim": 16},
    "VideoUNet": {"widths": (16, 16), "coarse_depth": 1, "temporal_levels": (0, 1), "head_dim": 8, "condition_dim": 16},
    "Transformer": {"width": 16, "depth": 3, "temporal_every": 2, "head_dim": 8, "condition_dim": 16},
    "DiamondUNet": {"width": 8, "num_levels": 2, "depth": 1, "condition_dim": 24},
}


@pytest.fixture
def make_network() -> Callable[..., Any]:
    """A small network; `disturbed` gives the layers that start at zero some weight too."""

    def make(
        size: tuple[int, int] = (16, 16),
        channels: int = 3,
        disturbed: bool = True,
        name: str = "StackedUNet",
        **settings: Any,
    ) -> Any:
        sizes = {**SMALL[name], "feature_dim": 32, **settings}
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            network = getattr(networks, name)(
                frame_channels=channels, image_size=size, action_dim=A, context_length=K, **sizes
            )
            if disturbed:
                for parameter in network.parameters():
                    parameter.add_(0.1 * torch.randn_like(parameter))
        return network

    return make


@pytest.fixture
def make_inputs() -> Callable[..., tuple[torch.Tensor, torch.Tensor, Context, torch.Tensor]]:
    """A noisy frame, its level, a context and the step size, all at random."""

    def make(
        size: tuple[int, int] = (16, 16), channels: int = 3, b: int = 2
    ) -> tuple[torch.Tensor, torch.Tensor, Context, torch.Tensor]:
        rng = torch.Generator().manual_seed(1)
        frames = torch.rand(b, K, channels, *size, generator=rng) * 2 - 1
        actions = torch.rand(b, K, A, generator=rng) * 2 - 1
        context = Context(frames, actions, torch.ones(b, K, dtype=torch.bool), torch.full((b, K), 0.9))
        noisy, (level, step_size) = torch.randn(b, channels, *size, generator=rng), torch.rand(2, b, generator=rng)
        return noisy, level, context, step_size

    return make


@pytest.fixture
def make_clip() -> Callable[..., dict[str, torch.Tensor]]:
    """The arguments of ``network.clip``: t frames, each at a level of its own."""

    def make(t: int = K + 1, b: int = 2, size: tuple[int, int] = (16, 16)) -> dict[str, torch.Tensor]:
        rng = torch.Generator().manual_seed(2)
        action_mask = torch.ones(b, t, dtype=torch.bool)
        action_mask[:, 0] = False
        return {
            "noisy": torch.randn(b, t, 3, *size, generator=rng),
            "level": torch.rand(b, t, generator=rng),
            "actions": torch.rand(b, t, A, generator=rng) * 2 - 1,
            "action_mask": action_mask,
            "step_size": torch.rand(b, t, generator=rng),
        }

    return make
