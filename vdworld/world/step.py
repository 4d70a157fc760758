"""One step of a dream: from a state and an action to the next state and its outcome."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vdworld.networks import Context, KVCache
from vdworld.types import Features, Frame, PerLane
from vdworld.world.disagreement import accumulated, disagreement
from vdworld.world.generator import FrameGenerator
from vdworld.world.graphs import Tensors
from vdworld.world.heads import OutcomeHeads
from vdworld.world.noise import DRAWS_PER_STEP, lane_uniform
from vdworld.world.state import WorldState


@dataclass(frozen=True)
class StepRequest:
    """What a step computes.

    Args:
        num_steps: Sampling steps from noise to the frame; None takes the generator's own number.
        outcome: Whether to predict reward, continuation and features beside the frame.
        uncertainty: Whether to draw a second frame, and add the difference of the two to the uncertainty of the dream.
    """

    num_steps: int | None = None
    outcome: bool = True
    uncertainty: bool = False


def imagine(
    generator: FrameGenerator, heads: OutcomeHeads, state: WorldState, action: Tensor, request: StepRequest
) -> tuple[WorldState, Tensors]:
    """Imagine the next frame of every lane, by a recorded step where the generator admits one.

    Args:
        generator: Draws the frame.
        heads: Predict the outcome.
        state: The dreams; stays valid.
        action: Encoded ``[b, a]``.
        request: What to compute.

    Returns:
        The next state, and by name what an ``Outcome`` holds. Without an outcome that is the frame alone, and the state
        keeps its old features unless the network has a cache.
    """
    recorded = state.frames.device.type == "cuda" and generator.execution.cuda_graphs
    if recorded and not torch.is_grad_enabled() and not generator.denoiser.network.training:
        return imagine_recorded(generator, heads, state, action, request)
    return imagine_plainly(generator, heads, state, action, request)


def imagine_plainly(
    generator: FrameGenerator, heads: OutcomeHeads, state: WorldState, action: Tensor, request: StepRequest
) -> tuple[WorldState, Tensors]:
    """Do what ``imagine`` does, without a recording; never wait for the device."""
    seed, counter = state.seed, state.counter
    with generator.execution.arithmetic(state.frames.device):
        context = _context_of(generator, state, action)
        frame = generator.draw_frame(context, seed, counter, request.num_steps)
        outputs: Tensors = {"frame": frame}
        uncertainty = state.uncertainty
        if request.uncertainty:
            other = generator.draw_frame(context, seed, counter + 1, request.num_steps)
            uncertainty = accumulated(uncertainty, disagreement(frame, other))
            outputs["uncertainty"] = uncertainty
        features, cache = state.features, state.cache
        if request.outcome or cache is not None:
            features, cache = generator.commit(frame, context, seed, counter)
        if request.outcome:
            reward, continuation = heads.predict(features)
            terminated = lane_uniform(seed, counter + 2) > continuation
            outputs |= {"reward": reward, "continuation": continuation, "terminated": terminated, "features": features}
    return _after(state, context, frame, features, cache, uncertainty), outputs


def imagine_recorded(
    generator: FrameGenerator, heads: OutcomeHeads, state: WorldState, action: Tensor, request: StepRequest
) -> tuple[WorldState, Tensors]:
    """Do what ``imagine`` does, with the generator's recorded steps."""

    def step(tensors: Tensors) -> Tensors:
        before = {name: value for name, value in tensors.items() if name != "action"}
        state = WorldState.from_tensors(before)
        after, outputs = imagine_plainly(generator, heads, state, tensors["action"], request)
        return {f"after.{name}": value for name, value in after.tensors().items()} | outputs

    network = generator.denoiser.network
    weights = next(network.parameters()).data_ptr()  # new values in the same memory need no new recording
    kind = (request, generator.sampling, generator.execution, id(network), weights)
    tensors = generator.graphs.run(kind, step, state.tensors() | {"action": action})
    after = {name.removeprefix("after."): value for name, value in tensors.items() if name.startswith("after.")}
    outputs = {name: value for name, value in tensors.items() if not name.startswith("after.")}
    return WorldState.from_tensors(after), outputs


def _context_of(generator: FrameGenerator, state: WorldState, action: Tensor) -> Context:
    """Return the context of the next frame: a state and an encoded action per lane ``[b, a]``."""
    actions = torch.cat([state.actions, action[:, None]], dim=1)
    action_mask = torch.cat([state.action_mask, state.action_mask.new_ones(len(action), 1)], dim=1)
    return generator.clean_context(state.frames, actions, action_mask, state.cache)


def _after(
    state: WorldState,
    context: Context,
    frame: Frame,
    features: Features,
    cache: KVCache | None,
    uncertainty: PerLane | None,
) -> WorldState:
    """Return the state with one more frame and without its oldest one."""
    frames = torch.cat([state.frames[:, 1:], frame[:, None]], dim=1)
    actions, action_mask, counter = context.actions[:, 1:], context.action_mask[:, 1:], state.counter + DRAWS_PER_STEP
    return WorldState(frames, actions, action_mask, state.seed, counter, features, cache, uncertainty)
