"""Policies of other libraries as agents: anything with a ``predict`` as in Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from vdworld.agents.agent import Agent
from vdworld.spaces import frames_to_pixels
from vdworld.types import Frame, Frames, LaneMask


@runtime_checkable
class Predicts(Protocol):
    """A policy with the interface of Stable-Baselines3."""

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        """Return a batch of actions for a batch of observations, and the recurrent state, None if there is none."""
        ...


def as_agent(policy: object, cameras: Sequence[str] = ()) -> Agent:
    """Return an agent unchanged, and wrap a policy that only has ``predict``.

    Args:
        policy: An agent, or a policy with ``predict``; what is both counts as an agent.
        cameras: See ``PredictingAgent``.

    Raises:
        TypeError: `policy` is neither.
    """
    if isinstance(policy, Agent):
        return policy
    if not isinstance(policy, Predicts):
        raise TypeError(
            "`policy` must be an agent with `reset` and `act` (see vdworld.agents.Agent), or have the `predict` of "
            f"Stable-Baselines3, got {policy!r}."
        )
    return PredictingAgent(policy, cameras)


class PredictingAgent:
    """Wrap a policy with ``predict``, which observes uint8 pixels ``[b, h, w, 3]`` as learners in dreams do.

    The recurrent state is passed on from step to step, and ``episode_start`` is True in the first step after a reset.
    The policy receives neither goals nor contexts.

    Args:
        policy: For example a model of Stable-Baselines3, trained in dreams or in ``FrameObservation``.
        cameras: Names of the pictures on the channel axis, in order; with several, the policy observes a dict of them.
        deterministic: Whether to take the most likely action instead of a sample.
        seed: Seeds the samples, whose random streams are separate from the global ones of torch and NumPy.
    """

    def __init__(
        self, policy: Predicts, cameras: Sequence[str] = (), *, deterministic: bool = True, seed: int = 0
    ) -> None:
        self.policy, self.cameras, self.deterministic = policy, tuple(cameras), deterministic
        self.reset(seed=seed)

    def reset(
        self,
        mask: LaneMask | None = None,
        seed: int | None = None,
        goal: Frame | None = None,
        context: tuple[Frames, Tensor] | None = None,
    ) -> None:
        """Begin new episodes; see ``Agent.reset``."""
        if seed is not None:
            self._seed, self._num_draws = seed, 0
        if mask is None:
            self._state: Any = None
            self._episode_start: np.ndarray | None = None  # None means in all lanes
        elif self._episode_start is not None:
            self._episode_start = self._episode_start | np.asarray(torch.as_tensor(mask).cpu(), dtype=bool)

    @torch.no_grad()
    def act(self, observation: Frame) -> Any:
        """Return the policy's action for each lane; those of a Box are clipped to its bounds."""
        all_lanes = np.ones(len(observation), dtype=bool)
        episode_start = all_lanes if self._episode_start is None else self._episode_start
        with _separate_streams(None if self.deterministic else self._seed + 7919 * self._num_draws):
            actions, self._state = self.policy.predict(
                self._pixels(observation),
                state=self._state,
                episode_start=episode_start,
                deterministic=self.deterministic,
            )
        self._episode_start, self._num_draws = np.zeros_like(episode_start), self._num_draws + 1
        box = getattr(self.policy, "action_space", None)
        return np.clip(actions, box.low, box.high) if isinstance(box, spaces.Box) else actions

    def _pixels(self, frames: Frame) -> Any:
        """Return the policy's observations."""
        pixels = frames_to_pixels(frames).cpu().numpy()
        count = pixels.shape[-1] // 3
        if count == 1:
            return np.ascontiguousarray(pixels)
        if len(self.cameras) != count:
            raise ValueError(f"`cameras` must name the {count} pictures of a frame in order, got {self.cameras}.")
        views = np.split(pixels, count, axis=-1)
        return {camera: np.ascontiguousarray(view) for camera, view in zip(self.cameras, views, strict=True)}


@contextmanager
def _separate_streams(seed: int | None) -> Iterator[None]:
    """Seed the global random streams, and restore them in the end; None changes nothing."""
    if seed is None:
        yield
        return
    numpy_state = np.random.get_state()
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)
            yield
    finally:
        np.random.set_state(numpy_state)
