"""One dream as a Gymnasium environment: ``gym.make("vdworld/Dream-v0", world=...)``."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.error import ResetNeeded

from vdworld.envs.dream.dream_lanes import DreamLanes, RewardFunction
from vdworld.envs.dream.dream_spaces import (
    checked_action,
    map_leaves,
    observation_space,
    observed,
    side_by_side,
    to_numpy,
)
from vdworld.envs.dream.dream_start import start_info, start_lanes
from vdworld.envs.dream.lane_seeds import draw_seed
from vdworld.envs.dream.rendering import RENDER_MODES, Pictures
from vdworld.envs.dream.snapshots import DreamSnapshot
from vdworld.envs.dream.start_sources import Starts
from vdworld.world import WorldModel, WorldState

METADATA: dict[str, Any] = {"render_modes": RENDER_MODES, "render_fps": 10}  # of the classes; instances have copies


class DreamEnv(gym.Env[Any, Any]):
    """Act in a learned world as in the environment that it learned from.

    ``reset(seed=s)`` lets s decide the start clip and all noise of the episode; ``reset()`` goes on with a seed drawn
    from ``np_random``. Either way ``info["seed"]`` repeats the episode. ``reset(options=...)`` takes ``"start_index"``
    (one of the clips of `starts`) or ``"frames"`` (uint8 ``[k, h, w, 3]`` or one image ``[h, w, 3]``, by camera where
    there are several) with the k - 1 ``"actions"`` between them; ``RememberContext`` keeps them of a real environment.

    The ``info`` of ``reset`` holds ``"seed"`` and the context that the world starts from: ``"context_frames"`` (uint8
    ``[K, h, w, 3]``, newest last), the K - 1 ``"context_actions"`` between them and ``"context_known"``, False where
    such an action means nothing because it is unknown or stands before the first real frame. The ``info`` of ``step``
    holds ``"continuation"``, the probability that the episode goes on.

    Args:
        world: A checkpoint folder, a name, or a WorldModel in memory. Paths share one loaded copy per process; with
            a string, ``spec.to_json()`` can rebuild the environment.
        render_mode: ``"rgb_array"``, ``"rgb_array_list"`` (the pictures since the last ``render`` or reset),
            ``"human"`` (a window, at the environment's own pace; needs pygame) or None.
        device: Where the world lies: by default the CPU for a path, and where it is for a world in memory.
        num_sampling_steps: Network evaluations per frame; None takes the world's own number.
        starts: Where dreams begin: None for the world's own clips, a dataset or its folder for clips drawn from it,
            ``"real"`` (or an EnvironmentSpec, or what ``make_real`` returns) for resets of the real environment.
        with_uncertainty: Tell in ``info["uncertainty"]`` how far two draws of the frame lie apart: root mean square, of
            a range of 2. It costs about as much as the frame.
        uncertainty_limit: Truncate an episode at a step that is more uncertain than this share of the steps of held-out
            dreams, such as 0.99; what a policy learns beyond, it may learn from the world's errors.
        reward_function: Rewards ``[b, h]`` of a Rollout, needed where the world was trained without rewards.

    Raises:
        ValueError: The world gives no rewards and there is no `reward_function`; an unknown render mode.
    """

    metadata: dict[str, Any] = METADATA

    def __init__(
        self,
        world: str | Path | WorldModel,
        *,
        render_mode: str | None = None,
        device: str | torch.device | None = None,
        num_sampling_steps: int | None = None,
        starts: Starts = None,
        with_uncertainty: bool = False,
        uncertainty_limit: float | None = None,
        reward_function: RewardFunction | None = None,
    ) -> None:
        uncertainty_settings = {"with_uncertainty": with_uncertainty, "uncertainty_limit": uncertainty_limit}
        self._lanes = DreamLanes(world, device, num_sampling_steps, reward_function, starts, **uncertainty_settings)
        self.world = self._lanes.world
        self.metadata = {**self.metadata, "render_fps": self.world.fps}
        self.render_mode, self._pictures = render_mode, Pictures(render_mode, self.world.fps)
        self.observation_space = observation_space(self.world)
        self.action_space = copy.deepcopy(self.world.action_space)  # sampling has a stream of its own
        self._state: WorldState | None = None
        self._seen: Any = None

    @torch.no_grad()
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin a dream from real frames.

        Raises:
            ValueError: `options` holds something else than the class names, or frames of another shape.
        """
        super().reset(seed=seed)
        episode_seed = draw_seed(self.np_random) if seed is None else int(seed)
        given = {name: value for name, value in (options or {}).items() if value is not None}
        one_lane = map_leaves(lambda value: np.asarray(to_numpy(value))[None], given)
        self._state = start_lanes(self.world, self._lanes.starts, [episode_seed], one_lane)
        self._look(begun=True)
        return self._observation(), _only_lane(start_info(self.world, self._state, [episode_seed]))

    @torch.no_grad()
    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Imagine the next frame.

        The episode ends with the probability that the world gives to the end of the real one, drawn from the lane's
        own random stream. Truncation is left to Gymnasium's TimeLimit and to `uncertainty_limit`.

        Raises:
            ResetNeeded: No episode is running.
            InvalidAction: `action` lies outside of the action space.
        """
        if self._state is None:
            raise ResetNeeded("step() needs a running episode; call reset() first.")
        native = checked_action(self.action_space, action, self.world.device)
        batched = map_leaves(lambda leaf: leaf[None], native)
        self._state, outcome = self._lanes.step(self._state, batched)
        self._look(begun=False)
        terminated, truncated = self._lanes.ends(outcome)[:, 0].tolist()
        if terminated or truncated:
            self._state = None
        return self._observation(), float(outcome.reward), terminated, truncated, _only_lane(self._lanes.told(outcome))

    def render(self) -> Any:
        """Return the current frame, uint8 ``[h, w, 3]`` in the world's own size; several cameras stand side by side.

        In mode ``"rgb_array_list"`` it is a list of frames, in mode ``"human"`` None.

        Raises:
            UnsupportedMode: The environment was made without a render mode.
            ResetNeeded: There is no frame before the first reset.
        """
        rendered = self._pictures.render(None if self._seen is None else self._pictured())
        return None if rendered is None else rendered[0]

    def close(self) -> None:
        """Close the window and what the dreams begin from; a world stays."""
        self._pictures.close()
        self._lanes.starts.close()

    def get_state(self) -> DreamSnapshot:
        """Return a copy of the dream as it stands, for ``set_state``; wrappers such as TimeLimit keep their own count.

        Raises:
            ResetNeeded: There is nothing to copy before the first reset.
        """
        if self._seen is None:
            raise ResetNeeded("get_state() needs an episode; call reset() first.")
        return DreamSnapshot(self._state, self._seen, self.np_random).clone()

    def set_state(self, snapshot: DreamSnapshot) -> None:
        """Go on from a snapshot, as often as you like: the same actions dream the same frames again."""
        own = snapshot.clone()
        self._state, self._seen, self.np_random = own.state, own.seen, own.np_random

    def _look(self, *, begun: bool) -> None:
        """Take in where the dream stands now."""
        assert self._state is not None
        self._seen = observed(self.world, self._state)
        if self._pictures.wanted:
            self._pictures.add(self._pictured(), np.array([begun]), np.array([True]))

    def _pictured(self) -> np.ndarray:
        return side_by_side(self._seen, self.world.cameras)

    def _observation(self) -> Any:
        return _only_lane(self._seen)


def _only_lane(tree: Any) -> Any:
    """Take the single lane of a batch to NumPy; numbers become Python's own."""

    def first(batch: Any) -> Any:
        row = np.array(to_numpy(batch)[0])
        return row if row.ndim else row.item()

    return map_leaves(first, tree)
