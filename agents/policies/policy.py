"""A learnt policy: an agent that can be saved and that knows its spaces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from vdworld.agents.policies.distribution import ActionDistribution, ActionLayout
from vdworld.agents.policies.lane_goals import LaneGoals
from vdworld.agents.policies.observation_batch import ObservationBatch, Observer, batch_of_one
from vdworld.agents.policies.policy_network import PolicyNetwork
from vdworld.agents.policies.recurrent_state import RecurrentState
from vdworld.envs.array_trees import map_leaves
from vdworld.seeds import as_seed
from vdworld.spaces import ActionCodec
from vdworld.types import Frame, Frames, LaneMask, PerLane
from vdworld.world import WorldState
from vdworld.world.noise import lane_normal, lane_seeds


class Policy:
    """Map each observation to an action; every lane has a recurrent state and a random stream of its own.

    It is an agent (``vdworld.agents.Agent``), and takes the observations of its environments as well as frames. It
    also has the ``predict`` of Stable-Baselines3. Use ``ActorCritic.learn``, ``BehaviourCloning.learn`` or
    ``Policy.from_pretrained`` to get one.

    Args:
        observation_space: The space of one lane's observations.
        action_codec: Encodes its actions.
        cameras: The order of the pictures on the channel axis of frames; None takes the order of the space.
        hidden_dim: Width of the network.
        recurrent: Whether the network has a recurrent cell.
        frame_stack: Number of frames that it observes at once, the newest included; at least 1.
        goals: Whether it pursues a goal: the frame passed to ``reset`` is appended to every observation as further
            picture channels.
        deterministic: Whether ``act`` takes the most likely action instead of a sample; may be changed at any time.
        seed: Seeds the initial weights and the samples; lane i samples with seed + i.
        training_info: How it was trained, as plain JSON values.

    Raises:
        ValueError: An unsupported space; see ``Observer``.
    """

    def __init__(
        self,
        observation_space: gym.Space,
        action_codec: ActionCodec,
        *,
        cameras: Sequence[str] | None = None,
        hidden_dim: int = 256,
        recurrent: bool = True,
        frame_stack: int = 1,
        goals: bool = False,
        deterministic: bool = False,
        seed: int = 0,
        training_info: dict[str, Any] | None = None,
    ) -> None:
        self.observer, self.codec = Observer(observation_space, cameras), action_codec
        self.layout = ActionLayout.of(action_codec)
        seed = as_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = PolicyNetwork(
                num_channels=self.observer.num_channels * (1 + goals),
                image_size=self.observer.image_size,
                num_readings=self.observer.num_readings,
                action_dim=self.layout.dim,
                num_outputs=self.layout.num_outputs,
                hidden_dim=hidden_dim,
                recurrent=recurrent,
                frame_stack=frame_stack,
            )
        self.goals = self.needs_goal = goals
        self.deterministic, self.training_info = deterministic, dict(training_info or {})
        self._lane_goals, self._seed = LaneGoals(self.observer), seed
        self.reset(seed=seed)

    @property
    def observation_space(self) -> gym.Space:
        """The space of one lane's observations."""
        return self.observer.space

    @property
    def action_space(self) -> gym.Space:
        """The space of one lane's actions."""
        return self.codec.space

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.network.actor.weight.device

    def to(self, device: str | torch.device) -> Policy:
        """Move the weights, reset all lanes, and return the policy."""
        self.network.to(device)
        self.reset()
        return self

    @torch.no_grad()
    def reset(
        self,
        mask: LaneMask | None = None,
        seed: int | None = None,
        goal: Frame | None = None,
        context: tuple[Frames, Tensor] | None = None,
    ) -> None:
        """Begin new episodes; see ``Agent.reset``.

        The recurrent state is burnt in on the context. A policy without ``goals`` ignores the goal; in one with them,
        a reset of all lanes without a goal removes the old ones.

        Raises:
            ValueError: A goal of another size than the observations, a context without a goal or of another number of
                lanes, or a mask of some lanes where these or the others have no goal.
        """
        if seed is not None:
            self._seed, self._num_draws = as_seed(seed), 0
        if self.goals:
            self._lane_goals.reset(mask, goal, self.device)
        fresh = None if context is None else self._burn_in(*context)
        if mask is None:
            self._state: RecurrentState | None = fresh
            return
        initial = self.network.initial_state(len(mask))
        self._state = (fresh or initial).where(mask.to(self.device), self._state or initial)

    @torch.no_grad()
    def act(self, observation: Any) -> Any:
        """Choose one action per lane, in the environment's units.

        Args:
            observation: Frames ``[b, c, h, w]`` in [-1, 1], or a batch of the environment's observations.

        Raises:
            ValueError: A policy with ``goals`` has none, or those of another number of lanes.
        """
        observations = self._append_goal(self._read(observation))
        state = self.network.initial_state(len(observations.frames)) if self._state is None else self._state
        actions, self._state = self._choose(observations, state, self.deterministic)
        return self.codec.decode(actions)

    @torch.no_grad()
    def predict(
        self,
        observation: Any,
        state: tuple[np.ndarray, ...] | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[Any, tuple[np.ndarray, ...] | None]:
        """Choose actions as the policies of Stable-Baselines3 do, with the recurrent state as an argument.

        The state of ``act`` is not affected. Samples come from the policy's own random streams.

        Args:
            observation: One observation of ``observation_space``, or a batch of them.
            state: What the last call returned for these lanes; None begins an episode in every lane.
            episode_start: In which lanes an episode begins ``[b]``, whose state is then ignored; None means in none.
            deterministic: Whether to take the most likely action, whatever the attribute ``deterministic`` says.

        Returns:
            Actions in the environment's units, with a lane axis if the observation has one, and the new state: arrays
            with a lane axis in front, or None where the policy has neither a recurrent cell nor a frame stack.

        Raises:
            ValueError: An observation or state of another shape, or a policy with ``goals`` that has none.
        """
        batched = self.observer.is_batched(observation)
        batch = observation if batched else batch_of_one(observation)
        observations = self._append_goal(self.observer.read(batch, self.device))
        initial = self.network.initial_state(len(observations.frames))
        before = initial if state is None else RecurrentState.from_arrays(state, like=initial)
        if episode_start is not None:
            begins = torch.as_tensor(episode_start, dtype=torch.bool, device=self.device)
            before = initial.where(begins.expand(len(observations.frames)), before)
        actions, after = self._choose(observations, before, deterministic)
        native = self.codec.decode(actions)
        new_state = after.to_arrays() if self.network.recurrent or self.network.frame_stack > 1 else None
        return native if batched else map_leaves(lambda leaf: leaf[0], native), new_state

    @torch.no_grad()
    def value(self, state: WorldState) -> PerLane:
        """Return the critic's expected discounted return from a dream's state ``[b]``; 0 for a cloned policy.

        Args:
            state: Dreams in a world that encodes actions as the policy does, such as the one it was trained in. The
                recurrent state is burnt in on their context; that of ``act`` is not affected.
        """
        observations = self._append_goal(self.observer.read_frames(state.frames, self.device))
        recurrent_state = self.network.burn_in(observations, state.actions, state.action_mask)
        return self.network.step(observations.map(lambda part: part[:, -1]), recurrent_state)[1]

    def replace_last_action(self, flat: Any) -> None:
        """Replace the actions that ``act`` returned last in the recurrent state, where others were taken.

        Args:
            flat: The flat actions ``[b, n]`` in the environment's units.
        """
        if self._state is not None:
            encoded = self.codec.encode_flat(torch.as_tensor(flat, dtype=torch.float32, device=self.device))
            self._state = self._state.after(encoded)

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write a folder that ``from_pretrained`` reads; nothing in it is pickled."""
        from vdworld.agents.policies.policy_folder import save_policy

        return save_policy(self, Path(folder).expanduser())

    @classmethod
    def from_pretrained(cls, folder: str | Path, *, device: str | torch.device = "cpu") -> Policy:
        """Read a policy's folder.

        Raises:
            FileNotFoundError: There is no such folder, or it holds no policy.
            ValueError: It is damaged, or written by another version.
        """
        from vdworld.agents.policies.policy_folder import load_policy

        return load_policy(Path(folder).expanduser()).to(device)

    def _choose(
        self, observations: ObservationBatch, state: RecurrentState, deterministic: bool
    ) -> tuple[Tensor, RecurrentState]:
        """Return legal encoded actions ``[b, a]`` and the state after them."""
        outputs, _, state = self.network.step(observations, state)
        distribution = ActionDistribution(self.layout, outputs)
        actions = distribution.mode() if deterministic else distribution.sample(self._noise(len(outputs)))
        self._num_draws += 1
        actions = self.codec.project(actions)
        return actions, state.after(actions)

    def _read(self, observation: Any) -> ObservationBatch:
        if isinstance(observation, Tensor) and observation.is_floating_point():
            return self.observer.read_frames(observation, self.device)
        return self.observer.read(observation, self.device)

    def _burn_in(self, frames: Tensor, flat: Tensor) -> RecurrentState:
        actions = self.codec.encode_flat(flat.to(self.device, torch.float32))
        action_mask = torch.ones(actions.shape[:2], dtype=torch.bool, device=self.device)
        observations = self._append_goal(self.observer.read_frames(frames, self.device))
        return self.network.burn_in(observations, actions, action_mask)

    def _append_goal(self, observations: ObservationBatch) -> ObservationBatch:
        return self._lane_goals.append(observations) if self.goals else observations

    def _noise(self, num_lanes: int) -> Tensor:
        seeds = lane_seeds(self._seed, num_lanes, self.device)
        return lane_normal(seeds, torch.full_like(seeds, self._num_draws), (self.layout.dim,))
