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

from vdworld.envs.dream.checked_actions import CLIP
from vdworld.envs.dream.dream_dynamics import DreamDynamics, RewardFunction
from vdworld.envs.dream.dream_env import METADATA
from vdworld.envs.dream.dream_observations import observation_space, observe_lanes
from vdworld.envs.dream.episode_infos import EpisodeInfos
from vdworld.envs.dream.episode_start import reset_info, start_episodes
from vdworld.envs.dream.json_spec import JsonSpec
from vdworld.envs.dream.lane_seeds import LaneSeeds, Seeds
from vdworld.envs.dream.rendering import Renderer
from vdworld.envs.dream.snapshots import VectorSnapshot
from vdworld.envs.dream.start_sources import Starts
from vdworld.envs.dream.vector_options import split_options
from vdworld.envs.dream.vector_output import VectorOutput
from vdworld.envs.frame_spaces import side_by_side
from vdworld.world import WorldModel, WorldState


class DreamVectorEnv(JsonSpec, VectorEnv[Any, Any, Any]):  # pyright: ignore[reportIncompatibleVariableOverride]
    """A batch of dreams as a vector environment; lane i seeded with s shows what one DreamEnv seeded with s shows.

    ``reset(seed=...)`` takes an int (lane i gets seed + i) or one seed per lane; None draws from each lane's own
    generator. ``options`` are those of DreamEnv with a leading axis of ``num_envs``, and ``"reset_mask"`` (bool
    ``[num_envs]``) selects the lanes to reset. Infos hold the entries of DreamEnv, batched, each beside its mask
    ``"_..."``, in every reset and step. In mode SAME_STEP, ``"final_obs"`` and ``"final_info"`` describe the episodes
    that ended.

    Episodes of `max_episode_steps` are truncated here, since Gymnasium puts no TimeLimit on a vector environment.

    Args:
        world: A checkpoint folder, a name, or a WorldModel in memory. Paths share one loaded copy per process.
        num_envs: The number of lanes.
        max_episode_steps: Steps after which an episode is truncated; None for never.
        autoreset_mode: When a lane is reset after its episode ended: NEXT_STEP (in the next step, which ignores its
            action), SAME_STEP (in the same step) or DISABLED (by you, with ``"reset_mask"``, before the next step).
        output: ``"numpy"``, or ``"torch"`` for tensors on the world's device. With ``"torch"`` in mode SAME_STEP,
            every info holds ``"final_obs"``, so that a learner need not wait for the device to know of an end.
        render_mode: As for DreamEnv; the window shows all lanes.
        device: The world's device: by default the CPU for a path, and its present device for a world in memory.
        num_sampling_steps: Network evaluations per frame; None takes the world's own number.
        starts, with_uncertainty, uncertainty_limit, trust_environment, reward_function, actions: As for DreamEnv.

    Raises:
        ValueError: A number is below 1, a mode or `output` is unknown, or there are no rewards.
    """

    metadata: dict[str, Any] = METADATA | {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(
        self,
        world: str | Path | WorldModel | None = None,
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
        trust_environment: bool = False,
        reward_function: RewardFunction | None = None,
        actions: str = CLIP,
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"`num_envs` must be at least 1, got {num_envs}.")
        if max_episode_steps is not None and max_episode_steps < 1:
            raise ValueError(f"`max_episode_steps` must be at least 1, or None for no limit, got {max_episode_steps}.")
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
        self._output = VectorOutput(output, num_envs, self.world.device)
        self.num_envs = num_envs
        self.max_episode_steps = max_episode_steps
        self.autoreset_mode = _checked_mode(autoreset_mode)
        self.metadata = {**self.metadata, "render_fps": self.world.fps, "autoreset_mode": self.autoreset_mode}
        self.render_mode, self._renderer = render_mode, Renderer(render_mode, self.world.fps)
        self.single_observation_space = observation_space(self.world)
        self.single_action_space = copy.deepcopy(self.world.action_space)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._seeds = LaneSeeds(num_envs)
        self._episodes = EpisodeInfos(self._output)
        self._state: WorldState | None = None
        self._observations: Any = None  # as tensors
        self._elapsed = np.zeros(num_envs, dtype=np.int64)
        self._ended = np.zeros(num_envs, dtype=np.bool_)  # lanes whose episode is over and not followed by another yet

    @torch.no_grad()
    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start new dreams in every lane, or in those of ``options["reset_mask"]``.

        Raises:
            ValueError: A mask or a list of seeds has the wrong length, or an option is unknown.
            ResetNeeded: The first reset leaves lanes out.
        """
        if isinstance(seed, int | np.integer):
            super().reset(seed=int(seed))
        mask, lane_options = split_options(options, self.num_envs)
        if self._state is None and not mask.all():
            raise ResetNeeded("The first reset() must begin every lane; call it without `reset_mask`.")
        self._begin(mask, self._seeds.next_episode(mask, seed), lane_options)
        numbers = self._dynamics.start_info(int(mask.sum()))
        infos = self._output.info({**numbers, **self._episodes.of(mask)}, mask)
        if self._renderer.needs_every_picture:
            self._renderer.add(self._pictures(), begun=mask, changed=mask)
        return self._output.tree(self._observations), infos

    @torch.no_grad()
    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Imagine the next frame of every lane.

        Raises:
            ResetNeeded: There was no reset yet, or, in mode DISABLED, a lane was not reset after its episode ended.
            InvalidAction: `actions` is not in the batched action space; see ``DreamEnv``.
        """
        state = self._running_state()
        native = self._dynamics.native(self.action_space, actions)
        beginning = self._ended  # in mode NEXT_STEP these lanes reset instead of stepping
        self._state, outcome = self._dynamics.step(state, native)
        self._observations = observe_lanes(self.world, self._state)
        self._elapsed += 1
        terminated, too_uncertain = self._dynamics.ends(self._state, outcome)
        terminations = terminated & ~beginning
        truncations = (too_uncertain | (self._elapsed >= (self.max_episode_steps or np.inf))) & ~beginning
        rewards = outcome.reward.masked_fill(self._on_device(beginning), 0.0)
        self._ended = terminations | truncations

        infos, numbers = {}, self._dynamics.step_info(outcome)
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            beginning = self._ended
            if beginning.any() or self._output.kind == "torch":
                infos |= self._output.final(self._observations, self._final_info(numbers, beginning), beginning)
        if beginning.any():
            self._begin(beginning, self._seeds.next_episode(beginning), {})
            begun, starts = self._on_device(beginning), self._dynamics.start_info(self.num_envs)
            numbers = {name: torch.where(begun, starts[name], values) for name, values in numbers.items()}
        infos |= self._output.info({**numbers, **self._episodes.rows}, np.ones_like(beginning))
        if self._renderer.needs_every_picture:
            self._renderer.add(self._pictures(), begun=beginning, changed=np.ones_like(beginning))
        return *self._output.tree((self._observations, rewards, terminations, truncations)), infos

    def render(self) -> tuple[Any, ...] | None:
        """Return each lane's current frame, uint8 ``[h, w, 3]``; several cameras are side by side.

        In mode ``"rgb_array_list"`` each lane has a list of frames; in mode ``"human"`` the result is None.

        Raises:
            UnsupportedMode: The environment was made without a render mode.
            ResetNeeded: There is no frame before the first reset.
        """
        return self._renderer.render(None if self._observations is None else self._pictures())

    def close_extras(self, **kwargs: Any) -> None:
        """Close the window and the source of starts. The world stays loaded."""
        self._renderer.close()
        self._dynamics.starts.close()

    def get_state(self) -> VectorSnapshot:
        """Return a copy of all lanes' states for ``set_state``.

        Raises:
            ResetNeeded: There is nothing to copy before the first reset.
        """
        if self._state is None:
            raise ResetNeeded("get_state() needs running dreams; call reset() first.")
        lanes = (self._elapsed, self._ended, self._seeds, self._episodes.rows)
        return VectorSnapshot(self._state, self._observations, *lanes).clone()

    def set_state(self, snapshot: VectorSnapshot) -> None:
        """Continue from a snapshot. It stays valid: the same actions give the same frames every time.

        Raises:
            ValueError: `snapshot` has another number of lanes.
        """
        if len(snapshot.state) != self.num_envs:
            raise ValueError(f"`snapshot` must hold {self.num_envs} lanes, got {len(snapshot.state)}.")
        copied = snapshot.clone()
        self._state, self._observations, self._seeds = copied.state, copied.observation, copied.seeds
        self._elapsed, self._ended, self._episodes.rows = copied.elapsed, copied.ended, copied.episode_infos

    def _running_state(self) -> WorldState:
        if self._state is None:
            raise ResetNeeded("step() needs running dreams; call reset() first.")
        if self.autoreset_mode is AutoresetMode.DISABLED and self._ended.any():
            lanes = ", ".join(map(str, np.flatnonzero(self._ended)))
            raise ResetNeeded(f'The episodes of lanes {lanes} are over; reset them with options={{"reset_mask": ...}}.')
        return self._state

    def _final_info(self, numbers: dict[str, Any], mask: np.ndarray) -> dict[str, Any]:
        """Return the info of the episodes that ended, with the rows of the lanes in ``mask`` alone."""
        ended = self._on_device(mask)
        return {name: values[ended] for name, values in numbers.items()} | self._episodes.of(mask)

    def _begin(self, mask: np.ndarray, seeds: list[int], options: dict[str, Any]) -> None:
        """Start an episode in each lane of ``mask``, with one seed for each."""
        fresh = start_episodes(self._dynamics, seeds, options)
        self._episodes.begin(reset_info(self.world, fresh, seeds), mask)
        if self._state is None:
            self._state = fresh
        else:
            begun = self._on_device(mask)
            self._state = self._state.replace(begun, fresh[(begun.cumsum(0) - 1).clamp(min=0)])
        self._observations = observe_lanes(self.world, self._state)
        self._elapsed = np.where(mask, 0, self._elapsed)
        self._ended = self._ended & ~mask

    def _pictures(self) -> np.ndarray:
        return side_by_side(self._observations, self.world.cameras)

    def _on_device(self, mask: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(mask, device=self.world.device)


def _checked_mode(mode: AutoresetMode | str) -> AutoresetMode:
    try:
        return AutoresetMode(mode)
    except ValueError:
        names = ", ".join(f'"{member.value}"' for member in AutoresetMode)
        raise ValueError(f"`autoreset_mode` must be an AutoresetMode or one of {names}, got {mode!r}.") from None
