"""Two worlds imagine in turn, so that whatever else the machine does slows both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from vdworld.data import Clips
from vdworld.evaluation.world_protocol import World
from vdworld.spaces import unflatten_action

Dream = Callable[[int], float]
"""Imagines so many steps of every lane and returns the seconds it took."""


@dataclass(frozen=True)
class Turns:
    """Imagined frames per second of two worlds, turn by turn; each turn has a rate of either.

    Args:
        ours: Rates of the one world.
        peer: Rates of the other.
    """

    ours: tuple[float, ...]
    peer: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times as fast as the peer ours was, turn by turn."""
        return tuple(ours / peer for ours, peer in zip(self.ours, self.peer, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return the rates, and the median and the ends of the ratio, as plain JSON values."""
        ratios = self.ratios
        spread = {"median": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}
        return {"ours": list(self.ours), "peer": list(self.peer), "ratio": spread}


@torch.no_grad()
def take_turns(
    ours: World, peer: World, clips: Clips, *, repeats: int = 5, seconds: float = 1.0, seed: int = 0
) -> Turns:
    """Roll both worlds out from the clips' contexts under their recorded actions, one after the other.

    Args:
        ours: A world.
        peer: Another one, given contexts of the same length.
        clips: One per lane, with full contexts; their horizon is the longest rollout.
        repeats: Turns; who begins changes from one to the next.
        seconds: Least time of a world's turn.
        seed: Of the dreams.

    Raises:
        ValueError: Fewer than one turn, or a negative time.
    """
    check_turns(repeats, seconds)
    dreams = (_dream(ours, clips, seed), _dream(peer, clips, seed))
    return alternate(*dreams, num_lanes=len(clips), longest=clips.rewards.shape[1], repeats=repeats, seconds=seconds)


def alternate(
    ours: Dream, peer: Dream, *, num_lanes: int, longest: int, repeats: int = 5, seconds: float = 1.0
) -> Turns:
    """Call two functions that dream one after the other, and count the frames of all lanes.

    Args:
        ours: The one.
        peer: The other.
        num_lanes: Dreams at a time.
        longest: The most steps of a call.
        repeats: Turns; who begins changes from one to the next.
        seconds: Least time of a turn.
    """
    dreams = (ours, peer)
    horizons = [_fitting_horizon(dream, seconds, longest) for dream in dreams]
    rates: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats):
        for i in (0, 1) if turn % 2 == 0 else (1, 0):
            rates[i].append(num_lanes * _steps_per_second(dreams[i], horizons[i], seconds))
    return Turns(tuple(rates[0]), tuple(rates[1]))


def check_turns(repeats: int, seconds: float) -> None:
    """Raise a ValueError for fewer than one turn, or a negative time."""
    if repeats < 1:
        raise ValueError(f"`repeats` must be at least 1, got {repeats}.")
    if seconds < 0:
        raise ValueError(f"`seconds` must not be negative, got {seconds}.")


def _dream(world: World, clips: Clips, seed: int) -> Dream:
    past, device = world.context_length, torch.device(str(world.device))
    context = clips.frames[:, :past].to(device).float().div(127.5).sub(1.0)
    native = unflatten_action(world.action_space, clips.actions[:, : past - 1])
    state = world.start(context, native, seed=range(seed, seed + len(clips)))

    def dream(horizon: int) -> float:
        actions = unflatten_action(world.action_space, clips.actions[:, past - 1 : past - 1 + horizon])
        began = time.perf_counter()
        world.rollout(state, actions)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - began

    return dream


def _fitting_horizon(dream: Dream, seconds: float, longest: int) -> int:
    """Return how many steps take about so many seconds."""
    dream(1)  # the first call allocates, tunes and compiles
    return int(min(max(seconds / dream(1), 1), longest))


def _steps_per_second(dream: Dream, horizon: int, seconds: float) -> float:
    elapsed, steps = 0.0, 0
    while steps == 0 or elapsed < seconds:
        elapsed += dream(horizon)
        steps += horizon
    return steps / elapsed
