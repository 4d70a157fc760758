"""Worlds that are small and whose weights all matter, and a network that records its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import pytest
import torch
from torch import nn

from vdworld.networks import Context, Prediction
from vdworld.spaces import ActionCodec
from vdworld.world import OutcomeHeads, WorldModel, WorldState, build

K, SIZE = 3, 16
NETWORKS: dict[str, dict[str, Any]] = {
    "StackedUNet": {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1},
    "VideoUNet": {"widths": (16, 16), "coarse_depth": 1, "temporal_levels": (0, 1), "head_dim": 8},
    "Transformer": {"width": 16, "depth": 3, "temporal_every": 2, "head_dim": 8},
}


@pytest.fixture
def make_world() -> Callable[..., WorldModel]:
    def make(
        space: gym.Space | None = None,
        *,
        image_size: tuple[int, int] = (SIZE, SIZE),
        cameras: tuple[str, ...] = ("image",),
        context_length: int = K,
        seed: int = 0,
        network: str = "StackedUNet",
        **settings: Any,
    ) -> WorldModel:
        codec = ActionCodec(space or gym.spaces.Box(-2, 2, (2,)))
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            built = build(
                {"_target_": f"vdworld.networks.{network}", **NETWORKS[network], "feature_dim": 16},
                frame_channels=3 * len(cameras),
                image_size=image_size,
                action_dim=codec.dim,
                context_length=context_length,
            )
            heads = OutcomeHeads(built.feature_dim, reward_offset=1.0, reward_scale=2.0)
            for parameter in [*built.parameters(), *heads.parameters()]:
                parameter.add_(0.1 * torch.randn_like(parameter))
        process = build({"_target_": "vdworld.diffusion.RectifiedFlow"})
        parts = {"network": built, "process": process, "heads": heads, "action_codec": codec}
        world = WorldModel(**parts, image_size=image_size, cameras=cameras, **settings)
        return world.eval().requires_grad_(False)

    return make


class Spy(nn.Module):
    """Imagines the last frame plus a tenth of the newest action's first number, and records its inputs."""

    def __init__(self, frame_channels: int = 3, context_length: int = K, feature_dim: int = 16) -> None:
        super().__init__()
        self.frame_channels, self.context_length, self.feature_dim = frame_channels, context_length, feature_dim
        self.predicts_clean = True
        self.imagining: list[tuple[torch.Tensor, torch.Tensor, Context]] = []
        self.reading: list[tuple[torch.Tensor, torch.Tensor, Context]] = []

    def forward(
        self, noisy: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
    ) -> Prediction:
        self.imagining.append((noisy, level, context))
        frame = context.frames[:, -1] + 0.1 * context.actions[:, -1, :1, None, None]
        return Prediction(frame, torch.zeros(len(frame), self.feature_dim))

    def commit(
        self, frame: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
    ) -> tuple[torch.Tensor, None]:
        self.reading.append((frame, level, context))
        return frame.flatten(1)[:, : self.feature_dim], None


@pytest.fixture
def spied_world(make_world: Callable[..., WorldModel]) -> tuple[WorldModel, Spy]:
    """A world of pictures that say what they are: one grey level each."""
    world, spy = make_world(), Spy()
    world.network = spy  # type: ignore[assignment]
    return world, spy


@pytest.fixture
def greys() -> Callable[..., torch.Tensor]:
    """Plain frames ``[b, k, 3, h, w]`` from grey levels ``[b, k]``."""

    def make(levels: list[list[float]]) -> torch.Tensor:
        return torch.tensor(levels)[:, :, None, None, None].expand(-1, -1, 3, SIZE, SIZE).contiguous()

    return make


@pytest.fixture
def make_past() -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    """Random frames ``[b, k, c, h, w]`` and actions ``[b, k - 1, 2]`` in -2..2."""

    def make(b: int = 3, k: int = K + 1, channels: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
        rng = torch.Generator().manual_seed(5)
        frames = torch.rand(b, k, channels, SIZE, SIZE, generator=rng) * 2 - 1
        return frames, torch.rand(b, k - 1, 2, generator=rng) * 4 - 2

    return make


@pytest.fixture
def assert_same_state() -> Callable[[WorldState, WorldState], None]:
    def check(left: WorldState, right: WorldState) -> None:
        ours, theirs = left.tensors(), right.tensors()
        assert ours.keys() == theirs.keys()
        for name, value in ours.items():
            assert torch.equal(value, theirs[name]), name

    return check
