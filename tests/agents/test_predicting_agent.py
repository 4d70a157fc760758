"""Claims about policies of other libraries as agents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from vdworld.agents import Agent, Planner
from vdworld.agents.predicting_agent import PredictingAgent, as_agent
from vdworld.spaces import frames_to_float

BOX = spaces.Box(-1.0, 1.0, (2,), np.float32)


class Recorder:
    """Record all calls; the recurrent state counts the steps of each lane since ``episode_start``."""

    def __init__(self, actions: Any = None) -> None:
        self.actions = actions
        self.calls: list[tuple[Any, list[int] | None, list[bool], bool]] = []

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False):
        self.calls.append(
            (observation, None if state is None else state.tolist(), episode_start.tolist(), deterministic)
        )
        before = np.zeros(len(episode_start), int) if state is None else np.where(episode_start, 0, state)
        return np.zeros((len(episode_start), 2)) if self.actions is None else self.actions, before + 1


class Drawer:
    """Sample from the global streams, as SB3's policies do."""

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False):
        return np.stack([torch.rand(len(episode_start)).numpy(), np.random.rand(len(episode_start))], axis=-1), None


def pictures(count: int, num_cameras: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 6, 8, 3 * num_cameras), dtype=np.uint8)


def frames(count: int, num_cameras: int = 1) -> torch.Tensor:
    return frames_to_float(torch.from_numpy(pictures(count, num_cameras)))


def test_a_policy_is_an_agent_and_an_agent_stays_itself(make_line) -> None:
    agent = as_agent(Recorder())
    assert isinstance(agent, Agent)
    planner = Planner(make_line())
    assert as_agent(planner) is planner
    assert as_agent(agent) is agent


def test_anything_else_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"`policy` must be an agent with `reset` and `act` .*got 'ppo.zip'"):
        as_agent("ppo.zip")


def test_the_policy_observes_the_pixels_of_the_environment() -> None:
    policy = Recorder()
    PredictingAgent(policy).act(frames(2))
    observation, _, _, deterministic = policy.calls[0]
    assert observation.dtype == np.uint8
    np.testing.assert_array_equal(observation, pictures(2))
    assert deterministic


def test_several_cameras_come_as_a_dict_in_the_order_of_the_channels() -> None:
    policy = Recorder()
    PredictingAgent(policy, ["wrist", "arm"]).act(frames(2, 2))
    observation = policy.calls[0][0]
    np.testing.assert_array_equal(observation["wrist"], pictures(2, 2)[..., :3])
    np.testing.assert_array_equal(observation["arm"], pictures(2, 2)[..., 3:])


@pytest.mark.parametrize("cameras", [[], ["arm"]])
def test_several_cameras_need_their_names(cameras: list[str]) -> None:
    with pytest.raises(ValueError, match="`cameras` must name the 2 pictures of a frame"):
        PredictingAgent(Recorder(), cameras).act(frames(1, 2))


def test_the_recurrent_state_is_passed_on_and_resets_mark_the_start_of_episodes() -> None:
    policy = Recorder()
    agent = PredictingAgent(policy)
    for mask in (None, torch.tensor([True, False]), np.array([True, False])):  # the first step begins all lanes anyway
        agent.reset(None if mask is None else torch.as_tensor(mask))
    agent.act(frames(2))
    agent.act(frames(2))
    agent.reset(torch.tensor([False, True]))
    agent.reset(torch.tensor([False, False]))  # which takes nothing back
    agent.act(frames(2))
    agent.act(frames(2))
    agent.reset()
    agent.act(frames(2))
    assert [call[1:3] for call in policy.calls] == [
        (None, [True, True]),
        ([1, 1], [False, False]),
        ([2, 2], [False, True]),
        ([3, 1], [False, False]),
        (None, [True, True]),
    ]


def test_the_number_of_lanes_may_change_with_a_reset() -> None:
    policy = Recorder()
    agent = PredictingAgent(policy)
    agent.act(frames(3))
    agent.reset()
    assert agent.act(frames(2)).shape == (2, 2)


def test_actions_are_kept_within_the_policys_own_box() -> None:
    policy = Recorder(np.array([[1.0000001, -3.0]]))
    assert PredictingAgent(policy).act(frames(1)).tolist() == [[1.0000001, -3.0]]
    policy.action_space = BOX  # type: ignore[attr-defined]
    assert PredictingAgent(policy).act(frames(1)).tolist() == [[1.0, -1.0]]


def test_samples_repeat_with_the_seed_and_leave_the_global_streams_alone() -> None:
    agent = PredictingAgent(Drawer(), deterministic=False, seed=3)
    torch.manual_seed(0)
    np.random.seed(0)
    first = [agent.act(frames(2)) for _ in range(2)]
    after = torch.rand(1).item(), np.random.rand()
    torch.manual_seed(0)
    np.random.seed(0)
    assert after == (torch.rand(1).item(), np.random.rand())

    agent.reset()
    later = agent.act(frames(2))
    agent.reset(seed=3)
    again = [agent.act(frames(2)) for _ in range(2)]
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).all()
    assert (later != first[0]).all()


def test_a_saved_model_of_stable_baselines3_acts_as_itself(tmp_path: Path) -> None:
    sb3 = pytest.importorskip("stable_baselines3")
    gym = pytest.importorskip("gymnasium")

    class Noise(gym.Env):
        observation_space, action_space = spaces.Box(0, 255, (64, 64, 3), np.uint8), BOX

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return self.observation_space.sample(), {}

        def step(self, action):
            return self.observation_space.sample(), 0.0, False, False, {}

    model = sb3.PPO("CnnPolicy", Noise(), n_steps=8, batch_size=8, n_epochs=1, seed=0, device="cpu").learn(8)
    model.save(tmp_path / "ppo")
    loaded = sb3.PPO.load(tmp_path / "ppo", device="cpu")
    pixels = np.random.default_rng(1).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    acted = as_agent(loaded).act(frames_to_float(torch.from_numpy(pixels)))
    np.testing.assert_array_equal(acted, model.predict(pixels, deterministic=True)[0])
    assert all(BOX.contains(action) for action in acted)
    assert len(np.unique(acted[:, 0])) == 3  # actions depend on the pixels
