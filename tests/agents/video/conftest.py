"""Walks along a line, inverse dynamics for them, and a video model with known answers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from gymnasium import spaces
from torch import nn

from tests.agents.video.squares import NUM_CELLS, cells_of, frames_at, walks
from tests.envs.random_world import CONTEXT, random_world
from vdworld.agents import InverseDynamics
from vdworld.data import Dataset
from vdworld.networks import Context, Prediction
from vdworld.world import WorldModel


class Toward(nn.Module):
    """Move the square by one cell towards its place in the goal, or by as many cells as the instruction says."""

    frame_channels, context_length, feature_dim, predicts_clean = 6, CONTEXT, 1, True

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.contexts: list[Context] = []

    def forward(
        self, noisy: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
    ) -> Prediction:
        self.contexts.append(context)
        views = context.frames[:, -1].split(3, dim=1)
        cell = cells_of(views[0])
        way = (cells_of(views[1]) - cell).sign() if len(views) > 1 else context.actions[:, -1, 0].round()
        frame = frames_at(*(cell + way).long().clamp(0, NUM_CELLS - 1).tolist())
        lost = torch.zeros_like(frame)  # as if the goal could not be imagined
        return Prediction(torch.cat([frame, lost], dim=1)[:, : context.frames.shape[2]], noisy[:, 0, 0, :1])

    def commit(
        self, frame: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
    ) -> tuple[torch.Tensor, None]:
        return frame[:, 0, 0, :1], None


@pytest.fixture(scope="session")
def walked(tmp_path_factory: Any) -> Dataset:
    """Walks from one end to the other."""
    return walks(tmp_path_factory.mktemp("walks") / "data")


@pytest.fixture(scope="session")
def inverse_dynamics(walked: Dataset) -> InverseDynamics:
    """Distinguishes a step to the left from one to the right."""
    return InverseDynamics.learn(walked, num_updates=60, batch_size=32, hidden_dim=32, learning_rate=3e-3)


@pytest.fixture
def goal_seeker() -> WorldModel:
    """A video model that knows the way to the goal."""
    world = random_world(spaces.Discrete(1), cameras=("image", "goal_image"))
    world.network = Toward()
    return world


@pytest.fixture
def untrained() -> WorldModel:
    """A video model with random weights, which can be saved."""
    return random_world(spaces.Discrete(1), cameras=("image", "goal_image"))
