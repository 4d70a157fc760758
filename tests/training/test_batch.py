from __future__ import annotations

import math

import pytest
import torch

from vdworld.diffusion import RectifiedFlow
from vdworld.training import ContextCorruption

FLOW = RectifiedFlow()


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_nothing_is_dropped_by_default() -> None:
    action_mask = torch.ones(50, 3, dtype=torch.bool)
    assert ContextCorruption().action_mask(action_mask, generator()).all()
    assert ContextCorruption().ratios((200, 3), generator()).max() <= 0.4


def test_half_of_the_clips_are_shown_without_noise() -> None:
    ratios = ContextCorruption(context_noise=0.1).ratios((2000, 3), generator())
    clean = (ratios == 0).all(dim=1)
    assert torch.equal(clean, (ratios == 0).any(dim=1))
    assert abs(clean.float().mean() - 0.5) < 0.045  # four standard deviations


def test_actions_are_hidden_by_whole_clips() -> None:
    action_mask = ContextCorruption(action_dropout=0.3).action_mask(torch.ones(2000, 3, dtype=torch.bool), generator())
    assert torch.equal(action_mask.all(dim=1), action_mask.any(dim=1))
    assert abs((~action_mask[:, 0]).float().mean() - 0.3) < 0.041  # four standard deviations


def test_null_actions_stay_null() -> None:
    action_mask = torch.tensor([[False, True]] * 100)
    assert not ContextCorruption(action_dropout=0.3).action_mask(action_mask, generator())[:, 0].any()


def test_a_hidden_past_is_wholly_hidden_in_half_of_the_cases() -> None:
    ratios = ContextCorruption(context_noise=0.1, history_dropout=0.4).ratios((4000, 3), generator())
    wholly = ratios.isinf().all(dim=1)
    assert torch.equal(wholly, ratios.isinf().any(dim=1))
    assert abs(wholly.float().mean() - 0.2) < 0.026
    behind_noise = (ratios.amax(dim=1) > 0.1) & ~wholly
    assert abs(behind_noise.float().mean() - 0.2) < 0.026
    strengths = ratios[behind_noise].flatten()
    assert abs((strengths < 1).float().mean() - 0.5) < 0.04  # as often weaker than the signal as stronger


def test_a_wholly_hidden_past_is_noise_at_its_level() -> None:
    corruption = ContextCorruption(history_dropout=0.99)
    past, actions, action_mask = (
        torch.ones(400, 2, 3, 4, 4),
        torch.zeros(400, 2, 1),
        torch.ones(400, 2, dtype=torch.bool),
    )
    context, _ = corruption.context(FLOW, past, actions, action_mask, generator())
    wholly = (context.level == 0).all(dim=1)
    assert wholly.float().mean() > 0.3
    assert abs(context.frames[wholly].mean()) < 0.05


def test_every_context_frame_has_noise_of_its_own_and_is_labelled_with_it() -> None:
    past, actions = torch.zeros(300, 2, 3, 8, 8), torch.zeros(300, 2, 1)
    action_mask = torch.ones(300, 2, dtype=torch.bool)
    context, _ = ContextCorruption(context_noise=0.5).context(FLOW, past, actions, action_mask, generator())
    measured = context.frames.square().mean(dim=(2, 3, 4)).sqrt()
    torch.testing.assert_close(measured, 1 - context.level, rtol=0.25, atol=1e-4)
    assert (context.level[:, 0] - context.level[:, 1]).abs().max() > 0.2


def test_shares_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`action_dropout` must lie in \[0, 1\), got 1"):
        ContextCorruption(action_dropout=1.0)
    with pytest.raises(ValueError, match=r"`history_dropout` must lie in \[0, 1\), got -0.1"):
        ContextCorruption(history_dropout=-0.1)
    with pytest.raises(ValueError, match="`context_noise` must not be negative, got -1"):
        ContextCorruption(context_noise=-1)
    assert math.isinf(float(ContextCorruption(history_dropout=0.9).ratios((100, 1), generator()).max()))


def test_blob_noise_is_the_same_on_all_frames_of_half_of_the_clips() -> None:
    frames = torch.zeros(200, 2, 3, 128, 128)
    frames_out, corrupted = ContextCorruption(blob_noise=0.2).corrupt(frames, generator())
    assert torch.equal(frames_out, frames_out[:, :1].expand_as(frames_out))
    assert torch.equal(corrupted, (frames_out != 0).flatten(1).any(dim=1))
    assert abs(corrupted.float().mean() - 0.5) < 0.15  # four standard deviations
    assert 0.02 < frames_out[corrupted].square().mean().sqrt() < 0.2  # faint, a few places in each
    assert len(frames_out[corrupted].flatten(1).unique(dim=0)) == corrupted.sum()


