from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from vdworld.diffusion import EDM, RectifiedFlow
from vdworld.networks import Context, Prediction
from vdworld.world import Sampling, WorldModel
from vdworld.world.denoiser import Denoiser
from vdworld.world.generator import FrameGenerator
from vdworld.world.sampling import check_sampling, jump_length

K, SIZE = 2, 4


class Recorder(nn.Module):
    """The frame is .4 with actions and a past, less .2 without actions, less .1 without a past."""

    frame_channels, context_length, feature_dim, predicts_clean = 3, K, 2, True

    def __init__(self) -> None:
        super().__init__()
        self.inputs: list[tuple[Context, torch.Tensor]] = []

    def forward(
        self, noisy: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
    ) -> Prediction:
        self.inputs.append((context, step_size))
        value = 0.4 - 0.2 * (~context.action_mask[:, -1]).float() - 0.1 * (context.level[:, -1] == 0).float()
        return Prediction(value[:, None, None, None].expand_as(noisy), torch.zeros(len(noisy), 2))


def past(b: int = 2) -> Context:
    rng = torch.Generator().manual_seed(0)
    frames, action_mask = torch.rand(b, K, 3, SIZE, SIZE, generator=rng), torch.ones(b, K, dtype=torch.bool)
    return Context(frames, torch.zeros(b, K, 1), action_mask, torch.ones(b, K))


def draw(
    sampling: Sampling, network: Recorder, seed: int = 0, num_steps: int = 1, shortcut_steps: int = 0
) -> torch.Tensor:
    seeds = seed + torch.arange(2)
    generator = FrameGenerator(Denoiser(network, RectifiedFlow()), sampling, shortcut_steps)
    return generator.draw_frame(past(), seeds, torch.zeros_like(seeds), num_steps)


@pytest.mark.parametrize(
    ("settings", "expected", "evaluations"),
    [
        ({}, 0.4, 1),
        ({"action_guidance": 2.0}, 0.4 + 0.2, 2),
        ({"action_guidance": 0.0}, 0.4 - 0.2, 2),
        ({"history_guidance": 3.0}, 0.4 + 2 * 0.1, 2),
        ({"history_guidance": 3.0, "history_noise": 0.5}, 0.4 + 2 * 0.1, 3),
        ({"action_guidance": 2.0, "history_guidance": 2.0}, 0.4 + 0.2 + 0.1, 3),
    ],
)
def test_guidance_adds_what_actions_and_history_bring(
    settings: dict[str, Any], expected: float, evaluations: int
) -> None:
    network = Recorder()
    frame = draw(Sampling(**settings), network)
    torch.testing.assert_close(frame, torch.full_like(frame, expected))
    assert len(network.inputs) == evaluations


def test_without_guidance_and_noise_the_network_sees_the_past_unchanged() -> None:
    network = Recorder()
    draw(Sampling(), network)
    assert torch.equal(network.inputs[0][0].frames, past().frames)
    assert network.inputs[0][0].level.tolist() == [[1, 1]] * 2


def test_context_noise_is_mixed_in_and_labelled() -> None:
    network = Recorder()
    draw(Sampling(context_noise=0.25), network)
    context, _ = network.inputs[0]
    torch.testing.assert_close(context.level, torch.full((2, K), 0.8))  # tau = 1 / (1 + ratio)
    assert not torch.allclose(context.frames, past().frames, atol=0.05)


def test_a_dropped_history_is_pure_noise_and_labelled_so() -> None:
    network = Recorder()
    draw(Sampling(history_guidance=2.0), network)
    without, _ = network.inputs[1]
    assert without.level.tolist() == [[0, 0]] * 2
    correlation = torch.corrcoef(torch.stack([without.frames.flatten(), past().frames.flatten()]))[0, 1]
    assert abs(correlation) < 0.25  # 192 numbers


@pytest.mark.parametrize("sampler", ["ancestral", "euler"])
def test_every_lane_draws_from_its_own_stream(sampler: str) -> None:
    """Both lanes see the same picture; seeds 0 and 1 give other noise than seeds 1 and 2, the shared one the same."""

    class Noisy(Recorder):
        def forward(
            self, noisy: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
        ) -> Prediction:
            return Prediction(0.5 * noisy, torch.zeros(len(noisy), 2))

    settings = Sampling(sampler=sampler, context_noise=0.1)
    first, second = (draw(settings, Noisy(), seed=seed, num_steps=3) for seed in (0, 1))
    assert torch.equal(first[1], second[0])
    assert not torch.allclose(first[0], first[1], atol=0.01)


def test_a_stochastic_sampler_draws_anew_at_every_step() -> None:
    deterministic, stochastic = (draw(Sampling(sampler=s), Spread(), num_steps=4) for s in ("ddim", "ancestral"))
    assert not torch.allclose(deterministic, stochastic, atol=0.01)


