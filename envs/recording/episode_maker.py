"""Record single episodes: run a policy in a real environment, and keep frames, actions, rewards, ends and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from vdworld.data.legal_actions import clip_boxes
from vdworld.envs.real.real_env import RealEnv, make_real
from vdworld.envs.recording.exploration import Exploration
from vdworld.spaces import flatten_action, unflatten_action
from vdworld.spec import EnvironmentSpec

Policy = Callable[[dict[str, Any], gym.Space, np.random.Generator], Any]
"""A policy for recording; ``record`` documents its arguments."""


class Stopped(Exception):
    """An episode was interrupted on request."""


@dataclass
class RecordedEpisode:
    """One episode of T transitions, as the arguments of ``EpisodeWriter.add``."""

    frames: dict[str, np.ndarray]
    actions: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    state: dict[str, np.ndarray]
    seed: int

    def __len__(self) -> int:
        """Return the number of transitions T."""
        return len(self.actions)

    def first(self, num_steps: int) -> RecordedEpisode:
        """Return the first `num_steps` transitions of the episode, or all of it if it is not longer."""
        if len(self) <= num_steps:
            return self
        truncated = self.truncated[:num_steps].copy()
        truncated[-1] = True
        return RecordedEpisode(
            frames={name: pixels[: num_steps + 1] for name, pixels in self.frames.items()},
            actions=self.actions[:num_steps],
            rewards=self.rewards[:num_steps],
            terminated=self.terminated[:num_steps],
            truncated=truncated,
            state={name: rows[: num_steps + 1] for name, rows in self.state.items()},
            seed=self.seed,
        )


@dataclass
class EpisodeMaker:
    """Make the episodes of a recording. An episode depends only on `seed` and its number, not on earlier episodes.

    Args:
        env: Specification of the environment, or a function that builds it.
        policy: See ``record``; None explores.
        seed: The recording's seed.
        settings: Fields of ``EnvironmentSpec`` if `env` is a function.
        built: The environment, if it is built already; only this process uses it.
    """

    env: EnvironmentSpec | Callable[[], gym.Env]
    policy: Policy | None
    seed: int
    settings: Mapping[str, Any]
    built: RealEnv | None = None

    def build(self) -> RealEnv:
        """Return the environment; the first call builds it."""
        if self.built is None:
            self.built = make_real(self.env, **self.settings)
        return self.built

    def make(self, index: int, should_stop: Callable[[], bool] = lambda: False) -> RecordedEpisode:
        """Run the episode with number `index`.

        Raises:
            Stopped: ``should_stop`` returned True between two steps.
        """
        env_seed, policy_seed = np.random.SeedSequence([self.seed, index]).generate_state(2) % 2**31
        policy = Exploration() if self.policy is None else self.policy
        limit = self.build().environment_spec.max_episode_steps
        return run_episode(self.build(), policy, int(env_seed), int(policy_seed), limit, should_stop)

    def close(self) -> None:
        """Close the environment."""
        if self.built is not None:
            self.built.close()
        self.built = None


def run_episode(
    env: RealEnv,
    policy: Policy,
    env_seed: int,
    policy_seed: int,
    max_steps: int | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> RecordedEpisode:
    """Run a policy from a reset to the end of the episode.

    Args:
        env: The environment.
        policy: See ``record``.
        env_seed: Seed of the reset.
        policy_seed: Seed of the policy and of the action space.
        max_steps: Truncate the episode after this number of steps; None leaves its end to the environment.
        should_stop: Called before every step.

    Raises:
        Stopped: ``should_stop`` returned True.
        ValueError: The policy returned NaN or infinity.
    """
    rng = np.random.default_rng(policy_seed)
    env.action_space.seed(policy_seed)
    if hasattr(policy, "reset"):
        policy.reset(env.action_space, rng)  # pyright: ignore[reportFunctionMemberAccess]
    observation, _ = env.reset(seed=env_seed)
    frames, states = [env.frames()], [env.state()]
    steps: list[tuple[np.ndarray, float, bool, bool]] = []
    while not steps or not (steps[-1][2] or steps[-1][3]):
        if should_stop():
            raise Stopped
        policy_input = {"frames": env.frames(), "state": env.state(), "observation": observation}
        flat = flatten_action(env.action_space, policy(policy_input, env.action_space, rng)).astype(np.float32)
        if not np.isfinite(flat).all():
            raise ValueError(f"`policy` must return finite actions, got {flat.tolist()} in step {len(steps)}.")
        flat = clip_boxes(flat, env.action_space)  # as most environments, and dreams, do by themselves
        action = unflatten_action(env.action_space, flat)  # exactly the action that the dataset will hold
        observation, reward, terminated, truncated, _ = env.step(action)
        truncated = truncated or (max_steps is not None and len(steps) + 1 >= max_steps and not terminated)
        steps.append((flat, reward, terminated, truncated))
        frames.append(env.frames())
        states.append(env.state())
    actions, rewards, *ends = zip(*steps, strict=True)
    return RecordedEpisode(
        frames={camera: np.stack([frame[camera] for frame in frames]) for camera in env.cameras},
        actions=np.stack(actions),
        rewards=np.array(rewards, dtype=np.float32),
        terminated=np.array(ends[0]),
        truncated=np.array(ends[1]),
        state=_stack(states),
        seed=env_seed,
    )


def _stack(states: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Stack the numbers that every step gives, ``[T+1, d]`` each; NaN in the first row for those that a reset lacks."""
    stacked = {}
    for name, last in states[-1].items():
        rows = [state.get(name) for state in states]
        if rows[0] is None:
            rows[0] = np.full(last.shape, np.nan, dtype=last.dtype if last.dtype.kind == "f" else np.float32)
        if all(row is not None and row.shape == last.shape for row in rows):
            stacked[name] = np.stack([row for row in rows if row is not None])
    return stacked
