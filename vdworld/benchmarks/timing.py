"""Wall-clock timing: the one place where benchmarks read a clock."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch.utils.benchmark import Timer, timer  # `timer` waits for the current accelerator, then reads the clock

LONGEST_ROLLOUT = 8  # steps of a timed rollout; longer ones take more memory and give the same rate

Result = TypeVar("Result")
TimedSteps = Callable[[int], float]
"""Advances every lane by a number of steps and returns the seconds this took."""


@dataclass(frozen=True)
class PairedRates:
    """Frames per second of two competitors that took turns, one rate each per turn.

    Args:
        ours: Rates of the first.
        peer: Rates of the second.
    """

    ours: tuple[float, ...]
    peer: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Our rate over the peer's, turn by turn."""
        return tuple(ours / peer for ours, peer in zip(self.ours, self.peer, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return the rates, and the median and the range of the ratio, as plain JSON values."""
        ratios = self.ratios
        spread = {"median": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}
        return {"ours": list(self.ours), "peer": list(self.peer), "ratio": spread}


def timed(call: Callable[[], Result], device: torch.device | str = "cpu") -> tuple[Result, float]:
    """Return the result of a call and the seconds until the device had finished its work."""
    with _current(device):
        start = timer()
        result = call()
        return result, timer() - start


def median_seconds(call: Callable[[], object], device: torch.device | str = "cpu", *, seconds: float = 0.5) -> float:
    """Return the median time of a call, repeated for about `seconds` after a warm-up.

    Short calls are timed in blocks, so that waiting for the device does not count.
    """
    measured = Timer("call()", timer=timer, globals={"call": call}, num_threads=torch.get_num_threads())
    with _current(device):
        return measured.blocked_autorange(min_run_time=seconds).median


def time_in_turns(
    *competitors: TimedSteps, longest: int, repeats: int = 5, seconds: float = 1.0, warm_up: int = 1
) -> list[list[float]]:
    """Let the competitors take turns, so that whatever else the machine does slows all of them alike.

    Unlike ``torch.utils.benchmark.Timer``, a turn has no warm-up of its own, which would double the time of competitors
    that take longer than `seconds` for a call.

    Args:
        competitors: What to time.
        longest: Maximum number of steps per call.
        repeats: Number of turns; the order is reversed in every other one.
        seconds: Minimum duration of a turn.
        warm_up: Steps of the first call, which may allocate, tune and compile.

    Returns:
        Steps per second of each competitor, one value per turn.

    Raises:
        ValueError: `repeats` or `seconds` is out of range.
    """
    check_repeats(repeats, seconds)
    horizons = [_fitting_horizon(competitor, seconds, longest, warm_up) for competitor in competitors]
    rates: list[list[float]] = [[] for _ in competitors]
    order = range(len(competitors))
    for turn in range(repeats):
        for i in order if turn % 2 == 0 else reversed(order):
            rates[i].append(_steps_per_second(competitors[i], horizons[i], seconds))
    return rates


def time_pair(ours: TimedSteps, peer: TimedSteps, *, num_lanes: int, **settings: Any) -> PairedRates:
    """Time two competitors in turns and count the frames of all lanes; `settings` are those of ``time_in_turns``."""
    rates = time_in_turns(ours, peer, **settings)
    return PairedRates(*(tuple(num_lanes * rate for rate in values) for values in rates))


def check_repeats(repeats: int, seconds: float = 0.0) -> None:
    """Raise a ValueError for fewer than one repeat, or a negative time."""
    if repeats < 1:
        raise ValueError(f"`repeats` must be at least 1, got {repeats}.")
    if seconds < 0:
        raise ValueError(f"`seconds` must not be negative, got {seconds}.")


def check_counts(**counts: Sequence[Any]) -> None:
    """Raise a ValueError that names the argument which is empty, or holds anything but whole numbers from 1."""
    for name, values in counts.items():
        if not values or not all(isinstance(value, int) and value >= 1 for value in values):
            raise ValueError(f"`{name}` must hold whole numbers from 1, got {list(values)}.")


def _current(device: torch.device | str) -> AbstractContextManager[Any]:
    """Make a GPU the current one, for which the clock waits."""
    return torch.cuda.device(device) if torch.device(device).type == "cuda" else nullcontext()


def _fitting_horizon(competitor: TimedSteps, seconds: float, longest: int, warm_up: int) -> int:
    """Return how many steps take about `seconds`."""
    competitor(warm_up)
    return int(min(max(seconds / competitor(1), 1), longest))


def _steps_per_second(competitor: TimedSteps, horizon: int, seconds: float) -> float:
    elapsed, steps = 0.0, 0
    while steps == 0 or elapsed < seconds:
        elapsed += competitor(horizon)
        steps += horizon
    return steps / elapsed
