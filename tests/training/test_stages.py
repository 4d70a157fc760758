"""Clips, shortcuts and self forcing: inputs, targets and gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from vdworld.data import ClipSampler, Dataset
from vdworld.networks import ClipPrediction, Context, Prediction
from vdworld.training import ContextCorruption, LossWeights, SelfForcing, Shortcut, TrainerSettings, encode, new_world
from vdworld.training.batch import Batch
from vdworld.training.likely_motion import REACH, LikelyMotion
from vdworld.training.loss import clip_loss, shortcut_loss, world_loss
from vdworld.training.self_forcing import self_forced_batch
from vdworld.world import Sampling, WorldModel

K = 2
STACKED = {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, "feature_dim": 16, "context_length": K}
VIDEO = {
    "_target_": "vdworld.networks.VideoUNet",
    "widths": [16, 16],
    "head_dim": 16,
    "feature_dim": 16,
    "context_length": K,
}


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def batch(squares: Dataset) -> Callable[..., tuple[WorldModel, Batch]]:
    def make(network: dict[str, Any] = STACKED, count: int = 6, horizon: int = 3) -> tuple[WorldModel, Batch]:
        world = new_world(squares, network=network)
        world.sampling = Sampling()  # one step
        clips = ClipSampler(squares, context_length=K, horizon=horizon).sample(count, rng())
        return world, encode(world, clips)

    return make


def answering(world: WorldModel, method: str, answer: Callable[..., torch.Tensor]) -> list[tuple[Any, ...]]:
    """Let a world's network give what `answer` makes of its arguments; return the list of its arguments."""
    received: list[tuple[Any, ...]] = []

    def reply(noisy: torch.Tensor, *rest: Any) -> ClipPrediction | Prediction:
        received.append((noisy, *rest))
        frames = answer(noisy, *rest)
        kind = ClipPrediction if method == "clip" else Prediction
        return kind(frames, torch.zeros(*frames.shape[:-3], world.network.feature_dim))

    setattr(world.network, method, reply)
    return received


def test_every_frame_of_a_clip_has_a_level_of_its_own_and_half_are_nearly_clean(batch: Callable) -> None:
    world, clips = batch(VIDEO, count=300)
    received = answering(world, "clip", lambda noisy, *_: noisy)
    clip_loss(world, clips, LossWeights(), ContextCorruption(context_noise=0.1), rng())
    noisy, level, _, action_mask, step_size = received[0]
    assert noisy.shape[:2] == level.shape == (300, K + 3)
    nearly = level >= 1 / 1.1
    assert abs(nearly[:, :-1].float().mean() - 0.53) < 0.06  # half, and what is drawn nearly clean by chance
    assert nearly[:, -1].float().mean() < 0.15  # the last one is always to be learnt
    assert not action_mask[:, 0].any()  # no action leads into the first frame
    assert not step_size.any()


def test_a_clip_s_actions_lead_into_the_frames_of_their_places(batch: Callable) -> None:
    world, clips = batch(VIDEO)
    received = answering(world, "clip", lambda noisy, *_: noisy)
    clip_loss(world, clips, LossWeights(), ContextCorruption(), rng())
    actions = received[0][2]
    assert torch.equal(actions[:, 1:], clips.actions)
    assert not actions[:, 0].any()


def test_only_noisy_frames_count_and_a_perfect_clip_costs_nothing(batch: Callable) -> None:
    world, clips = batch(VIDEO)

    def wrong_where_given(noisy: torch.Tensor, level: torch.Tensor, *rest: Any) -> torch.Tensor:
        return torch.where((level > 0.9)[..., None, None, None], torch.full_like(clips.frames, 0.7), clips.frames)

    world.process.pure_noise = 1.0  # what is to be learnt is nothing but noise, so that levels tell the two apart
    answering(world, "clip", wrong_where_given)
    assert clip_loss(world, clips, LossWeights(), ContextCorruption(), rng())["frame"].item() == pytest.approx(
        0, abs=1e-10
    )
    answering(world, "clip", lambda noisy, *_: torch.full_like(clips.frames, 0.7))
    assert clip_loss(world, clips, LossWeights(), ContextCorruption(), rng())["frame"] > 0.1


def test_a_hidden_past_is_hidden_whole_and_the_last_frame_alone_is_learnt(batch: Callable) -> None:
    world, clips = batch(VIDEO, count=60)
    received = answering(world, "clip", lambda noisy, *_: noisy)
    clip_loss(world, clips, LossWeights(), ContextCorruption(context_noise=0.0, history_dropout=0.99), rng())
    level = received[0][1]
    wholly = (level[:, :-1] == 0).all(dim=1)
    assert 0.3 < wholly.float().mean() < 0.7
    assert (level[:, -1][wholly] > 0).any()


