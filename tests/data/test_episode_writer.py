from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from vdworld.data import EpisodeWriter, load_dataset
from vdworld.spec import EnvironmentSpec


def files(path: Path) -> set[str]:
    return {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}


def test_a_finished_recording_leaves_no_temporary_file(make_dataset: Callable) -> None:
    assert files(make_dataset().path) == {
        "meta/info.json",
        "meta/stats.json",
        "meta/tasks.parquet",
        "meta/episodes/chunk-000/file-000.parquet",
        "data/chunk-000/file-000.parquet",
        "videos/observation.images.top/chunk-000/file-000.mp4",
    }


def test_what_is_flushed_is_readable_while_recording_goes_on(tmp_path: Path, make_arrays: Callable) -> None:
    with EpisodeWriter(tmp_path, fps=10, steps_per_file=12) as writer:
        for seed in range(5):
            writer.add(**make_arrays(seed, 5))
            assert (writer.num_episodes, writer.num_steps) == (seed + 1, 5 * (seed + 1))
            if writer.num_safe_episodes:
                dataset = load_dataset(tmp_path)
                assert (dataset.num_episodes, dataset.num_steps) == (writer.num_safe_episodes, writer.num_safe_steps)
        assert writer.num_safe_episodes == 4
    dataset = load_dataset(tmp_path)
    for seed, episode in enumerate(dataset):
        np.testing.assert_array_equal(episode.frames["top"], make_arrays(seed, 5)["frames"]["top"])
    assert len(list(tmp_path.glob("data/*/*.parquet"))) == 3


def test_files_are_also_completed_when_time_has_passed(tmp_path: Path, make_arrays: Callable) -> None:
    with EpisodeWriter(tmp_path, fps=10, seconds_per_file=0) as writer:
        writer.add(**make_arrays(0))
        assert writer.num_safe_episodes == 1


def test_appending_keeps_what_is_there(make_dataset: Callable, make_arrays: Callable) -> None:
    dataset = make_dataset((3,) * 9, seed=4, test_fraction=0.3)
    before = [(e.index, e.split, e.seed, e.actions.tobytes(), e.frames["top"].tobytes()) for e in dataset]
    with EpisodeWriter(dataset.path, fps=10, append=True) as writer:
        assert writer.num_episodes == 9
        for seed in range(9, 20):
            writer.add(**make_arrays(seed, 3))
    longer = load_dataset(dataset.path)
    after = [(e.index, e.split, e.seed, e.actions.tobytes(), e.frames["top"].tobytes()) for e in longer]
    assert after[:9] == before
    assert [episode[0] for episode in after] == list(range(20))
    assert sum(split == "test" for _, split, *_ in after) == 6


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"fps": 20}, r"`fps` must be 10\.0 as in .*, got 20\.0"),
        ({"seed": 1}, "`seed` must be 0 as in .*, got 1"),
        ({"test_fraction": 0.5}, r"`test_fraction` must be 0\.2 as in .*, got 0\.5"),
        ({"action_space": spaces.Discrete(2)}, "`action_space` must be .*Box.* got .*Discrete"),
        ({"spec": EnvironmentSpec("B-v0", fps=3)}, r"`spec` must be {'id': 'A-v0', 'fps': 10\.0} as in .*'B-v0'"),
    ],
)
def test_appending_with_other_settings_is_refused(
    make_dataset: Callable, argument: dict[str, Any], message: str
) -> None:
    dataset = make_dataset(action_space=spaces.Box(-1, 1, (2,)), spec=EnvironmentSpec("A-v0"))
    with pytest.raises(ValueError, match=message):
        EpisodeWriter(dataset.path, **{"fps": 10, **argument}, append=True)
    assert len(load_dataset(dataset.path)) == 3


def test_a_dataset_is_never_overwritten(make_dataset: Callable) -> None:
    dataset = make_dataset()
    with pytest.raises(FileExistsError, match=r"must be a new folder.*Pass append=True"):
        EpisodeWriter(dataset.path, fps=10)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match=r"thesis\.tex"):
        EpisodeWriter(tmp_path, fps=10)
    with pytest.raises(FileExistsError, match="must be a folder, got the file"):
        EpisodeWriter(tmp_path / "thesis.tex", fps=10)
    assert files(tmp_path) == {"thesis.tex"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"actions": np.zeros((7, 2))}, "`frames` of camera 'top' must be 8 for 7 actions, got 7: one before each"),
        ({"actions": np.zeros((0, 2))}, r"`actions` must be numbers \[T, n\] with T >= 1, got shape \(0, 2\)"),
        ({"actions": np.zeros((6, 3))}, "'action' must be float32 .2., got float32 .3."),
        ({"rewards": np.zeros(5)}, r"`rewards` must have shape \[6\], one per action, got \[5\]"),
        ({"rewards": None}, "'next.reward' must be float32 .1., got absent"),
        ({"terminated": np.zeros(7)}, "`terminated` must have shape"),
        ({"frames": np.zeros((7, 9, 12, 3))}, r"must be uint8 RGB \[T\+1, h, w, 3\], got float64"),
        ({"frames": np.zeros((7, 3, 9, 12), np.uint8)}, r"must be uint8 RGB .* got uint8 \[7, 3, 9, 12\]"),
        ({"frames": {"top": np.zeros((7, 8, 12, 3), np.uint8)}}, "'observation.images.top' must be video .9, 12, 3."),
        ({"frames": {"wrist": np.zeros((7, 9, 12, 3), np.uint8)}}, "'observation.images.top' must be .* got absent"),
        ({"frames": {}}, "`frames` must hold at least one camera"),
        ({"state": {"state": np.zeros((6, 3))}}, r"`state\['state'\]` must be numbers \[7, \.\.\.\]"),
        ({"state": {}}, "'observation.state' must be float64 .3., got absent"),
    ],
)
def test_an_episode_that_does_not_fit_is_refused_and_costs_nothing(
    tmp_path: Path, make_arrays: Callable, change: dict[str, Any], message: str
) -> None:
    with EpisodeWriter(tmp_path, fps=10) as writer:
        writer.add(**make_arrays(0))
        with pytest.raises(ValueError, match=message):
            writer.add(**{**make_arrays(1), **change})
        writer.add(**make_arrays(2))
    dataset = load_dataset(tmp_path)
    assert len(dataset) == 2
    np.testing.assert_array_equal(dataset[1].frames["top"], make_arrays(2)["frames"]["top"])


