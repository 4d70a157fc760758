"""Claims about which copy of a world an environment gets."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
import torch

from tests.envs.fake_world import FakeWorld
from vdworld.envs.dream.shared_world import shared_world
from vdworld.world import WorldModel


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Let every path hold a fake world, and note what is read."""
    reads: list[tuple[str, str]] = []

    def from_pretrained(path_or_name: str | Path, device: torch.device | str = "cpu") -> WorldModel:
        reads.append((str(path_or_name), str(device)))
        return FakeWorld()

    monkeypatch.setattr(WorldModel, "from_pretrained", from_pretrained)
    return reads


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_paths_to_one_folder_share_one_copy(folder: Path, loaded: list[tuple[str, str]]) -> None:
    first = shared_world(folder)
    assert shared_world(str(folder)) is first
    assert shared_world(folder / ".." / folder.name, device="cpu") is first
    assert loaded == [(str(folder), "cpu")]


def test_another_device_gets_another_copy(folder: Path, loaded: list[tuple[str, str]]) -> None:
    assert shared_world(folder, "meta") is not shared_world(folder, "cpu")


def test_a_changed_folder_is_loaded_again(folder: Path, loaded: list[tuple[str, str]]) -> None:
    first = shared_world(folder)
    (folder / "events.log").write_text("training continues")
    assert shared_world(folder) is first
    os.utime(folder / "config.json", ns=(1, 1))
    assert shared_world(folder) is not first


def test_a_copy_is_forgotten_with_its_last_user(folder: Path, loaded: list[tuple[str, str]]) -> None:
    world = shared_world(folder)
    del world
    gc.collect()
    shared_world(folder)
    assert len(loaded) == 2


def test_names_that_are_no_folder_are_left_to_the_loader(loaded: list[tuple[str, str]]) -> None:
    first = shared_world("somebody/pusht")
    assert shared_world("somebody/pusht") is first
    assert loaded == [("somebody/pusht", "cpu")]


def test_a_world_in_memory_stays_what_and_where_it_is() -> None:
    world = FakeWorld()
    assert shared_world(world) is world
    assert shared_world(world, "cpu") is world
    with pytest.raises(ValueError, match="`device` must be that of the world in memory, cpu, got meta"):
        shared_world(world, "meta")


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError):
        shared_world(3)  # pyright: ignore[reportArgumentType]


def test_a_world_with_weights_that_are_not_finite_is_refused() -> None:
    world = FakeWorld()
    with torch.no_grad():
        next(world.parameters()).view(-1)[0] = float("nan")
    with pytest.raises(FloatingPointError, match="`world` must be finite, got NaN or infinity in `"):
        shared_world(world)
