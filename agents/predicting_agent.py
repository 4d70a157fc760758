"""Policies of other libraries as agents: anything with the ``predict`` of Stable-Baselines3."""

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
    """A policy that chooses actions as Stable-Baselines3's do."""

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        """Return a batch of actions and the recurrent state (None if there is none) for a batch of observations."""
        ...


def as_agent(policy: object, cameras: Sequence[str] = ()) -> Agent:
    """Return an agent as it is, and a policy with ``predict`` as an agent.

    Args:
        policy: Either of them.
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
    """Let a policy with ``predict`` act on what a dream's learner sees: uint8 pixels ``[b, h, w, 3]``.

    The recurrent state is carried from step to step, and ``episode_start`` is True in the first after a reset. Goals
    and contexts are not shown to the policy.

    Args:
        policy: For example a model of Stable-Baselines3, learnt in a dream or in ``FrameObservation``.
        cameras: Names of the pictures that lie one after the other on the channel axis; where there are several, the
            policy gets a dict of them.
        deterministic: Whether to take the most likely action instead of a draw.
        seed: Of the draws, which come from streams of their own: neither torch's nor NumPy's global one moves.
    """

    def __init__(
        self, policy: Predicts, cameras: Sequence[str] = (), *, deterministic: bool = True, seed: int = 0
    ) -> None:
        self.policy, self.cameras, self.deterministic = policy, tuple(cameras), deterministic
        self._seed = seed
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
            self._starting: np.ndarray | None = None  # of which lanes the next step is the first; None: of all
        elif self._starting is not None:
            self._starting = self._starting | np.asarray(torch.as_tensor(mask).cpu(), dtype=bool)

    @torch.no_grad()
    def act(self, observation: Frame) -> Any:
        """Ask the policy for one action per lane."""
        starting = np.ones(len(observation), dtype=bool) if self._starting is None else self._starting
        with _own_stream(None if self.deterministic else self._seed + 7919 * self._num_draws):
            actions, self._state = self.policy.predict(
                self._pixels(observation),
                state=self._state,
                episode_start=starting,
                deterministic=self.deterministic,
            )
        self._starting, self._num_draws = np.zeros_like(starting), self._num_draws + 1
        box = getattr(self.policy, "action_space", None)
        return np.clip(actions, box.low, box.high) if isinstance(box, spaces.Box) else actions

    def _pixels(self, frames: Frame) -> Any:
        """Return what the policy sees."""
        pixels = frames_to_pixels(frames).cpu().numpy()
        count = pixels.shape[-1] // 3
        if count == 1:
            return np.ascontiguousarray(pixels)
        if len(self.cameras) != count:
            raise ValueError(f"`cameras` must name the {count} pictures of a frame in their order, got {self.cameras}.")
        views = np.split(pixels, count, axis=-1)
        return {camera: np.ascontiguousarray(view) for camera, view in zip(self.cameras, views, strict=True)}


@contextmanager
def _own_stream(seed: int | None) -> Iterator[None]:
    """Draw from streams that begin at ``seed``, and give the global ones back as they were; None changes nothing."""
    if seed is None:
        yield
        return
    numpys = np.random.get_state()
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)
            yield
    finally:
        np.random.set_state(numpys)
