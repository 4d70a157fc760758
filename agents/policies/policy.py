"""A learnt policy: an agent that can be saved, and that knows its spaces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from torch import Tensor

from vdworld.agents.policies.distribution import ActionDistribution, ActionLayout
from vdworld.agents.policies.observation_batch import ObservationBatch, Observer
from vdworld.agents.policies.policy_network import Memory, PolicyNetwork
from vdworld.spaces import ActionCodec
from vdworld.types import Frame, Frames, LaneMask, PerLane
from vdworld.world import WorldState
from vdworld.world.noise import lane_normal, lane_seeds


class Policy:
    """Act at once on what an environment shows, each lane with a memory and a random stream of its own.

    It is an agent (``vdworld.agents.Agent``), and acts on the observations of its environments as well as on frames.
    Use ``ActorCritic.learn``, ``BehaviourCloning.learn`` or ``Policy.from_pretrained`` to get one.

    Args:
        observation_space: Of one lane.
        action_codec: Of its actions.
        cameras: The order of the pictures on the channel axis of frames; None takes the order of the space.
        hidden_dim: Width of the network.
        recurrent: Whether the network has a recurrent memory.
        frame_stack: How many frames it sees at once, the newest included; at least 1.
        goals: Whether it acts towards a goal: the frame given at the reset stands beside every observation as further
            picture channels.
        deterministic: Whether to take the most likely action instead of a draw; may be changed at any time.
        seed: Of the initial weights and of the draws; lane i draws with seed + i.
        training_info: What is known about how it was learnt, plain JSON values.

    Raises:
        ValueError: A space that no policy can see or act in; see ``Observer``.
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
        self.goals, self.deterministic, self.training_info = goals, deterministic, dict(training_info or {})
        self._seed = seed
        self._goal: Tensor | None = None  # uint8 [b, c, h, w]
        self.reset(seed=seed)

    @property
    def observation_space(self) -> gym.Space:
        """What one lane observes."""
        return self.observer.space

    @property
    def action_space(self) -> gym.Space:
        """What one lane does."""
        return self.codec.space

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.network.actor.weight.device

    def to(self, device: str | torch.device) -> Policy:
        """Move the weights, and return the policy, which then begins anew."""
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

        The memory is burnt in on the context. A policy without ``goals`` passes over a goal; for one with them, a reset
        of all lanes without a goal leaves none.

        Raises:
            ValueError: A goal of another size than the observations, a context without a goal or of another number of
                lanes, or a mask of some lanes where these or the others have no goal.
        """
        if seed is not None:
            self._seed, self._num_draws = seed, 0
        if self.goals:
            self._goal = self._new_goal(mask, goal)
        fresh = None if context is None else self._burnt_in(*context)
        if mask is None:
            self._memory: Memory | None = fresh
            return
        blank = self.network.blank(len(mask))
        self._memory = (fresh or blank).where(mask.to(self.device), self._memory or blank)

    @torch.no_grad()
    def act(self, observation: Any) -> Any:
        """Choose one action per lane, in the environment's units.

        Args:
            observation: Frames ``[b, c, h, w]`` in [-1, 1], or a batch of what the environment shows.

        Raises:
            ValueError: A policy with ``goals`` was given none, or those of another number of lanes.
        """
        seen = self._beside_goal(self._read(observation))
        memory = self.network.blank(len(seen.frames)) if self._memory is None else self._memory
        outputs, _, later = self.network.step(seen, memory)
        distribution = ActionDistribution(self.layout, outputs)
        actions = distribution.mode() if self.deterministic else distribution.sample(self._noise(len(outputs)))
        self._memory, self._num_draws = later.after(actions.clamp(-1, 1)), self._num_draws + 1
        return self.codec.decode(actions)

    @torch.no_grad()
    def value(self, state: WorldState) -> PerLane:
        """Return what the critic expects from here on ``[b]``, discounted, in units of reward; 0 from a clone.

        The memory is burnt in on what the dreams remember; that of the agent is left alone.

        Args:
            state: Dreams of a world whose actions are encoded as the policy's, such as the one it was learnt in.
        """
        seen = self._beside_goal(self.observer.read_frames(state.frames, self.device))
        memory = self.network.burn_in(seen, state.actions, state.action_mask)
        return self.network.step(seen.map(lambda part: part[:, -1]), memory)[1]

    def correct(self, flat: Any) -> None:
        """Say what was done instead of what ``act`` last chose, so that the memory tells the truth.

        Args:
            flat: The flat actions ``[b, n]`` in the environment's units.
        """
        if self._memory is not None:
            encoded = self.codec.encode_flat(torch.as_tensor(flat, dtype=torch.float32, device=self.device))
            self._memory = self._memory.after(encoded)

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write a folder that ``from_pretrained`` reads, nothing pickled in it."""
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

    def _read(self, observation: Any) -> ObservationBatch:
        if isinstance(observation, Tensor) and observation.is_floating_point():
            return self.observer.read_frames(observation, self.device)
        return self.observer.read(observation, self.device)

    def _burnt_in(self, frames: Tensor, flat: Tensor) -> Memory:
        actions = self.codec.encode_flat(flat.to(self.device, torch.float32))
        action_mask = torch.ones(actions.shape[:2], dtype=torch.bool, device=self.device)
        seen = self._beside_goal(self.observer.read_frames(frames, self.device))
        return self.network.burn_in(seen, actions, action_mask)

    def _new_goal(self, mask: LaneMask | None, goal: Frame | None) -> Tensor | None:
        """Return the goals of all lanes once those of the mask begin anew, uint8 ``[b, c, h, w]``."""
        if goal is not None and goal.shape[1:] != (self.observer.num_channels, *self.observer.image_size):
            size = [self.observer.num_channels, *self.observer.image_size]
            raise ValueError(f"`goal` must hold frames of the observations' size, {size}, got {list(goal.shape[1:])}.")
        new = None if goal is None else self.observer.read_frames(goal, self.device).frames
        if mask is None or bool(mask.all()):
            return new
        if new is None or self._goal is None or len(mask) != len(new) or len(mask) != len(self._goal):
            raise ValueError(
                "`goal` must be given for every lane when some of them begin anew, and the others must have goals "
                "already: reset all lanes with `goal=frames` first."
            )
        return torch.where(mask.to(self.device)[:, None, None, None], new, self._goal)

    def _beside_goal(self, seen: ObservationBatch) -> ObservationBatch:
        """Put the goal behind the channels of observations ``[b, ..., c, h, w]``, if the policy sees one."""
        if not self.goals:
            return seen
        if self._goal is None:
            raise ValueError(
                "`goal` must be given to a policy that was learnt with goals: call reset(goal=frames) before act(). "
                "Where the environment has no goals, learn a policy without them."
            )
        if len(self._goal) != len(seen.frames):
            raise ValueError(f"`goal` must hold one frame per lane, {len(seen.frames)}, got {len(self._goal)}.")
        return beside_goal(seen, self._goal)

    def _noise(self, num_lanes: int) -> Tensor:
        seeds = lane_seeds(self._seed, num_lanes, self.device)
        return lane_normal(seeds, torch.full_like(seeds, self._num_draws), (self.layout.dim,))


def beside_goal(seen: ObservationBatch, goal: Tensor) -> ObservationBatch:
    """Return observations ``[b, ..., c, h, w]`` with the goal of each lane ``[b, c, h, w]`` as further channels."""
    between = seen.frames.dim() - goal.dim()
    shown = goal.reshape(len(goal), *[1] * between, *goal.shape[1:]).expand_as(seen.frames)
    return ObservationBatch(torch.cat([seen.frames, shown], dim=-3), seen.readings)
