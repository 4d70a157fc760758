"""The samplers take the steps of diffusers' schedulers: same network, same noise, same levels.

diffusers computes in float32, so that frames agree to 1e-5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from tests.diffusion.gaussian import exact_denoiser, network_output, standard_noise
from vdworld.diffusion import (
    EDM,
    Process,
    RectifiedFlow,
    VariancePreserving,
    sample_ancestral,
    sample_ddim,
    sample_dpmpp_2m,
    sample_euler,
    sample_heun,
)

NUM_STEPS = 10
NOISE = standard_noise(count=2).float()
PREDICTIONS = {"eps": "epsilon", "x": "sample", "v": "v_prediction"}
Network = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # theirs


@pytest.fixture(scope="module")
def diffusers() -> Any:
    return pytest.importorskip("diffusers")


def theirs(
    scheduler: Any, process: Process, levels: list[float], network: Network | None = None, **options: Any
) -> torch.Tensor:
    """Run diffusers' loop, with the level of every evaluation; `network` maps clean, noisy and level to its output."""
    noisy = process.initial_std * NOISE
    for timestep, level in zip(scheduler.timesteps, levels, strict=True):
        clean, at = exact_denoiser(process)(noisy.double(), level), torch.tensor(level, dtype=torch.float64)
        output = network(clean, noisy, at) if network else network_output(process, clean, noisy.double(), at)
        noisy = scheduler.step(output.float(), timestep, noisy, **options).prev_sample
    return noisy


def check(
    sample: Callable[..., torch.Tensor], process: Process, levels: list[float], expected: torch.Tensor, **options: Any
) -> None:
    ours = sample(exact_denoiser(process), process, NOISE.double(), [*levels, process.clean_level], **options)
    assert_close(ours.float(), expected, rtol=0, atol=1e-5)


def noise_of(clean: torch.Tensor, noisy: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    return (noisy - clean) / sigma


def backwards(process: Process) -> Network:
    """diffusers' velocity leads from the frame to the noise."""
    return lambda clean, noisy, level: -network_output(process, clean, noisy.double(), level)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("eta", [0.0, 0.5])
def test_ddim(diffusers: Any, prediction: str, eta: float) -> None:
    scheduler = diffusers.DDIMScheduler(clip_sample=False, prediction_type=PREDICTIONS[prediction])
    scheduler.set_timesteps(NUM_STEPS)
    shares = scheduler.alphas_cumprod[scheduler.timesteps].double()
    process = VariancePreserving(prediction=prediction)
    levels = process.level_of(((1 - shares) / shares).sqrt()).tolist()
    drawn = torch.randn(NOISE.shape, generator=torch.Generator().manual_seed(3))
    expected = theirs(scheduler, process, levels, eta=eta, variance_noise=drawn)
    check(sample_ddim, process, levels, expected, eta=eta, draw=lambda: drawn)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_dpmpp_2m(diffusers: Any, prediction: str) -> None:
    scheduler = diffusers.DPMSolverMultistepScheduler(
        prediction_type=PREDICTIONS[prediction], timestep_spacing="leading", steps_offset=1
    )
    scheduler.set_timesteps(NUM_STEPS)
    process = VariancePreserving("cosine", prediction)
    levels = process.level_of(scheduler.sigmas[:-1].double()).tolist()
    check(sample_dpmpp_2m, process, levels, theirs(scheduler, process, levels))


def test_dpmpp_2m_under_flow(diffusers: Any) -> None:
    scheduler = diffusers.DPMSolverMultistepScheduler(
        use_flow_sigmas=True, flow_shift=3.0, prediction_type="flow_prediction"
    )
    scheduler.set_timesteps(NUM_STEPS)
    process, levels = RectifiedFlow("v"), (1 - scheduler.sigmas[:-1].double()).tolist()
    check(sample_dpmpp_2m, process, levels, theirs(scheduler, process, levels, backwards(process)))


def test_euler_under_flow_with_the_shift(diffusers: Any) -> None:
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(sigmas=[1 - i / NUM_STEPS for i in range(NUM_STEPS)])
    process = RectifiedFlow("v", shift=3.0)
    levels = process.schedule(NUM_STEPS)[:-1]
    assert levels == pytest.approx((1 - scheduler.sigmas[:-1]).tolist(), abs=1e-6)
    check(sample_euler, process, levels, theirs(scheduler, process, levels, backwards(process)))


@pytest.mark.parametrize(
    ("name", "sample"), [("EDMEulerScheduler", sample_euler), ("EDMDPMSolverMultistepScheduler", sample_dpmpp_2m)]
)
def test_euler_and_dpmpp_2m_under_edm_on_karras_levels(
    diffusers: Any, name: str, sample: Callable[..., torch.Tensor]
) -> None:
    scheduler = getattr(diffusers, name)(sigma_max=5.0)
    scheduler.set_timesteps(NUM_STEPS)
    process = EDM()
    levels = process.schedule(NUM_STEPS)[:-1]
    assert levels == pytest.approx(scheduler.sigmas[:-1].tolist(), rel=1e-5)
    assert process.condition(torch.tensor(levels)).tolist() == pytest.approx(scheduler.timesteps.tolist(), rel=1e-5)
    check(sample, process, levels, theirs(scheduler, process, levels))


def test_heun(diffusers: Any) -> None:
    scheduler = diffusers.HeunDiscreteScheduler()
    scheduler.set_timesteps(NUM_STEPS)
    process, visited = EDM("x", sigma_max=30.0), scheduler.sigmas[:-1].tolist()  # the inner levels twice
    check(sample_heun, process, visited[:1] + visited[1::2], theirs(scheduler, process, visited, noise_of))


def test_ancestral(diffusers: Any) -> None:
    scheduler = diffusers.EulerAncestralDiscreteScheduler(timestep_spacing="leading")
    scheduler.set_timesteps(NUM_STEPS)
    process, levels = EDM("x", sigma_max=60.0), scheduler.sigmas[:-1].tolist()
    expected = theirs(scheduler, process, levels, noise_of, generator=torch.Generator().manual_seed(5))
    rng = torch.Generator().manual_seed(5)
    check(sample_ancestral, process, levels, expected, draw=lambda: torch.randn(NOISE.shape, generator=rng))
