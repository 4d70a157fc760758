from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn

from vdworld.data import Clips, ClipSampler, Dataset
from vdworld.networks import Context, Prediction
from vdworld.training import ContextCorruption, LossWeights, encode, new_world, world_loss
from vdworld.world import WorldModel

K = 2
PARTS = {"frame", "reward", "continuation"}


class Spy(nn.Module):
    """Return prepared answers, and record the inputs."""

    frame_channels, context_length, feature_dim, predicts_clean = 3, K, 16, True

    def __init__(self, answers: list[torch.Tensor]) -> None:
        super().__init__()
        self.answers, self.inputs = answers, []

    def forward(
        self, noisy: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
    ) -> Prediction:
        self.inputs.append((noisy, level, context))
        return Prediction(self.answers[len(self.inputs) - 1], torch.zeros(len(noisy), 16))


@pytest.fixture
def grey_steps(record_squares: Callable[..., Dataset]) -> Dataset:
    """Plain frames, the t-th of level 10 t; action t is t."""

    def change(arrays: dict[str, Any]) -> dict[str, Any]:
        levels = np.arange(8, dtype=np.uint8)[:, None, None, None] * 10
        frames = np.broadcast_to(levels, (8, 16, 16, 3))
        return {"frames": frames, "actions": np.arange(7), "rewards": np.arange(7) * 2.0, "terminated": True}

    return record_squares(gym.spaces.Discrete(7), num_episodes=2, change=change)


@pytest.fixture
def world(grey_steps: Dataset) -> WorldModel:
    small = {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, "feature_dim": 16, "context_length": K}
    return new_world(grey_steps, network=small)


def targets(clips: Clips) -> list[torch.Tensor]:
    return [clips.frames[:, K + h] / 127.5 - 1 for h in range(clips.frames.shape[1] - K)]


def loss(
    world: WorldModel,
    clips: Clips,
    context_noise: float = 0.1,
    blob_noise: float = 0.0,
    sampled: bool = False,
    **weights: float,
) -> dict[str, float]:
    corruption, rng = (
        ContextCorruption(context_noise=context_noise, blob_noise=blob_noise),
        torch.Generator().manual_seed(0),
    )
    how = {"horizon": clips.frames.shape[1] - K, "sampled": sampled}
    parts = world_loss(world, encode(world, clips), LossWeights(**weights), corruption, rng, **how)
    return {name: value.item() for name, value in parts.items()}


def test_the_last_action_shown_leads_into_the_target(world: WorldModel, grey_steps: Dataset) -> None:
    clips = ClipSampler(grey_steps, context_length=K, horizon=2).at([0, 0], [3, 0])
    world.network = spy = Spy(targets(clips))  # type: ignore[assignment]
    loss(world, clips, context_noise=0.0)
    for h, (_, _, context) in enumerate(spy.inputs):
        taken = context.actions.argmax(dim=-1)
        assert taken[0].tolist() == [2 + h, 3 + h]
        assert (context.frames[:, :, 0, 0, 0] + 1).mul(12.75)[0].tolist() == pytest.approx([2 + h, 3 + h], abs=1e-4)
        assert context.action_mask[1].tolist() == [h > 0, True]
        assert taken[1, 1] == h
    assert not spy.inputs[0][2].actions[1, 0].any()  # a null action


def test_later_targets_are_predicted_from_the_model_s_own_frames(world: WorldModel, grey_steps: Dataset) -> None:
    clips = ClipSampler(grey_steps, context_length=K, horizon=3).at([0], [3])
    answers = [torch.full((1, 3, 16, 16), value) for value in (0.25, 7.0, 0.5)]
    world.network = spy = Spy(answers)  # type: ignore[assignment]
    loss(world, clips, context_noise=0.0)
    contexts = [context.frames[0, :, 0, 0, 0].tolist() for _, _, context in spy.inputs]
    assert contexts[1][1] == pytest.approx(0.25)
    assert contexts[2] == pytest.approx([0.25, 1])  # kept within a frame's range


def test_no_gradient_flows_through_a_frame_of_the_past(world: WorldModel, grey_steps: Dataset) -> None:
    clips = ClipSampler(grey_steps, context_length=K, horizon=3).at([0], [3])
    answers = [torch.full((1, 3, 16, 16), 0.25, requires_grad=True) for _ in range(3)]
    world.network = spy = Spy(answers)  # type: ignore[assignment]
    loss(world, clips)
    assert [context.frames.requires_grad for _, _, context in spy.inputs] == [False] * 3


@pytest.mark.parametrize("network", ["StackedUNet", "VideoUNet"])
def test_readings_are_learnt_where_they_were_recorded(record_squares: Callable, network: str) -> None:
    """Two numbers at each target; of the second, nothing was recorded."""

    def change(arrays: dict[str, Any]) -> dict[str, Any]:
        place = np.stack([np.arange(13.0), np.full(13, np.nan)], axis=1).astype(np.float32)
        place[0, 1], place[12, 1] = 1.0, 3.0  # a mean and a deviation that are numbers
        return {**arrays, "state": {"place": place}}

    dataset = record_squares(num_episodes=2, change=change)
    described = {"_target_": f"vdworld.networks.{network}", "context_length": K}
    world = new_world(dataset, network=described, readings=["observation.place"])
    clips = ClipSampler(dataset, context_length=K, horizon=2, readings=["observation.place"]).at([0, 1], [3, 6])
    expected = encode(world, clips).readings[..., 0].square().mean().item()  # untrained heads read the mean
    assert loss(world, clips)["readings"] == pytest.approx(expected, rel=0.1)


