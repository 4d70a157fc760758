"""Samplers: pure functions that turn noise into a frame by a denoiser. Diffusers calls them schedulers.

All have the same signature, ``sample(denoise, process, noise, levels, draw=draw)``:

- `denoise`: the expected clean frame given a noisy one and its level, E[clean | noisy].
- `process`: the process that the denoiser was trained with.
- `noise`: standard normal, ``[b, c, h, w]``; the sample starts from `process.initial_std` times it, in its dtype.
- `levels`: the noise levels to visit, noisiest first, as `process.schedule` returns them.
- `draw`: returns fresh standard normal noise of the same shape. Only `STOCHASTIC` samplers call it.

The step to the clean level returns the denoiser's estimate itself, without rounding.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from vdworld.diffusion.edm import EDM
from vdworld.diffusion.process import Process
from vdworld.types import Frame

Denoise = Callable[[Frame, float], Frame]
"""Maps a noisy frame and its level to the expected clean frame."""

Draw = Callable[[], Frame]
"""Returns standard normal noise, fresh at every call."""


def sample_euler(
    denoise: Denoise, process: Process, noise: Frame, levels: Sequence[float], *, draw: Draw | None = None
) -> Frame:
    """Follow the probability flow in the process's own coordinates with Euler steps (first order).

    Under flow and EDM this is DDIM. Under VP, alpha and sigma are not linear in time, and `sample_ddim` preserves the
    mean better.
    """
    noisy = process.initial_std * noise
    for level, next_level in itertools.pairwise(levels):
        clean = denoise(noisy, level)
        if next_level == process.clean_level:
            return clean
        noisy = noisy + (next_level - level) * process.velocity(clean, noisy, level)
    return noisy


def sample_heun(
    denoise: Denoise, process: Process, noise: Frame, levels: Sequence[float], *, draw: Draw | None = None
) -> Frame:
    """Follow the probability flow with Heun steps, the last one Euler (second order; Karras et al. 2022, Alg. 1)."""
    noisy = process.initial_std * noise
    for level, next_level in itertools.pairwise(levels):
        clean = denoise(noisy, level)
        if next_level == process.clean_level:
            return clean
        noisy = _heun_step(denoise, process, clean, noisy, level, next_level)
    return noisy


def sample_churn(
    denoise: Denoise,
    process: Process,
    noise: Frame,
    levels: Sequence[float],
    *,
    draw: Draw | None = None,
    churn: float = 40.0,
    s_min: float = 0.05,
    s_max: float = 50.0,
    s_noise: float = 1.0,
) -> Frame:
    """Add noise before every Heun step (Karras et al. 2022, Alg. 2); only under EDM.

    Args:
        churn: How much noise to add over all steps: sigma grows by the factor ``1 + churn / num_steps``, at most 1.41.
        s_min: Below this sigma no noise is added.
        s_max: Above this sigma no noise is added.
        s_noise: Standard deviation of the added noise; a value slightly above 1 compensates for a denoiser that blurs.

    Raises:
        ValueError: The process is not EDM, or `draw` is missing.
    """
    check_sampler("churn", process)
    growth = min(churn / (len(levels) - 1), math.sqrt(2) - 1)
    noisy = process.initial_std * noise
    for level, next_level in itertools.pairwise(levels):
        if s_min <= level <= s_max and growth > 0:
            raised = level * (1 + growth)
            noisy = noisy + s_noise * math.sqrt(raised**2 - level**2) * _required(draw)()
            level = raised
        clean = denoise(noisy, level)
        if next_level == process.clean_level:
            return clean
        noisy = _heun_step(denoise, process, clean, noisy, level, next_level)
    return noisy


def sample_ddim(
    denoise: Denoise,
    process: Process,
    noise: Frame,
    levels: Sequence[float],
    *,
    draw: Draw | None = None,
    eta: float = 0.0,
) -> Frame:
    """Mix the clean estimate with the noise it implies at the next level (Song, Meng & Ermon 2021, eq. 12).

    Args:
        eta: Share of fresh noise, in [0, 1]: at 0 the sample is a function of `noise` (first order), at 1 every step
            draws from the posterior of DDPM.

    Raises:
        ValueError: `eta` lies outside [0, 1], or is positive without a `draw`.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"`eta` must lie in [0, 1], got {eta}.")
    noisy = process.initial_std * noise
    for level, next_level in itertools.pairwise(levels):
        clean = denoise(noisy, level)
        if next_level == process.clean_level:
            return clean
        (alpha, sigma), (next_alpha, next_sigma) = process.coefficients(level), process.coefficients(next_level)
        fresh = eta * next_sigma * math.sqrt(1 - (alpha * next_sigma / (next_alpha * sigma)) ** 2)
        kept = math.sqrt(next_sigma**2 - fresh**2)
        noisy = next_alpha * clean + kept / sigma * (noisy - alpha * clean)
        if fresh > 0:
            noisy = noisy + fresh * _required(draw)()
    return noisy


