"""Many steps of a dream, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from vdworld.types import Actions
from vdworld.world.generator import FrameGenerator
from vdworld.world.heads import OutcomeHeads
from vdworld.world.outcome import Outcome, Rollout
from vdworld.world.state import WorldState
from vdworld.world.step import StepRequest, imagine


def roll_out(
    step: Callable[[WorldState, Any], tuple[WorldState, Outcome]],
    state: WorldState,
    policy: Callable[[WorldState], Any] | Actions,
    num_steps: int,
    with_features: bool,
) -> Rollout:
    """Imagine `num_steps` steps with their outcomes.

    Args:
        step: Maps a state and an action to the next state and its outcome.
        state: The dreams; stays valid.
        policy: Maps a state to an action per lane; or the actions ``[b, h, ...]`` themselves.
        num_steps: At least 1.
        with_features: Whether the rollout keeps the features of every step.
    """
    outcomes: list[Outcome] = []
    for t in range(num_steps):
        state, outcome = step(state, policy[:, t] if isinstance(policy, Tensor) else policy(state))
        outcomes.append(outcome)
    return Rollout.stack(outcomes, state, with_features)


def roll_frames(
    generator: FrameGenerator,
    heads: OutcomeHeads,
    state: WorldState,
    actions: Actions,
    num_sampling_steps: int | None,
    recompute: bool,
) -> Rollout:
    """Imagine frames alone, under encoded actions ``[b, h, a]``; the last state has features all the same."""
    step = recomputed(imagine) if recompute else imagine
    frames = []
    for t, action in enumerate(actions.unbind(dim=1), start=1):
        request = StepRequest(num_sampling_steps, outcome=t == actions.shape[1])
        state, outputs = step(generator, heads, state, action, request)
        frames.append(outputs["frame"])
    nothing = actions.new_zeros(len(state), 0)
    return Rollout(torch.stack(frames, dim=1), nothing, nothing, nothing.bool(), None, None, state)


def recomputed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that computes itself again in the backward pass, instead of keeping what gradients need."""
    return partial(checkpoint, function, use_reentrant=False, preserve_rng_state=False)


def count_steps(horizon: int | None, actions: Actions | None) -> int:
    """Return how many steps to imagine.

    Raises:
        ValueError: `horizon` is missing for a policy, below 1, or exceeds the number of actions.
    """
    longest = horizon if actions is None else actions.shape[1]
    steps = longest if horizon is None else horizon
    if steps is None or longest is None or not 1 <= steps <= longest:
        rule = "be at least 1 for a policy" if actions is None else f"lie in 1..{longest}, the number of actions"
        raise ValueError(f"`horizon` must {rule}, got {horizon}.")
    return steps
