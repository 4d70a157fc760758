"""One dream as a Gymnasium environment: ``gym.make("vdworld/Dream-v0", world=...)``."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.error import ResetNeeded

from vdworld.envs.array_trees import map_leaves, to_numpy
from vdworld.envs.dream.checked_actions import CLIP
from vdworld.envs.dream.dream_dynamics import DreamDynamics, RewardFunction
from vdworld.envs.dream.dream_observations import observation_space, observe_lanes
from vdworld.envs.dream.episode_start import reset_info, start_episodes
from vdworld.envs.dream.json_spec import JsonSpec
from vdworld.envs.dream.lane_seeds import draw_seed
from vdworld.envs.dream.rendering import RENDER_MODES, Renderer
from vdworld.envs.dream.snapshots import DreamSnapshot
from vdworld.envs.dream.start_sources import Starts
from vdworld.envs.frame_spaces import side_by_side
from vdworld.seeds import stream_seed
from vdworld.world import WorldModel, WorldState

METADATA: dict[str, Any] = {"render_modes": RENDER_MODES, "render_fps": 10}  # of the class; each instance has a copy


class DreamEnv(JsonSpec, gym.Env[Any, Any]):  # pyright: ignore[reportIncompatibleVariableOverride]
    """A learned world as an environment, with the spaces of the environment that it learned from.

    ``reset(seed=s)`` starts an episode whose start clip and noise are decided by s. ``reset()`` draws the seed from
    ``np_random``. In both cases ``info["seed"]`` repeats the episode. ``reset(options=...)`` takes ``"start_index"``
    (one of the clips of `starts`) or ``"frames"`` (uint8 ``[k, h, w, 3]`` or one image ``[h, w, 3]``, by camera where
    there are several) with the k - 1 ``"actions"`` between them; ``RememberContext`` records both in a real
    environment.

    Every ``info``, of ``reset`` and of ``step``, holds ``"continuation"``, the probability that the episode continues
    after this step, 1 at its start; its ``"seed"``; and the context that it started from: ``"context_frames"`` (uint8
    ``[K, h, w, 3]``, newest last), the K - 1 ``"context_actions"`` between them, and ``"context_action_mask"``, which
    is False for actions that are unknown or before the first real frame.

    Args:
        world: A checkpoint folder, a name, or a WorldModel in memory. Paths share one loaded copy per process; with
            a string, ``spec.to_json()`` can rebuild the environment.
        render_mode: ``"rgb_array"``, ``"rgb_array_list"`` (the pictures since the last ``render`` or reset),
            ``"human"`` (a window in real time; needs pygame) or None.
        device: The world's device: by default the CPU for a path, and its present device for a world in memory.
        num_sampling_steps: Network evaluations per frame; None takes the world's own number.
        starts: Where dreams start: None for the world's own clips, a dataset or its folder for clips drawn from it,
            ``"real"`` (or an EnvironmentSpec, or the result of ``make_real``) for resets of the real environment.
        with_uncertainty: Report in ``info["uncertainty"]`` how uncertain the dream has become: the root mean square
            differences between two draws of each frame so far, whose values span a range of 2, as the root of the sum
            of their squares. This costs about as much as the frame itself.
        uncertainty_limit: Truncate an episode that is more uncertain than this share of held-out dreams were after as
            many steps, such as 0.99. Beyond the limit a policy may learn from the world's errors.
        trust_environment: Whether ``starts="real"`` may import any package that the world's file names; see
            ``make_real``.
        reward_function: Rewards ``[b, h]`` of a Rollout; required for a world that was trained without rewards.
        actions: ``"clip"`` clips the numbers of a Box to its bounds, as most real environments do; ``"strict"`` raises
            InvalidAction for those outside. NaN, infinities, wrong shapes and unknown choices always raise.

    Raises:
        ValueError: The world predicts no rewards and there is no `reward_function`, or `render_mode` or `actions` is
            unknown.
    """

    metadata: dict[str, Any] = METADATA

    def __init__(
        self,
        world: str | Path | WorldModel | None = None,
        *,
        render_mode: str | None = None,
        device: str | torch.device | None = None,
        num_sampling_steps: int | None = None,
        starts: Starts = None,
        with_uncertainty: bool = False,
        uncertainty_limit: float | None = None,
        trust_environment: bool = False,
        reward_function: RewardFunction | None = None,
        actions: str = CLIP,
    ) -> None:
        self._dynamics = DreamDynamics(
            world,
            device=device,
            num_sampling_steps=num_sampling_steps,
            starts=starts,
            with_uncertainty=with_uncertainty,
            uncertainty_limit=uncertainty_limit,
            trust_environment=trust_environment,
            reward_function=reward_function,
            actions=actions,
        )
        self.world = self._dynamics.world
        self.metadata = {**self.metadata, "render_fps": self.world.fps}
        self.render_mode, self._renderer = render_mode, Renderer(render_mode, self.world.fps)
        self.observation_space = observation_space(self.world)
        self.action_space = copy.deepcopy(self.world.action_space)  # a copy, so that sampling has its own generator
        self._state: WorldState | None = None
        self._observation: Any = None  # tensors with a leading axis of 1
        self._episode_info: dict[str, Any] = {}

    @torch.no_grad()
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start a dream from real frames.

        Raises:
            ValueError: `options` holds an unknown entry, or frames of the wrong shape.
        """
        super().reset(seed=seed)
        episode_seed = draw_seed(self.np_random) if seed is None else stream_seed(int(seed))
        present = {name: value for name, value in (options or {}).items() if value is not None}
        batched = map_leaves(lambda value: np.asarray(to_numpy(value))[None], present)
        self._state = start_episodes(self._dynamics, [episode_seed], batched)
        self._observe(self._state, begun=True)
        self._episode_info = _single_lane(reset_info(self.world, self._state, [episode_seed]))
        return _single_lane(self._observation), self._info(self._dynamics.start_info(1))

    @torch.no_grad()
    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Imagine the next frame.

        The episode terminates with the probability that the world predicts, drawn from the episode's own random
        stream. It is truncated by `uncertainty_limit`, and by Gymnasium's TimeLimit if there is one.

        Raises:
            ResetNeeded: No episode is running.
            InvalidAction: `action` is not in the action space; see `actions`.
        """
        if self._state is None:
            raise ResetNeeded("step() needs a running episode; call reset() first.")
        native = self._dynamics.native(self.action_space, action)
        batched = map_leaves(lambda leaf: leaf[None], native)
        self._state, outcome = self._dynamics.step(self._state, batched)
        self._observe(self._state, begun=False)
        terminated, truncated = self._dynamics.ends(self._state, outcome)[:, 0].tolist()
        if terminated or truncated:
            self._state = None
        info = self._info(self._dynamics.step_info(outcome))
        return _single_lane(self._observation), float(outcome.reward), terminated, truncated, info

    def render(self) -> Any:
        """Return the current frame, uint8 ``[h, w, 3]`` in the world's image size; several cameras are side by side.

        In mode ``"rgb_array_list"`` it is a list of frames, in mode ``"human"`` None.

        Raises:
            UnsupportedMode: The environment was made without a render mode.
            ResetNeeded: There is no frame before the first reset.
        """
        pictures = self._renderer.render(None if self._observation is None else self._picture())
        return None if pictures is None else pictures[0]

    def close(self) -> None:
        """Close the window and the source of starts. The world stays loaded."""
        self._renderer.close()
        self._dynamics.starts.close()

    def get_state(self) -> DreamSnapshot:
        """Return a copy of the dream's state for ``set_state``. Wrappers such as TimeLimit are not part of it.

        Raises:
            ResetNeeded: There is nothing to copy before the first reset.
        """
        if self._observation is None:
            raise ResetNeeded("get_state() needs an episode; call reset() first.")
        return DreamSnapshot(self._state, self._observation, self.np_random, self._episode_info).clone()

    def set_state(self, snapshot: DreamSnapshot) -> None:
        """Continue from a snapshot. It stays valid: the same actions give the same frames every time."""
        copied = snapshot.clone()
        self._state, self._observation, self.np_random = copied.state, copied.observation, copied.np_random
        self._episode_info = copied.episode_info

    def _info(self, numbers: dict[str, Any]) -> dict[str, Any]:
        """Return the info of a reset or a step: copies, which belong to the caller."""
        return _single_lane(numbers) | map_leaves(copy.copy, self._episode_info)

    def _observe(self, state: WorldState, *, begun: bool) -> None:
        self._observation = observe_lanes(self.world, state)
        if self._renderer.needs_every_picture:
            self._renderer.add(self._picture(), np.array([begun]), np.array([True]))

    def _picture(self) -> np.ndarray:
        return side_by_side(self._observation, self.world.cameras)


def _single_lane(tree: Any) -> Any:
    """Return the only row of batched tensors as NumPy arrays; scalars become Python numbers."""

    def first(batch: Any) -> Any:
        row = np.array(to_numpy(batch)[0])
        return row if row.ndim else row.item()

    return map_leaves(first, tree)
