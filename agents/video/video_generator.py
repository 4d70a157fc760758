"""Generate videos to a goal with a video model."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from gymnasium.spaces import Discrete
from torch import Tensor

from vdworld.agents.video.goal_clips import goal_cameras
from vdworld.types import Frame, Frames
from vdworld.world import WorldModel, WorldState
from vdworld.world.step import StepRequest, imagine


class VideoGenerator:
    """Imagine videos in a world from ``train_video_model``.

    The goal cameras show the true goal in every frame: after each step it replaces the goal that the world imagined.
    The cache of a video network keeps the imagined goals, which are copies of the true one.

    Args:
        world: The video model.

    Attributes:
        has_goal: Whether it is conditioned on goal images.
        has_instruction: Whether it is conditioned on instructions.
        num_channels: Channels of a frame without its goal.

    Raises:
        ValueError: The world is conditioned on neither.
    """

    def __init__(self, world: WorldModel) -> None:
        self.world = world
        half = len(world.cameras) // 2
        self.has_goal = half > 0 and world.cameras[half:] == goal_cameras(world.cameras[:half])
        self.has_instruction = not isinstance(world.action_space, Discrete)
        self.num_channels = 3 * (half if self.has_goal else len(world.cameras))
        if not self.has_goal and not self.has_instruction:
            raise ValueError(
                "`world` must be conditioned on goals or instructions, got one with the cameras "
                f"{', '.join(world.cameras)}. "
                "Train it with `vdworld.agents.video.train_video_model`."
            )

    def encode_instruction(self, instruction: Any) -> Tensor:
        """Return the codes of instructions ``[b, a]``, or ``[1, a]`` for a single vector.

        Args:
            instruction: A vector ``[d]`` for all lanes or ``[b, d]``, in the units of the training instructions.

        Raises:
            ValueError: The world takes no instructions, or vectors of another length.
        """
        vectors, space = torch.as_tensor(instruction, dtype=torch.float32), self.world.action_space
        if not self.has_instruction:
            raise ValueError("`instruction` must be None: this video model was trained without `instructions`.")
        if vectors.ndim not in (1, 2) or tuple(vectors.shape[-1:]) != space.shape:
            raise ValueError(f"`instruction` must end in {space.shape} numbers, got {list(vectors.shape)}.")
        return self.world.action_codec.encode_flat(torch.atleast_2d(vectors).to(self.world.device))

    def imagine(
        self,
        frames: Frames,
        *,
        goal: Tensor | None = None,
        instruction: Tensor | None = None,
        horizon: int,
        num_videos: int = 1,
        num_sampling_steps: int | None = None,
        seed: int = 0,
    ) -> Tensor:
        """Return videos ``[b, num_videos, horizon, c, h, w]`` in [-1, 1], without the past frames.

        Args:
            frames: The past ``[b, k, c, h, w]``, newest last; any k from 1.
            goal: Frames to reach ``[b, c, h, w]``, if the world is conditioned on goals.
            instruction: What ``encode_instruction`` returned, if it is conditioned on instructions.
            horizon: Frames of a video.
            num_videos: Videos per lane, each with noise of its own.
            num_sampling_steps: Network evaluations per frame; None takes the world's own number.
            seed: Seeds the videos; lane i has seed + i.

        Raises:
            ValueError: The goal or the instruction is missing, or has another number of lanes.
        """
        b, k = frames.shape[:2]
        goals, condition = self._goals(goal, b), self._condition(instruction, b)
        past = torch.cat([frames.to(goals), goals[:, None].expand(-1, k, -1, -1, -1)], dim=2)
        action_mask = torch.ones(b, k - 1, dtype=torch.bool, device=goals.device)
        state = self.world.start_encoded(past, condition[:, None].expand(-1, k - 1, -1), action_mask, seed)
        state = state.repeat(num_videos, noise="independent")
        goals, condition = (part.repeat_interleave(num_videos, dim=0) for part in (goals, condition))
        request, parts = StepRequest(num_sampling_steps, outcome=False), (self.world.generator, self.world.heads)
        video = []
        for _ in range(horizon):
            state, _ = imagine(*parts, state, condition, request)
            state = self._with_goal(state, goals)
            video.append(state.frame[:, : self.num_channels])
        return torch.stack(video, dim=1).unflatten(0, (b, num_videos))

    def _goals(self, goal: Tensor | None, num_lanes: int) -> Frame:
        """Return the goals ``[b, c, h, w]``, without channels if the world is not conditioned on them."""
        if not self.has_goal:
            return torch.zeros(num_lanes, 0, *self.world.image_size, device=self.world.device)
        if goal is None:
            raise ValueError("`goal` must be given to this video model: reset the agent with `goal=frames`.")
        if len(goal) != num_lanes:
            raise ValueError(f"`goal` must hold one frame per lane, {num_lanes}, got {len(goal)}.")
        return goal.to(self.world.device, torch.float32)

    def _condition(self, instruction: Tensor | None, num_lanes: int) -> Tensor:
        """Return what takes the place of an action ``[b, a]``: the instruction, or a one-hot code of length 1."""
        if not self.has_instruction:
            return torch.ones(num_lanes, 1, device=self.world.device)
        if instruction is None:
            raise ValueError("`instruction` must be given to this video model: call `follow(vector)` first.")
        if len(instruction) not in (1, num_lanes):
            raise ValueError(f"`instruction` must hold one vector or {num_lanes}, got {len(instruction)}.")
        return instruction.expand(num_lanes, -1)

    def _with_goal(self, state: WorldState, goals: Frame) -> WorldState:
        """Replace the goals that the world imagined with the newest frame by the true ones."""
        newest = torch.cat([state.frame[:, : self.num_channels], goals], dim=1)
        return dataclasses.replace(state, frames=torch.cat([state.frames[:, :-1], newest[:, None]], dim=1))
