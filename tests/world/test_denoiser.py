from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from vdworld.diffusion import EDM, Process, RectifiedFlow, VariancePreserving
from vdworld.networks import ClipPrediction, Context, Prediction, VideoUNet
from vdworld.world.denoiser import Denoiser

B, K, SIZE = 3, 2, 4

PROCESSES = [
    RectifiedFlow(),
    RectifiedFlow(prediction="v"),
    EDM(),
    EDM(prediction="x"),
    VariancePreserving("linear", "eps"),
    VariancePreserving("cosine", "v"),
    VariancePreserving("sigmoid", "x"),
]


class Oracle(nn.Module):
    """Return exactly what the process expects, and record the inputs."""

    frame_channels, context_length, feature_dim, predicts_clean = 3, K, 2, False

    def __init__(self, process: Process, clean: torch.Tensor, noisy: torch.Tensor, level: torch.Tensor) -> None:
        super().__init__()
        c_skip, c_out, _ = (value[:, None, None, None] for value in process.scalings(level))
        self.answer, self.inputs = (clean - c_skip * noisy) / c_out, {}

    def forward(
        self, noisy: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
    ) -> Prediction:
        self.inputs = {"noisy": noisy, "level": level, "context": context, "step_size": step_size}
        return Prediction(self.answer, torch.zeros(len(noisy), 2))


@pytest.fixture
def scene() -> Callable[[Process], dict[str, Any]]:
    """Clean frames, noise at a middling level, and a context."""

    def make(process: Process) -> dict[str, Any]:
        rng = torch.Generator().manual_seed(0)
        clean, noise = (torch.randn(B, 3, SIZE, SIZE, generator=rng) for _ in range(2))
        level = process.level_of(torch.tensor([0.2, 1.0, 3.0]))
        frames, actions = torch.randn(B, K, 3, SIZE, SIZE, generator=rng), torch.zeros(B, K, 1)
        context_level = process.level_of(torch.tensor([[0.0, 0.3]]).expand(B, -1))
        context = Context(frames, actions, torch.ones(B, K, dtype=torch.bool), context_level)
        return {"clean": clean, "noisy": process.mix(clean, noise, level), "level": level, "context": context}

    return make


