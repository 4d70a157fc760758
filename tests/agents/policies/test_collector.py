"""Claims about the experience of a policy, in a world whose every frame is known."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from tests.agents.policies.recalling import LENGTH, recalling
from tests.envs.fake_world import FakeWorld, length
from vdworld.agents.policies import Policy
from vdworld.agents.policies.collector import Collector
from vdworld.agents.policies.distribution import ActionDistribution
from vdworld.envs import DreamVectorEnv
from vdworld.spaces import ActionCodec

NUM_ENVS, HORIZON, LIMIT = 5, 12, 4
SPACES = [
    spaces.Box(-1.0, 1.0, (2,), np.float32),
    spaces.Dict({"push": spaces.Box(-1.0, 1.0, (2,), np.float32), "tool": spaces.Discrete(3)}),
    spaces.Tuple([spaces.Box(-1.0, 1.0, (2,), np.float32), spaces.Discrete(3)]),
]


def dreams(space=SPACES[0], output="torch", mode=AutoresetMode.SAME_STEP, cameras=("image",)):
    settings = {"max_episode_steps": LIMIT, "autoreset_mode": mode, "output": output}
    return DreamVectorEnv(FakeWorld(space, cameras=cameras), NUM_ENVS, **settings)


def policy_for(envs: gym.vector.VectorEnv, **settings: Any) -> Policy:
    codec = ActionCodec(envs.single_action_space)
    return Policy(envs.single_observation_space, codec, **{"hidden_dim": 8, **settings})


def counting(observations, state):
    """Stand in for a network's step: values are the number of steps that the picture shows."""
    outputs = torch.zeros(len(observations.frames), 4)
    return outputs, observations.frames[:, 1, 0, 0].float(), state


