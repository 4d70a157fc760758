"""Benchmarks measure a saved world or a fresh one, on the device and with the execution they are given."""

from __future__ import annotations

import pytest
import torch

from vdworld.benchmarks.measured_world import fresh_world, measured_world
from vdworld.world import Execution


def test_a_saved_world_is_loaded(tmp_path):
    world = fresh_world("tiny", image_size=16, num_actions=3)
    world.save_pretrained(tmp_path / "world")
    loaded = measured_world(str(tmp_path / "world"), device="cpu", execution={"precision": "bfloat16"})
    assert loaded.action_codec.dim == 3
    assert loaded.execution == Execution(precision="bfloat16")


def test_a_fresh_world_has_the_network_and_the_size_that_were_named():
    world = measured_world(network_name="VideoUNet", image_size=32, device="cpu")
    assert type(world.network).__name__ == "VideoUNet"
    assert world.image_size == (32, 32)
    assert world.execution == Execution()


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(ValueError, match="`device` must be auto, cpu or a device of this machine, got 'abacus'"):
        measured_world(device="abacus")


def test_dreams_of_a_fresh_world_never_end():
    world = fresh_world("tiny", image_size=16)
    rollout = world.rollout(world.sample_start(4), horizon=20, actions_or_policy=lambda state: [[0.0, 0.0]] * 4)
    assert not rollout.terminated.any()


def test_a_fresh_world_leaves_the_global_random_stream_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    fresh_world("tiny", image_size=16)
    assert torch.equal(torch.rand(1), expected)
