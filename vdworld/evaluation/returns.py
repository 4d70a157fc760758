"""Returns in the real environment: every agent plays the same episodes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from vdworld.agents import Agent, Predicts
from vdworld.envs.real.real_env import make_real
from vdworld.evaluation.atari_scores import game_of, human_normalized
from vdworld.evaluation.controllers import AgentController, Controller, with_baselines
from vdworld.evaluation.protocol import EnvironmentLike
from vdworld.evaluation.real_lanes import RealLanes
from vdworld.extras import require
from vdworld.metrics import Interval, bootstrap_interval, paired_difference
from vdworld.spaces import flat_action_size


@dataclass(frozen=True)
class Play:
    """The episodes of one agent.

    Args:
        returns: The undiscounted sum of rewards of each episode ``[b]``.
        lengths: The number of steps of each episode ``[b]``.
        unfinished: Number of episodes that were cut off at the step limit of the evaluation.
        seconds: Wall time of the agent's decisions, all lanes and steps together.
    """

    returns: np.ndarray
    lengths: np.ndarray
    unfinished: int
    seconds: float


@dataclass(frozen=True)
class Returns:
    """How much reward agents collect in the real environment; intervals pair agents by the seed of the episode.

    Args:
        plays: By agent, in the order of the agents, then ``"random"`` and ``"no-op"``.
        seeds: The reset seed of each episode, the same for every agent.
        max_steps: Steps after which an episode is cut off.
        seed: The seed of episodes, agents and intervals.
        environment: The Gymnasium id; empty if there is none.
    """

    plays: dict[str, Play]
    seeds: tuple[int, ...]
    max_steps: int
    seed: int
    environment: str = ""

    def interval(self, name: str) -> Interval:
        """Return an agent's mean return with its 95% interval."""
        return bootstrap_interval(self.plays[name].returns, seed=self.seed)

    def normalized(self, name: str) -> Interval | None:
        """Return the mean human-normalised score; None unless it is an Atari game with known scores."""
        game = game_of(self.environment)
        if game is None:
            return None
        scores = np.array([human_normalized(score, game) for score in self.plays[name].returns])
        return bootstrap_interval(scores, seed=self.seed)

    def difference(self, first: str, second: str) -> Interval:
        """Return the mean difference in return between two agents, paired by seed, with its 95% interval."""
        return paired_difference(self.plays[first].returns, self.plays[second].returns, seed=self.seed)


def play_episodes(
    lanes: RealLanes,
    controllers: dict[str, Controller],
    *,
    max_steps: int = 1_000,
    seed: int = 0,
    progress: bool = True,
    environment: str = "",
) -> Returns:
    """Let every controller play one episode per lane in lockstep; lane i is reset with seed ``seed + i``.

    Args:
        lanes: One real environment per episode.
        controllers: Controllers by name.
        max_steps: Steps after which an episode is cut off.
        seed: Seeds the episodes and every controller.
        progress: Whether to show a progress bar.
        environment: The Gymnasium id, which the result keeps.
    """
    seeds = tuple(range(seed, seed + len(lanes)))
    tqdm = require("tqdm", extra="report").tqdm
    plays = {}
    for name, controller in controllers.items():
        with tqdm(total=max_steps, desc=f"real {name}", unit="step", disable=not progress) as bar:
            plays[name] = _play(lanes, controller, seeds, max_steps, seed, bar)
    return Returns(plays, seeds, max_steps, seed, environment)


def real_returns(
    env: EnvironmentLike,
    agents: Mapping[str, Agent | Predicts],
    *,
    cameras: Sequence[str],
    num_episodes: int = 30,
    max_steps: int = 1_000,
    baselines: bool = True,
    seed: int = 0,
    progress: bool = True,
    **overrides: Any,
) -> Returns:
    """Build a real environment per episode, and let every agent play the same episodes.

    Args:
        env: The real environment.
        agents: Agents by name.
        cameras: The cameras that agents see, in the order of a frame's channels.
        num_episodes: Episodes per agent.
        max_steps: Steps after which an episode is cut off.
        baselines: Whether random actions and no action play too.
        seed: Seeds the episodes and every agent.
        progress: Whether to show progress bars.
        overrides: Fields of ``EnvironmentSpec`` to change, such as ``image_size``.
    """
    controllers: dict[str, Controller] = {name: AgentController(agent, name) for name, agent in agents.items()}
    controllers = with_baselines(agents) if baselines else controllers
    with RealLanes([make_real(env, **overrides) for _ in range(num_episodes)], cameras) as lanes:
        return play_episodes(lanes, controllers, max_steps=max_steps, seed=seed, progress=progress)


def _play(lanes: RealLanes, controller: Controller, seeds: Sequence[int], max_steps: int, seed: int, bar: Any) -> Play:
    lanes.reset(seeds)
    frames, action_size = lanes.frames, flat_action_size(lanes.action_space)
    controller.reset(lanes, seed=seed, context=(frames[:, None], torch.zeros(len(lanes), 0, action_size)))
    returns, lengths = np.zeros(len(lanes)), np.zeros(len(lanes), dtype=int)
    seconds = 0.0
    for _ in range(max_steps):
        running = ~lanes.done
        if not running.any():
            break
        start = time.perf_counter()
        actions = controller.act(lanes)
        seconds += time.perf_counter() - start
        returns += lanes.step(actions)
        lengths += running
        bar.update()
    return Play(returns, lengths, int((~lanes.done).sum()), seconds)
