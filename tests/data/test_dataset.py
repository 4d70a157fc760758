from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from vdworld.data import Dataset, EpisodeWriter, layout, load_dataset
from vdworld.spec import EnvironmentSpec


def test_every_episode_comes_back_as_it_went_in(make_dataset: Callable, make_arrays: Callable) -> None:
    dataset = make_dataset((6, 4, 9))
    assert (len(dataset), dataset.num_episodes, dataset.num_steps) == (3, 3, 19)
    for seed, episode in enumerate(dataset):
        given = make_arrays(seed, (6, 4, 9)[seed])
        np.testing.assert_array_equal(episode.frames["top"], given["frames"]["top"])
        np.testing.assert_array_equal(episode.actions, given["actions"])
        np.testing.assert_array_equal(episode.rewards, given["rewards"])
        np.testing.assert_array_equal(episode.state["observation.state"], given["state"]["state"])
        np.testing.assert_array_equal(episode.state["info.count"][:, 0], given["state"]["info.count"])
        assert (episode.terminated[-1], episode.truncated[-1]) == (given["terminated"], given["truncated"])
        assert not episode.terminated[:-1].any()
        assert (episode.seed, episode.index, len(episode)) == (given["seed"], seed, len(given["actions"]))


def test_a_dataset_says_what_it_holds(make_dataset: Callable) -> None:
    spec = EnvironmentSpec("Some-v0", kwargs={"size": 3}, image_size=(9, 12))
    dataset = make_dataset(action_space=spaces.Box(-5, 5, (2,)), spec=spec)
    assert dataset.cameras == ("top",)
    assert dataset.image_size == (9, 12)
    assert dataset.fps == 10
    assert dataset.has_rewards
    assert dataset.action_space == spaces.Box(-5, 5, (2,))
    assert dataset.spec == spec
    assert "3 episodes, 19 steps, top 9x12" in repr(dataset)


def test_splits_share_nothing_and_leave_nothing_out(make_dataset: Callable) -> None:
    dataset = make_dataset((3,) * 12)
    train, test = dataset.split("train"), dataset.split("test")
    numbers = [[episode.index for episode in split] for split in (train, test)]
    assert sorted(numbers[0] + numbers[1]) == list(range(12))
    assert len(numbers[1]) in (2, 3)
    assert {episode.split for episode in test} == {"test"}
    with pytest.raises(ValueError, match="`name` must be 'train' or 'test', got 'val'"):
        dataset.split("val")


def test_actions_are_read_without_frames(make_dataset: Callable, make_arrays: Callable) -> None:
    dataset = make_dataset((6, 4))
    expected = np.concatenate([make_arrays(0, 6)["actions"], make_arrays(1, 4)["actions"]])
    np.testing.assert_array_equal(dataset.actions(), expected)


def test_without_an_action_space_a_box_around_the_actions_is_taken(make_dataset: Callable) -> None:
    dataset = make_dataset((6, 4))
    actions = dataset.actions()
    np.testing.assert_array_equal(dataset.action_space.low, actions.min(axis=0))
    assert dataset.split("test").action_space == dataset.action_space


def damage(dataset: Dataset, pattern: str, size: float = 0.5) -> Path:
    path = sorted(dataset.path.glob(pattern))[0]
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * size)])
    return path


@pytest.mark.parametrize("pattern", ["data/*/*.parquet", "videos/*/*/*.mp4", "meta/episodes/*/*.parquet"])
@pytest.mark.parametrize("checked", [True, False])
def test_a_half_written_file_is_named(make_dataset: Callable, pattern: str, checked: bool, edit_json: Callable) -> None:
    folder = make_dataset().path
    path = damage(load_dataset(folder), pattern)
    if not checked:  # as in folders by other software
        edit_json(folder / "meta/info.json", lambda info: None)
    rule = "is damaged" if checked and path.suffix == ".parquet" else "must be readable.*damaged or incomplete"
    with pytest.raises(ValueError, match=f"{path} {rule}"):
        load_dataset(folder)


