"""The dynamics of a dream, for one environment and a batch alike: where it starts, how it steps, rewards and ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from vdworld.envs.dream.checked_actions import CLIP, check_actions_setting, checked_action
from vdworld.envs.dream.shared_world import shared_world
from vdworld.envs.dream.start_sources import Starts, start_source
from vdworld.world import Outcome, Rollout, WorldModel, WorldState
from vdworld.world.disagreement import UncertaintyLimit

RewardFunction = Callable[[Rollout], Tensor]


class DreamDynamics:
    """A world and the settings with which environments dream in it. It holds no episode of its own.

    Args:
        world: A checkpoint folder, a name or a world in memory; see ``shared_world``.
        device: The world's device; None leaves a world in memory where it is, and loads others on the CPU.
        num_sampling_steps: Network evaluations per frame; None takes the world's own number.
        starts: Where dreams start; see ``DreamEnv``.
        with_uncertainty: Whether steps report their uncertainty.
        uncertainty_limit: Truncate dreams that are more uncertain than this share of held-out ones were after as many
            steps; None never does.
        trust_environment: Whether the world's environment may import any package, for starts in it.
        reward_function: Rewards ``[b, h]`` of a Rollout, in place of the world's own; a step is a Rollout with h = 1.
        actions: ``"clip"`` or ``"strict"``; see ``checked_action``.

    Attributes:
        starts: The source of the dreams' starts.

    Raises:
        ValueError: The world predicts no rewards and there is no `reward_function`, `num_sampling_steps` is below 1,
            `actions` is unknown, or `device` is not that of a world in memory.
    """

    def __init__(
        self,
        world: str | Path | WorldModel | None,
        *,
        device: str | torch.device | None = None,
        num_sampling_steps: int | None = None,
        starts: Starts = None,
        with_uncertainty: bool = False,
        uncertainty_limit: float | None = None,
        trust_environment: bool = False,
        reward_function: RewardFunction | None = None,
        actions: str = CLIP,
    ) -> None:
        check_actions_setting(actions)
        if num_sampling_steps is not None and num_sampling_steps < 1:
            raise ValueError(f"`num_sampling_steps` must be at least 1, got {num_sampling_steps}.")
        self.world = shared_world(world, device)
        self.starts = start_source(self.world, starts, trust_environment)
        quantiles, share = self.world.uncertainty_quantiles, uncertainty_limit
        self.limit = None if share is None else UncertaintyLimit(quantiles, share)
        self.reward_function, self.actions = reward_function, actions
        self._sampling = {
            "num_sampling_steps": num_sampling_steps,
            "with_uncertainty": with_uncertainty or self.limit is not None,
        }
        if reward_function is None and not self.world.has_reward:
            raise ValueError(
                "`reward_function` must be given for a world that was trained without rewards, got None. "
                "Pass a callable that takes a Rollout and returns its rewards [b, h]."
            )

    def native(self, space: gym.Space, action: Any) -> Any:
        """Return an action of ``space`` for the world, as `actions` says; see ``checked_action``.

        Raises:
            InvalidAction: `action` is not in `space`.
        """
        return checked_action(space, action, self.world.device, self.actions)

    def step(self, state: WorldState, action: Any) -> tuple[WorldState, Outcome]:
        """Imagine the next frame of every lane. The outcome holds the final reward."""
        state, outcome = self.world.step(state, action, **self._sampling)
        if self.reward_function is not None:
            outcome = replace(outcome, reward=self._own_reward(self.reward_function, state, outcome))
        return state, outcome

    def ends(self, state: WorldState, outcome: Outcome) -> np.ndarray:
        """Return which lanes terminate, and which are truncated because they are too uncertain: bool ``[2, b]``.

        Args:
            state: The dreams after the step.
            outcome: The step's outcome.
        """
        too_uncertain = torch.zeros_like(outcome.terminated)
        if self.limit is not None and outcome.uncertainty is not None:
            too_uncertain = outcome.uncertainty > self.limit.at(state.num_steps.clamp(min=1))
        return torch.stack([outcome.terminated, too_uncertain]).cpu().numpy()  # waits for the device only once

    def start_info(self, num_lanes: int) -> dict[str, Tensor]:
        """Return the entries of ``step_info`` for lanes that show a real frame: certain, and sure to go on."""
        entries = {"continuation": torch.ones(num_lanes, device=self.world.device)}
        if self._sampling["with_uncertainty"]:
            entries["uncertainty"] = torch.zeros(num_lanes, device=self.world.device)
        return entries

    def step_info(self, outcome: Outcome) -> dict[str, Tensor]:
        """Return the entries of a step's info, a row per lane ``[b]``."""
        entries = {"continuation": outcome.continuation, "uncertainty": outcome.uncertainty}
        return {name: values for name, values in entries.items() if values is not None}

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