def test_a_perfect_frame_costs_nothing(world: WorldModel, grey_steps: Dataset) -> None:
    clips = ClipSampler(grey_steps, context_length=K, horizon=2).at([0, 1], [3, 4])
    world.network = Spy(targets(clips))  # type: ignore[assignment]
    assert loss(world, clips)["frame"] == 0


def test_the_parts_add_up_with_their_weights(world: WorldModel, grey_steps: Dataset) -> None:
    clips = ClipSampler(grey_steps, context_length=K, horizon=1).at([0, 1], [3, 6])
    parts = loss(world, clips, reward=0.5, continuation=0.25)
    assert parts.keys() == {"loss"} | PARTS
    expected = parts["frame"] + 0.5 * parts["reward"] + 0.25 * parts["continuation"]
    assert parts["loss"] == pytest.approx(expected, rel=1e-5)
    world.has_reward = False
    without = loss(world, clips, reward=0.5, continuation=0.25)["loss"]
    assert without == pytest.approx(parts["frame"] + 0.25 * parts["continuation"], rel=1e-5)


def test_what_is_not_copied_in_place_costs_its_weight(world: WorldModel, grey_steps: Dataset) -> None:
    clips = ClipSampler(grey_steps, context_length=K, horizon=1).at([0, 1], [3, 6])
    assert "copy_penalty" not in loss(world, clips)  # a world in use has none
    world.train()
    world.network.copy_head.to_motion.bias.data[0] += 50.0  # all copies come from elsewhere
    free, costly = (loss(world, clips, context_noise=0.0, copy_penalty=weight) for weight in (0.0, 0.5))
    assert free["copy_penalty"] == pytest.approx(1.0)
    assert costly["loss"] - free["loss"] == pytest.approx(0.5, rel=1e-4)
    many = ClipSampler(grey_steps, context_length=K, horizon=1).at([0] * 400, [3] * 400)
    assert abs(loss(world, many)["copy_penalty"] - 0.5) < 0.1  # half of the clips are noisy, and don't count


def test_repairing_a_corrupted_past_costs_no_copy_penalty(world: WorldModel, grey_steps: Dataset) -> None:
    """Neither blobs nor frames that the world sampled itself should be copied, however faint their faults."""
    one, two = (ClipSampler(grey_steps, context_length=K, horizon=h).at([0] * 400, [3] * 400) for h in (1, 2))
    world.train()
    world.network.copy_head.to_motion.bias.data[0] += 50.0  # all copies come from elsewhere
    faint: dict[str, Any] = {"context_noise": 0.0, "blob_noise": 0.01}
    rows, rng = encode(world, one).frames[:, :K], torch.Generator().manual_seed(0)
    intact = 1 - ContextCorruption(blob_noise=0.01).corrupt(rows, rng)[1].float().mean().item()
    assert 0.4 < intact < 0.95
    assert loss(world, one, **faint)["copy_penalty"] == pytest.approx(intact, rel=1e-3)
    assert loss(world, two, **faint)["copy_penalty"] == pytest.approx(intact / 2, rel=1e-3)  # the second is dreamt
    assert loss(world, one, sampled=True, **faint)["copy_penalty"] == 0


def test_untrained_heads_cost_what_knowing_nothing_costs(world: WorldModel, grey_steps: Dataset) -> None:
    """Rewards 0, 2, .. 12 have mean 6 and standard deviation 4; 2 of 14 steps are ends, with half an end more 1/6."""
    clips = ClipSampler(grey_steps, context_length=K, horizon=1).at([0, 0], [3, 6])
    parts = loss(world, clips)
    assert clips.terminated[:, 0].tolist() == [False, True]
    assert clips.rewards[:, 0].tolist() == [6, 12]
    assert parts["reward"] == pytest.approx(((12 - 6) / 4) ** 2 / 2, rel=1e-5)
    assert parts["continuation"] == pytest.approx((np.log(6) + np.log(6 / 5)) / 2, rel=1e-5)


def test_the_end_is_learnt_the_right_way_round(world: WorldModel, grey_steps: Dataset) -> None:
    clips = ClipSampler(grey_steps, context_length=K, horizon=1).at([0], [6])  # the step into the end
    world.heads.output.bias.data[1] = -5.0
    surely_over = loss(world, clips)["continuation"]
    world.heads.output.bias.data[1] = 5.0
    assert surely_over < 0.01 < 4 < loss(world, clips)["continuation"]


def test_noise_comes_from_the_generator_alone(world: WorldModel, grey_steps: Dataset) -> None:
    clips = ClipSampler(grey_steps, context_length=K, horizon=1).at([0, 1], [3, 6])
    assert loss(world, clips) == loss(world, clips)


def test_the_context_is_noised_up_to_its_limit_and_says_so(world: WorldModel, grey_steps: Dataset) -> None:
    clips = ClipSampler(grey_steps, context_length=K, horizon=1).at([0] * 200, [3] * 200)
    world.network = spy = Spy(targets(clips))  # type: ignore[assignment]
    loss(world, clips, context_noise=0.3)
    _, _, context = spy.inputs[0]
    ratio = (1 - context.level) / context.level  # [b, K], noise over signal
    assert ratio.min() == 0
    assert 0.28 < ratio.max() <= 0.3 + 1e-6
    assert (ratio[:, 0] - ratio[:, 1]).abs().max() > 0.1  # every frame has its own
    clean = clips.frames[:, :K] / 127.5 - 1
    share = (1 + ratio.square()).rsqrt()  # signal and noise keep the power of the signal
    error = (context.frames - share[..., None, None, None] * clean).square().mean(dim=(2, 3, 4)).sqrt()
    torch.testing.assert_close(error, ratio * share, rtol=0.15, atol=1e-4)
