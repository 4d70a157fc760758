"""From one state to the next."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from vdworld.networks import Context, Memory
from vdworld.types import Actions, Features, Frame
from vdworld.world.outcome import Rollout
from vdworld.world.state import WorldState

if TYPE_CHECKING:
    from vdworld.world.model import WorldModel


def context_of(world: WorldModel, state: WorldState, action: Tensor) -> Context:
    """Return what the next frame follows from: a state and an encoded action per lane ``[b, a]``."""
    actions = torch.cat([state.actions, action[:, None]], dim=1)
    known = torch.cat([state.known, state.known.new_ones(len(state), 1)], dim=1)
    return world.clean_context(state.frames, actions, known, state.memory)


def after(state: WorldState, context: Context, frame: Frame, features: Features, memory: Memory | None) -> WorldState:
    """Return the state with one more frame, its oldest one forgotten; a step counts three draws."""
    frames = torch.cat([state.frames[:, 1:], frame[:, None]], dim=1)
    actions, known, counter = context.actions[:, 1:], context.known[:, 1:], state.counter + 3
    return WorldState(frames, actions, known, state.seed, counter, features, memory)


def recomputed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that computes itself again on the way back of gradients, instead of keeping what it needs."""
    return partial(checkpoint, function, use_reentrant=False, preserve_rng_state=False)


def roll_frames(
    world: WorldModel, state: WorldState, future: Actions, num_steps: int | None, recompute: bool
) -> Rollout:
    """Imagine frames alone, under encoded actions ``[b, h, a]``; the last state has features all the same."""

    def imagine(state: WorldState, action: Tensor, last: bool) -> tuple[WorldState, Frame]:
        context = context_of(world, state, action)
        frame = world.draw_frame(context, state.seed, state.counter, num_steps)
        features, memory = state.features, None
        if state.memory is not None or last:
            features, memory = world.denoiser.commit(frame, context)
        return after(state, context, frame, features, memory), frame

    step, frames = recomputed(imagine) if recompute else imagine, []
    for t, action in enumerate(future.unbind(dim=1), start=1):
        state, frame = step(state, action, t == future.shape[1])
        frames.append(frame)
    nothing = future.new_zeros(len(state), 0)
    return Rollout(torch.stack(frames, dim=1), nothing, nothing, nothing.bool(), None, None, state)


def encode_future(world: WorldModel, actions: Any, num_lanes: int) -> Actions:
    """Return actions in the environment's units, axes ``[b, h, ...]``, as encoded ones ``[b, h, a]``."""
    length = world.action_codec.flatten(actions).shape[1:2]
    return world.encode_actions(actions, (num_lanes, *length))


def count_steps(horizon: int | None, future: Actions | None) -> int:
    """Return how many steps to imagine.

    Raises:
        ValueError: Neither actions nor `horizon` say, or there are fewer actions.
    """
    longest = horizon if future is None else future.shape[1]
    steps = longest if horizon is None else horizon
    if steps is None or longest is None or not 1 <= steps <= longest:
        raise ValueError(f"`horizon` must be at least 1 and within the actions; a policy needs it. Got {horizon}.")
    return steps
