"""From one state to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from vdworld.networks import Context, KVCache
from vdworld.types import Actions, Features, Frame
from vdworld.world.graphs import Tensors
from vdworld.world.noise import lane_uniform
from vdworld.world.outcome import Rollout
from vdworld.world.sampling import DRAWS_PER_STEP
from vdworld.world.state import WorldState
from vdworld.world.uncertainty import disagreement

if TYPE_CHECKING:
    from vdworld.world.model import WorldModel


@dataclass(frozen=True)
class StepRequest:
    """What a step is to do.

    Args:
        num_steps: Steps from noise to the frame.
        outcome: Whether to tell reward, continuation and features beside the frame.
        uncertainty: Whether to draw a second frame to compare.
    """

    num_steps: int
    outcome: bool = True
    uncertainty: bool = False


def imagine(world: WorldModel, state: WorldState, action: Tensor, request: StepRequest) -> tuple[WorldState, Tensors]:
    """Imagine the next frame of every lane; waits for nothing on the device.

    Args:
        world: The world.
        state: Where the dreams stand.
        action: Encoded ``[b, a]``.
        request: What to do.

    Returns:
        The next state, and by name what an ``Outcome`` holds. Without an outcome that is the frame alone, and the state
        keeps its old features unless the network has a memory.
    """
    with world.execution.arithmetic(world.device):
        context = _context_of(world, state, action)
        frame = world.draw_frame(context, state.seed, state.counter, request.num_steps)
        outputs: Tensors = {"frame": frame}
        if request.uncertainty:
            other = world.draw_frame(context, state.seed, state.counter + 1, request.num_steps)
            outputs["uncertainty"] = disagreement(frame, other)
        features, cache = state.features, state.cache
        if request.outcome or cache is not None:
            features, cache = world.commit(frame, context, state.seed, state.counter)
        if request.outcome:
            reward, continuation = world.heads.predict(features)
            terminated = lane_uniform(state.seed, state.counter + 2) > continuation
            outputs |= {"reward": reward, "continuation": continuation, "terminated": terminated, "features": features}
    return _after(state, context, frame, features, cache), outputs


def imagine_recorded(
    world: WorldModel, state: WorldState, action: Tensor, request: StepRequest
) -> tuple[WorldState, Tensors]:
    """Do as ``imagine`` by way of the world's recorded steps."""

    def step(tensors: Tensors) -> Tensors:
        before = {name: value for name, value in tensors.items() if name != "action"}
        after, outputs = imagine(world, WorldState.from_tensors(before), tensors["action"], request)
        return {f"after.{name}": value for name, value in after.tensors().items()} | outputs

    weights = next(world.parameters()).data_ptr()  # other weights in the same memory are the same recording's
    kind = (request, world.sampling, world.execution, id(world.network), weights)
    given = world.graphs.run(kind, step, state.tensors() | {"action": action})
    after = {name.removeprefix("after."): value for name, value in given.items() if name.startswith("after.")}
    outputs = {name: value for name, value in given.items() if not name.startswith("after.")}
    return WorldState.from_tensors(after), outputs


def recomputed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that computes itself again on the way back of gradients, instead of keeping what it needs."""
    return partial(checkpoint, function, use_reentrant=False, preserve_rng_state=False)


def roll_frames(
    world: WorldModel, state: WorldState, future: Actions, num_steps: int | None, recompute: bool
) -> Rollout:
    """Imagine frames alone, under encoded actions ``[b, h, a]``; the last state has features all the same."""
    step, frames = recomputed(world.advance) if recompute else world.advance, []
    steps = world.num_sampling_steps if num_steps is None else num_steps
    for t, action in enumerate(future.unbind(dim=1), start=1):
        state, outputs = step(state, action, StepRequest(steps, outcome=t == future.shape[1]))
        frames.append(outputs["frame"])
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


def _context_of(world: WorldModel, state: WorldState, action: Tensor) -> Context:
    """Return what the next frame follows from: a state and an encoded action per lane ``[b, a]``."""
    actions = torch.cat([state.actions, action[:, None]], dim=1)
    action_mask = torch.cat([state.action_mask, state.action_mask.new_ones(len(state), 1)], dim=1)
    return world.clean_context(state.frames, actions, action_mask, state.cache)


def _after(state: WorldState, context: Context, frame: Frame, features: Features, cache: KVCache | None) -> WorldState:
    """Return the state with one more frame, its oldest one forgotten."""
    frames = torch.cat([state.frames[:, 1:], frame[:, None]], dim=1)
    actions, action_mask, counter = context.actions[:, 1:], context.action_mask[:, 1:], state.counter + DRAWS_PER_STEP
    return WorldState(frames, actions, action_mask, state.seed, counter, features, cache)
