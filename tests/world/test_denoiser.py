from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from vdworld.diffusion import EDM, Process, RectifiedFlow, VariancePreserving
from vdworld.networks import Context, Prediction, VideoUNet
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
    """Puts out exactly what the process asks for, and keeps what it was told."""

    frame_channels, context_length, feature_dim, predicts_clean = 3, K, 2, False

    def __init__(self, process: Process, clean: torch.Tensor, noisy: torch.Tensor, level: torch.Tensor) -> None:
        super().__init__()
        c_skip, c_out, _ = (value[:, None, None, None] for value in process.scalings(level))
        self.answer, self.outputs = (clean - c_skip * noisy) / c_out, {}

    def forward(
        self, noisy: torch.Tensor, level: torch.Tensor, context: Context, step_size: torch.Tensor
    ) -> Prediction:
        self.outputs = {"noisy": noisy, "level": level, "context": context, "step_size": step_size}
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
def test_whatever_the_network_puts_out_the_clean_frame_comes_back(process: Process, scene: Callable) -> None:
    given = scene(process)
    oracle = Oracle(process, given["clean"], given["noisy"], given["level"])
    estimate = Denoiser(oracle, process)(given["noisy"], given["level"], given["context"]).frame
    torch.testing.assert_close(estimate, given["clean"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda p: f"{type(p).__name__}-{p.prediction}")
def test_the_network_sees_frames_scaled_and_levels_as_conditions(process: Process, scene: Callable) -> None:
    given = scene(process)
    oracle = Oracle(process, given["clean"], given["noisy"], given["level"])
    step_size = torch.full((B,), 0.25)
    Denoiser(oracle, process)(given["noisy"], given["level"], given["context"], step_size)
    c_in = process.scalings(given["level"])[2][:, None, None, None]
    torch.testing.assert_close(oracle.outputs["noisy"], c_in * given["noisy"])
    torch.testing.assert_close(oracle.outputs["level"], process.condition(given["level"]))
    shown, context = oracle.outputs["context"], given["context"]
    torch.testing.assert_close(shown.level, process.condition(context.level))
    scale = process.scalings(context.level)[2] / process.scalings(torch.tensor(process.clean_level))[2]
    torch.testing.assert_close(shown.frames, scale[..., None, None, None] * context.frames)
    assert torch.equal(oracle.outputs["step_size"], step_size)


@pytest.mark.parametrize(
    "process",
    [RectifiedFlow(), EDM(prediction="x"), VariancePreserving(prediction="x")],
    ids=lambda p: type(p).__name__,
)
def test_clean_context_frames_are_shown_as_they_are_where_pixels_may_be_copied(
    process: Process, scene: Callable
) -> None:
    given = scene(process)
    oracle = Oracle(process, given["clean"], given["noisy"], given["level"])
    Denoiser(oracle, process)(given["noisy"], given["level"], given["context"])
    shown = oracle.outputs["context"]
    torch.testing.assert_close(shown.frames[:, 0], given["context"].frames[:, 0])


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
        frame, features, _ = denoiser(clip[:, -1], level[:, -1], context)
        zero, unknown = torch.zeros(B, 1, 2), torch.zeros(B, 1, dtype=torch.bool)
        frames, all_features, _ = denoiser.clip(
            clip, level, torch.cat([zero, actions], dim=1), torch.cat([unknown, action_mask], dim=1)
        )
    torch.testing.assert_close(frame, frames[:, -1], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(features, all_features[:, -1], rtol=1e-4, atol=1e-4)


def test_copies_are_clean_frames_so_that_another_prediction_is_refused() -> None:
    class Copier(nn.Module):
        predicts_clean = True

    with pytest.raises(ValueError, match=r"`prediction` must be 'x' for a network that copies.*network\.copy=false"):
        Denoiser(Copier(), RectifiedFlow(prediction="v"))