@pytest.mark.parametrize("pattern", ["data/*/*.parquet", "videos/*/*/*.mp4", "meta/episodes/*/*.parquet"])
def test_a_single_changed_bit_is_noticed(make_dataset: Callable, pattern: str) -> None:
    folder = make_dataset().path
    path = next(iter(folder.glob(pattern)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # within the pixels or numbers
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path} is damaged: its content is not that which was recorded"):
        list(load_dataset(folder))


def test_a_changed_value_of_the_metadata_is_noticed(make_dataset: Callable) -> None:
    path = make_dataset().path / "meta/info.json"
    path.write_text(path.read_text().replace('"fps": 10', '"fps": 11'))
    with pytest.raises(ValueError, match=r"info.json is damaged: its values are not those that were written"):
        load_dataset(path.parents[1])


def test_a_file_is_verified_once(make_dataset: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, verified, checksum = make_dataset(), [], layout.file_checksum
    monkeypatch.setattr(layout, "file_checksum", lambda path: verified.append(path.suffix) or checksum(path))
    for _ in range(2):
        list(dataset)
        list(dataset.split("train"))
    assert verified == [".mp4"]


@pytest.mark.parametrize("pattern", ["data/*/*.parquet", "videos/*/*/*.mp4"])
def test_a_missing_file_is_named(make_dataset: Callable, pattern: str) -> None:
    dataset = make_dataset()
    path = next(iter(dataset.path.glob(pattern)))
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f"{path} must exist"):
        load_dataset(dataset.path)


def test_missing_episode_entries_are_noticed(make_dataset: Callable) -> None:
    dataset = make_dataset()
    next(iter(dataset.path.glob("meta/episodes/*/*"))).unlink()
    with pytest.raises(FileNotFoundError, match="must hold parquet files"):
        load_dataset(dataset.path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"`source` must be a dataset folder, got .*nowhere"):
        load_dataset(tmp_path / "nowhere")


def test_a_folder_in_another_layout_is_described(tmp_path: Path) -> None:
    (tmp_path / "main_data.hdf5").touch()
    with pytest.raises(FileNotFoundError, match=r"must hold meta/info\.json .*v3\.0.* got main_data\.hdf5"):
        load_dataset(tmp_path)


def test_an_empty_folder_is_described(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="got an empty folder"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codebase_version": "v2.1"}, r"must have codebase_version v3\.0, got 'v2\.1'"),
        ({"features": None}, "is damaged: it lacks 'features'"),
        ({"total_episodes": 9}, "must list the 9 episodes"),
    ],
)
def test_metadata_that_do_not_fit_are_refused(
    make_dataset: Callable, change: dict[str, Any], message: str, edit_json: Callable
) -> None:
    path = make_dataset().path / "meta/info.json"
    edit_json(
        path, lambda info: [info.pop(key) if value is None else info.update(change) for key, value in change.items()]
    )
    with pytest.raises(ValueError, match=message):
        load_dataset(path.parents[1])


def test_json_that_breaks_off_is_refused(make_dataset: Callable) -> None:
    path = damage(make_dataset(), "meta/info.json")
    with pytest.raises(ValueError, match="info.json is damaged: "):
        load_dataset(path.parents[1])


def test_recordings_without_rewards_say_so(tmp_path: Path, make_arrays: Callable) -> None:
    with EpisodeWriter(tmp_path, fps=5) as writer:
        writer.add(make_arrays(0)["frames"], make_arrays(0)["actions"])
    dataset = load_dataset(tmp_path)
    assert not dataset.has_rewards
    assert dataset[0].rewards is None
    assert dataset[0].truncated[-1]


def test_episodes_that_are_not_there_are_refused_with_their_number(make_dataset: Callable) -> None:
    dataset = make_dataset((3, 4))
    assert dataset[-1].index == dataset[np.int64(1)].index == 1
    for read in (dataset.__getitem__, dataset.transitions):
        for position in (2, -3, 10**6):
            with pytest.raises(IndexError, match=f"must be that of one of 2 episodes, got {position}"):
                read(position)
