"""Step a vector environment in any autoreset mode, with results of one form."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from vdworld.envs.array_trees import to_numpy


@dataclass(frozen=True)
class LaneStep:
    """What one step led to in every lane, as the arrays or tensors that the environment returns.

    Args:
        observation: What the lanes act on next: the first observation of a new episode where one begins.
        final: The last observations of the episodes that ended, a batch or an object array; None if none ended.
        reward: The rewards ``[b]``.
        terminated: Whether the episodes terminated ``[b]``.
        ended: Whether they terminated or were truncated ``[b]``.
        continuation: The probabilities of not terminating ``[b]``; None where the environment reports none.
        begun: The lanes in which `observation` begins an episode ``[b]``.
        reset_info: The info of the resets with which they began; None if no episode began.
        is_step: False for the lanes that were only reset, without regard to their action ``[b]``; mode NEXT_STEP alone
            has such lanes.
        any_step: False if all lanes were only reset.
    """

    observation: Any
    final: Any
    reward: Any
    terminated: Any
    ended: Any
    continuation: Any
    begun: Any
    reset_info: dict[str, Any] | None
    is_step: Any
    any_step: bool = True


class LaneSteps:
    """Step a vector environment, and reset its lanes where it leaves that to its user.

    Args:
        envs: The environment, already reset.

    Attributes:
        over: The lanes that the next step only resets ``[b]``, in mode NEXT_STEP.

    Raises:
        ValueError: Its metadata name no autoreset mode.
    """

    def __init__(self, envs: VectorEnv) -> None:
        mode = envs.metadata.get("autoreset_mode")
        steps = {
            AutoresetMode.SAME_STEP: self._same_step,
            AutoresetMode.NEXT_STEP: self._next_step,
            AutoresetMode.DISABLED: self._disabled,
        }
        if mode not in steps:
            raise ValueError(
                f'`envs` must have a gymnasium.vector.AutoresetMode in metadata["autoreset_mode"], got {mode!r}.'
            )
        self.envs, self._step, self.over = envs, steps[mode], np.zeros(envs.num_envs, dtype=np.bool_)

    def step(self, actions: Any) -> LaneStep:
        """Step every lane."""
        return self._step(*self.envs.step(actions))

    def _same_step(self, observation: Any, reward: Any, terminated: Any, truncated: Any, info: dict) -> LaneStep:
        ended = terminated | truncated
        # dreams on a device say so without waiting for it
        any_ended = ended.any() if isinstance(ended, np.ndarray) else bool(info.get("final_info", True))
        if any_ended and "final_obs" not in info:
            raise ValueError(
                '`envs` must report "final_obs" where an episode ends, as mode SAME_STEP says; it has none.'
            )
        continuation, final = info.get("continuation"), info.get("final_info", {}).get("continuation")
        if continuation is not None and final is not None:
            continuation = final * ended + continuation * ~ended
        return LaneStep(
            observation=observation,
            final=info["final_obs"] if any_ended else None,
            reward=reward,
            terminated=terminated,
            ended=ended,
            continuation=continuation,
            begun=ended,
            reset_info=info if any_ended else None,
            is_step=ended | True,
        )

    def _next_step(self, observation: Any, reward: Any, terminated: Any, truncated: Any, info: dict) -> LaneStep:
        ended, reset = terminated | truncated, self.over
        self.over = to_numpy(ended)
        return LaneStep(
            observation=observation,
            final=observation if self.over.any() else None,
            reward=reward,
            terminated=terminated,
            ended=ended,
            continuation=info.get("continuation"),
            begun=reset,
            reset_info=info if reset.any() else None,
            is_step=~reset,
            any_step=not reset.all(),
        )

    def _disabled(self, observation: Any, reward: Any, terminated: Any, truncated: Any, info: dict) -> LaneStep:
        ended = terminated | truncated
        mask, final, reset_info = to_numpy(ended), None, None
        if mask.any():
            final = copy.deepcopy(observation)  # the environment may reuse its memory
            observation, reset_info = self.envs.reset(options={"reset_mask": mask})
        return LaneStep(
            observation=observation,
            final=final,
            reward=reward,
            terminated=terminated,
            ended=ended,
            continuation=info.get("continuation"),
            begun=ended,
            reset_info=reset_info,
            is_step=ended | True,
        )
