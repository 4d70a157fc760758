from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from vdworld.data import Clips, ClipSampler, Dataset, resize_area
from vdworld.data.frame_cache import check_memory

LENGTHS = (6, 2, 9, 5)
K, H = 3, 4


def by_hand(clips: Clips, row: int, arrays: dict, step: int) -> None:
    """Compare one clip with the arrays that its episode was written from."""
    frames, length = arrays["frames"]["top"].transpose(0, 3, 1, 2), len(arrays["actions"])
    rows = np.arange(step - K + 1, step + H + 1)
    np.testing.assert_array_equal(clips.frames[row], frames[rows.clip(0, length)])
    action_mask = (rows[:-1] >= 0) & (rows[:-1] < length)
    np.testing.assert_array_equal(clips.action_mask[row], action_mask)
    leading, target_mask = rows[:-1].clip(0, length - 1), action_mask[-H:]
    np.testing.assert_array_equal(clips.target_mask[row], target_mask)
    np.testing.assert_array_equal(clips.actions[row], np.where(action_mask[:, None], arrays["actions"][leading], 0))
    np.testing.assert_array_equal(clips.rewards[row], np.where(target_mask, arrays["rewards"][leading[-H:]], 0))
    last = np.arange(step, step + H) == length - 1
    np.testing.assert_array_equal(clips.terminated[row], last & arrays["terminated"])
    state = arrays["state"]["state"][rows[-H:].clip(0, length)].astype(np.float32)
    np.testing.assert_array_equal(clips.readings[row], np.where(target_mask[:, None], state, np.nan))


def test_every_transition_leads_to_the_first_target_of_a_clip(make_dataset: Callable, make_arrays: Callable) -> None:
    sampler = ClipSampler(make_dataset(LENGTHS), context_length=K, horizon=H, readings=["observation.state"])
    episodes, steps = sampler.windows(padded=True)
    pairs = list(zip(episodes.tolist(), steps.tolist(), strict=True))
    assert pairs == [(e, t) for e, length in enumerate(LENGTHS) for t in range(length)]
    clips = sampler.at(episodes, steps, padded=True)
    assert torch.equal(clips.episodes, episodes)
    assert torch.equal(clips.steps, steps)
    for row, (episode, step) in enumerate(pairs):
        by_hand(clips, row, make_arrays(episode, LENGTHS[episode]), step)


@pytest.mark.parametrize("place", [1 - K, -1, 0, 2, H - 1])
def test_every_transition_is_drawn_equally_often_wherever_it_is_in_a_clip(
    make_dataset: Callable, make_arrays: Callable, place: int
) -> None:
    sampler = ClipSampler(make_dataset(LENGTHS), context_length=K, horizon=H, readings=["observation.state"])
    clips = sampler.sample(11_000, torch.Generator().manual_seed(0), place)
    assert clips.action_mask[:, K - 1 + place].all()
    drawn = torch.bincount(clips.episodes * 100 + clips.steps + place)
    assert [int(i) for i in drawn.nonzero()] == [100 * e + t for e, length in enumerate(LENGTHS) for t in range(length)]
    assert ((drawn[drawn > 0] - 500).abs() < 110).all()  # five standard deviations
    for row in range(40):
        episode = int(clips.episodes[row])
        by_hand(clips, row, make_arrays(episode, LENGTHS[episode]), int(clips.steps[row]))


def test_each_clip_may_have_a_place_of_its_own(make_dataset: Callable) -> None:
    sampler = ClipSampler(make_dataset((1, 1)), context_length=K, horizon=H)
    places = torch.tensor([0, 3, -2, 1])
    clips = sampler.sample(4, torch.Generator(), places)
    assert torch.equal(clips.steps, -places)  # of the only transition
    assert torch.equal(clips.action_mask.float().argmax(dim=1), K - 1 + places)
    assert (clips.action_mask.sum(dim=1) == 1).all()


def test_clips_are_spread_evenly_over_episodes_and_differ(make_dataset: Callable) -> None:
    sampler = ClipSampler(make_dataset((3, 1, 9, 5)), context_length=1, horizon=H)
    drawn = [sampler.spread(7, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert torch.bincount(drawn[0].episodes).tolist() == [2, 1, 2, 2]
    assert torch.equal(drawn[0].steps, drawn[1].steps)
    assert not torch.equal(drawn[0].steps, drawn[2].steps)
    everything = sampler.spread(100, torch.Generator())
    assert len(everything) == len(sampler) == 18
    assert len(torch.unique(100 * everything.episodes + everything.steps)) == 18
    whole = sampler.spread(100, torch.Generator(), whole=True)
    assert whole.target_mask.all()
    assert torch.bincount(whole.episodes).tolist() == [0, 0, 6, 2]


def test_readings_are_those_of_the_target_frames(make_dataset: Callable, make_arrays: Callable) -> None:
    names = ("info.count", "observation.state")
    sampler = ClipSampler(make_dataset(LENGTHS), context_length=K, horizon=2, readings=names)
    clips = sampler.at([0, 2], [1, 7])
    for row, (episode, step) in enumerate(((0, 1), (2, 7))):
        state = make_arrays(episode, LENGTHS[episode])["state"]
        expected = np.concatenate([state["info.count"][:, None], state["state"]], axis=1)[step + 1 : step + 3]
        np.testing.assert_allclose(clips.readings[row], expected, rtol=1e-6)


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
        np.testing.assert_array_equal(clips.frames[0, 1:], frames[np.arange(step, step + 3).clip(max=5)])


def test_frames_are_resized_by_area(make_dataset: Callable, make_arrays: Callable) -> None:
    sampler = ClipSampler(make_dataset((70,)), context_length=1, horizon=1, image_size=(3, 5))
    expected = resize_area(make_arrays(0, 70)["frames"]["top"].transpose(0, 3, 1, 2), (3, 5))
    np.testing.assert_array_equal(sampler.frames, expected)


def test_whole_clips_have_room_for_all_targets(make_dataset: Callable) -> None:
    sampler = ClipSampler(make_dataset(LENGTHS), context_length=K, horizon=H)
    windows = sampler.windows()
    pairs = [(e, t) for e, length in enumerate(LENGTHS) for t in range(length - H + 1)]
    assert list(zip(*(part.tolist() for part in windows), strict=True)) == pairs
    assert sampler.at(*windows).target_mask.all()
    with pytest.raises(ValueError, match=r"`steps` must be between 0 and \[2, 5\].*got \[3, 0\]"):
        sampler.at([0, 2], [3, 0])
    with pytest.raises(ValueError, match=r"`steps` must be between 0 and \[5\].*got \[6\]"):
        sampler.at([0], [6], padded=True)
    with pytest.raises(ValueError, match=r"`episodes` must be among \[0, 1, 2, 3\], got \[4\]"):
        sampler.at([4], [0])


def test_arguments_that_can_not_be_met_are_refused(make_dataset: Callable) -> None:
    dataset = make_dataset(LENGTHS)
    with pytest.raises(ValueError, match="`dataset` must hold a transition, got"):
        ClipSampler(Dataset(dataset.layout, []), context_length=1, horizon=1)
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
