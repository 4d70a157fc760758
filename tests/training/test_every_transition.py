"""Claims about which transitions count in training: all of them equally, in every stage, and padding never."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vdworld.data import ClipSampler, Dataset
from vdworld.networks import ClipPrediction, Context, Prediction
from vdworld.training import ContextCorruption, LossWeights, encode, new_world, world_loss
from vdworld.training.batch import Batch
from vdworld.training.loss import shortcut_loss
from vdworld.training.self_forcing import self_forced_batch
from vdworld.training.stages import StepPlan
from vdworld.world import WorldModel

K, H, LENGTHS = 3, 5, (1, 2, 9, 4, 1, 3, 12, 6)
SIZES = {"head_dim": 16, "feature_dim": 16, "context_length": K}
NETWORKS: dict[str, dict[str, Any]] = {
    "stacked": {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, "feature_dim": 16, "context_length": K},
    "video": {"_target_": "vdworld.networks.VideoUNet", "widths": [16, 16], **SIZES},
    "transformer": {
        "_target_": "vdworld.networks.Transformer",
        "width": 16,
        "depth": 2,
        "temporal_every": 2,
        **SIZES,
    },
}
PLANS = {
    "next frames": StepPlan(),
    "unrolling": StepPlan(num_targets=H),
    "whole clips": StepPlan(whole_clips=True),
    "self forcing, nothing sampled": StepPlan(num_sampled=0),
    "self forcing, all sampled": StepPlan(num_sampled=H - 1),
}


@pytest.fixture(scope="module")
def uneven(record_squares: Callable[..., Dataset]) -> Dataset:
    """Episodes of 1 to 12 steps that all terminate; the reward is 1 in the first step and 0 afterwards."""
    lengths = iter(LENGTHS)

    def shorten(arrays: dict[str, Any]) -> dict[str, Any]:
        t = next(lengths)
        rewards, frames = np.eye(1, t)[0], arrays["frames"][: t + 1]
        state = {"observation.row": np.arange(t + 1.0)[:, None]}
        return {
            "frames": frames,
            "actions": arrays["actions"][:t],
            "rewards": rewards,
            "terminated": True,
            "state": state,
        }

    return record_squares(num_episodes=len(LENGTHS), change=shorten)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(world: WorldModel, dataset: Dataset, plan: StepPlan, count: int) -> Batch:
    clips = ClipSampler(dataset, context_length=K, horizon=H, readings=tuple(world.readings))
    return encode(world, clips.sample(count, rng(), plan.places(count, K, H, rng(1))))


def losses(world: WorldModel, batch: Batch, plan: StepPlan) -> dict[str, Tensor]:
    if plan.num_sampled is not None:
        batch = self_forced_batch(world, batch, plan.num_sampled, rng())
    options = {"horizon": plan.num_targets, "whole_clips": plan.whole_clips}
    return world_loss(world, batch, LossWeights(), ContextCorruption(), rng(), **options)


class Shares(torch.nn.Module):
    """Answers whose losses are the shares of first and last transitions among those that count."""

    reward_offset, reward_scale, reading_offset, reading_scale = 0.0, 1.0, [0.0], [1.0]

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        zero = torch.zeros(len(features))
        return zero, zero + 100.0, zero[:, None]  # sure to continue, which costs 100 at an end


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_first_and_last_transitions_count_as_often_as_they_happen(uneven: Dataset, plan: StepPlan) -> None:
    world = new_world(uneven, network=NETWORKS["video" if plan.whole_clips else "stacked"])
    world.heads = Shares()  # type: ignore[assignment]

    def copy(noisy: Tensor, *rest: Any) -> Any:
        kind = ClipPrediction if plan.whole_clips else Prediction
        return kind(noisy, torch.zeros(*noisy.shape[:-3], 16))

    setattr(world.network, "clip" if plan.whole_clips else "forward", copy)
    batch = draw(world, uneven, plan, 3000)
    parts = losses(world, batch, plan)
    share = len(LENGTHS) / sum(LENGTHS)
    assert parts["reward"].item() == pytest.approx(share, rel=0.08)
    assert parts["continuation"].item() / 100 == pytest.approx(share, rel=0.08)


def spoilt(batch: Batch) -> Batch:
    """Return clips with other frames and outcomes in the padding; those before an episode's start show its first."""
    outside = ~batch.target_mask
    after = outside & (batch.target_mask.cumsum(dim=1) > 0)
    frames = batch.frames.clone()
    frames[:, K:][after] = 0.3
    return dataclasses.replace(
        batch,
        frames=frames,
        rewards=batch.rewards.masked_fill(outside, 7.0),
        continues=batch.continues.masked_fill(outside, 0.0),
        readings=batch.readings.masked_fill(outside[..., None], 9.0),
    )


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_padding_teaches_nothing(uneven: Dataset, network: str, plan: StepPlan) -> None:
    if plan.whole_clips and network == "stacked":
        pytest.skip("it takes no whole clips")
    world = new_world(uneven, network=NETWORKS[network], readings=["observation.row"]).train()
    for parameter in world.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=rng())  # no gate stays closed
    batch = draw(world, uneven, plan, 12)
    assert not batch.target_mask.all()
    clean, other = (losses(world, part, plan) for part in (batch, spoilt(batch)))
    assert {"frame", "reward", "continuation", "readings"} <= clean.keys()
    for name, value in clean.items():
        assert other[name].item() == pytest.approx(value.item(), rel=1e-5), name


