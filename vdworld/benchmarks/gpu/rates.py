"""Frames per second of fresh worlds at every size, with and without CUDA graphs, within a time budget."""

from __future__ import annotations

import time
import traceback
from typing import Any

import torch

from vdworld.benchmarks.gpu.settings import GpuSettings, PartResult
from vdworld.benchmarks.measured_world import fresh_world
from vdworld.benchmarks.plots import steps_in_words
from vdworld.benchmarks.speed import measure_speed
from vdworld.evaluation.report.table import Table
from vdworld.world import Execution, WorldModel

EAGER, GRAPHS = "eager", "CUDA graphs"
_NO_TIME = "not run: no time left"
_NO_MEMORY = "not run: out of memory"
_MAX_TRACEBACKS = 3  # of combinations that failed in different ways

Row = dict[str, Any]
"""The figures of one combination: preset, way (eager or graphs), batch size, sampling steps; or ``why`` it has none."""


def measure_rates(settings: GpuSettings, seconds: float) -> PartResult:
    """Measure every combination that fits into the time and the memory; the table gives the reason for the others.

    Args:
        settings: The combinations, and how long each takes.
        seconds: Time after which no further combination starts.
    """
    deadline, rows = time.monotonic() + seconds, []
    for name in settings.presets:
        world = fresh_world(name).to(settings.device)
        for batch in settings.batch_sizes:
            for way in (EAGER, GRAPHS) if settings.on_cuda else (EAGER,):
                rows += [{"preset": name, "way": way, **row} for row in _rows(world, way, batch, settings, deadline)]
                print(*(_line(row) for row in rows[-len(settings.num_sampling_steps) :]), sep="\n", flush=True)
        del world
    tables = tuple(_table(name, [row for row in rows if row["preset"] == name], settings) for name in settings.presets)
    tracebacks = dict.fromkeys(row["traceback"] for row in rows if "traceback" in row)
    problem = "\n".join(list(tracebacks)[:_MAX_TRACEBACKS])
    return PartResult(tables, {"rows": rows}, headline=_headline(rows), problem=problem)


def _rows(world: WorldModel, way: str, batch: int, settings: GpuSettings, deadline: float) -> list[Row]:
    """Return a row per number of sampling steps."""
    missing = [{"batch_size": batch, "num_sampling_steps": steps} for steps in settings.num_sampling_steps]
    if time.monotonic() > deadline:
        return [{**row, "why": _NO_TIME} for row in missing]
    world.execution = Execution(cuda_graphs=way == GRAPHS)  # discards graphs recorded earlier
    if settings.on_cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(settings.device)
    try:
        speed = measure_speed(
            world,
            batch_sizes=[batch],
            num_sampling_steps=settings.num_sampling_steps,
            repeats=settings.repeats,
            seconds=settings.seconds,
            seed=settings.seed,
            progress=False,
        )
    except Exception as error:  # other combinations may still succeed
        no_memory = isinstance(error, MemoryError) or "out of memory" in str(error)
        reason = {"why": _NO_MEMORY} if no_memory else {"why": "failed", "traceback": traceback.format_exc()}
        return [{**row, **reason} for row in missing]
    figures = speed.to_json()
    ceiling, precision = figures["ceiling_gflop_per_second"], world.execution.precision_on(world.device)
    return [
        {**row, "share_of_ceiling": row["gflop_per_second"] / ceiling, "ceiling": ceiling, "precision": precision}
        for row in figures["rows"]
    ]


def _table(name: str, rows: list[Row], settings: GpuSettings) -> Table:
    """Return a table of one preset: frames per second of each way, and the costs of the last one."""
    ways = list(dict.fromkeys(row["way"] for row in rows))
    lines = []
    for batch in settings.batch_sizes:
        for steps in settings.num_sampling_steps:
            by_way = [r for r in rows if (r["batch_size"], r["num_sampling_steps"]) == (batch, steps)]
            lines.append((f"batch {batch:,}, {steps_in_words(steps)}", *map(_rate, by_way), *_costs(by_way[-1])))
    measured = [row for row in rows if "why" not in row]
    note = ""
    if measured:
        ceiling, precision = max(row["ceiling"] for row in measured), measured[0]["precision"]
        note = (
            f"Frames of 64 x 64, reward and continuation included, random weights, {precision}. Medians of "
            f"{settings.repeats} repeats of at least {settings.seconds:g} seconds. The ceiling is the fastest square "
            f"matrix product here, {ceiling / 1e3:,.2f} TFLOP/s. The last three columns are those of {ways[-1]}."
        )
    columns = ("", *(f"frames/s, {way}" for way in ways), "ms per step", "of the ceiling", "memory, MiB")
    return Table(f"Imagined frames per second: {name}", columns, tuple(lines), note)


def _rate(row: Row) -> str:
    return row["why"] if "why" in row else f"{row['frames_per_second']['median']:,.0f}"


def _costs(row: Row) -> tuple[str, str, str]:
    if "why" in row:
        return ("-", "-", "-")
    memory = row["peak_memory_bytes"] / 2**20
    return f"{row['milliseconds_per_step']:,.2f}", f"{row['share_of_ceiling']:.1%}", f"{memory:,.0f}"


def _line(row: Row) -> str:
    place = f"{row['preset']}, {row['way']}, batch {row['batch_size']}, {steps_in_words(row['num_sampling_steps'])}"
    return f"{place}: {_rate(row)}" + ("" if "why" in row else " frames/s")


def _headline(rows: list[Row]) -> tuple[str, str] | None:
    measured = [row for row in rows if "why" not in row]
    if not measured:
        return None
    best = max(measured, key=lambda row: row["frames_per_second"]["median"])
    words = f"frames/s: {best['preset']}, batch {best['batch_size']}, {steps_in_words(best['num_sampling_steps'])}"
    return f"{best['frames_per_second']['median']:,.0f}", words