FRAMES = np.zeros((3, 8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("space", "inside", "outside", "place"),
    [
        (spaces.Discrete(4), [0, 3], [3, 4], "4 in row 1, column 0"),
        (spaces.Discrete(3, start=1), [1, 3], [0, 1], "0 in row 0, column 0"),
        (spaces.Discrete(4), [0.0, 3.0], [0.0, 1.5], "1.5 in row 1, column 0"),
        (spaces.Box(-1, 1, (2,)), [[-1, 1], [0, 1 + 1e-6]], [[0, 0], [0, 1.01]], "1.01 in row 1, column 1"),
        (spaces.Box(0, 255, (1,), np.uint8), [[0], [255]], [[0], [0.5]], "0.5 in row 1, column 0"),
        (spaces.Box(-np.inf, np.inf, (1,)), [[-1e9], [1e9]], None, ""),
        (spaces.MultiDiscrete([2, 3]), [[1, 2], [0, 0]], [[1, 2], [2, 0]], "2 in row 1, column 0"),
        (spaces.MultiBinary(2), [[1, 0], [0, 1]], [[1, 2], [0, 0]], "2 in row 0, column 1"),
        (
            spaces.Tuple([spaces.Discrete(2), spaces.Box(-1, 1, (1,))]),
            [(0, [0.5]), (1, [-1.0])],
            [(0, [0.5]), (1, [-2.0])],
            "-2 in row 1, column 1",
        ),
    ],
)
def test_actions_outside_their_space_are_refused(
    tmp_path: Path, space: spaces.Space, inside: list, outside: list | None, place: str
) -> None:
    with EpisodeWriter(tmp_path, fps=10, action_space=space) as writer:
        writer.add(FRAMES, inside)
        if outside is not None:
            with pytest.raises(ValueError, match="`actions` must lie in ") as refusal:
                writer.add(FRAMES, outside)
            assert f", got {place}. Correct or clip them" in str(refusal.value)
    assert len(load_dataset(tmp_path)) == 1


@pytest.mark.parametrize(
    "frames",
    [
        FRAMES.transpose(0, 3, 1, 2),
        np.linspace(0, 1, 3 * 8 * 8 * 3).reshape(FRAMES.shape),
        np.linspace(-1, 1, 3 * 8 * 8 * 3, dtype=np.float32).reshape(FRAMES.shape),
        np.linspace(0, 255, 3 * 8 * 8 * 3).reshape(FRAMES.shape),
        np.linspace(-1, 1, 3 * 8 * 8 * 3).reshape(3, 3, 8, 8),
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((3, 8, 8, 4), np.uint8),
        np.zeros((3, 8, 8, 1), bool),
        np.zeros((3, 8, 8, 3), np.int64),
    ],
    ids=lambda frames: f"{frames.dtype} {frames.shape} {frames.min():g}",
)
def test_frames_of_another_kind_come_with_the_conversion_that_makes_them_fit(
    tmp_path: Path, frames: np.ndarray
) -> None:
    with EpisodeWriter(tmp_path, fps=10) as writer:
        with pytest.raises(ValueError, match="must be uint8 RGB") as refusal:
            writer.add(frames, [0, 0])
        advice = re.findall(r"`([^`]+)` (?:puts|makes|leaves)", str(refusal.value))
        assert advice
        for formula in advice:
            frames = eval(formula, {"np": np, "frames": frames})
        writer.add(frames, [0, 0])
    assert frames.max() == 255 or frames.max() == 0


def test_structured_actions_are_flattened(tmp_path: Path) -> None:
    space = spaces.Dict({"move": spaces.Box(-1, 1, (2,)), "grip": spaces.Discrete(3)})
    space.seed(0)
    actions = [space.sample() for _ in range(4)]
    with EpisodeWriter(tmp_path, fps=10, action_space=space) as writer:
        writer.add(np.zeros((5, 8, 8, 3), np.uint8), actions)
    dataset = load_dataset(tmp_path)
    assert dataset.action_space == space
    expected = [[action["grip"], *action["move"]] for action in actions]
    np.testing.assert_allclose(dataset.actions(), expected, atol=1e-6)


def test_one_number_per_action_needs_no_second_axis(tmp_path: Path) -> None:
    with EpisodeWriter(tmp_path, fps=10, action_space=spaces.Discrete(4)) as writer:
        writer.add(np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 3, 1]))
    np.testing.assert_array_equal(load_dataset(tmp_path)[0].actions, [[0], [3], [1]])


def test_a_writer_that_was_given_nothing_writes_nothing(tmp_path: Path) -> None:
    with EpisodeWriter(tmp_path / "new", fps=10):
        pass
    assert files(tmp_path) == set()


@pytest.mark.parametrize("argument", [{"fps": 0}, {"fps": 10, "test_fraction": 1.5}])
def test_settings_out_of_range_are_refused(tmp_path: Path, argument: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        EpisodeWriter(tmp_path, **argument)