def test_the_first_frames_of_an_episode_are_given_as_at_the_start_of_a_dream(uneven: Dataset) -> None:
    """Neither sampled frames nor estimates take the place of what is before an episode's first transition."""
    world, plan = new_world(uneven, network=NETWORKS["stacked"]), PLANS["self forcing, all sampled"]
    pasts: list[Tensor] = []

    def grey(noisy: Tensor, level: Tensor, context: Context, step_size: Tensor) -> Prediction:
        pasts.append(context.frames)
        return Prediction(torch.full_like(noisy, 0.125), torch.zeros(len(noisy), 16))

    world.network.forward = grey
    batch = draw(world, uneven, plan, 60)
    num_before = batch.target_mask.int().argmax(dim=1)  # targets before the first transition
    forced = self_forced_batch(world, batch, H - 1, rng()).frames[:, :K]
    pasts.clear()
    world_loss(world, batch, LossWeights(), ContextCorruption(context_noise=0.0), rng(), horizon=H)
    assert len(pasts) == H
    for place in range(K):
        dreamt = H - 1 - K + place >= num_before  # the number of the target that is at this place of the past
        assert 0 < dreamt.sum() < 60
        for past in (forced, pasts[-1]):
            assert (past[dreamt, place] == 0.125).all()
            assert torch.equal(past[~dreamt, place], batch.frames[~dreamt, H - 1 + place])


def test_wrong_estimates_of_padding_cost_nothing(uneven: Dataset) -> None:
    world = new_world(uneven, network=NETWORKS["video"])
    batch = draw(world, uneven, PLANS["whole clips"], 12)
    frames = batch.frames.clone()
    frames[:, 1:][~batch.action_mask] = 0.7
    assert (frames != batch.frames).any()
    world.network.clip = lambda *_: ClipPrediction(frames, torch.zeros(12, K + H, 16))
    assert losses(world, batch, PLANS["whole clips"])["frame"] == 0


def test_shortcuts_are_trained_on_the_first_target_which_is_never_padding(uneven: Dataset) -> None:
    plan = StepPlan(jump_share=0.5, num_targets=H)
    world, teacher = (new_world(uneven, network=NETWORKS["stacked"], seed=seed) for seed in (0, 1))
    batch = draw(world, uneven, plan, 24)
    jumps = batch[: plan.num_jumps(24)]
    assert len(jumps) == 12
    assert jumps.target_mask[:, 0].all()
    assert not batch.target_mask[:, 0].all()  # other clips begin before their episodes
    options = {"weights": LossWeights(), "corruption": ContextCorruption(), "finest": 4}
    clean, other = (shortcut_loss(world, teacher, part, rng=rng(), **options) for part in (jumps, spoilt(jumps)))
    assert torch.equal(clean, other)