def test_long_steps_target_where_the_average_lands_in_two(batch: Callable) -> None:
    """The teacher always says grey .2, so that every jump heads there, whatever was recorded."""
    world, clips = batch(count=40, horizon=1)
    teacher, _ = batch()
    teacher_inputs = answering(teacher, "forward", lambda noisy, *_: torch.full_like(noisy, 0.2))
    received = answering(world, "forward", lambda noisy, *_: torch.full_like(noisy, 0.2))
    loss = shortcut_loss(world, teacher, clips, LossWeights(), ContextCorruption(), rng(), finest=8)
    assert loss.item() == pytest.approx(0, abs=1e-8)
    _, begin, _, step = received[0]
    assert set(step.tolist()) == {1.0, 0.5, 0.25}
    torch.testing.assert_close([level for _, level, *_ in teacher_inputs], [begin, begin + step / 2])
    for _, _, _, half in teacher_inputs:
        assert torch.equal(half, torch.where(step > 0.25, step / 2, 0.0))  # an eighth is no shortcut


@pytest.mark.parametrize("num_clips", [1, 5])
def test_the_loss_of_long_steps_is_the_mean_over_clips(batch: Callable, num_clips: int) -> None:
    world, clips = batch(count=num_clips, horizon=1)
    teacher, _ = batch()
    answering(teacher, "forward", lambda noisy, *_: torch.full_like(noisy, 0.2))
    faults, moved = torch.linspace(0.1, 0.4, num_clips), torch.linspace(0.9, 0.2, num_clips)
    levels: list[torch.Tensor] = []

    def reply(noisy: torch.Tensor, level: torch.Tensor, *_: Any) -> Prediction:
        levels.append(level)
        frames = 0.2 + faults[:, None, None, None].expand_as(noisy)
        return Prediction(frames, torch.zeros(num_clips, world.network.feature_dim), moved)

    world.network.forward = reply
    weights, exact_past = LossWeights(moving=0.5, copy_penalty=0.25), ContextCorruption(context_noise=0.0)
    loss, sampled = (
        shortcut_loss(world, teacher, clips, weights, exact_past, rng(), finest=8, sampled=past)
        for past in (False, True)
    )
    errors = world.process.loss_weight(levels[0]) * 1.5 * faults.square()
    assert loss.item() == pytest.approx((errors + 0.25 * moved).mean().item(), rel=1e-4)
    assert sampled.item() == pytest.approx(errors.mean().item(), rel=1e-4)  # a sampled past is better repaired


def test_the_teacher_of_shortcuts_gets_no_gradient(batch: Callable) -> None:
    world, clips = batch(count=8, horizon=1)
    teacher, _ = batch()
    shortcut_loss(world, teacher, clips, LossWeights(), ContextCorruption(), rng(), finest=4).backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert any(p.grad is not None and p.grad.any() for p in world.network.parameters())


@pytest.mark.parametrize("num_frames", [0, 1, 3])
def test_a_forced_past_ends_with_sampled_frames_and_the_target_is_the_real_next_one(
    batch: Callable, num_frames: int
) -> None:
    world, clips = batch(horizon=4)
    values = iter([0.1, 0.2, 0.3])
    contexts = answering(world, "forward", lambda noisy, *_: torch.full_like(noisy, next(values)))
    forced = self_forced_batch(world, clips, num_frames, rng())
    assert forced.frames.shape[1] == K + 1
    assert torch.equal(forced.frames[:, -1], clips.frames[:, K + num_frames])
    assert torch.equal(forced.actions, clips.actions[:, num_frames : num_frames + K])
    assert torch.equal(forced.rewards[:, 0], clips.rewards[:, num_frames])
    past = [*clips.frames[:, :K].unbind(dim=1), *(torch.full_like(clips.frames[:, 0], v) for v in (0.1, 0.2, 0.3))]
    torch.testing.assert_close(forced.frames[:, :K], torch.stack(past[num_frames : num_frames + K], dim=1))
    for h, (_, _, context, _) in enumerate(contexts):
        assert isinstance(context, Context)
        assert torch.equal(context.actions, clips.actions[:, h : h + K])
        torch.testing.assert_close(context.frames, torch.stack(past[h : h + K], dim=1))


