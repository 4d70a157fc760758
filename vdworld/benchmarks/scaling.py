"""How the cost of a step grows with the batch, the frames, the context and the length of the dream."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from vdworld.benchmarks.measured_world import describe_world, fresh_world, network_settings, start_dreams
from vdworld.benchmarks.peak_memory import peak_memory
from vdworld.benchmarks.plots import scaling_plot
from vdworld.benchmarks.results import to_text
from vdworld.benchmarks.timing import check_counts, timed
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.report.table import Table
from vdworld.extras import require
from vdworld.world import WorldModel, WorldState
from vdworld.world.device import pick_device

AXES = {
    "batch": "dreams at a time",
    "image_size": "pixels of a side",
    "context_length": "context frames",
    "dream_length": "earlier steps of the dream",
}
"""The axes, and what is counted along each."""

_ARGUMENTS = dict(zip(AXES, ("batches", "image_sizes", "context_lengths", "dream_lengths"), strict=True))

BATCH = 8  # dreams at a time along the other axes
TIMED = 5  # steps of which the median is taken


@dataclass(frozen=True)
class Scaling:
    """Cost of a step along each axis.

    Args:
        milliseconds: Axis to place to the median time of a step of the whole batch.
        mebibytes: Axis to place to the growth of the peak memory since the axis's first place: of torch's allocations
            on a GPU, of the whole process elsewhere. A peak never falls.
        about: World, command, machine, versions and date; one line of text each.
    """

    milliseconds: dict[str, dict[int, float]]
    mebibytes: dict[str, dict[int, float]]
    about: dict[str, str]

    def __str__(self) -> str:
        return to_text([self.table(axis) for axis in self.milliseconds], self.about)

    @property
    def plots(self) -> Mapping[str, Callable[[], bytes]]:
        """File names to functions that draw them."""
        named = {AXES[axis]: costs for axis, costs in self.milliseconds.items()}
        return {"scaling.png": lambda: scaling_plot(named)}

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
        return {"benchmark": "scaling", "about": self.about, "rows": rows}


def run(
    *,
    preset: str = "tiny",
    network_name: str | None = None,
    image_size: int = 64,
    batches: Sequence[int] = (1, 4, 16, 64),
    image_sizes: Sequence[int] = (32, 64, 128),
    context_lengths: Sequence[int] = (2, 4, 8, 16),
    dream_lengths: Sequence[int] = (10, 100, 1_000),
    seed: int = 0,
    device: str = "auto",
) -> Scaling:
    """Measure fresh worlds; see ``measure_scaling`` and ``measured_world`` for the arguments."""
    places: dict[str, Any] = {"batches": batches, "image_sizes": image_sizes}
    places |= {"context_lengths": context_lengths, "dream_lengths": dream_lengths}
    network = network_settings(network_name)
    return measure_scaling(
        preset, network=network, image_size=image_size, device=pick_device(device), seed=seed, **places
    )


@torch.no_grad()
def measure_scaling(
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
) -> Scaling:
    """Time a step of fresh worlds, one axis after the other.

    Args:
        preset: Preset of the worlds.
        network: Settings of the network that take precedence over the preset's.
        image_size: Height and width of the frames along the other axes.
        device: Where to dream.
        batches: Numbers of dreams at a time; an empty list leaves the axis out, here and below.
        image_sizes: Heights and widths in pixels.
        context_lengths: Numbers of context frames.
        dream_lengths: Numbers of steps of one dream after which steps are timed.
        seed: Decides starts, actions and dreams.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: A place is below 1.
    """
    places = dict(zip(AXES, (batches, image_sizes, context_lengths, dream_lengths), strict=True))
    check_counts(**{_ARGUMENTS[axis]: values for axis, values in places.items() if values})
    fresh = partial(_fresh, preset, network=network, image_size=image_size, device=device)
    usual = fresh()
    tqdm = require("tqdm", extra="all").tqdm
    milliseconds, mebibytes = {}, {}
    for axis, values in tqdm(places.items(), desc="scaling", disable=not progress, leave=False):
        if not values:
            continue
        milliseconds[axis], peaks = {}, {}
        stepper = _Stepper(usual, BATCH, seed)
        for place in sorted(values):
            if axis == "dream_length":
                stepper.run(place - stepper.steps)
                place = stepper.steps  # later than requested if the last place was timed until then
            elif axis == "batch":
                stepper = _Stepper(usual, place, seed)
            else:
                stepper = _Stepper(fresh(**{axis: place}), BATCH, seed)
            milliseconds[axis][place] = 1e3 * statistics.median(stepper.run(TIMED))
            peaks[place] = peak_memory(usual.device)
        first = next(iter(peaks.values()))
        mebibytes[axis] = {place: (peak - first) / 2**20 for place, peak in peaks.items()}
    return Scaling(milliseconds, mebibytes, {"world": describe_world(usual), "seed": str(seed), **provenance(device)})


def _fresh(
    preset: str,
    *,
    network: dict[str, Any] | None,
    image_size: int,
    device: torch.device | str,
    context_length: int | None = None,
) -> WorldModel:
    settings = {**(network or {}), **({} if context_length is None else {"context_length": context_length})}
    return fresh_world(preset, image_size=image_size, network=settings).to(device)


class _Stepper:
    """A batch of dreams that continues under random actions; past frames are discarded."""

    def __init__(self, world: WorldModel, batch: int, seed: int) -> None:
        self.world, self.rng, self.steps = world, torch.Generator().manual_seed(seed), 0
        self.state: WorldState = start_dreams(world, batch, seed)
        self.run(2)  # the first steps allocate and tune

    def run(self, count: int) -> list[float]:
        """Take so many steps and return the seconds of each."""
        return [self._step() for _ in range(count)]

    def _step(self) -> float:
        shape = (len(self.state), self.world.action_codec.dim)
        action = (torch.rand(shape, generator=self.rng) * 2 - 1).to(self.world.device)
        step = partial(self.world.step, self.state, action, encoded=True)
        (self.state, _), seconds = timed(step, self.world.device)
        self.steps += 1
        return seconds