def sample_ancestral(
    denoise: Denoise, process: Process, noise: Frame, levels: Sequence[float], *, draw: Draw | None = None
) -> Frame:
    """Draw every step from the posterior of the forward process (Ho et al. 2020, Alg. 2); `sample_ddim` at eta = 1."""
    return sample_ddim(denoise, process, noise, levels, draw=draw, eta=1.0)


def sample_dpmpp_2m(
    denoise: Denoise, process: Process, noise: Frame, levels: Sequence[float], *, draw: Draw | None = None
) -> Frame:
    """DPM-Solver++(2M): one evaluation per step, second order by the previous estimate (Lu et al. 2022, Alg. 2).

    The first step is of first order. So is the second one if the first starts at alpha = 0, since an estimate from pure
    noise says nothing about how the next ones change.
    """
    noisy = process.initial_std * noise
    previous, previous_h = noisy, math.inf
    for level, next_level in itertools.pairwise(levels):
        clean = denoise(noisy, level)
        if next_level == process.clean_level:
            return clean
        (alpha, sigma), (next_alpha, next_sigma) = process.coefficients(level), process.coefficients(next_level)
        shrink = alpha * next_sigma / (next_alpha * sigma)  # exp(-h), h being the step in log(alpha / sigma)
        h = -math.log(shrink) if shrink > 0 else math.inf
        ahead = 0.5 * h / previous_h if previous_h < math.inf else 0.0
        noisy = next_sigma / sigma * noisy + next_alpha * (1 - shrink) * (clean + ahead * (clean - previous))
        previous, previous_h = clean, h
    return noisy


SAMPLERS: dict[str, Callable[..., Frame]] = {
    "euler": sample_euler,
    "heun": sample_heun,
    "ddim": sample_ddim,
    "dpmpp_2m": sample_dpmpp_2m,
    "ancestral": sample_ancestral,
    "churn": sample_churn,
}
"""The samplers by the names that settings use."""

STOCHASTIC = frozenset({"ancestral", "churn"})
"""The samplers that need `draw`; "ddim" needs it if eta is positive."""


def check_sampler(name: str, process: Process) -> None:
    """Make sure that a sampler exists and that a process admits it.

    Raises:
        ValueError: There is no such sampler, or the process does not admit it.
    """
    if name not in SAMPLERS:
        raise ValueError(f"`sampler` must be one of {', '.join(SAMPLERS)}, got {name!r}.")
    if name == "churn" and not isinstance(process, EDM):
        raise ValueError(
            f"`sampler` must not be 'churn' under {type(process).__name__}, since it is defined for EDM only. "
            "Choose sampler=ancestral, which adds noise under every process, or process=edm."
        )


def num_evaluations(name: str, num_steps: int) -> int:
    """Return how often a sampler calls the denoiser for one frame."""
    return 2 * num_steps - 1 if name in ("heun", "churn") else num_steps


def _heun_step(
    denoise: Denoise, process: Process, clean: Frame, noisy: Frame, level: float, next_level: float
) -> Frame:
    """Return the noisy frame at `next_level` by the mean of the velocities at both ends."""
    first = process.velocity(clean, noisy, level)
    guess = noisy + (next_level - level) * first
    second = process.velocity(denoise(guess, next_level), guess, next_level)
    return noisy + (next_level - level) / 2 * (first + second)


def _required(draw: Draw | None) -> Draw:
    if draw is None:
        raise ValueError("`draw` must be given to samplers that add noise, got None. Pass a source of normal noise.")
    return draw
