from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from vdworld.data import ClipSampler, Dataset
from vdworld.metrics import PSNR_CEILING
from vdworld.networks import Context, Prediction
from vdworld.training.validation import Validation
from vdworld.world import WorldModel


@pytest.fixture
def measured(squares: Dataset, train_small: Callable[..., WorldModel]) -> Callable[..., dict[str, float]]:
    """Validate a world that imagines the real frames, or copies of the last ones."""
    world = train_small(squares)
    clips = ClipSampler(squares.split("test"), context_length=world.context_length + 1, horizon=1)
    validation = Validation(clips, num_clips=8)

    def measure(answer: str) -> dict[str, float]:
        real, last = validation.frames[:, world.context_length + 1], validation.frames[:, world.context_length]
        frame = {"real": real, "copy": last}[answer]

        def forward(noisy: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor) -> Prediction:
            torch.testing.assert_close(context.frames[:, -1], last)
            taken = validation.clips.actions[
                :, world.context_length, 0
            ]  # from the last frame of the context to the next
            assert context.actions[:, -1].argmax(dim=-1).tolist() == taken.tolist()
            return Prediction(frame, torch.zeros(len(frame), 4))

        world.network.forward = forward
        return validation.measure(world)

    return measure


def test_a_world_that_copies_scores_like_copying(measured: Callable[..., dict[str, float]]) -> None:
    figures = measured("copy")
    assert figures["psnr"] == pytest.approx(figures["psnr_copy"], abs=1e-3)
    assert figures["moving_psnr"] == pytest.approx(figures["moving_psnr_copy"], abs=1e-3)
    assert figures["moving_psnr"] < figures["psnr"]


def test_a_perfect_world_reaches_the_ceiling(measured: Callable[..., dict[str, float]]) -> None:
    figures = measured("real")
    assert figures["psnr"] == pytest.approx(PSNR_CEILING, abs=1e-3)
    assert figures["moving_psnr"] == pytest.approx(PSNR_CEILING, abs=1e-3)
    assert figures["psnr_copy"] < 40


def test_the_same_clips_are_measured_every_time(squares: Dataset) -> None:
    clips = ClipSampler(squares.split("test"), context_length=3, horizon=1)
    assert torch.equal(Validation(clips).frames, Validation(clips).frames)