def test_nothing_is_corrupted_by_default() -> None:
    frames = torch.zeros(5, 2, 3, 8, 8)
    frames_out, corrupted = ContextCorruption().corrupt(frames, generator())
    assert frames_out is frames
    assert not corrupted.any()


def test_blob_noise_stays_within_a_frames_range() -> None:
    frames_out, _ = ContextCorruption(blob_noise=1.0).corrupt(torch.ones(50, 2, 3, 64, 64), generator())
    assert frames_out.max() == 1
    assert frames_out.min() < 0.5


def test_spots_are_small_or_large() -> None:
    rng, frames = generator(), torch.zeros(50, 1, 3, 64, 64)
    steepest = set()
    for _ in range(20):
        frames_out, corrupted = ContextCorruption(blob_noise=0.2).corrupt(frames, rng)
        rows = frames_out[corrupted]
        steepest.add(round(float(rows.diff(dim=-1).abs().amax() / rows.abs().amax()) * 32))
    assert len(steepest) >= 3  # the closer, the steeper
    assert min(steepest) >= 2  # 16 pixels apart at most


def test_the_context_is_corrupted_without_a_label() -> None:
    past, actions, action_mask = torch.zeros(200, 2, 3, 128, 128), torch.zeros(200, 2, 1), torch.ones(200, 2).bool()
    context, exact = ContextCorruption(context_noise=0.0, blob_noise=0.2).context(
        FLOW, past, actions, action_mask, generator()
    )
    assert (context.level == 1).all()
    assert torch.equal(exact, (context.frames == 0).flatten(1).all(dim=1))
    assert abs(exact.float().mean() - 0.5) < 0.15


def test_a_past_is_exact_without_blob_noise_mixup_and_noise() -> None:
    past, actions, action_mask = torch.rand(200, 2, 3, 128, 128), torch.zeros(200, 2, 1), torch.ones(200, 2).bool()
    corruption = ContextCorruption(context_noise=0.1, blob_noise=0.2, clip_mixup=0.5)
    context, exact = corruption.context(FLOW, past, actions, action_mask, generator())
    assert torch.equal(exact, (context.frames == past).flatten(1).all(dim=1))
    assert abs(exact.float().mean() - 1 / 8) < 0.1


def test_mixup_blends_patches_of_the_next_clip_into_half_of_the_clips() -> None:
    frames = torch.linspace(-1, 1, 200)[:, None, None, None, None].expand(200, 2, 3, 128, 128)
    frames_out, corrupted = ContextCorruption(clip_mixup=0.5).corrupt(frames, generator())
    share = ((frames_out - frames) / (frames.roll(1, dims=0) - frames)).double()
    assert torch.equal(share, share[:, :1, :1].expand_as(share))
    assert -1e-4 <= share.min() < 1e-4
    assert 0.45 < share.max() < 0.501
    assert torch.equal(corrupted, (share > 1e-3).flatten(1).any(dim=1))
    assert abs(corrupted.float().mean() - 0.5) < 0.15  # four standard deviations
    assert 0.05 < (share[corrupted] > 1e-3).float().mean() < 0.6  # patches, not whole frames


@pytest.mark.parametrize("axis", [-1, -2])
def test_mixup_displaces_its_patches(axis: int) -> None:
    ramp = torch.linspace(-1, 1, 64).expand(20, 1, 3, 64, 64).transpose(-1, axis)  # all clips alike
    frames_out, corrupted = ContextCorruption(clip_mixup=1.0).corrupt(ramp, generator())
    assert (frames_out[corrupted] != ramp[corrupted]).flatten(1).any(dim=1).all()


def test_mixup_keeps_channels_apart() -> None:
    channels = torch.tensor([-0.9, 0.0, 0.9])[:, None, None].expand(20, 1, 3, 64, 64)
    frames_out, corrupted = ContextCorruption(clip_mixup=1.0).corrupt(channels, generator())
    assert corrupted.any()
    torch.testing.assert_close(frames_out, channels)


def test_a_mixup_weight_above_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`clip_mixup` must lie in \[0, 1\], got 1.5"):
        ContextCorruption(clip_mixup=1.5)
