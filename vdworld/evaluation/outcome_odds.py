"""Whether a world imagines each outcome of a random environment with its true frequency, and never a blend."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Protocol, runtime_checkable

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from vdworld.evaluation.frame_statistics import gradient_energy
from vdworld.evaluation.world_protocol import World
from vdworld.extras import require
from vdworld.spaces import flatten_action, frames_to_float, unflatten_action
from vdworld.types import Frame

BLEND_DISTANCE = 0.1
"""Distance from the nearest outcome, as a share of the outcomes' separation, above which a frame is a blend."""


@runtime_checkable
class KnownOdds(Protocol):
    """An environment with known outcomes and probabilities, such as ``ForkEnv``."""

    @property
    def odds(self) -> tuple[float, ...]:
        """The probability of each outcome of a step; the same at every step."""
        ...

    @property
    def action_space(self) -> gym.Space:
        """The action space."""
        ...

    def outcomes(self, frame: np.ndarray, action: Any, /) -> np.ndarray:
        """Return the possible next frames, uint8 ``[n, h, w, c]``, in the order of `odds`."""
        ...

    def reset(self, *, seed: int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode; the observation is the frame."""
        ...

    def step(self, action: Any, /) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        """Take a step with a random outcome."""
        ...


@dataclass(frozen=True)
class Outcomes:
    """Imagined outcomes of a random environment; shares are in [0, 1].

    Args:
        odds: The true probability of each outcome.
        frequencies: The share of imagined frames nearest to each outcome.
        blends: The share of imagined frames that show no outcome: their distance from the nearest one is more than
            ``BLEND_DISTANCE`` times the outcomes' separation, because they mix outcomes, are blurred or noisy.
        distance: Mean distance from the nearest outcome, as a share of the separation.
        sharpness: Gradient energy of the imagined frames over that of the nearest outcomes. 1 is as sharp as reality;
            the midpoint of two outcomes without common edges has 0.5.
        num_draws: Number of imagined frames.
        num_sampling_steps: Network evaluations per frame; None for the world's default.
        seed: The seed of contexts and dreams.
    """

    odds: tuple[float, ...]
    frequencies: tuple[float, ...]
    blends: float
    distance: float
    sharpness: float
    num_draws: int
    num_sampling_steps: int | None
    seed: int

    @property
    def error(self) -> float:
        """The largest absolute difference between a frequency and its probability, in percentage points."""
        return 100 * float(np.abs(np.subtract(self.frequencies, self.odds)).max())

    @property
    def margin(self) -> float:
        """The deviation that chance alone causes, in percentage points: 1.96 standard errors of a perfect world."""
        return 196 * max(p * (1 - p) / self.num_draws for p in self.odds) ** 0.5

    def to_json(self) -> dict[str, Any]:
        """Return all figures as plain JSON values."""
        values = asdict(self) | {"odds": list(self.odds), "frequencies": list(self.frequencies)}
        return {**values, "error_in_points": self.error, "margin_in_points": self.margin}


@torch.no_grad()
def measure_outcomes(
    world: World,
    env: KnownOdds,
    *,
    num_draws: int = 10_000,
    batch_size: int = 256,
    num_sampling_steps: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Outcomes:
    """Imagine one step from many real states of a random environment, and count the outcomes.

    The environment takes random actions; every step with a full context is one draw. Draw i has seed ``seed + i``.

    Args:
        world: A world of this environment.
        env: The environment.
        num_draws: Number of frames to imagine.
        batch_size: Number of frames per batch.
        num_sampling_steps: Network evaluations per frame; None takes the world's default.
        seed: Seeds contexts, actions and dreams.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: The environment does not fit the world, or `num_draws` is less than 1.
    """
    if num_draws < 1:
        raise ValueError(f"`num_draws` must be at least 1, got {num_draws}.")
    if env.action_space != world.action_space:
        raise ValueError(f"`env` must have the world's action space, {world.action_space}, got {env.action_space}.")
    contexts = _random_contexts(env, world.context_length, seed)
    columns: list[tuple[Tensor, ...]] = []
    progress_bar = require("tqdm", extra="report").tqdm
    for first in progress_bar(range(0, num_draws, batch_size), "draw", disable=not progress):
        batch = list(islice(contexts, min(batch_size, num_draws - first)))
        seeds = list(range(seed + first, seed + first + len(batch)))
        columns.append(_draw(world, env, batch, seeds, num_sampling_steps))
    index, distance, energy, sharp_energy = (torch.cat(column) for column in zip(*columns, strict=True))
    return Outcomes(
        odds=env.odds,
        frequencies=tuple((index.bincount(minlength=len(env.odds)) / num_draws).tolist()),
        blends=float((distance > BLEND_DISTANCE).double().mean()),
        distance=float(distance.double().mean()),
        sharpness=float(energy.double().sum() / sharp_energy.double().sum()),
        num_draws=num_draws,
        num_sampling_steps=num_sampling_steps,
        seed=seed,
    )


def classify(frames: Frame, outcomes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the nearest outcome of each frame ``[b]``, and its distance as a share of the separation ``[b]``.

    Distances are Euclidean over all values of a frame. The separation is the smallest distance between two outcomes;
    the midpoint of those two has distance 0.5.

    Args:
        frames: Imagined frames ``[b, c, h, w]``.
        outcomes: The possible frames for each ``[b, n, c, h, w]``.

    Raises:
        ValueError: There are fewer than two outcomes, or two are equal.
    """
    n = outcomes.shape[1]
    if n < 2:
        raise ValueError(f"`outcomes` must hold at least two frames per row, got {n}.")
    flat = outcomes.flatten(2)
    itself = torch.eye(n, dtype=torch.bool, device=flat.device)
    apart = (flat[:, :, None] - flat[:, None]).norm(dim=-1).masked_fill(itself, torch.inf).amin(dim=(1, 2))
    if not (apart > 0).all():
        raise ValueError(f"`outcomes` must differ from each other, got two equal ones in row {int(apart.argmin())}.")
    distance, index = (frames.flatten(1)[:, None] - flat).norm(dim=-1).min(dim=1)
    return index, distance / apart


def _random_contexts(env: KnownOdds, length: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Take random actions forever; yield frames ``[k, h, w, c]`` and the flat actions after each ``[k, n]``."""
    space = copy.deepcopy(env.action_space)
    space.seed(seed)
    frames, actions = deque([env.reset(seed=seed)[0]], maxlen=length), deque(maxlen=length)
    while True:
        action = space.sample()
        actions.append(flatten_action(space, action))
        if len(frames) == length:
            yield np.stack(frames), np.stack(actions)
        frame, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            frame = env.reset()[0]
            frames.clear()
            actions.clear()
        frames.append(frame)


def _draw(
    world: World,
    env: KnownOdds,
    contexts: list[tuple[np.ndarray, np.ndarray]],
    seeds: list[int],
    num_sampling_steps: int | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Imagine the frame after each context; return its outcome, its distance, and both gradient energies ``[b]``."""
    pixels, flat = (np.stack(column) for column in zip(*contexts, strict=True))
    if pixels.shape[2:4] != tuple(world.image_size):
        raise ValueError(f"`env` must render frames of the world's size, {world.image_size}, got {pixels.shape[2:4]}.")
    past, future = (unflatten_action(world.action_space, part) for part in (flat[:, :-1], flat[:, -1:]))
    context = frames_to_float(torch.from_numpy(pixels))
    state = world.start(context.to(world.device), past, seed=seeds)
    rollout = world.rollout(state, future, num_sampling_steps=num_sampling_steps)
    frames = rollout.frames[:, 0].float().cpu().clamp(-1, 1)
    taken = [unflatten_action(env.action_space, action) for action in flat[:, -1]]
    possible = [env.outcomes(frame, action) for frame, action in zip(pixels[:, -1], taken, strict=True)]
    outcomes = frames_to_float(torch.from_numpy(np.stack(possible)))
    index, distance = classify(frames, outcomes)
    nearest = outcomes[torch.arange(len(frames)), index]
    return index, distance, gradient_energy(frames), gradient_energy(nearest)