@pytest.mark.parametrize("output", ["numpy", "torch"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("space", SPACES, ids=["Box", "Dict", "Tuple"])
def test_every_entry_belongs_to_the_transition_that_its_action_led_to(space, output, mode):
    envs = dreams(space, output, mode)
    policy = policy_for(envs)
    collector = Collector(envs, policy, seed=3)
    for rollout in (collector.collect(HORIZON), collector.collect(HORIZON)):
        seed, count, shown_actions = rollout.frames[:, :, :, 0, 0].long().unbind(dim=2)
        first, real = policy.codec.decode_flat(rollout.actions)[..., 0], rollout.is_step
        assert bool(real.all()) == (mode is not AutoresetMode.NEXT_STEP)
        torch.testing.assert_close(rollout.rewards, (10.0 * (count + 1) + first) * real)
        ends = torch.tensor([[length(int(s)) for s in row] for row in seed])
        assert torch.equal(rollout.terminated, (count + 1 >= ends) & real)
        assert torch.equal(rollout.ended, ((count + 1 >= ends) | (count + 1 >= LIMIT)) & real)
        begun = ~real if mode is AutoresetMode.NEXT_STEP else rollout.ended
        assert torch.equal(rollout.is_first[:, 1:], begun[:, :-1])
        before = policy.codec.decode_flat(rollout.previous_actions)[..., 0]
        assert torch.equal(torch.round(100 + 50 * before).long()[count > 0], shown_actions[count > 0])
        going_on = torch.where(rollout.terminated, torch.zeros_like(rollout.rewards), 1 - (count + 1) / 16)
        torch.testing.assert_close(rollout.continuation[real], going_on[real])


def test_the_recurrent_state_keeps_the_actions_that_were_executed():
    envs = dreams(spaces.Box(-1, 3, (2,), np.int64))
    rollout = Collector(envs, policy := policy_for(envs), seed=3).collect(HORIZON)
    executed = policy.codec.encode(policy.codec.decode(rollout.actions))
    assert not torch.equal(executed, rollout.actions.clamp(-1, 1))
    goes_on = ~rollout.is_first[:, 1:]
    torch.testing.assert_close(rollout.previous_actions[:, 1:][goes_on], executed[:, :-1][goes_on], rtol=0, atol=1e-6)


@pytest.mark.parametrize("output", ["numpy", "torch"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_next_values_are_those_of_the_next_observations_final_ones_included(output, mode):
    envs = dreams(output=output, mode=mode)
    policy = policy_for(envs)
    policy.network.step = counting
    rollout = Collector(envs, policy).collect(HORIZON)
    assert rollout.ended.any()
    assert torch.equal(rollout.values, rollout.frames[:, :, 1, 0, 0].float())
    real = rollout.is_step
    assert torch.equal(rollout.next_values[real], rollout.values[real] + 1), (
        "never the next episode's first observation"
    )


@pytest.mark.parametrize("output", ["numpy", "torch"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_the_state_is_burnt_in_at_the_start_of_every_episode(output, mode):
    envs = dreams(output=output, cameras=("front", "top"), mode=mode)
    policy = policy_for(envs, cameras=("front", "top"))
    collector = Collector(envs, policy)
    rollout = collector.collect(HORIZON)
    _, info = dreams(cameras=("front", "top")).reset(seed=0)
    observations = policy.observer.read_pictures(info["context_frames"], policy.device)
    actions = policy.codec.encode(info["context_actions"])
    with torch.no_grad():
        expected = policy.network.burn_in(observations, actions, info["context_action_mask"])
    torch.testing.assert_close(rollout.hidden[:, 0], expected.hidden)
    torch.testing.assert_close(rollout.previous_actions[:, 0], expected.previous_actions)
    assert expected.hidden.any()
    starts = rollout.is_first[:, 1:]
    assert starts.any()
    assert (rollout.hidden[:, 1:][starts] != 0).any(dim=-1).all(), "in the middle of a rollout too"


def test_a_stack_begins_with_the_context_and_never_shows_another_episode():
    envs = dreams(output="torch")
    rollout = Collector(envs, policy_for(envs, frame_stack=2)).collect(HORIZON)
    before, newest = rollout.frames[:, :, :3], rollout.frames[:, :, 3:]
    going_on = ~rollout.is_first[:, 1:]
    assert torch.equal(before[:, 1:][going_on], newest[:, :-1][going_on])
    _, info = dreams().reset(seed=0)
    action_mask = info["context_action_mask"][:, -1]
    last_frames = torch.as_tensor(info["context_frames"])[:, -2].movedim(-1, -3)
    assert action_mask.any()
    assert torch.equal(before[:, 0], last_frames * action_mask[:, None, None, None])


def test_without_a_context_episodes_begin_in_the_initial_state():
    envs = recalling(3)
    rollout = Collector(envs, policy_for(envs)).collect(2 * LENGTH)
    assert torch.equal(rollout.is_first.nonzero()[:, 1].unique(), torch.tensor([0, LENGTH]))
    assert not rollout.hidden[rollout.is_first].any()
    assert not rollout.previous_actions[rollout.is_first].any()
    assert rollout.hidden[~rollout.is_first].any(dim=-1).all()


@pytest.mark.parametrize("frame_stack", [1, 3])
def test_unrolling_gives_the_collected_log_probabilities(frame_stack):
    envs = dreams(SPACES[1])
    policy = policy_for(envs, frame_stack=frame_stack)
    collector = Collector(envs, policy)
    for rollout in (collector.collect(HORIZON), collector.collect(HORIZON)):
        outputs, _ = policy.network.unroll(
            rollout.observations, rollout.previous_actions, rollout.hidden, rollout.is_first
        )
        log_probs = ActionDistribution(policy.layout, outputs).log_prob(rollout.actions)
        torch.testing.assert_close(log_probs, rollout.log_probs)


def test_returns_are_those_of_the_episodes_that_ended():
    envs = recalling(2)
    collector = Collector(envs, policy_for(envs))
    rollout = collector.collect(LENGTH)
    assert [value.item() for value in collector.take_returns()] == [rollout.rewards.sum().item(), 2.0]
    assert [value.item() for value in collector.take_returns()] == [0.0, 0.0]


def test_the_return_of_an_episode_begins_at_zero():
    envs = recalling(2)
    collector = Collector(envs, policy_for(envs), seed=1)
    rewards = collector.collect(2 * LENGTH + LENGTH // 2).rewards
    assert rewards[:, :LENGTH].any()
    assert [value.item() for value in collector.take_returns()] == [rewards[:, : 2 * LENGTH].sum().item(), 4.0]
    rest = collector.collect(LENGTH // 2).rewards
    third = rewards[:, 2 * LENGTH :].sum() + rest.sum()
    assert [value.item() for value in collector.take_returns()] == [third.item(), 2.0]


def test_the_prior_has_a_recurrent_state_of_its_own():
    envs = dreams()
    prior = policy_for(envs, hidden_dim=4, seed=1)
    rollout = Collector(envs, policy_for(envs), prior=prior).collect(1)
    _, info = dreams().reset(seed=0)
    prior.reset(seed=0)
    state = prior.network.burn_in(
        prior.observer.read_pictures(info["context_frames"], prior.device),
        prior.codec.encode(info["context_actions"]),
        info["context_action_mask"],
    )
    outputs, _, _ = prior.network.step(rollout.observations.map(lambda part: part[:, 0]), state)
    torch.testing.assert_close(rollout.prior_outputs[:, 0], outputs.detach())


def test_a_dream_that_is_too_uncertain_is_truncated_and_bootstrapped():
    settings = {"autoreset_mode": AutoresetMode.SAME_STEP, "output": "torch", "uncertainty_limit": 0.5}
    envs = DreamVectorEnv(FakeWorld(), NUM_ENVS, **settings)
    policy = policy_for(envs)
    policy.network.step = counting
    rollout = Collector(envs, policy, seed=3).collect(2)
    assert rollout.ended[:, 0].tolist() == [False, False, False, True, True], "of the seeds 3 to 7, those above 5"
    assert not rollout.terminated[:, 0].any()
    assert rollout.next_values[:, 0].tolist() == [1.0] * 5
    assert rollout.is_first[:, 1].tolist() == [False, False, False, True, True]


def test_a_step_in_which_every_lane_is_only_reset_is_passed_over():
    envs = DreamVectorEnv(FakeWorld(), NUM_ENVS, max_episode_steps=1)
    rollout = Collector(envs, policy_for(envs)).collect(4)
    assert rollout.is_step.all()
    assert rollout.is_first.all()
    assert (rollout.frames[:, :, 1] == 0).all()
    assert len(rollout.frames[0, :, 0, 0, 0].unique()) == 4, "every step is that of another episode"


def test_environments_without_a_mode_are_refused():
    envs = dreams()
    policy = policy_for(envs)
    envs.metadata = {}
    with pytest.raises(ValueError, match=r"`envs` must have a gymnasium.vector.AutoresetMode in metadata.*got None"):
        Collector(envs, policy)


def test_readings_of_a_dict_are_observed_in_final_observations_too(monkeypatch):
    class Telling(gym.Env):
        observation_space = spaces.Dict(
            {"count": spaces.Box(-np.inf, np.inf, (1,), np.float32), "eye": spaces.Box(0, 255, (8, 8, 3), np.uint8)}
        )
        action_space = spaces.Discrete(2)

        def reset(self, *, seed=None, options=None):
            self.count = 0
            return self._observation(), {}

        def step(self, action):
            self.count += 1
            return self._observation(), 1.0, self.count == 3, False, {}

        def _observation(self):
            return {"count": np.array([self.count], np.float32), "eye": np.zeros((8, 8, 3), np.uint8)}

    envs = gym.vector.SyncVectorEnv([Telling] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    policy = policy_for(envs)
    monkeypatch.setattr(
        policy.network, "step", lambda observations, state: (torch.zeros(2, 2), observations.readings[:, 0], state)
    )
    rollout = Collector(envs, policy).collect(6)
    assert rollout.readings[0, :, 0].tolist() == [0, 1, 2, 0, 1, 2]
    assert rollout.next_values[0].tolist() == [1, 2, 3, 1, 2, 3]
