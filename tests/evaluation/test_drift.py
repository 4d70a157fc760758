"""A world that replays the data is healthy, one that freezes or dissolves is detected, and when."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from vdworld.data import Dataset, EpisodeWriter, load_dataset
from vdworld.evaluation.data_range import DataRange
from vdworld.evaluation.drift import Drift, drift_steps_up_to, measure_drift
from vdworld.evaluation.reference_clips import ReferenceClips, some_episodes
from vdworld.evaluation.report.tables import drift_table
from vdworld.spaces import frames_to_pixels

STEPS = (16, 64, 120)
Imagine = Callable[[torch.Tensor, np.ndarray], torch.Tensor]


def rolled(frame: torch.Tensor, action: np.ndarray) -> torch.Tensor:
    """The physics: actions 0, 1, 2 move every picture by -1, 0, +1 columns."""
    return torch.stack([picture.roll(int(a) - 1, dims=-1) for picture, a in zip(frame, action, strict=True)])


class After:
    """Follows the physics for `num_steps` steps, then does something else."""

    def __init__(self, num_steps: int, otherwise: Imagine) -> None:
        self.left, self.otherwise = num_steps, otherwise

    def __call__(self, frame: torch.Tensor, action: np.ndarray) -> torch.Tensor:
        self.left -= 1
        return rolled(frame, action) if self.left >= 0 else self.otherwise(frame, action)


def record(
    path: Path, num_episodes: int = 8, length: int = 70, choices: Callable[[int], list[int]] = lambda i: [0, 1, 2]
):
    """Write episodes of a bar that moves as the actions say, drawn from ``choices(episode)``."""
    rng, episodes = np.random.default_rng(0), []
    with EpisodeWriter(path, fps=5, action_space=gym.spaces.Discrete(3), test_fraction=0.5) as writer:
        for number in range(num_episodes):
            actions = rng.choice(choices(number), length)
            columns = (rng.integers(16) + np.concatenate([[0], np.cumsum(actions - 1)])) % 16
            frames = np.full((length + 1, 16, 16, 3), 30, np.uint8)
            frames[np.arange(length + 1), :, columns] = (250, 200, 50)
            writer.add({"pixels": frames}, actions, np.zeros(length, np.float32))
            episodes.append(columns)
    return load_dataset(path)


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return record(tmp_path_factory.mktemp("moving"))


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return record(tmp_path_factory.mktemp("still"), choices=lambda number: [1])


@pytest.fixture(scope="module")
def half_still(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return record(tmp_path_factory.mktemp("half"), choices=lambda number: [1] if number % 4 < 2 else [0, 2])


def measure(world: Any, dataset: Dataset, **settings: Any) -> Drift:
    return measure_drift(world, dataset, **{"steps": STEPS, "num_lanes": 12, "progress": False, **settings})


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
    assert drift.share("dissolved", 120) == 0, "what stands still is a real picture all the same"


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
    """Whole episodes follow one another in a dream, so that about half of the dreams stand at any time."""
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
    shown = frames_to_pixels(torch.tensor([-0.5 + s / 127.5 for s in drift.steps])[:, None, None, None])
    np.testing.assert_array_equal(drift.frames[:, 1:, 0, 0, 0], np.tile(shown.flatten(), (12, 1)))
    np.testing.assert_allclose(drift.statistics["brightness"][0], round(0.5 * 127.5) + np.arange(1, 151), atol=1)


def test_a_long_dream_is_imagined_in_chunks_that_continue_each_other(make_world, moving) -> None:
    asked: list[tuple[int, ...]] = []

    class Watched(make_world):
        def rollout(self, state: Any, actions: Any, **settings: Any) -> SimpleNamespace:
            asked.append(np.shape(actions))
            assert settings == {"num_sampling_steps": 3}
            return super().rollout(state, actions, **settings)

    drift = measure(Watched(rolled), moving, steps=(120,), num_sampling_steps=3)
    assert asked == [(12, 50), (12, 50), (12, 20)]
    assert drift.statistics["motion"].shape == (12, 120)
    at_the_seams = drift.statistics["motion"][:, [50, 100]]
    assert set(np.unique(at_the_seams)) == set(np.unique(drift.statistics["motion"])), "a move or none, as anywhere"


def test_actions_are_the_rest_of_the_episode_and_then_whole_other_episodes(perfect_world, moving) -> None:
    clips = ReferenceClips(perfect_world, moving, moving, seed=0)
    starts = clips.starts(5)
    recorded = {moving[i].index: moving[i].actions[:, 0].tolist() for i in range(len(moving))}
    whole = list(recorded.values())
    for actions, episode, step in zip(clips.actions(starts, 300), starts.episodes, starts.steps, strict=True):
        first = recorded[int(episode)][int(step) :]
        assert actions[: len(first), 0].tolist() == first
        rest = actions[len(first) :, 0].tolist()
        pieces = [rest[i : i + 70] for i in range(0, len(rest), 70)]
        assert all(piece in [episode[: len(piece)] for episode in whole] for piece in pieces)


def test_the_same_seed_repeats_and_another_does_not(perfect_world, moving) -> None:
    first, again, other = (measure(perfect_world, moving, steps=(40,), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.statistics["motion"], again.statistics["motion"])
    assert not np.array_equal(first.windows, other.windows)


def test_whole_episodes_are_drawn_from_a_large_dataset(moving) -> None:
    few = some_episodes(moving, 150, np.random.default_rng(0))
    assert len(few) == 3, "of 71 frames each"
    assert {entry.index for entry in few.entries} <= {entry.index for entry in moving.entries}
    assert len(some_episodes(moving, 1, np.random.default_rng(0))) == 2
    assert len(some_episodes(moving, 10_000, np.random.default_rng(0))) == 8


@pytest.fixture
def climbing() -> Drift:
    """Two dreams whose brightness rises by a tenth of a grey level a step, over data with a standard deviation of 2."""
    steps = np.arange(1, 1_001) * np.ones((2, 1))
    windows = {name: np.array([[98.0], [102.0]] * 50) for name in ("brightness", "motion")}
    statistics = {"brightness": 100 + 0.1 * steps, "motion": np.full((2, 1_000), 100.0)}
    frames = np.zeros((2, 5, 4, 4, 3), np.uint8)
    data = DataRange(windows, np.arange(100) // 10)
    return Drift(statistics, data, (16, 64, 256, 1_000), frames, np.array([[0, 1], [1, 1]]), None, 0)


def test_the_slope_is_the_change_in_a_hundred_steps_in_standard_deviations_of_the_data(climbing) -> None:
    assert climbing.slope("brightness").mean == pytest.approx(0.1 * 100 / 2)
    assert climbing.slope("brightness", 64, 256).mean == pytest.approx(5)
    assert climbing.slope("motion").mean == 0
    assert np.isnan(climbing.slope("brightness", 64, 64).mean)


def test_a_statistic_at_a_step_is_its_mean_over_the_window_before_it(climbing) -> None:
    assert climbing.at(16)["brightness"] == pytest.approx(100 + 0.1 * np.arange(1, 17).mean())
    assert climbing.interval("brightness", 64).mean == pytest.approx(100 + 0.1 * np.arange(49, 65).mean())


def test_the_figures_are_plain_json(perfect_world, moving) -> None:
    drift = measure(perfect_world, moving, num_lanes=3)
    saved = json.loads(json.dumps(drift.to_json(), allow_nan=False))
    assert saved["steps"] == [16, 64, 120]
    assert saved["collapse"] is None
    assert set(saved["statistics"]) == {"brightness", "contrast", "sharpness", "motion", "saturation", "distance"}
    assert set(saved["statistics"]["motion"]["per_100_steps"]) == {"16 to 120", "16 to 64", "64 to 120"}
    assert saved["statistics"]["contrast"]["dreams"]["64"]["count"] == 3
    assert json.dumps(measure(perfect_world, moving, steps=(20,)).to_json(), allow_nan=False), "no slope, and no NaN"


def test_the_table_shows_dreams_beside_recorded_frames(perfect_world, moving) -> None:
    table = drift_table(measure(perfect_world, moving))
    assert table.columns == ("", "recorded", "16 steps", "64 steps", "120 steps", "per 100 steps")
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["Brightness"][:4] == ("38.5 to 38.5", *["38.5"] * 3), "15 of 16 columns at 30, one at 167 on average"
    assert rows["Dreams dissolved"][1:4] == ("0%", "0%", "0%")
    assert rows["Verdict"] == ("", "healthy", "healthy", "healthy", "")
    assert max(map(len, table.text().splitlines())) <= 120


@pytest.mark.parametrize(
    ("longest", "steps"),
    [(16, (16,)), (100, (16, 64, 100)), (1_000, (16, 64, 256, 1_000)), (1_500, (16, 64, 256, 1_000, 1_500))],
)
def test_the_default_steps_are_reported_up_to_the_last(longest: int, steps: tuple[int, ...]) -> None:
    assert drift_steps_up_to(longest) == steps


def test_what_cannot_be_measured_is_refused(perfect_world, make_world, moving, tmp_path) -> None:
    with pytest.raises(ValueError, match=r"`steps` must be step counts of at least 16, got \[8, 64\]"):
        measure(perfect_world, moving, steps=(8, 64))
    with pytest.raises(ValueError, match="`drift_steps` must be at least 16, got 15"):
        drift_steps_up_to(15)
    with pytest.raises(ValueError, match="`dataset` must have the world's action space"):
        measure(make_world(rolled, action_space=gym.spaces.Discrete(4)), moving)
    short = record(tmp_path / "short", length=17)
    with pytest.raises(ValueError, match="`dataset` must hold an episode of at least 18 steps, the longest has 17"):
        measure(perfect_world, short)
    alone = record(tmp_path / "alone", num_episodes=1)
    with pytest.raises(ValueError, match="`reference` must hold an episode that `dataset` does not"):
        measure(perfect_world, alone)
    brief = record(tmp_path / "brief", num_episodes=1, length=20)
    with pytest.raises(ValueError, match="`dataset` must hold two windows of 16 steps, got one"):
        measure(perfect_world, brief, reference=moving)
