"""How the cost of a step grows: with the batch, the frames, the context and the length of the dream."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vdworld.benchmarks.peak_memory import peak_memory
from vdworld.benchmarks.speed import begin, describe_world, fresh_world
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.report.table import Table
from vdworld.extras import require
from vdworld.world import WorldModel, WorldState

AXES = {
    "batch": "dreams at a time",
    "image_size": "pixels of a side",
    "context_length": "past frames",
    "dream_length": "steps dreamt before",
}
"""What is varied, and in which units."""

BATCH = 8  # dreams at a time where another axis is varied
TIMED = 5  # steps of which a median is taken


@dataclass(frozen=True)
class Growth:
    """What a step costs along each axis.

    Args:
        milliseconds: Axis to place to the median time of a step of the whole batch.
        mebibytes: Likewise, by how much the peak of this process's memory (on a GPU: of what torch holds there) has
            grown since that axis's first place; a peak never falls.
        about: World, command, machine, versions and date; one line of text each.
    """

    milliseconds: dict[str, dict[int, float]]
    mebibytes: dict[str, dict[int, float]]
    about: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{name:<9} {value}" for name, value in self.about.items()]
        return "\n".join([*(self.table(axis).text() + "\n" for axis in self.milliseconds), *lines])

    def table(self, axis: str) -> Table:
        """Return time and memory along one axis."""
        rows = [
            (f"{place:,}", f"{cost:.3g}", f"{self.mebibytes[axis][place]:+.1f}")
            for place, cost in self.milliseconds[axis].items()
        ]
        columns = (AXES[axis], "ms per step", "memory, MiB")
        held = "" if axis == "batch" else f" {BATCH} dreams at a time."
        note = f"Median of {TIMED} steps; memory: growth of the peak since the first row.{held}"
        return Table(f"Cost with {AXES[axis]}", columns, tuple(rows), note)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        rows = [
            {"axis": axis, "at": place, "milliseconds": cost, "mebibytes": self.mebibytes[axis][place]}
            for axis, costs in self.milliseconds.items()
            for place, cost in costs.items()
        ]
        return {"benchmark": "growth", "about": self.about, "rows": rows}


@torch.no_grad()
def measure_growth(
    preset: str = "tiny",
    *,
    network: dict[str, Any] | None = None,
    image_size: int = 64,
    device: torch.device | str = "cpu",
    batches: Sequence[int] = (1, 4, 16, 64),
    image_sizes: Sequence[int] = (32, 64, 128),
    context_lengths: Sequence[int] = (2, 4, 8, 16),
    dream_lengths: Sequence[int] = (10, 100, 1_000),
    seed: int = 0,
    progress: bool = True,
) -> Growth:
    """Time a step of fresh worlds, one axis after the other.

    Args:
        preset: Sizes of the worlds.
        network: Settings of the network on top of the preset's.
        image_size: Height and width of the frames where another axis is varied.
        device: Where they dream.
        batches: Numbers of dreams at a time.
        image_sizes: Heights and widths in pixels.
        context_lengths: Numbers of past frames.
        dream_lengths: Numbers of steps of one dream, after which steps are timed.
        seed: Of starts, actions and dreams.
        progress: Whether to show a progress bar.
    """
    places = {
        "batch": batches,
        "image_size": image_sizes,
        "context_length": context_lengths,
        "dream_length": dream_lengths,
    }
    if wrong := [name for name, values in places.items() if any(value < 1 for value in values)]:
        raise ValueError(f"`{wrong[0]}` must hold numbers from 1, got {list(places[wrong[0]])}.")
    tqdm = require("tqdm", extra="all").tqdm
    milliseconds, mebibytes = {}, {}
    usual = fresh_world(preset, image_size=image_size, network=network).to(device)
    for axis, values in tqdm(places.items(), desc="growth", disable=not progress, leave=False):
        if not values:
            continue
        milliseconds[axis], held = {}, {}
        stepper = _Stepper(usual, BATCH, seed)
        for place in sorted(values):
            if axis == "dream_length":
                stepper.run(place - stepper.steps)
                place = stepper.steps  # later than asked, if the last place was timed until then
            elif axis == "batch":
                stepper = _Stepper(usual, place, seed)
            else:
                sizes = {"image_size": place} if axis == "image_size" else {"image_size": image_size}
                settings = {**(network or {}), **({axis: place} if axis == "context_length" else {})}
                stepper = _Stepper(fresh_world(preset, **sizes, network=settings).to(device), BATCH, seed)
            milliseconds[axis][place] = 1e3 * statistics.median(stepper.run(TIMED))
            held[place] = peak_memory(usual.device)
        first = next(iter(held.values()))
        mebibytes[axis] = {place: (peak - first) / 2**20 for place, peak in held.items()}
    return Growth(milliseconds, mebibytes, {"world": describe_world(usual), "seed": str(seed), **provenance(device)})


class _Stepper:
    """A batch of dreams that goes on and on under random actions; what has been dreamt is let go."""

    def __init__(self, world: WorldModel, batch: int, seed: int) -> None:
        self.world, self.rng, self.steps = world, torch.Generator().manual_seed(seed), 0
        self.state: WorldState = begin(world, batch, seed)
        self.run(2)  # the first steps allocate and tune

    def run(self, count: int) -> list[float]:
        """Take so many steps and return the seconds of each."""
        return [self._timed() for _ in range(count)]

    def _timed(self) -> float:
        shape = (len(self.state), self.world.action_codec.dim)
        action: Tensor = (torch.rand(shape, generator=self.rng) * 2 - 1).to(self.world.device)
        wait: Callable[[], Any] = torch.cuda.synchronize if self.world.device.type == "cuda" else (lambda: None)
        wait()
        began = time.perf_counter()
        self.state, _ = self.world.step(self.state, action, encoded=True)
        wait()
        self.steps += 1
        return time.perf_counter() - began
