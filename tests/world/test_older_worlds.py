"""Worlds that earlier versions saved load, and dream what they dreamt then."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from vdworld.world import WorldModel

SAVED = sorted(Path(__file__).parent.glob("saved_by_*/*"))


@pytest.mark.usefixtures("noise_of_then")
@pytest.mark.parametrize("folder", SAVED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_an_older_world_dreams_what_it_dreamt(folder: Path) -> None:
    world, dream = WorldModel.from_pretrained(folder), load_file(folder / "dream.safetensors")
    actions = world.action_codec.decode(torch.linspace(-1, 1, 3 * 6 * world.action_codec.dim).reshape(3, 6, -1))
    rollout = world.rollout(world.sample_start(3, seed=7), actions)
    for name in ("frames", "rewards", "continuations"):
        torch.testing.assert_close(getattr(rollout, name), dream[name], atol=1e-3, rtol=0)
    assert world.training_info["steps"] == 20


def test_there_are_older_worlds_to_load() -> None:
    assert len(SAVED) >= 2
