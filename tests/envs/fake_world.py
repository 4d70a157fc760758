"""A world whose dreams are known exactly: every frame shows its lane's seed, the step and the last action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from vdworld.spaces import ActionCodec, flat_action_size, frames_to_float
from vdworld.world import Outcome, WorldModel, WorldState

HEIGHT, WIDTH, CONTEXT = 4, 6, 3
BOX = spaces.Box(-1.0, 1.0, (2,), np.float32)
NUM_CLIPS = 5


def frame_of(seed: int, count: int, action: float = 0.0, camera: int = 0) -> np.ndarray:
    """Return the frame ``[h, w, 3]`` after ``count`` steps, the last of which took an action that begins so."""
    code = round(100 + 50 * action) % 256
    return np.full((HEIGHT, WIDTH, 3), (seed % 256, count, code + camera), dtype=np.uint8)


def reward_of(count: int, action: float) -> float:
    """Return the reward of step ``count``."""
    return 10.0 * count + action


def length(seed: int) -> int:
    """Return the step that ends the episode of ``seed``: 3, 4, 5 or 6."""
    return 3 + seed % 4


class FakeWorld(WorldModel):
    """A scripted world with the public face of a WorldModel.

    Args:
        action_space: Frames show the first number of the flat action.
        cameras: Camera i adds i to the last channel.
        has_reward: Whether it claims to predict rewards.
    """

    def __init__(
        self, action_space: gym.Space = BOX, *, cameras: tuple[str, ...] = ("image",), has_reward: bool = True
    ) -> None:
        nn.Module.__init__(self)
        wide = [3.0] * flat_action_size(action_space)  # for what has no bounds
        self.action_codec = ActionCodec(action_space, [-3.0] * len(wide), wide)
        self.cameras, self.image_size, self.fps = cameras, (HEIGHT, WIDTH), 12.5
        self.has_reward, self.spec, self.readings = has_reward, None, {}
        self.uncertainty_quantiles = ((0.0, 0.05, 0.1),)
        self.num_sampling_steps_log: list[int | None] = []
        self.anchor = nn.Parameter(torch.zeros(1))

    @property
    def context_length(self) -> int:
        return CONTEXT

    def start(
        self, frames: Tensor, actions: Any = None, *, lengths: Any = None, seed: int | Sequence[int] | Tensor = 0
    ) -> WorldState:
        """Take the last K frames; shorter clips repeat their first."""
        b, k = frames.shape[:2]
        missing = max(CONTEXT - k, 0)
        frames = torch.cat([frames[:, :1].expand(-1, missing, -1, -1, -1), frames], dim=1)[:, -CONTEXT:]
        encoded = torch.zeros(b, CONTEXT - 1, self.action_codec.dim)
        action_mask = torch.zeros(b, CONTEXT - 1, dtype=torch.bool)
        if actions is not None:
            past = self.action_codec.encode(actions)[:, -(CONTEXT - 1) :]
            encoded[:, CONTEXT - 1 - past.shape[1] :] = past
            action_mask[:, CONTEXT - 1 - past.shape[1] :] = True
        seeds = torch.as_tensor(seed)
        return WorldState(frames, encoded, action_mask, seeds, torch.zeros_like(seeds), torch.zeros(b, 1))

    def sample_start(self, num_lanes: int, seed: int | Sequence[int] | Tensor = 0, clips: Any = None) -> WorldState:
        """Show the seed; the second of the two actions before it is known."""
        return self._clips([int(s) for s in torch.as_tensor(seed)], torch.as_tensor(seed))

    def start_from_clips(self, index: Tensor, seed: int | Sequence[int] | Tensor = 0, clips: Any = None) -> WorldState:
        """Show clip i as the frames of seed 200 + i."""
        return self._clips([200 + int(i) for i in index], torch.as_tensor(seed))

    @property
    def starts(self) -> range:
        return range(NUM_CLIPS)

    def step(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        state: WorldState,
        action: Any,
        *,
        num_sampling_steps: int | None = None,
        with_uncertainty: bool = False,
    ) -> Any:
        """Count one step further; reward and end follow the script, and the uncertainty is a hundredth of the seed."""
        self.num_sampling_steps_log.append(num_sampling_steps)
        first = self.action_codec.flatten(action)[:, 0]
        count = state.counter + 1
        frame = torch.stack([self._frame(*lane) for lane in zip(state.seed, count, first, strict=True)])
        ends = count >= 3 + state.seed % 4
        after = WorldState(
            frames=torch.cat([state.frames[:, 1:], frame[:, None]], dim=1),
            actions=torch.cat([state.actions[:, 1:], self.action_codec.encode(action)[:, None]], dim=1),
            action_mask=torch.cat([state.action_mask[:, 1:], torch.ones_like(state.action_mask[:, :1])], dim=1),
            seed=state.seed,
            counter=count,
            features=count[:, None].float(),
        )
        continuation = torch.where(ends, 0.0, 1 - count / 16)
        uncertainty = state.seed / 100 if with_uncertainty else None
        return after, Outcome(frame, 10.0 * count + first, continuation, ends, after.features, uncertainty)

    def _clips(self, pictured: list[int], seeds: Tensor) -> WorldState:
        frames = torch.stack(
            [torch.stack([self._frame(s, 0, (j - CONTEXT + 1) / 50) for j in range(CONTEXT)]) for s in pictured]
        )
        codec = self.action_codec
        encoded = torch.zeros(len(frames), CONTEXT - 1, codec.dim)
        action_mask = torch.tensor([False, True]).expand(len(frames), -1)
        return WorldState(frames, encoded, action_mask, seeds, torch.zeros_like(seeds), torch.zeros(len(frames), 1))

    def _frame(self, seed: Any, count: Any, action: Any) -> Tensor:
        views = [frame_of(int(seed), int(count), float(action), camera) for camera in range(len(self.cameras))]
        return torch.cat([frames_to_float(torch.from_numpy(view)) for view in views])
