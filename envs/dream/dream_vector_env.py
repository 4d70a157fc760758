"""Many dreams in one batch as a Gymnasium vector environment: ``gym.make_vec("vdworld/Dream-v0", ...)``."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from vdworld.envs.dream.dream_env import METADATA
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
from vdworld.envs.dream.lane_seeds import LaneSeeds, Seeds
from vdworld.envs.dream.rendering import Pictures
from vdworld.envs.dream.snapshots import VectorSnapshot
from vdworld.envs.dream.start_sources import Starts
from vdworld.envs.dream.vector_output import VectorOutput
from vdworld.world import Outcome, WorldModel, WorldState


class DreamVectorEnv(VectorEnv[Any, Any, Any]):
    """Act in a batch of dreams; lane i seeded with s sees what one DreamEnv seeded with s sees.

    ``reset(seed=...)`` takes an int (lane i gets seed + i), or one seed per lane; None goes on with each lane's own
    stream of seeds. ``options`` are those of DreamEnv with a leading axis of ``num_envs``, and ``"reset_mask"`` (bool
    ``[num_envs]``) names the lanes to begin anew. Infos hold the entries of DreamEnv, batched, each beside its mask
    ``"_..."``. In mode SAME_STEP, ``"final_obs"`` and ``"final_info"`` tell how the ended episodes ended.

    Episodes that reach `max_episode_steps` are truncated here: Gymnasium puts no TimeLimit on a vector environment.

    Args:
        world: A checkpoint folder, a name, or a WorldModel in memory. Paths share one loaded copy per process.
        num_envs: The number of lanes.
        max_episode_steps: Steps after which an episode is truncated; None for never.
        autoreset_mode: NEXT_STEP (an ended lane begins anew in the next step, which ignores its action), SAME_STEP (in
            the same step) or DISABLED (by ``"reset_mask"``, before the next step).
        output: ``"numpy"``, or ``"torch"`` for tensors on the world's device. In mode SAME_STEP, ``"final_obs"`` then
            stands in every info, so that a learner on the device need not look whether an episode ended.
        render_mode: As for DreamEnv; the window shows all lanes.
        device: Where the world lies: by default the CPU for a path, and where it is for a world in memory.
        num_sampling_steps: Network evaluations per frame; None takes the world's own number.
        starts, with_uncertainty, uncertainty_limit: As for DreamEnv.
        reward_function: Rewards ``[b, h]`` of a Rollout, needed where the world was trained without rewards.

    Raises:
        ValueError: A number below 1, an unknown mode or output, no rewards.
    """

    metadata: dict[str, Any] = METADATA | {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(
        self,
        world: str | Path | WorldModel,
        num_envs: int = 1,
        *,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        output: str = "numpy",
        render_mode: str | None = None,
        device: str | torch.device | None = None,
        num_sampling_steps: int | None = None,
        starts: Starts = None,
        with_uncertainty: bool = False,
        uncertainty_limit: float | None = None,
        reward_function: RewardFunction | None = None,
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"`num_envs` must be at least 1, got {num_envs}.")
        if max_episode_steps is not None and max_episode_steps < 1:
            raise ValueError(f"`max_episode_steps` must be at least 1, or None for no limit, got {max_episode_steps}.")
        uncertainty_settings = {"with_uncertainty": with_uncertainty, "uncertainty_limit": uncertainty_limit}
        self._lanes = DreamLanes(world, device, num_sampling_steps, reward_function, starts, **uncertainty_settings)
        self.world = self._lanes.world
        self._output = VectorOutput(output, num_envs, self.world.device)
        self.num_envs = num_envs
        self.max_episode_steps = max_episode_steps
        self.autoreset_mode = _checked_mode(autoreset_mode)
        self.metadata = {**self.metadata, "render_fps": self.world.fps, "autoreset_mode": self.autoreset_mode}
        self.render_mode, self._pictures = render_mode, Pictures(render_mode, self.world.fps)
        self.single_observation_space = observation_space(self.world)
        self.single_action_space = copy.deepcopy(self.world.action_space)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._seeds = LaneSeeds(num_envs)
        self._state: WorldState | None = None
        self._seen: Any = None  # what the lanes observe, as tensors
        self._elapsed = np.zeros(num_envs, dtype=np.int64)
        self._ended = np.zeros(num_envs, dtype=np.bool_)  # lanes whose episode is over and that began no other yet

    @torch.no_grad()
    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin new dreams, in every lane or in those of ``options["reset_mask"]``.

        Raises:
            ValueError: A mask or a list of seeds of another length, or other options than the class names.
            ResetNeeded: The first reset leaves lanes out.
        """
        if isinstance(seed, int | np.integer):
            super().reset(seed=int(seed))
        given = {name: value for name, value in (options or {}).items() if value is not None}
        mask = self._reset_mask(given.pop("reset_mask", None))
        if self._state is None and not mask.all():
            raise ResetNeeded("The first reset() must begin every lane; call it without `reset_mask`.")
        chosen = map_leaves(lambda rows: self._checked_rows(rows)[mask], given)
        infos = self._begin(mask, self._seeds.reset(seed, mask), chosen)
        if self._pictures.wanted:
            self._pictures.add(self._pictured(), begun=mask, changed=mask)
        return self._output.tree(self._seen), infos

    @torch.no_grad()
    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Imagine the next frame of every lane.

        Raises:
            ResetNeeded: Before the first reset; in mode DISABLED, where an ended lane was not reset.
            InvalidAction: `actions` lies outside of the batched action space.
        """
        state = self._running_state()
        native = checked_action(self.action_space, actions, self.world.device)
        beginning = self._ended  # lanes that begin anew instead of stepping: those of mode NEXT_STEP
        self._state, outcome = self._lanes.step(state, native)
        self._seen = observed(self.world, self._state)
        self._elapsed += 1
        terminated, too_uncertain = self._lanes.ends(outcome)
        terminations = terminated & ~beginning
        truncations = (too_uncertain | (self._elapsed >= (self.max_episode_steps or np.inf))) & ~beginning
        rewards = outcome.reward.masked_fill(self._on_device(beginning), 0.0)
        self._ended = terminations | truncations

        infos: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            beginning = self._ended
            if beginning.any() or self._output.kind == "torch":
                infos |= self._output.final(self._seen, self._step_info(outcome, beginning), beginning)
        infos |= self._output.info(self._step_info(outcome, ~beginning), ~beginning)
        if beginning.any():
            infos |= self._begin(beginning, self._seeds.draw(beginning), {})
        if self._pictures.wanted:
            self._pictures.add(self._pictured(), begun=beginning, changed=np.ones_like(beginning))
        hand_over = self._output.tree
        return hand_over(self._seen), hand_over(rewards), hand_over(terminations), hand_over(truncations), infos

    def render(self) -> tuple[Any, ...] | None:
        """Return each lane's current frame, uint8 ``[h, w, 3]``; several cameras stand side by side.

        In mode ``"rgb_array_list"`` they are lists of frames, in mode ``"human"`` it is None.

        Raises:
            UnsupportedMode: The environment was made without a render mode.
            ResetNeeded: There is no frame before the first reset.
        """
        return self._pictures.render(None if self._seen is None else self._pictured())

    def close_extras(self, **kwargs: Any) -> None:
        """Close the window and what the dreams begin from; a world stays."""
        self._pictures.close()
        self._lanes.starts.close()

    def get_state(self) -> VectorSnapshot:
        """Return a copy of all lanes as they stand, for ``set_state``.

        Raises:
            ResetNeeded: There is nothing to copy before the first reset.
        """
        if self._state is None:
            raise ResetNeeded("get_state() needs running dreams; call reset() first.")
        return VectorSnapshot(self._state, self._seen, self._elapsed, self._ended, self._seeds).clone()

    def set_state(self, snapshot: VectorSnapshot) -> None:
        """Go on from a snapshot, as often as you like: the same actions dream the same frames again.

        Raises:
            ValueError: `snapshot` has another number of lanes.
        """
        if len(snapshot.state) != self.num_envs:
            raise ValueError(f"`snapshot` must hold {self.num_envs} lanes, got {len(snapshot.state)}.")
        own = snapshot.clone()
        self._state, self._seen, self._seeds = own.state, own.seen, own.seeds
        self._elapsed, self._ended = own.elapsed, own.ended

    def _running_state(self) -> WorldState:
        if self._state is None:
            raise ResetNeeded("step() needs running dreams; call reset() first.")
        if self.autoreset_mode is AutoresetMode.DISABLED and self._ended.any():
            lanes = ", ".join(map(str, np.flatnonzero(self._ended)))
            raise ResetNeeded(f'The episodes of lanes {lanes} are over; reset them with options={{"reset_mask": ...}}.')
        return self._state

    def _step_info(self, outcome: Outcome, mask: np.ndarray) -> dict[str, Any]:
        """Return what DreamEnv's info of ``step`` holds, for the lanes of ``mask``."""
        told = self._lanes.told(outcome)
        return told if mask.all() else {name: rows[self._on_device(mask)] for name, rows in told.items()}

    def _begin(self, mask: np.ndarray, seeds: list[int], options: dict[str, Any]) -> dict[str, Any]:
        """Begin an episode in the lanes of ``mask``, given as many seeds, and return their infos."""
        fresh = start_lanes(self.world, self._lanes.starts, seeds, options)
        infos = self._output.info(start_info(self.world, fresh, seeds), mask)
        if self._state is None:
            self._state = fresh
        else:
            chosen = self._on_device(mask)
            self._state = self._state.replace(chosen, fresh[(chosen.cumsum(0) - 1).clamp(min=0)])
        self._seen = observed(self.world, self._state)
        self._elapsed = np.where(mask, 0, self._elapsed)
        self._ended = self._ended & ~mask
        return infos

    def _reset_mask(self, mask: Any) -> np.ndarray:
        if mask is None:
            return np.ones(self.num_envs, dtype=np.bool_)
        mask = to_numpy(mask)
        if getattr(mask, "dtype", None) != np.bool_ or mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(
                f"`reset_mask` must be a bool array of {self.num_envs} lanes with a True among them, got {mask!r}."
            )
        return mask

    def _checked_rows(self, value: Any) -> np.ndarray:
        rows = np.asarray(to_numpy(value))
        if rows.shape[:1] != (self.num_envs,):
            raise ValueError(f"`options` must hold a row for each of {self.num_envs} lanes, got shape {rows.shape}.")
        return rows

    def _pictured(self) -> np.ndarray:
        return side_by_side(self._seen, self.world.cameras)

    def _on_device(self, mask: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(mask, device=self.world.device)


def _checked_mode(mode: AutoresetMode | str) -> AutoresetMode:
    try:
        return AutoresetMode(mode)
    except ValueError:
        names = ", ".join(f'"{known.value}"' for known in AutoresetMode)
        raise ValueError(f"`autoreset_mode` must be an AutoresetMode or one of {names}, got {mode!r}.") from None
