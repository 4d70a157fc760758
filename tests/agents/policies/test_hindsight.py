"""Claims about hindsight goals, and about policies that were trained with them."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch

from tests.envs.random_world import random_world
from vdworld.agents import ActorCritic, BehaviourCloning
from vdworld.agents.policies.hindsight import relabel_goals
from vdworld.data import ClipSampler, Dataset, EpisodeWriter, load_dataset
from vdworld.envs import DreamVectorEnv
from vdworld.spaces import frames_to_float

HORIZON, OFFSET, SIDE, LENGTH = 5, 3, 8, 12


def belt(columns: np.ndarray) -> np.ndarray:
    """Return pictures with a bright bar at each column ``[..., 8, 8, 3]``."""
    pixels = np.zeros((*columns.shape, SIDE, SIDE, 3), np.uint8)
    np.put_along_axis(pixels, columns[..., None, None, None], 255, axis=-2)
    return pixels


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Walks on a belt, each to the left or to the right all the way: the present alone does not tell the action."""
    folder, rng = tmp_path_factory.mktemp("walks") / "data", np.random.default_rng(0)
    with EpisodeWriter(folder, fps=5, action_space=gym.spaces.Discrete(2)) as writer:
        for _ in range(24):
            right = rng.integers(2)
            columns = (rng.integers(SIDE) + (2 * right - 1) * np.arange(LENGTH + 1)) % SIDE
            writer.add(belt(columns), np.full(LENGTH, right))
    return load_dataset(folder)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> ClipSampler:
    """Clips of episodes whose red is the episode's number and whose green is the step."""
    folder = tmp_path_factory.mktemp("counted") / "data"
    with EpisodeWriter(folder, fps=5, action_space=gym.spaces.Discrete(2), test_fraction=0.0) as writer:
        for episode in range(4):
            frames = np.zeros((LENGTH + 1, SIDE, SIDE, 3), np.uint8)
            frames[..., 0], frames[..., 1] = 40 * episode, 10 * np.arange(LENGTH + 1)[:, None, None]
            writer.add(frames, np.zeros(LENGTH, int))
    return ClipSampler(load_dataset(folder), context_length=1, horizon=HORIZON + OFFSET - 1)


def test_a_goal_lies_one_to_offset_steps_ahead_of_the_last_action_in_its_own_episode(counted: ClipSampler) -> None:
    rng = torch.Generator().manual_seed(0)
    clips = counted.sample(400, rng)
    hindsight = relabel_goals(clips, goal_offset=OFFSET, rng=rng)
    red, green = (hindsight.goals[:, i].float().mean(dim=(1, 2)) for i in (0, 1))
    episode, step = (red / 40).round().long(), (green / 10).round().long()
    assert torch.equal(episode, clips.episodes)
    assert torch.equal(step, clips.steps + hindsight.steps_ahead)
    last = hindsight.step_mask.sum(dim=1) - 1
    assert sorted(set((step - clips.steps - last).tolist())) == [1, 2, 3]
    assert sorted(set(last.tolist())) == list(range(HORIZON))
    assert hindsight.step_mask.shape == (400, HORIZON)
    assert torch.equal(hindsight.step_mask, torch.arange(HORIZON) <= last[:, None])


def test_a_goal_one_step_ahead_is_the_frame_after_the_last_action(counted: ClipSampler) -> None:
    clips = counted.at([2], [3])
    hindsight = relabel_goals(clips, goal_offset=1, rng=torch.Generator().manual_seed(0))
    assert hindsight.steps_ahead.tolist() == [int(hindsight.step_mask.sum())]
    assert torch.equal(hindsight.goals[0], clips.frames[0, int(hindsight.steps_ahead)])


def test_a_clone_goes_towards_its_goal(walks: Dataset) -> None:
    settings = {"hidden_dim": 32, "horizon": 4, "batch_size": 32, "learning_rate": 3e-3}
    policy = BehaviourCloning.learn(walks, goal_offset=2, num_updates=150, **settings)
    assert policy.goals
    policy.deterministic = True
    here = np.array([2, 2, 5, 5, 0, 7])
    there = np.array([4, 0, 6, 4, 7, 0])
    policy.reset(goal=frames_to_float(torch.from_numpy(belt(there))))
    assert policy.act(torch.from_numpy(belt(here))).tolist() == [1, 0, 1, 0, 0, 1]
    assert policy.training_info["goal_offset"] == 2


def test_a_clone_with_goals_is_refused_as_a_prior(walks: Dataset) -> None:
    policy = BehaviourCloning.learn(walks, goal_offset=2, num_updates=1, horizon=4, hidden_dim=8)
    mode = gym.vector.AutoresetMode.SAME_STEP
    with pytest.raises(ValueError, match="`prior` must be trained without goals"):
        ActorCritic.learn(DreamVectorEnv(random_world(), 2, autoreset_mode=mode), num_steps=1, prior=policy)
