"""Datasets of pictures hold the recorded episodes, and are read without a video decoder."""

from __future__ import annotations

import sys

import gymnasium as gym
import numpy as np
import pytest

from vdworld.benchmarks.gpu.clips import bounce_episodes, write_pictures
from vdworld.benchmarks.gpu.training import dataset_names
from vdworld.data import ClipSampler, load_dataset


def test_stored_clips_are_the_recorded_ones_and_need_no_video_decoder(monkeypatch, tmp_path):
    episodes = bounce_episodes()
    write_pictures(tmp_path / "bounce", episodes, fps=10, action_space=gym.spaces.Discrete(3))
    monkeypatch.setitem(sys.modules, "av", None)
    assert dataset_names(tmp_path) == ["bounce"]
    dataset = load_dataset(tmp_path / "bounce")
    assert (dataset.fps, dataset.action_space, dataset.image_size) == (10, gym.spaces.Discrete(3), (32, 32))
    for read, made in zip(dataset, episodes, strict=True):
        assert read.split == made.split
        for name in ("actions", "rewards", "terminated", "truncated"):
            assert np.array_equal(getattr(read, name), getattr(made, name)), name
        assert np.array_equal(read.frames["image"], made.frames["image"])
    sampler = ClipSampler(dataset.split("train"), context_length=2, horizon=3)
    clip = sampler.at([2], [4])
    assert np.array_equal(clip.frames[0].movedim(1, -1).numpy(), episodes[2].frames["image"][3:8])
    with pytest.raises(FileExistsError, match="must be new or empty"):
        write_pictures(tmp_path / "bounce", episodes, fps=10, action_space=gym.spaces.Discrete(3))
