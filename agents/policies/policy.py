"""A learnt policy: an agent that can be saved, and that knows its spaces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from torch import Tensor

from vdworld.agents.policies.distribution import ActionDistribution, ActionLayout
from vdworld.agents.policies.network import Memory, PolicyNetwork
from vdworld.agents.policies.observing import Observer, Seen
from vdworld.spaces import ActionCodec
from vdworld.types import Frame, Frames, LaneMask
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
        recurrent: Whether the network has a memory.
        deterministic: Whether to take the most likely action instead of a draw; may be changed at any time.
        seed: Of the initial weights and of the draws; lane i draws with seed + i.
        record: What is known about how it was learnt, plain JSON values.

    Raises:
        ValueError: A space that no policy can see or act in; see ``vdworld.agents.policies.observing.Observer``.
    """

    def __init__(
        self,
        observation_space: gym.Space,
        action_codec: ActionCodec,
        *,
        cameras: Sequence[str] | None = None,
        hidden_dim: int = 256,
        recurrent: bool = True,
        deterministic: bool = False,
        seed: int = 0,
        record: dict[str, Any] | None = None,
    ) -> None:
        self.observer, self.codec = Observer(observation_space, cameras), action_codec
        self.layout = ActionLayout.of(action_codec)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = PolicyNetwork(
                num_channels=self.observer.num_channels,
                image_size=self.observer.image_size,
                num_readings=self.observer.num_readings,
                action_dim=self.layout.dim,
                num_outputs=self.layout.num_outputs,
                hidden_dim=hidden_dim,
                recurrent=recurrent,
            )
        self.deterministic, self.record = deterministic, dict(record or {})
        self._seed = seed
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
        """Begin new episodes; see ``Agent.reset``. The memory is burnt in on the context, and goals are not seen."""
        if seed is not None:
            self._seed, self._num_draws = seed, 0
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
        """
        seen = self._read(observation)
        memory = self.network.blank(len(seen.frames)) if self._memory is None else self._memory
        outputs, _, hidden = self.network.step(seen, memory)
        distribution = ActionDistribution(self.layout, outputs)
        actions = distribution.mode() if self.deterministic else distribution.sample(self._noise(len(outputs)))
        self._memory, self._num_draws = Memory(hidden, actions.clamp(-1, 1)), self._num_draws + 1
        return self.codec.decode(actions)

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write a folder that ``from_pretrained`` reads, nothing pickled in it."""
        from vdworld.agents.policies.pretrained import save_policy

        return save_policy(self, Path(folder).expanduser())

    @classmethod
    def from_pretrained(cls, folder: str | Path, *, device: str | torch.device = "cpu") -> Policy:
        """Read a policy's folder.

        Raises:
            FileNotFoundError: There is no such folder, or it holds no policy.
            ValueError: It is damaged, or written by another version.
        """
        from vdworld.agents.policies.pretrained import load_policy

        return load_policy(Path(folder).expanduser()).to(device)

    def _read(self, observation: Any) -> Seen:
        if isinstance(observation, Tensor) and observation.is_floating_point():
            return self.observer.read_frames(observation, self.device)
        return self.observer.read(observation, self.device)

    def _burnt_in(self, frames: Tensor, flat: Tensor) -> Memory:
        actions = self.codec.encode_flat(flat.to(self.device, torch.float32))
        known = torch.ones(actions.shape[:2], dtype=torch.bool, device=self.device)
        return self.network.burn_in(self.observer.read_frames(frames, self.device), actions, known)

    def _noise(self, num_lanes: int) -> Tensor:
        seeds = lane_seeds(self._seed, num_lanes, self.device)
        return lane_normal(seeds, torch.full_like(seeds, self._num_draws), (self.layout.dim,))
