"""What one environment and a batch of them do alike in each step: imagine, reward, show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vdworld.envs.dream_spaces import by_camera
from vdworld.envs.worlds import shared_world
from vdworld.world import Outcome, Rollout, WorldModel, WorldState

RewardFunction = Callable[[Rollout], Tensor]


class DreamLanes:
    """A world together with the way in which environments dream in it; it holds no episode of its own.

    Args:
        world: A checkpoint folder, a name or a world in memory; see ``shared_world``.
        device: Where the world lies; None leaves a world in memory where it is, and loads one on the CPU.
        num_sampling_steps: Network evaluations per frame; None takes the world's own number.
        reward_function: Rewards ``[b, h]`` of a Rollout, in place of the world's own; a step is a Rollout with h = 1.

    Raises:
        ValueError: The world gives no rewards and there is no `reward_function`; a count below 1; another device.
    """

    def __init__(
        self,
        world: str | Path | WorldModel,
        device: str | torch.device | None = None,
        num_sampling_steps: int | None = None,
        reward_function: RewardFunction | None = None,
    ) -> None:
        if num_sampling_steps is not None and num_sampling_steps < 1:
            raise ValueError(f"`num_sampling_steps` must be at least 1, got {num_sampling_steps}.")
        self.world = shared_world(world, device)
        self.num_sampling_steps = num_sampling_steps
        self.reward_function = reward_function
        if reward_function is None and not self.world.has_reward:
            raise ValueError(
                "`reward_function` must be given for a world that was trained without rewards, got None. "
                "Pass a callable that takes a Rollout and returns its rewards [b, h]."
            )

    def step(self, state: WorldState, action: Any) -> tuple[WorldState, Outcome]:
        """Imagine the next frame of every lane; ``state`` is used up. The outcome's reward is the one to hand on."""
        state, outcome = self.world.step(state, action, num_sampling_steps=self.num_sampling_steps, donate=True)
        if self.reward_function is not None:
            outcome = replace(outcome, reward=self._own_reward(self.reward_function, state, outcome))
        return state, outcome

    def pixels(self, frames: Tensor) -> Any:
        """Return the uint8 observation ``[..., h, w, 3]`` of float frames, by camera where there are several."""
        return by_camera(self.world, frames)

    def _own_reward(self, function: RewardFunction, state: WorldState, outcome: Outcome) -> Tensor:
        rollout = Rollout(
            frames=outcome.frame[:, None],
            rewards=outcome.reward[:, None],
            continuations=outcome.continuation[:, None],
            terminated=outcome.terminated[:, None],
            features=None if outcome.features is None else outcome.features[:, None],
            uncertainty=None if outcome.uncertainty is None else outcome.uncertainty[:, None],
            state=state,
        )
        rewards = torch.as_tensor(function(rollout), dtype=torch.float32, device=outcome.frame.device)
        if rewards.shape != rollout.rewards.shape:
            raise ValueError(
                f"`reward_function` must return rewards of shape {tuple(rollout.rewards.shape)} (lanes, steps), "
                f"got {tuple(rewards.shape)}."
            )
        return rewards[:, 0]
