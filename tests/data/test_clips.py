from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from vdworld.data import Clips, ClipSampler, resize_area
from vdworld.data.frame_cache import check_memory

LENGTHS = (6, 2, 9, 5)
K, H = 3, 4


def by_hand(clips: Clips, row: int, arrays: dict, step: int) -> None:
    """Compare one clip with the arrays that its episode was written from."""
    frames = arrays["frames"]["top"].transpose(0, 3, 1, 2)
    rows = np.arange(step - K + 1, step + H + 1)
    np.testing.assert_array_equal(clips.frames[row], frames[rows.clip(min=0)])
    action_mask = rows[:-1] >= 0
    np.testing.assert_array_equal(clips.action_mask[row], action_mask)
    expected = np.where(action_mask[:, None], arrays["actions"][rows[:-1].clip(min=0)], 0)
    np.testing.assert_array_equal(clips.actions[row], expected)
    np.testing.assert_array_equal(clips.rewards[row], arrays["rewards"][step : step + H])
    last = np.arange(step, step + H) == len(arrays["actions"]) - 1
    np.testing.assert_array_equal(clips.terminated[row], last & arrays["terminated"])


def test_every_clip_is_what_was_written(make_dataset: Callable, make_arrays: Callable) -> None:
    sampler = ClipSampler(make_dataset(LENGTHS), context_length=K, horizon=H)
    episodes, steps = sampler.windows()
    pairs = list(zip(episodes.tolist(), steps.tolist(), strict=True))
    assert pairs == [(e, t) for e, length in enumerate(LENGTHS) for t in range(length - H + 1)]
    clips = sampler.at(episodes, steps)
    assert torch.equal(clips.episodes, episodes)
    assert torch.equal(clips.steps, steps)
    for row, (episode, step) in enumerate(pairs):
        by_hand(clips, row, make_arrays(episode, LENGTHS[episode]), step)


def test_shapes_and_types(make_dataset: Callable) -> None:
    clips = ClipSampler(make_dataset(LENGTHS), context_length=K, horizon=H).sample(5, torch.Generator())
    assert len(clips) == 5
    assert (clips.frames.shape, clips.frames.dtype) == ((5, K + H, 3, 9, 12), torch.uint8)
    assert (clips.actions.shape, clips.actions.dtype) == ((5, K + H - 1, 2), torch.float32)
    assert (clips.action_mask.shape, clips.action_mask.dtype) == ((5, K + H - 1), torch.bool)
    assert (clips.rewards.shape, clips.rewards.dtype) == ((5, H), torch.float32)
    assert (clips.terminated.shape, clips.terminated.dtype) == ((5, H), torch.bool)
    assert clips.episodes.dtype == clips.steps.dtype == torch.int64
    assert clips.frames.is_contiguous()


def test_every_window_is_drawn_equally_often(make_dataset: Callable) -> None:
    sampler = ClipSampler(make_dataset(LENGTHS), context_length=1, horizon=H)
    assert len(sampler) == 3 + 6 + 2
    clips = sampler.sample(11_000, torch.Generator().manual_seed(0))
    counts = torch.bincount(clips.episodes * 100 + clips.steps)
    counts = counts[counts > 0]
    assert len(counts) == 11
    assert ((counts - 1000).abs() < 150).all()  # five standard deviations


def test_the_generator_decides_what_is_drawn(make_dataset: Callable) -> None:
    sampler = ClipSampler(make_dataset(LENGTHS), context_length=K, horizon=H)
    drawn = [sampler.sample(8, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(drawn[0].frames, drawn[1].frames)
    assert not torch.equal(drawn[0].steps, drawn[2].steps)


def test_a_split_gives_clips_of_its_episodes_alone(make_dataset: Callable) -> None:
    dataset = make_dataset((5,) * 10)
    for name in ("train", "test"):
        sampler = ClipSampler(dataset.split(name), context_length=2, horizon=2)
        clips = sampler.sample(200, torch.Generator().manual_seed(0))
        assert {dataset[int(e)].split for e in clips.episodes.unique()} == {name}
        first = int(clips.episodes[0])
        step = int(clips.steps[0])
        frames = dataset[first].frames["top"].transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(clips.frames[0, 1:], frames[step : step + 3])


def test_frames_are_resized_by_area(make_dataset: Callable, make_arrays: Callable) -> None:
    sampler = ClipSampler(make_dataset((70,)), context_length=1, horizon=1, image_size=(3, 5))
    expected = resize_area(make_arrays(0, 70)["frames"]["top"].transpose(0, 3, 1, 2), (3, 5))
    np.testing.assert_array_equal(sampler.frames, expected)


def test_steps_without_room_for_the_targets_are_refused(make_dataset: Callable) -> None:
    sampler = ClipSampler(make_dataset(LENGTHS), context_length=K, horizon=H)
    with pytest.raises(ValueError, match=r"`steps` must lie in 0 to \[2\].*got \[3\]"):
        sampler.at([0], [3])
    with pytest.raises(ValueError, match=r"`episodes` must be among \[0, 2, 3\], got \[1\]"):
        sampler.at([1], [0])


def test_arguments_that_can_not_be_met_are_refused(make_dataset: Callable) -> None:
    dataset = make_dataset(LENGTHS)
    with pytest.raises(ValueError, match=r"`horizon` must be at most the longest episode's .*got 10"):
        ClipSampler(dataset, context_length=1, horizon=10)
    with pytest.raises(ValueError, match="`context_length` must be at least 1, got 0"):
        ClipSampler(dataset, context_length=0, horizon=1)
    with pytest.raises(ValueError, match=r"`cameras` must be among \['top'\], got \['wrist'\]"):
        ClipSampler(dataset, context_length=1, horizon=1, cameras=["wrist"])


def test_too_little_memory_is_said_before_decoding() -> None:
    shape = (1000, 3, 100, 200)
    check_memory(shape, available=2 * 60_000_000)
    message = r"`image_size` must be at most about \(\d+, \d+\).*got \(100, 200\)"
    with pytest.raises(MemoryError, match=message) as raised:
        check_memory(shape, available=15_000_000)
    height, width = (int(n) for n in str(raised.value).split("(")[1].split(")")[0].split(","))
    check_memory((1000, 3, height, width), available=15_000_000)
    assert 2 * height - width in (-1, 0, 1)


def test_a_recording_without_rewards_gives_zeros(make_dataset: Callable, make_arrays: Callable, tmp_path) -> None:
    from vdworld.data import EpisodeWriter, load_dataset

    with EpisodeWriter(tmp_path / "plain", fps=5) as writer:
        writer.add(make_arrays(0)["frames"], make_arrays(0)["actions"])
    sampler = ClipSampler(load_dataset(tmp_path / "plain"), context_length=1, horizon=2)
    assert (sampler.sample(4, torch.Generator()).rewards == 0).all()