class Plain(Recorder):
    """One grey level, which can be learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(0.3))

    def forward(
        self, noisy: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
    ) -> Prediction:
        return Prediction(self.value.expand_as(noisy), torch.zeros(len(noisy), 2))


class Spread(Recorder):
    def forward(
        self, noisy: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
    ) -> Prediction:
        return Prediction(0.3 * noisy, torch.zeros(len(noisy), 2))


def test_the_network_receives_the_length_of_a_shortcut() -> None:
    assert [jump_length(n, 8) for n in (1, 2, 4, 8, 11)] == [1, 0.5, 0.25, 0, 0]
    assert [jump_length(n, 0) for n in (1, 3)] == [0, 0]
    with pytest.raises(ValueError, match="`num_sampling_steps` must be a power of two, or 8 and more.*got 3"):
        jump_length(3, 8)
    assert [jump_length(n, 32, "consistency") for n in (1, 2, 3, 4)] == [1, 1, 1, 1]
    with pytest.raises(ValueError, match=r"`num_sampling_steps` must lie in 1..4 with sampler=consistency, got 5"):
        jump_length(5, 32, "consistency")
    network = Recorder()
    draw(Sampling(), network, num_steps=2, shortcut_steps=8)
    assert [step.tolist() for _, step in network.inputs] == [[0.5, 0.5]] * 2


def test_what_a_world_was_not_trained_for_is_refused_with_advice() -> None:
    with pytest.raises(ValueError, match=r"`action_guidance` must be 1.*trainer\.corruption\.action_dropout=0\.1"):
        check_sampling(Sampling(action_guidance=2.0), RectifiedFlow())
    with pytest.raises(ValueError, match=r"`history_guidance` must be 1 .* history dropout, got 1\.5"):
        check_sampling(Sampling(history_guidance=1.5), RectifiedFlow(), trained_without=("actions",))
    check_sampling(Sampling(action_guidance=2.0), RectifiedFlow(), trained_without=("actions",))
    with pytest.raises(ValueError, match="must be 'euler', 'ddim' or 'consistency' .* with shortcuts, got 'heun'"):
        check_sampling(Sampling(sampler="heun"), RectifiedFlow(), shortcut_steps=8)
    with pytest.raises(ValueError, match="must not be 'churn' under"):
        check_sampling(Sampling(sampler="churn"), RectifiedFlow())
    check_sampling(Sampling(sampler="churn"), EDM())


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="`num_steps` must be at least 1, got 0"):
        Sampling(num_steps=0)
    with pytest.raises(ValueError, match=r"`context_noise` must not be negative, got -0\.1"):
        Sampling(context_noise=-0.1)


def test_quantized_frames_have_grey_levels_and_gradients_pass() -> None:
    frame = draw(Sampling(quantize=True), Recorder())
    levels = (frame + 1) * 127.5
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-3)
    assert abs(frame.mean() - 0.4) < 0.004
    network = Plain()
    draw(Sampling(quantize=True), network).mean().backward()
    assert network.value.grad == pytest.approx(1.0)


def test_a_world_keeps_its_sampling_and_checks_every_change(make_world: Callable[..., WorldModel]) -> None:
    world = make_world(sampling=Sampling("heun", num_steps=3))
    assert world.num_sampling_steps == 3
    world.sampling = replace(world.sampling, sampler="dpmpp_2m")
    with pytest.raises(ValueError, match="`history_guidance` must be 1"):
        world.sampling = Sampling(history_guidance=2.0)
    assert world.sampling.sampler == "dpmpp_2m"


@pytest.mark.parametrize("ratio", [0.1, 1.0, math.inf])
def test_every_process_hides_a_past_alike(ratio: float) -> None:
    """Scaled for the network, signal and noise have the power of the signal, whatever the process."""
    rng = torch.Generator().manual_seed(0)
    clean, noise = (torch.randn(4, 1, 3, 32, 32, generator=rng) for _ in range(2))
    for process in (RectifiedFlow(), EDM(prediction="x")):
        level = process.level_of(torch.full((4, 1), ratio))
        scaled = process.scalings(level)[2][..., None, None, None] * process.mix(clean, noise, level)
        assert scaled.square().mean().sqrt() == pytest.approx(1, abs=0.03)


def test_consistency_sampling_tells_the_network_how_far_each_leap_goes() -> None:
    network = Recorder()
    draw(Sampling(sampler="consistency"), network, num_steps=3, shortcut_steps=32)
    assert [step_size.tolist() for _, step_size in network.inputs] == [[1, 1], [0.25, 0.25], [0.125, 0.125]]


def test_consistency_sampling_is_for_worlds_with_shortcuts() -> None:
    check_sampling(Sampling(sampler="consistency"), RectifiedFlow(), shortcut_steps=32)
    with pytest.raises(ValueError, match=r"not be 'consistency' .* without shortcuts.*trainer.shortcut.share=0.25"):
        check_sampling(Sampling(sampler="consistency"), RectifiedFlow())
