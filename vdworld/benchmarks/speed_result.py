"""Imagined frames per second: the result of the speed benchmark."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vdworld.benchmarks.plots import speed_plot, steps_in_words
from vdworld.benchmarks.results import to_text
from vdworld.evaluation.report.table import Table, three_digits


@dataclass(frozen=True)
class Speed:
    """Imagined frames per second.

    Args:
        rates: (batch size, sampling steps) to one rate per repeat.
        work: Sampling steps to GFLOP per frame, counting the network's convolutions and matrix products; a
            multiply-add counts as two operations.
        memory: (batch size, sampling steps) to the peak memory so far in bytes: torch's allocations on a GPU, the whole
            process elsewhere.
        ceiling: GFLOP/s of the machine's fastest matrix product at the same precision.
        about: World, seed, command, machine, versions and date; one line of text each.
    """

    rates: dict[tuple[int, int], list[float]]
    work: dict[int, float]
    memory: dict[tuple[int, int], int]
    ceiling: float
    about: dict[str, str]

    def __str__(self) -> str:
        return to_text([self.table(), self.cost_table()], self.about)

    @property
    def plots(self) -> Mapping[str, Callable[[], bytes]]:
        """File names to functions that draw them."""
        return {"speed.png": lambda: speed_plot(self.rates)}

    def table(self) -> Table:
        """Return medians with their spread over the repeats, batch sizes down and sampling steps across."""
        batches, steps = (sorted(set(values)) for values in zip(*self.rates, strict=True))
        rows = [(f"batch {batch}", *(_spread(self.rates[batch, count]) for count in steps)) for batch in batches]
        repeats = len(next(iter(self.rates.values())))
        note = f"Median of {repeats} repeats; in brackets the slowest and the fastest."
        return Table("Imagined frames per second", ("", *map(steps_in_words, steps)), tuple(rows), note)

    def cost_table(self) -> Table:
        """Return the time and memory of a step of the whole batch, and its share of the machine's peak rate."""
        rows = [
            (
                f"batch {batch}, {steps_in_words(steps)}",
                f"{1e3 * batch / statistics.median(self.rates[batch, steps]):,.1f}",
                f"{self.achieved(batch, steps):,.1f}",
                f"{self.achieved(batch, steps) / self.ceiling:.0%}",
                f"{self.memory[batch, steps] / 2**20:,.0f}",
            )
            for batch, steps in sorted(self.rates)
        ]
        columns = ("", "ms per step", "GFLOP/s", "of peak", "memory, MiB")
        work = ", ".join(f"{work:.2f} in {steps_in_words(steps)}" for steps, work in sorted(self.work.items()))
        note = (
            f"GFLOP per frame, reward and continuation included: {work}. The peak is the fastest matrix product "
            f"here, {three_digits(self.ceiling)} GFLOP/s. Memory is the highest so far."
        )
        return Table("Cost of a step of the whole batch", columns, tuple(rows), note)

    def achieved(self, batch: int, steps: int) -> float:
        """Return the GFLOP/s of the network."""
        return self.work[steps] * statistics.median(self.rates[batch, steps])

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        rows = [
            {
                "batch_size": batch,
                "num_sampling_steps": steps,
                "frames_per_second": {"median": statistics.median(rates), "low": min(rates), "high": max(rates)},
                "repeats": rates,
                "milliseconds_per_step": 1e3 * batch / statistics.median(rates),
                "gflop_per_frame": self.work[steps],
                "gflop_per_second": self.achieved(batch, steps),
                "peak_memory_bytes": self.memory[batch, steps],
            }
            for (batch, steps), rates in self.rates.items()
        ]
        return {"benchmark": "speed", "about": self.about, "ceiling_gflop_per_second": self.ceiling, "rows": rows}


def _spread(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):,.0f} [{min(rates):,.0f}, {max(rates):,.0f}]"
