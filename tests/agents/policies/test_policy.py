"""Claims about policies as agents, and on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces

from tests.agents.policies.small_policies import ACTIONS, PICTURE, SEVERAL, flat, frames, pixels, policy
from tests.envs.random_world import random_world
from vdworld.agents import Agent, Policy
from vdworld.spaces import ActionCodec, frames_to_float
from vdworld.world import WorldModel


def test_it_is_an_agent():
    assert isinstance(policy(), Agent)


def test_frames_and_the_environments_pictures_give_the_same_actions():
    first, second = policy(), policy()
    observed = pixels(4)
    actions = first.act(observed.numpy())
    assert torch.equal(flat(first, actions), flat(second, second.act(frames_to_float(observed))))
    assert all(ACTIONS.contains({name: part[i] for name, part in actions.items()}) for i in range(4))


def test_a_lane_acts_the_same_whoever_shares_its_batch():
    first, second = policy(), policy()
    for t in range(3):
        observed, other = pixels(4, seed=t), pixels(4, seed=100 + t)
        other[1] = observed[1]
        ours, theirs = (flat(agent, agent.act(view)) for agent, view in ((first, observed), (second, other)))
        torch.testing.assert_close(ours[1], theirs[1])
        assert not torch.allclose(ours[0], theirs[0])


def test_the_same_seed_gives_the_same_samples_and_another_does_not():
    agent, observed = policy(), pixels(4)
    samples = []
    for seed in (1, 1, 2):
        agent.reset(seed=seed)
        samples.append(flat(agent, agent.act(observed)))
    assert torch.equal(samples[0], samples[1])
    assert not torch.equal(samples[0], samples[2])


def test_torchs_global_stream_is_left_alone():
    before = torch.get_rng_state()
    policy_without_help = Policy(PICTURE, ActionCodec(ACTIONS), hidden_dim=8)
    policy_without_help.act(pixels(2))
    assert torch.equal(before, torch.get_rng_state())


def test_the_recurrent_state_keeps_the_actions_that_were_executed():
    agent = policy(action_space=spaces.Tuple([spaces.Box(-1, 3, (2,), np.int64), spaces.MultiBinary(2)]))
    executed = agent.codec.encode(agent.act(pixels(4)))
    assert agent._state is not None
    torch.testing.assert_close(agent._state.previous_actions, executed, rtol=0, atol=1e-6)


def test_only_the_lanes_of_a_mask_are_reset():
    agent = policy(deterministic=True)
    first = flat(agent, agent.act(pixels(2)))
    agent.reset(mask=torch.tensor([True, False]))
    second = flat(agent, agent.act(pixels(2)))
    torch.testing.assert_close(first[0], second[0])
    assert not torch.allclose(first[1], second[1]), "a lane that goes on remembers"


@pytest.mark.parametrize("memory", [{}, {"recurrent": False, "frame_stack": 3}], ids=["recurrent", "frame stack"])
def test_a_context_equals_stepping_through_it(memory):
    stepped, burnt_in = policy(deterministic=True, **memory), policy(deterministic=True, **memory)
    observed = pixels(2, 4)
    actions = [stepped.act(observed[:, t]) for t in range(4)]
    between = torch.stack([flat(stepped, action) for action in actions[:3]], dim=1)
    frames = frames_to_float(observed)
    burnt_in.reset(context=(frames, between))
    actions_taken = flat(burnt_in, burnt_in.act(frames[:, 3]))
    torch.testing.assert_close(actions_taken, flat(stepped, actions[3]))
    burnt_in.reset()
    assert not torch.allclose(actions_taken, flat(burnt_in, burnt_in.act(frames[:, 3])))


@pytest.mark.parametrize("memory", [{}, {"recurrent": False, "frame_stack": 3}], ids=["recurrent", "frame stack"])
def test_a_value_depends_on_the_dreams_context_and_leaves_the_agent_alone(memory):
    world = random_world(spaces.Discrete(3))
    agent = policy(spaces.Box(0, 255, (*world.image_size, 3), np.uint8), spaces.Discrete(3), **memory)
    torch.nn.init.normal_(agent.network.critic.weight, generator=torch.Generator().manual_seed(0))
    observed, actions = frames(2, 3)[..., :8, :16], np.array([[0, 1], [2, 1]])
    state = world.start(observed, actions)
    agent.act(observed[:, 0])
    before = agent._state
    values = agent.value(state)
    assert agent._state is before
    agent.reset(context=(observed[:, :2], torch.tensor([[[0.0]], [[2.0]]])))
    agent.act(observed[:, 1])
    agent.replace_last_action(torch.tensor([[1.0], [1.0]]))
    newest = agent.observer.read_frames(observed[:, 2], agent.device)
    assert agent._state is not None
    torch.testing.assert_close(values, agent.network.step(newest, agent._state)[1])
    assert not torch.allclose(values, agent.value(world.start(observed[:, 2:])))


def test_a_context_of_one_frame_is_no_past():
    agent = policy(deterministic=True)
    fresh = flat(agent, agent.act(pixels(2)))
    agent.reset(context=(frames_to_float(pixels(2, 1)), torch.zeros(2, 0, 3)))
    torch.testing.assert_close(flat(agent, agent.act(pixels(2))), fresh)


@pytest.mark.parametrize("space", [PICTURE, SEVERAL], ids=["one picture", "several and readings"])
def test_a_loaded_policy_acts_as_the_saved_one(space, tmp_path):
    cameras, stack = (("top", "front"), 2) if space is SEVERAL else (None, 1)
    agent = policy(space, training_info={"num_steps": 7}, cameras=cameras, frame_stack=stack)
    loaded = Policy.from_pretrained(agent.save_pretrained(tmp_path / "policy"))
    assert (loaded.observation_space, loaded.action_space) == (space, ACTIONS)
    assert (loaded.training_info, loaded.observer.cameras) == (agent.training_info, agent.observer.cameras)
    assert sorted(path.name for path in (tmp_path / "policy").iterdir()) == ["config.json", "model.safetensors"]
    for t in range(3):
        observed = pixels(4, seed=t)
        numbers = torch.full((4, 2), float(t))
        observation = {"top": observed, "front": observed.flip(1), "place": numbers} if space is SEVERAL else observed
        assert torch.equal(flat(agent, agent.act(observation)), flat(loaded, loaded.act(observation)))


def test_cameras_are_ordered_as_named():
    agent = policy(SEVERAL, deterministic=True, cameras=("top", "front"))
    top, front = pixels(2, seed=1), pixels(2, seed=2)
    unknown = torch.full((2, 2), float("nan"))
    actions_taken = flat(agent, agent.act({"top": top, "front": front, "place": unknown}))
    agent.reset()
    frames = torch.cat([frames_to_float(top), frames_to_float(front)], dim=1)
    torch.testing.assert_close(actions_taken, flat(agent, agent.act(frames)))


def test_a_world_is_neither_overwritten_nor_taken_for_a_policy(tmp_path):
    random_world().save_pretrained(tmp_path)
    with pytest.raises(FileExistsError, match="holds something other than a policy"):
        policy().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="does not describe a policy"):
        Policy.from_pretrained(tmp_path)


def test_folders_without_a_whole_policy_are_refused(tmp_path, edit_json):
    with pytest.raises(FileNotFoundError, match="There is no policy at"):
        Policy.from_pretrained(tmp_path)
    policy().save_pretrained(tmp_path)
    weights = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"model.safetensors is damaged"):
        Policy.from_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(weights)
    edit_json(tmp_path / "config.json", lambda config: config.update(format=99))
    with pytest.raises(ValueError, match="format 99"):
        Policy.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    "space",
    [spaces.Box(-1, 1, (4,)), spaces.Dict({"a": PICTURE, "b": spaces.Discrete(2)})],
    ids=["no picture", "other"],
)
def test_unsupported_observation_spaces_are_refused(space):
    with pytest.raises(ValueError, match="`space` must be a uint8 Box"):
        policy(space)


def test_unknown_cameras_are_refused():
    with pytest.raises(ValueError, match="`cameras` must be .* in some order, got top, left."):
        policy(SEVERAL, cameras=("top", "left"))


def test_a_policy_is_not_taken_for_a_world(tmp_path: Path) -> None:
    policy().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="holds a policy, not a world"):
        WorldModel.from_pretrained(tmp_path)
