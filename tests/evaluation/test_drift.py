"""A world that replays the data is healthy, one that freezes or dissolves is detected, and when."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from tests.evaluation.moving_bar import After, measure, record_bar, rolled
from vdworld.data import Dataset
from vdworld.evaluation.drift import Drift, drift_steps_up_to
from vdworld.spaces import frames_to_pixels


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return record_bar(tmp_path_factory.mktemp("still"), choices=lambda number: [1])


@pytest.fixture(scope="module")
def half_still(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return record_bar(tmp_path_factory.mktemp("half"), choices=lambda number: [1] if number % 4 < 2 else [0, 2])


def verdicts(drift: Drift) -> list[str]:
    return [drift.verdict(step) for step in drift.steps]


def test_a_world_that_follows_the_physics_is_healthy(perfect_world, moving) -> None:
    drift = measure(perfect_world, moving)
    assert verdicts(drift) == ["healthy"] * 3
    assert drift.collapse is None
    for name in ("brightness", "contrast", "saturation", "distance"):
        assert drift.slope(name).mean == pytest.approx(0, abs=1e-3)
    np.testing.assert_allclose(drift.statistics["distance"], 0, atol=1e-5)


def test_a_world_that_stops_is_frozen_from_then_on(make_world, moving) -> None:
    drift = measure(make_world(After(80, lambda frame, _: frame)), moving)
    assert verdicts(drift) == ["healthy", "healthy", "frozen"]
    assert drift.collapse == 120
    assert drift.share("frozen", 120) == 1
    assert drift.share("dissolved", 120) == 0, "a still picture is a real picture"


def test_a_world_that_fades_to_grey_is_dissolved(make_world, moving) -> None:
    drift = measure(make_world(After(30, lambda frame, action: 0.98 * rolled(frame, action))), moving)
    assert verdicts(drift) == ["healthy", "dissolved", "dissolved"]
    assert drift.slope("contrast").high < 0
    assert drift.at(120)["contrast"].max() < 10
    assert drift.at(120)["distance"].min() > 1


def test_a_world_that_turns_into_noise_is_dissolved(make_world, moving) -> None:
    rng = torch.Generator().manual_seed(0)

    def noisier(frame: torch.Tensor, action: np.ndarray) -> torch.Tensor:
        return (rolled(frame, action) + 0.1 * torch.randn(frame.shape, generator=rng)).clamp(-1, 1)

    drift = measure(make_world(After(30, noisier)), moving)
    assert verdicts(drift) == ["healthy", "dissolved", "dissolved"]
    assert drift.slope("sharpness").low > 0


def test_a_world_that_loses_every_object_is_dissolved_though_its_frames_are_clean(make_world, moving) -> None:
    drift = measure(make_world(After(30, lambda frame, _: frame.amin(dim=-1, keepdim=True).expand_as(frame))), moving)
    assert verdicts(drift) == ["healthy", "dissolved", "dissolved"]


def test_invisible_noise_is_healthy(make_world, moving) -> None:
    rng = torch.Generator().manual_seed(0)

    class Flickering(make_world):
        def rollout(self, *arguments: Any, **settings: Any) -> SimpleNamespace:
            result = super().rollout(*arguments, **settings)
            result.frames = result.frames + 0.01 * torch.randn(result.frames.shape, generator=rng)
            return result

    assert verdicts(measure(Flickering(rolled), moving)) == ["healthy"] * 3


def test_where_nothing_moves_standing_still_is_healthy(copying_world, still) -> None:
    assert verdicts(measure(copying_world, still)) == ["healthy"] * 3


def test_where_half_of_the_recordings_stand_still_only_a_world_that_always_does_is_frozen(
    make_world, half_still
) -> None:
    """Whole episodes follow one another in a dream, so that about half of the dreams stand still at any time."""
    assert verdicts(measure(make_world(rolled), half_still, num_lanes=32)) == ["healthy"] * 3
    assert verdicts(measure(make_world(lambda frame, _: frame), half_still, num_lanes=32)) == ["frozen"] * 3


def test_dreams_begin_with_the_recorded_actions_and_so_with_the_recorded_frames(perfect_world, moving) -> None:
    held_out = moving.split("test")
    drift = measure(perfect_world, held_out)
    episodes = {episode.index: episode.frames["pixels"] for episode in held_out}
    for (episode, step), frames in zip(drift.windows, drift.frames, strict=True):
        assert step >= 2, "contexts are full"
        np.testing.assert_array_equal(frames[:2], episodes[episode][[step, step + 16]])
    assert len({tuple(window) for window in drift.windows}) == 12
    assert perfect_world.seeds == list(range(12))


def test_frames_are_kept_at_the_reported_steps(make_world, moving) -> None:
    """The world counts: after step s every value is s - 100 grey levels above the middle."""
    world = make_world(After(0, lambda frame, _: frame.amax(dim=(1, 2, 3), keepdim=True).expand_as(frame) + 1 / 127.5))
    world.start = lambda frames, actions, *, seed: torch.full_like(frames, -0.5)
    drift = measure(world, moving, steps=(16, 50, 51, 150))
    expected = frames_to_pixels(torch.tensor([-0.5 + s / 127.5 for s in drift.steps])[:, None, None, None])
    np.testing.assert_array_equal(drift.frames[:, 1:, 0, 0, 0], np.tile(expected.flatten(), (12, 1)))
    np.testing.assert_allclose(drift.statistics["brightness"][0], round(0.5 * 127.5) + np.arange(1, 151), atol=1)


def test_a_long_dream_is_imagined_in_chunks_that_continue_each_other(make_world, moving) -> None:
    shapes: list[tuple[int, ...]] = []

    class Watched(make_world):
        def rollout(self, state: Any, actions: Any, **settings: Any) -> SimpleNamespace:
            shapes.append(np.shape(actions))
            assert settings == {"num_sampling_steps": 3}
            return super().rollout(state, actions, **settings)

    drift = measure(Watched(rolled), moving, steps=(120,), num_sampling_steps=3)
    assert shapes == [(12, 50), (12, 50), (12, 20)]
    assert drift.statistics["motion"].shape == (12, 120)
    at_the_seams = drift.statistics["motion"][:, [50, 100]]
    assert set(np.unique(at_the_seams)) == set(np.unique(drift.statistics["motion"])), "a move or none, as anywhere"


def test_the_same_seed_repeats_and_another_does_not(perfect_world, moving) -> None:
    first, again, other = (measure(perfect_world, moving, steps=(40,), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.statistics["motion"], again.statistics["motion"])
    assert not np.array_equal(first.windows, other.windows)


def test_what_cannot_be_measured_is_refused(perfect_world, make_world, moving, tmp_path) -> None:
    with pytest.raises(ValueError, match=r"`steps` must be step counts of at least 16, got \[8, 64\]"):
        measure(perfect_world, moving, steps=(8, 64))
    with pytest.raises(ValueError, match="`drift_steps` must be at least 16, got 15"):
        drift_steps_up_to(15)
    with pytest.raises(ValueError, match="`dataset` must have the world's action space"):
        measure(make_world(rolled, action_space=gym.spaces.Discrete(4)), moving)
    short = record_bar(tmp_path / "short", length=17)
    with pytest.raises(ValueError, match="`dataset` must hold an episode of at least 18 steps, the longest has 17"):
        measure(perfect_world, short)
    alone = record_bar(tmp_path / "alone", num_episodes=1)
    with pytest.raises(ValueError, match="`reference` must hold an episode that `dataset` does not"):
        measure(perfect_world, alone)
    brief = record_bar(tmp_path / "brief", num_episodes=1, length=20)
    with pytest.raises(ValueError, match="`dataset` must hold two windows of 16 steps, got one"):
        measure(perfect_world, brief, reference=moving)