@pytest.mark.usefixtures("few_validation_clips")
def test_a_world_knows_what_it_was_trained_for(squares: Dataset, train_small: Callable) -> None:
    world = train_small(
        squares,
        shortcut=Shortcut(share=0.25, after=0.0, finest=4),
        corruption=ContextCorruption(action_dropout=0.2),
        sampling={"num_steps": 2},
    )
    assert (world.shortcut_steps, world.trained_without, world.num_sampling_steps) == (4, ("actions",), 2)


def test_shortcuts_need_straight_paths(squares: Dataset, train_small: Callable) -> None:
    process = {"_target_": "vdworld.diffusion.EDM", "prediction": "x"}
    with pytest.raises(ValueError, match=r"`shortcut\.share` must be 0.*got 0\.25 with EDM\. Choose process=flow"):
        train_small(squares, process=process, shortcut=Shortcut(share=0.25))


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`shortcut\.finest` must be a power of two and at least 2, got 12"):
        Shortcut(finest=12)
    with pytest.raises(ValueError, match=r"`shortcut\.share` must lie in \[0, 1\), got 1"):
        Shortcut(share=1.0)
    with pytest.raises(ValueError, match=r"`self_forcing\.horizon` must be at least 1, got 0"):
        SelfForcing(horizon=0)
    with pytest.raises(ValueError, match=r"`self_forcing\.after` must lie in \[0, 1\], got 2"):
        SelfForcing(after=2.0)


STAGES = {"shortcut": Shortcut(0.5, after=0.3, finest=4), "self_forcing": SelfForcing(after=0.6, horizon=2)}


@pytest.mark.usefixtures("few_validation_clips")
@pytest.mark.parametrize("network", [STACKED, VIDEO], ids=["stacked", "video"])
def test_interrupted_stages_resume_with_the_same_losses(
    squares: Dataset,
    train_small: Callable,
    tmp_path: Path,
    network: dict[str, Any],
    losses: dict[int, float],
    break_at: Callable,
) -> None:
    """Breaks within the shortcut stage, so that self forcing begins after the resume."""
    settings = {"network": network, "max_steps": 8, "checkpoint_every": 2, **STAGES}
    train_small(squares, output=tmp_path / "whole", **settings)
    whole = dict(losses)
    losses.clear()
    break_at(6, RuntimeError("power cut"))
    with pytest.raises(RuntimeError, match="power cut"):
        train_small(squares, output=tmp_path / "broken", **settings)
    train_small(squares, output=tmp_path / "broken", resume=True, **settings)
    assert losses == whole


def test_the_share_of_the_time_grows_from_0_to_1_and_counts_costly_steps_more() -> None:
    settings = TrainerSettings(max_steps=10, horizon=3, unroll_after=0.5)
    assert [settings.time_share(progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([0, 0.25, 1])
    settings = TrainerSettings(max_steps=10, horizon=1, shortcut=Shortcut(0.75, after=0.5))
    assert settings.time_share(0.5) == pytest.approx(0.5 / 1.25)


@pytest.mark.parametrize("static_l1", [0.0, 0.5])
@pytest.mark.parametrize("network", [STACKED, VIDEO], ids=["next frames", "whole clips"])
def test_losses_ask_for_an_object_as_often_as_it_appears(batch: Callable, network: Any, static_l1: float) -> None:
    """It appears in one of ten equal clips, away from what moves: a tenth of it costs least."""
    world, clips = batch(network, count=10, horizon=1)
    world.process.pure_noise = 1.0
    frames = clips.frames[:1].expand(10, -1, -1, -1, -1).clone()
    frames[:, 1, :, :4, :4] = 0.9  # something else moved
    frames[:, K] = frames[:, K - 1]
    seen = frames[0, K].clone()
    frames[0, K, :, 8:12, 8:12] = 0.9
    share = torch.tensor(0.1, requires_grad=True)
    estimate = torch.lerp(seen, frames[0, K], share)

    def answer(noisy: torch.Tensor, *_: Any) -> torch.Tensor:
        blends = estimate.expand(10, -1, -1, -1)
        return blends if noisy.ndim == 4 else torch.cat([frames[:, :K], blends[:, None]], dim=1)

    answering(world, "forward" if network is STACKED else "clip", answer)
    weights = LossWeights(static_l1=static_l1, copy_penalty=0.0)
    equal = replace(clips, frames=frames, action_mask=torch.ones_like(clips.action_mask))  # no padding
    motion = LikelyMotion(torch.rand(16, 16, generator=rng()) + 0.01, torch.linspace(1, 0.01, REACH + 2))
    losses = world_loss(world, equal, weights, ContextCorruption(), rng(), motion=motion)
    (slope,) = torch.autograd.grad(losses["frame"], share)
    assert abs(slope) < 1e-6 < losses["frame"]
