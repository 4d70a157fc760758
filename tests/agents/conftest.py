"""A world that is known exactly: a plain picture whose grey level is a place on a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import pytest
import torch
from torch import nn

from vdworld.networks import Context, Prediction
from vdworld.spaces import ActionCodec
from vdworld.world import OutcomeHeads, WorldModel, build

K, SIZE, SPEED = 2, 8, 0.2


class Line(nn.Module):
    """The next place is the last one plus SPEED times the move, the product of the newest action with `moves`."""

    frame_channels, context_length, feature_dim, predicts_clean = 3, K, 1, True

    def __init__(self, moves: torch.Tensor) -> None:
        super().__init__()
        self.moves = moves
        self.imagined: list[Context] = []
        self.started: list[tuple[torch.Tensor, Context]] = []

    def forward(
        self, noisy: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
    ) -> Prediction:
        self.imagined.append(context)
        move = context.actions[:, -1] @ self.moves
        frame = context.frames[:, -1] + SPEED * move[:, None, None, None]
        return Prediction(frame, frame[:, 0, 0, :1])

    def commit(
        self, frame: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
    ) -> tuple[torch.Tensor, None]:
        self.started.append((frame, context))
        return frame[:, 0, 0, :1], None


class Nearness(OutcomeHeads):
    """The reward is minus the squared distance from place 0.6; nothing ends."""

    def predict(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        place = features[:, 0]
        return -(place - 0.6).square(), torch.ones_like(place)


@pytest.fixture
def make_line() -> Callable[..., WorldModel]:
    """A world on the line; `moves` says what each entry of an encoded action does."""

    def make(space: gym.Space | None = None, moves: tuple[float, ...] = (1.0,), **settings: Any) -> WorldModel:
        codec = ActionCodec(space or gym.spaces.Box(-4, 4, (1,)))
        small = {"_target_": "vdworld.networks.StackedUNet", "width": 16, "depth": 1, "coarse_width": 16}
        sizes = {"frame_channels": 3, "image_size": (SIZE, SIZE), "action_dim": codec.dim, "context_length": K}
        process = build({"_target_": "vdworld.diffusion.RectifiedFlow"})
        parts = {"network": build(small, **sizes), "process": process, "heads": Nearness(1), "action_codec": codec}
        world = WorldModel(**parts, image_size=(SIZE, SIZE), **settings)
        world.network = Line(torch.tensor(moves))  # type: ignore[assignment]
        return world.eval().requires_grad_(False)

    return make


@pytest.fixture
def frames_at() -> Callable[..., torch.Tensor]:
    """Frames ``[b, 3, h, w]`` of the places given, one per lane."""

    def make(*places: float) -> torch.Tensor:
        return torch.tensor(places)[:, None, None, None].expand(-1, 3, SIZE, SIZE).contiguous()

    return make
