"""Tests, speed, DIAMOND beside us, and training on a GPU: every part guarded, within ten minutes."""

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

from vdworld.benchmarks.gpu.beside_diamond import measure_beside_diamond
from vdworld.benchmarks.gpu.clips import bounce_episodes, write_pictures
from vdworld.benchmarks.gpu.isolation import Outcome, run_apart
from vdworld.benchmarks.gpu.needs import ROOT, describe
from vdworld.benchmarks.gpu.page import Part
from vdworld.benchmarks.gpu.rates import measure_rates
from vdworld.benchmarks.gpu.report import GpuReport
from vdworld.benchmarks.gpu.settings import GpuSettings, PartResult
from vdworld.benchmarks.gpu.test_suite import run_gpu_tests
from vdworld.benchmarks.gpu.training import carried, train_on_clips
from vdworld.benchmarks.peers.foreign import commit_of
from vdworld.evaluation.provenance import provenance

CLIPS = "build/gpu/clips"
_MODULES = ("vdworld.benchmarks.gpu.check",)
_GRACE = 15.0  # seconds after its budget at which a part is ended
_SHARES = {"tests": 0.21, "speed": 0.18, "diamond": 0.16}  # of all minutes, for the parts that don't train, at most

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
    """Check vdworld on a CUDA device: tests, speed, DIAMOND beside it, training. Write JSON, a page and a summary.

    Every part runs in a process of its own. One that fails is reported with its traceback, and the others still run.
    The files are written anew after every part, so that they say all that is known whenever the check is stopped.

    Args:
        device: ``"auto"`` is the first CUDA device; ``"cpu"`` rehearses.
        minutes: For everything; parts that don't fit are left out, and said to be.
        presets: Fresh worlds whose speed is measured.
        batch_sizes: Dreams at a time.
        num_sampling_steps: Network evaluations per frame.
        repeats: Measurements of each combination.
        seconds: Least time that a measurement takes.
        peer: A folder with a checkout of DIAMOND; None leaves that part out.
        clips: A folder with a dataset folder per environment, such as ``make gpu-bundle`` makes.
        train_preset: Of the worlds that are trained.
        train_minutes: Training time of each, as far as `minutes` allow.
        num_clips: Held-out clips to predict.
        output: The folder of ``gpu.json``, ``gpu.html``, ``gpu.md`` and the pictures.
        quick: Rehearse: the smallest preset, batches of 1 and 2, two training steps, on the package's own game where
            there are no clips.
        seed: Of worlds, clips, training and dreams.

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
    with _rehearsal(settings) if quick else nullcontext(settings) as chosen:
        report = _run_parts(chosen, minutes, Path(output))
    print(f"\nReport: {Path(output) / 'gpu.html'}", flush=True)
    return report


def _run_parts(settings: GpuSettings, minutes: float, output: Path) -> GpuReport:
    """Run every part, and write the files anew after each."""
    deadline = time.monotonic() + 60 * minutes
    plan = _plan(settings)
    parts = [part for part, _ in plan]
    about = {"seed": str(settings.seed), **provenance("cpu"), "device": _about_device(settings.device)}
    about |= {"commit": commit_of(ROOT)}
    about["command"] = about["command"].replace("__main__.py", "python -m vdworld.benchmarks.gpu")
    for i, (part, run_part) in enumerate(plan):
        if run_part is not None:
            print(f"\n== {part.title}", flush=True)
            parts[i] = replace(part, outcome=_guarded(part, run_part, settings, minutes, deadline, len(plan) - i))
            print(f"== {part.title}: {parts[i].status}. {parts[i].message}", flush=True)
        GpuReport(tuple(parts), about, describe()).save(output)
    return GpuReport(tuple(parts), about, describe())


def _plan(settings: GpuSettings) -> list[tuple[Part, RunPart | None]]:
    """Return the parts in order; without clips the last one stands for all that can't be trained."""
    plan: list[tuple[Part, RunPart | None]] = [
        (Part("tests", "Tests on the GPU"), run_gpu_tests),
        (Part("speed", "Speed"), measure_rates),
        (Part("diamond", "DIAMOND's own code beside it"), measure_beside_diamond),
    ]
    names = carried(settings.clips)
    plan += [(Part(f"train_{name}", f"Training: {name}"), partial(train_on_clips, name=name)) for name in names]
    if not names:
        why = f"There are no clips in {settings.clips}. Make them: make gpu-bundle."
        plan.append((Part("train", "Training", Outcome("not run", message=why)), None))
    return plan


def _guarded(
    part: Part, run_part: RunPart, settings: GpuSettings, minutes: float, deadline: float, num_left: int
) -> Outcome:
    """Run a part within its share of the time that is left; parts that train share it evenly."""
    left = deadline - time.monotonic() - _GRACE
    budget = min(left, 60 * minutes * _SHARES[part.name] if part.name in _SHARES else left / num_left)
    if budget <= 0:
        return Outcome("not run", message="No time is left.")
    return run_apart(run_part, settings, budget, seconds=budget + _GRACE, modules=_MODULES)


def _device(name: str) -> str:
    """Return the device to use; asked without touching it, since the parts' processes do that.

    Raises:
        ValueError: There is no CUDA device.
    """
    if name == "cpu":
        return name
    if not torch.cuda.is_available():
        raise ValueError(
            f"`device` must be a CUDA device, got {name}, and torch {torch.__version__} finds none here. "
            "Rehearse on the CPU: device=cpu quick=true"
        )
    return "cuda" if name == "auto" else name


def _about_device(device: str) -> str:
    return _on_device(device) if device == "cpu" else run_apart(_on_device, device, seconds=60).result or device


def _on_device(device: str) -> str:
    if torch.device(device).type != "cuda":
        return f"{device}: a rehearsal"
    card = torch.cuda.get_device_properties(device)
    return (
        f"{card.name}, {card.total_memory / 2**30:.0f} GiB, compute capability {card.major}.{card.minor}, "
        f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    )


@contextmanager
def _rehearsal(settings: GpuSettings) -> Iterator[GpuSettings]:
    """Shrink everything, and make clips where there are none."""
    small = replace(
        settings, presets=("tiny",), batch_sizes=(1, 2), repeats=1, seconds=0.01, train_preset="tiny", num_clips=4
    )
    small = replace(small, train_steps=2)
    with tempfile.TemporaryDirectory() as folder:
        if not carried(small.clips):
            small = replace(small, clips=Path(folder))
            write_pictures(Path(folder) / "bounce", bounce_episodes(), fps=10, action_space=gym.spaces.Discrete(3))
        yield small
