"""The learned simulator: start a dream from real frames, step it, roll it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vdworld.argument_hints import refuse_former
from vdworld.types import Frames, PastActionMask, PastActions
from vdworld.world.device import pick_device
from vdworld.world.history import History
from vdworld.world.noise import lane_seeds, lane_uniform
from vdworld.world.outcome import Outcome, Rollout
from vdworld.world.parts import WorldParts
from vdworld.world.rollouts import count_steps, recomputed, roll_frames, roll_out
from vdworld.world.start import first_state, history_from_clips, history_from_frames
from vdworld.world.start_clips import StartClips
from vdworld.world.state import WorldState
from vdworld.world.step import StepRequest, imagine

Policy = Callable[[WorldState], Any]
"""Maps the state of the dreams to one action per lane, in the environment's units."""


class WorldModel(WorldParts):
    """An environment learned from recorded experience, imagined by a video diffusion model.

    Args:
        network: Estimates the clean next frame; its sizes fix those of the world.
        process: The diffusion process that the network was trained with.
        heads: Predict reward, continuation and readings.
        action_codec: Maps the environment's actions to the network's.
        image_size: Height and width of the frames in pixels.
        cameras: Names of the cameras; their frames are concatenated along the channels.
        readings: Names of the low-dimensional readings, as recorded, and how many numbers each holds.
        fps: Steps per second of the environment's time.
        has_reward: Whether the data held rewards; without them `reward` is 0 and means nothing.
        sampling: How frames are drawn; None is one Euler step.
        shortcut_steps: The step count from which no step is a shortcut; 0 for a world trained without shortcuts.
        trained_without: Which of "actions" and "history" training sometimes dropped, so that they can guide.
        spec: How to build the real environment.
        starts: Real clips to begin from.
        training_info: How the world was trained, as plain JSON values.
        uncertainty_quantiles: Quantiles of its uncertainty in held-out dreams, from 0% to 100%, a row for each number
            of imagined steps from 1 on; empty where unmeasured. Worlds of 0.1.0 have a single row.
    """

    def start(
        self,
        frames: Frames,
        actions: Any = None,
        *,
        lengths: Tensor | None = None,
        seed: int | Sequence[int] | Tensor = 0,
    ) -> WorldState:
        """Begin a dream in every lane from real frames.

        Args:
            frames: The past ``[b, k, c, h, w]`` in [-1, 1], newest last. Any k from 1; the last K + 1 frames are used.
            actions: The k - 1 actions between them, in the environment's units, with axes ``[b, k - 1, ...]``; None
                marks them unknown.
            lengths: How many of the k frames are real ``[b]``, counted from the newest; None means all.
            seed: An int, so that lane i gets ``seed + i``, or one per lane.

        Raises:
            ValueError: Shapes or dtypes that don't fit this world.
        """
        sizes = {"codec": self.action_codec, "frame_shape": self.frame_shape, "device": self.device}
        return self._begin(history_from_frames(frames, actions, lengths, **sizes), seed)

    def start_encoded(
        self, frames: Frames, actions: PastActions, action_mask: PastActionMask, seed: int | Sequence[int] | Tensor = 0
    ) -> WorldState:
        """Begin dreams from clips with encoded actions; `action_mask` is False where a clip is padded."""
        return self._begin(History(frames, actions, action_mask), seed)

    def sample_start(
        self, num_lanes: int, seed: int | Sequence[int] | Tensor = 0, clips: StartClips | None = None
    ) -> WorldState:
        """Begin dreams from the world's own start clips, or from others; a lane's seed picks its clip.

        Raises:
            ValueError: The world has no start clips.
        """
        clips, seeds = clips or self.own_clips(), lane_seeds(seed, num_lanes, self.device)
        index = (lane_uniform(seeds, torch.zeros_like(seeds) - 1) * len(clips)).long()
        return self.start_from_clips(index, seeds, clips)

    def start_from_clips(
        self, index: Tensor, seed: int | Sequence[int] | Tensor = 0, clips: StartClips | None = None
    ) -> WorldState:
        """Begin dreams from start clips picked by their index ``[b]``, from the world's own or from others.

        Raises:
            ValueError: The world has no start clips.
        """
        return self._begin(history_from_clips(clips or self.own_clips(), index, self.action_codec, self.device), seed)

    @refuse_former(donate="is removed: a step changes nothing but the state that it returns")
    def step(
        self,
        state: WorldState,
        action: Any,
        *,
        num_sampling_steps: int | None = None,
        with_uncertainty: bool = False,
        encoded: bool = False,
    ) -> tuple[WorldState, Outcome]:
        """Imagine the next frame of every lane.

        Args:
            state: The dreams; stays valid.
            action: One action per lane in the environment's units, with axes ``[b, ...]``.
            num_sampling_steps: Sampling steps for the frame; None takes the world's own number.
            with_uncertainty: Draw a second frame with other noise, and report how uncertain the dream has become by the
                root mean square differences of the two.
            encoded: Whether `action` is already encoded, ``[b, a]``.

        Returns:
            The next state, and the frame with its reward, continuation, features and readings.

        Raises:
            ValueError: `action` does not fit the lanes, or the sampler does not admit `num_sampling_steps`.
        """
        action = action if encoded else self.action_codec.encode_batch(action, (len(state),), state.seed.device)
        request = StepRequest(num_sampling_steps, uncertainty=with_uncertainty)
        state, outputs = imagine(self.generator, self.heads, state, action, request)
        return state, Outcome(**{"uncertainty": None, **outputs}, readings=self.read(outputs["features"]))

    def rollout(
        self,
        state: WorldState,
        actions_or_policy: Any | Policy,
        *,
        horizon: int | None = None,
        num_sampling_steps: int | None = None,
        with_features: bool = False,
        with_uncertainty: bool = False,
        frames_only: bool = False,
        recompute: bool = False,
        encoded: bool = False,
    ) -> Rollout:
        """Imagine a future of every lane; differentiable in the actions.

        Args:
            state: The dreams; stays valid.
            actions_or_policy: Actions ``[b, h, ...]`` in the environment's units, or a function that maps the state
                to the next actions.
            horizon: Steps to imagine; required with a policy, and by default as many as there are actions.
            num_sampling_steps: Sampling steps per frame; None takes the world's own number.
            with_features: Whether to keep the features of every step.
            with_uncertainty: Whether to keep the uncertainty of every step; doubles the cost.
            frames_only: Skip rewards and continuations, about a third of the cost. It has no effect with a policy.
            recompute: With gradients, keep only the state of each step and compute the step again in the backward pass
                (Chen et al. 2016): the memory of one step for about a third more time.
            encoded: Whether the actions are already encoded, ``[b, h, a]``.

        Raises:
            ValueError: A policy without `horizon`, or actions of another shape.
        """
        actions = None if callable(actions_or_policy) else actions_or_policy
        if actions is not None and not encoded:
            num_actions = self.action_codec.flatten(actions).shape[1:2]
            actions = self.action_codec.encode_batch(actions, (len(state), *num_actions), self.device)
        num_steps = count_steps(horizon, actions)
        if frames_only and actions is not None:
            parts = (self.generator, self.heads, state, actions[:, :num_steps])
            return roll_frames(*parts, num_sampling_steps, recompute)
        options = {"num_sampling_steps": num_sampling_steps, "with_uncertainty": with_uncertainty}
        step = partial(recomputed(self.step) if recompute else self.step, **options)
        step = partial(step, encoded=encoded or actions is not None)
        return roll_out(step, state, actions_or_policy if actions is None else actions, num_steps, with_features)

    def save_pretrained(self, path: str | Path) -> Path:
        """Write a self-contained folder: config, weights, start clips and a model card."""
        from vdworld.world.pretrained import save_world

        return save_world(self, Path(path))

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path, device: torch.device | str = "cpu") -> WorldModel:
        """Load a world from a folder that ``save_pretrained`` wrote.

        Raises:
            FileNotFoundError: There is no such world.
            ValueError: The folder holds something else.
        """
        from vdworld.world.pretrained import load_world

        return load_world(path_or_name).to(pick_device(str(device)))

    def _begin(self, history: History, seed: int | Sequence[int] | Tensor) -> WorldState:
        seeds = lane_seeds(seed, len(history.frames), self.device)
        return first_state(self.generator, history, seeds, self.context_length)