@pytest.mark.parametrize("process", PROCESSES, ids=lambda p: f"{type(p).__name__}-{p.prediction}")
def test_every_prediction_is_turned_into_the_clean_frame(process: Process, scene: Callable) -> None:
    parts = scene(process)
    oracle = Oracle(process, parts["clean"], parts["noisy"], parts["level"])
    estimate = Denoiser(oracle, process)(parts["noisy"], parts["level"], parts["context"]).frame
    torch.testing.assert_close(estimate, parts["clean"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda p: f"{type(p).__name__}-{p.prediction}")
def test_the_network_sees_frames_scaled_and_levels_as_conditions(process: Process, scene: Callable) -> None:
    parts = scene(process)
    oracle = Oracle(process, parts["clean"], parts["noisy"], parts["level"])
    step_size = torch.full((B,), 0.25)
    Denoiser(oracle, process)(parts["noisy"], parts["level"], parts["context"], step_size)
    c_in = process.scalings(parts["level"])[2][:, None, None, None]
    torch.testing.assert_close(oracle.inputs["noisy"], c_in * parts["noisy"])
    torch.testing.assert_close(oracle.inputs["level"], process.condition(parts["level"]))
    received, context = oracle.inputs["context"], parts["context"]
    torch.testing.assert_close(received.level, process.condition(context.level))
    scale = process.scalings(context.level)[2] / process.scalings(torch.tensor(process.clean_level))[2]
    torch.testing.assert_close(received.frames, scale[..., None, None, None] * context.frames)
    assert torch.equal(oracle.inputs["step_size"], step_size)


@pytest.mark.parametrize(
    "process",
    [RectifiedFlow(), EDM(prediction="x"), VariancePreserving(prediction="x")],
    ids=lambda p: type(p).__name__,
)
def test_clean_context_frames_stay_unscaled_where_pixels_may_be_copied(process: Process, scene: Callable) -> None:
    parts = scene(process)
    oracle = Oracle(process, parts["clean"], parts["noisy"], parts["level"])
    Denoiser(oracle, process)(parts["noisy"], parts["level"], parts["context"])
    received = oracle.inputs["context"]
    torch.testing.assert_close(received.frames[:, 0], parts["context"].frames[:, 0])


@pytest.mark.parametrize("process", PROCESSES, ids=lambda p: f"{type(p).__name__}-{p.prediction}")
def test_a_video_network_sees_the_same_in_a_dream_as_in_training(process: Process) -> None:
    size = 16
    sizes = {"widths": (16, 16), "head_dim": 16, "feature_dim": 16, "condition_dim": 16, "context_length": K}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = VideoUNet(frame_channels=3, image_size=(size, size), action_dim=2, copy=False, **sizes)
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        clip, actions = torch.randn(B, K + 1, 3, size, size), torch.randn(B, K, 2)
        level = process.level_of(torch.tensor([0.0, 0.1, 1.5]).expand(B, -1))
        action_mask = torch.ones(B, K, dtype=torch.bool)
        denoiser = Denoiser(network, process)
        context = Context(clip[:, :-1], actions, action_mask, level[:, :-1])
        frame, features, *_ = denoiser(clip[:, -1], level[:, -1], context)
        zero, unknown = torch.zeros(B, 1, 2), torch.zeros(B, 1, dtype=torch.bool)
        frames, all_features, *_ = denoiser.clip(
            clip, level, torch.cat([zero, actions], dim=1), torch.cat([unknown, action_mask], dim=1)
        )
    torch.testing.assert_close(frame, frames[:, -1], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(features, all_features[:, -1], rtol=1e-4, atol=1e-4)


def test_copies_are_clean_frames_so_that_another_prediction_is_refused() -> None:
    class Copier(nn.Module):
        predicts_clean = True

    with pytest.raises(ValueError, match=r"`prediction` must be 'x' for a network that copies.*network\.copy=false"):
        Denoiser(Copier(), RectifiedFlow(prediction="v"))


class Guess(nn.Module):
    """Guess a mean and a spread for every pixel."""

    frame_channels, context_length, feature_dim, predicts_clean = 3, K, 2, True

    def __init__(self, mean: torch.Tensor, spread: float) -> None:
        super().__init__()
        self.mean, self.spread = mean, torch.full((B, 1, SIZE, SIZE), spread)

    def forward(self, *_: Any) -> Prediction:
        return Prediction(self.mean, torch.zeros(B, 2), spread=self.spread)

    def clip(self, *_: Any) -> ClipPrediction:
        return ClipPrediction(self.mean[:, None], torch.zeros(B, 1, 2), spread=self.spread[:, None])


X_PROCESSES = [process for process in PROCESSES if process.prediction == "x"]


@pytest.mark.parametrize("process", X_PROCESSES, ids=lambda p: type(p).__name__)
def test_a_guess_with_a_spread_gives_the_mean_of_the_posterior(process: Process, scene: Callable) -> None:
    """Precisions of guess and noisy frame add up, and weigh the two."""
    inputs, spread = scene(process), 0.07
    mean = inputs["clean"] + 0.1
    denoiser = Denoiser(Guess(mean, spread), process)
    alpha, sigma = (
        value[:, None, None, None] for value in (process.alpha(inputs["level"]), process.sigma(inputs["level"]))
    )
    precision, noisy_precision = 1 / spread**2, (alpha / sigma) ** 2
    expected = (precision * mean + noisy_precision * inputs["noisy"] / alpha) / (precision + noisy_precision)
    estimate = denoiser(inputs["noisy"], inputs["level"], inputs["context"]).frame
    torch.testing.assert_close(estimate, expected)
    mask = torch.ones(B, 1, dtype=torch.bool)
    clip = denoiser.clip(inputs["noisy"][:, None], inputs["level"][:, None], torch.zeros(B, 1, 1), mask).frames[:, 0]
    torch.testing.assert_close(clip, expected)


@pytest.mark.parametrize("process", X_PROCESSES, ids=lambda p: type(p).__name__)
def test_at_the_clean_level_a_guess_gives_way_to_the_frame_and_in_noise_it_stays(
    process: Process, scene: Callable
) -> None:
    inputs = scene(process)
    mean = inputs["clean"] + 0.1
    denoiser = Denoiser(Guess(mean, 0.05), process)
    clean_level, noisiest = (torch.full((B,), level) for level in (process.clean_level, process.noisiest_level))
    torch.testing.assert_close(denoiser(inputs["clean"], clean_level, inputs["context"]).frame, inputs["clean"])
    noise = process.initial_std * torch.randn(B, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(denoiser(noise, noisiest, inputs["context"]).frame, mean, atol=2e-3, rtol=0)
