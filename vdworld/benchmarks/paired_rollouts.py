"""Time the rollouts of two worlds in turns."""

from __future__ import annotations

from functools import partial

import torch

from vdworld.benchmarks.timing import PairedRates, TimedSteps, check_repeats, time_pair, timed
from vdworld.data import Clips
from vdworld.evaluation.world_protocol import World
from vdworld.spaces import unflatten_action


@torch.no_grad()
def time_rollouts(
    ours: World, peer: World, clips: Clips, *, repeats: int = 5, seconds: float = 1.0, seed: int = 0
) -> PairedRates:
    """Roll both worlds out from the clips' contexts under their recorded actions, one after the other.

    Args:
        ours: A world.
        peer: Another world with the same context length.
        clips: One per lane, with full contexts; their horizon is the longest rollout.
        repeats: Number of turns; the order is reversed in every other one.
        seconds: Minimum duration of a turn.
        seed: Decides the dreams.

    Raises:
        ValueError: `repeats` or `seconds` is out of range.
    """
    check_repeats(repeats, seconds)
    settings = {"longest": clips.rewards.shape[1], "repeats": repeats, "seconds": seconds}
    return time_pair(_rollout(ours, clips, seed), _rollout(peer, clips, seed), num_lanes=len(clips), **settings)


def check_contexts(ours: World, peer: World) -> None:
    """Raise a ValueError if the two worlds start from different numbers of frames."""
    if ours.context_length != peer.context_length:
        raise ValueError(
            f"`peer` must have our context length, {ours.context_length} frames, got {peer.context_length}. "
            "Predictions from different frames can't be compared."
        )


def _rollout(world: World, clips: Clips, seed: int) -> TimedSteps:
    past, device = world.context_length, torch.device(str(world.device))
    context = clips.frames[:, :past].to(device).float().div(127.5).sub(1.0)
    native = unflatten_action(world.action_space, clips.actions[:, : past - 1])
    state = world.start(context, native, seed=range(seed, seed + len(clips)))

    def roll(horizon: int) -> float:
        actions = unflatten_action(world.action_space, clips.actions[:, past - 1 : past - 1 + horizon])
        return timed(partial(world.rollout, state, actions), device)[1]

    return roll
