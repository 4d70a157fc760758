"""Run the parts of the GPU check in processes of their own: tests, speed, a comparison with DIAMOND, and training."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import gymnasium as gym
import torch

from vdworld.benchmarks.gpu.clips import bounce_episodes, write_pictures
from vdworld.benchmarks.gpu.diamond_comparison import measure_against_diamond
from vdworld.benchmarks.gpu.isolation import Outcome, run_isolated
from vdworld.benchmarks.gpu.needs import ROOT, describe
from vdworld.benchmarks.gpu.page import Part
from vdworld.benchmarks.gpu.rates import measure_rates
from vdworld.benchmarks.gpu.report import GpuReport
from vdworld.benchmarks.gpu.settings import GpuSettings, PartResult
from vdworld.benchmarks.gpu.test_suite import run_gpu_tests
from vdworld.benchmarks.gpu.training import dataset_names, train_on_clips
from vdworld.benchmarks.peers.foreign import commit_of
from vdworld.evaluation.provenance import provenance

CLIPS = "build/gpu/clips"
_MODULES = ("vdworld.benchmarks.gpu.check",)
_GRACE = 15.0  # seconds beyond its budget after which a part is terminated
_SHARES = {"tests": 0.21, "speed": 0.18, "diamond": 0.16}  # of the total time; the parts that train share the rest

RunPart = Callable[[GpuSettings, float], PartResult]
"""Takes the settings and a budget in seconds."""


def run(
    *,
    device: str = "auto",
    minutes: float = 9.5,
    presets: Sequence[str] = ("tiny", "small", "base"),
    batch_sizes: Sequence[int] = (1, 32, 256, 1024),
    num_sampling_steps: Sequence[int] = (1, 2),
    repeats: int = 3,
    seconds: float = 0.2,
    peer: str | None = None,
    clips: str = CLIPS,
    train_preset: str = "small",
    train_minutes: float = 3.0,
    num_clips: int = 128,
    output: str = "reports/gpu",
    quick: bool = False,
    seed: int = 0,
) -> GpuReport:
    """Check vdworld on a CUDA device: run tests, measure speed, compare with DIAMOND, and train.

    Every part runs in its own process. A part that fails is reported with its traceback, and the others still run. The
    output files are written again after every part, so stopping the check early loses only the unfinished part.

    Args:
        device: ``"auto"`` is the first CUDA device; ``"cpu"`` rehearses.
        minutes: Time limit of the whole check; parts that do not fit are left out, and reported as such.
        presets: Presets of the fresh worlds whose speed is measured.
        batch_sizes: Numbers of dreams at a time.
        num_sampling_steps: Numbers of network evaluations per frame.
        repeats: Measurements of each combination.
        seconds: Minimum duration of a measurement.
        peer: A folder with a checkout of DIAMOND; None leaves that part out.
        clips: A folder with one dataset folder per environment, as made by ``make gpu-bundle``.
        train_preset: Preset of the worlds that are trained.
        train_minutes: Training time per dataset; less if `minutes` leaves less.
        num_clips: Held-out clips to predict.
        output: The folder of ``gpu.json``, ``gpu.html``, ``gpu.md`` and the pictures.
        quick: Rehearse with the smallest preset, batches of 1 and 2, and two training steps; without clips, on those of
            the package's own game.
        seed: Seeds worlds, clips, training and dreams.

    Raises:
        ValueError: There is no CUDA device, or `minutes` is not positive.
    """
    if minutes <= 0:
        raise ValueError(f"`minutes` must be positive, got {minutes}.")
    settings = GpuSettings(
        device=_device(device),
        presets=tuple(presets),
        batch_sizes=tuple(batch_sizes),
        num_sampling_steps=tuple(num_sampling_steps),
        repeats=repeats,
        seconds=seconds,
        peer=None if peer is None else Path(peer),
        clips=Path(clips),
        train_preset=train_preset,
        train_minutes=train_minutes,
        train_steps=None,
        num_clips=num_clips,
        seed=seed,
    )
    with _rehearsal(settings) if quick else nullcontext(settings) as part_settings:
        report = _run_parts(part_settings, minutes, Path(output))
    print(f"\nReport: {Path(output) / 'gpu.html'}", flush=True)
    return report


def _run_parts(settings: GpuSettings, minutes: float, output: Path) -> GpuReport:
    """Run every part, and write the files again after each."""
    deadline = time.monotonic() + 60 * minutes
    plan = _plan(settings)
    parts = [part for part, _ in plan]
    about = {"seed": str(settings.seed), **provenance("cpu"), "device": _describe_device(settings.device)}
    about |= {"commit": commit_of(ROOT)}
    about["command"] = about["command"].replace("__main__.py", "python -m vdworld.benchmarks.gpu")
    for i, (part, run_part) in enumerate(plan):
        if run_part is not None:
            print(f"\n== {part.title}", flush=True)
            outcome = _run_within_budget(part, run_part, settings, minutes, deadline, len(plan) - i)
            parts[i] = replace(part, outcome=outcome)
            print(f"== {part.title}: {parts[i].status}. {parts[i].message}", flush=True)
        GpuReport(tuple(parts), about, describe()).save(output)
    return GpuReport(tuple(parts), about, describe())


def _plan(settings: GpuSettings) -> list[tuple[Part, RunPart | None]]:
    """Return the parts in order, each with its function; None for the part that reports that there are no clips."""
    plan: list[tuple[Part, RunPart | None]] = [
        (Part("tests", "Tests on the GPU"), run_gpu_tests),
        (Part("speed", "Speed"), measure_rates),
        (Part("diamond", "Comparison with DIAMOND's own code"), measure_against_diamond),
    ]
    names = dataset_names(settings.clips)
    plan += [(Part(f"train_{name}", f"Training: {name}"), partial(train_on_clips, name=name)) for name in names]
    if not names:
        reason = f"There are no clips in {settings.clips}. Record them with `make gpu-bundle`."
        plan.append((Part("train", "Training", Outcome("not run", message=reason)), None))
    return plan


def _run_within_budget(
    part: Part, run_part: RunPart, settings: GpuSettings, minutes: float, deadline: float, num_left: int
) -> Outcome:
    """Run a part within its share of the remaining time; parts that train share it evenly."""
    left = deadline - time.monotonic() - _GRACE
    budget = min(left, 60 * minutes * _SHARES[part.name] if part.name in _SHARES else left / num_left)
    if budget <= 0:
        return Outcome("not run", message="No time is left.")
    return run_isolated(run_part, settings, budget, seconds=budget + _GRACE, modules=_MODULES)


def _device(name: str) -> str:
    """Return the device to use, without initialising CUDA in this process.

    Raises:
        ValueError: There is no CUDA device.
    """
    if name == "cpu":
        return name
    if not torch.cuda.is_available():
        raise ValueError(
            f"`device` must be a CUDA device, of which torch {torch.__version__} finds none here, got {name}. "
            "Rehearse on the CPU with device=cpu quick=true."
        )
    return "cuda" if name == "auto" else name


def _describe_device(device: str) -> str:
    """Return a line about the device, read in another process, since reading it initialises CUDA."""
    if device == "cpu":
        return "cpu: a rehearsal"
    return run_isolated(_cuda_properties, device, seconds=60).result or device


def _cuda_properties(device: str) -> str:
    card = torch.cuda.get_device_properties(device)
    return (
        f"{card.name}, {card.total_memory / 2**30:.0f} GiB, compute capability {card.major}.{card.minor}, "
        f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    )


@contextmanager
def _rehearsal(settings: GpuSettings) -> Iterator[GpuSettings]:
    """Yield the settings of a rehearsal, with clips of the package's own game if there are none."""
    small = replace(
        settings, presets=("tiny",), batch_sizes=(1, 2), repeats=1, seconds=0.01, train_preset="tiny", num_clips=4
    )
    small = replace(small, train_steps=2)
    with tempfile.TemporaryDirectory() as folder:
        if not dataset_names(small.clips):
            small = replace(small, clips=Path(folder))
            write_pictures(Path(folder) / "bounce", bounce_episodes(), fps=10, action_space=gym.spaces.Discrete(3))
        yield small
