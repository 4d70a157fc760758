from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.conftest import NETWORK
from vdworld.data import ClipSampler, Dataset
from vdworld.metrics import PSNR_CEILING, psnr
from vdworld.networks import Context, Prediction
from vdworld.training import new_world
from vdworld.training.calibration import held_out, held_out_clips
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


def test_copying_repeats_the_last_frame_of_the_context(squares: Dataset, train_small: Callable) -> None:
    validation = Validation(ClipSampler(squares.split("test"), context_length=2, horizon=1), num_clips=8)
    figures = validation.measure(train_small(squares))
    expected = psnr(validation.frames[:, 1], validation.frames[:, 2]).mean().item()
    assert figures["psnr_copy"] == pytest.approx(expected)
    assert expected < PSNR_CEILING


def test_the_same_clips_are_measured_every_time(squares: Dataset) -> None:
    clips = ClipSampler(squares.split("test"), context_length=3, horizon=1)
    assert torch.equal(Validation(clips).frames, Validation(clips).frames)


def test_clips_are_different_ones_of_all_episodes_and_every_step(record_squares: Callable[..., Dataset]) -> None:
    """Episodes of 4 to 19 steps, of which few are as long as the longest."""
    rng = np.random.default_rng(0)

    def shorten(_: dict[str, Any]) -> dict[str, Any]:
        t = int(rng.integers(4, 20))
        noise = rng.integers(0, 256, (t + 1, 16, 16, 3), dtype=np.uint8)
        return {"frames": noise, "actions": np.zeros(t, int), "rewards": np.zeros(t), "terminated": True}

    dataset = record_squares(num_episodes=40, change=shorten)
    world = new_world(dataset, network=NETWORK)
    validation = Validation(held_out_clips(dataset, world, max_horizon=20))
    clips, split = validation.clips, held_out(dataset)
    assert len(torch.unique(clips.frames[:, : world.context_length + 2].flatten(1), dim=0)) == 64 < split.num_steps
    assert set(clips.episodes.tolist()) == {entry.index for entry in split.entries}
    ends = {entry.index: entry.length - 2 for entry in split.entries}
    assert any(ends[e] == t for e, t in zip(clips.episodes.tolist(), clips.steps.tolist(), strict=True))
    assert (clips.steps == 0).any()
    assert validation.rollouts.target_mask.all()
    assert validation.rollouts.target_mask.shape[1] == max(ends.values()) + 1
