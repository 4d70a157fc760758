"""Claims about acting by imagining a video to the goal."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces

from tests.agents.video.conftest import Toward
from tests.agents.video.squares import LEFT, RIGHT, cells_of, frames_at
from tests.envs.random_world import random_world
from vdworld.agents import Agent, InverseDynamics, VideoPolicy
from vdworld.world import WorldModel


def test_it_goes_to_the_goal(goal_seeker, inverse_dynamics):
    policy = VideoPolicy(goal_seeker, inverse_dynamics, horizon=3, replan_every=2)
    assert isinstance(policy, Agent)
    places, goals = [4, 4, 2, 7], [1, 7, 5, 4]
    policy.reset(goal=frames_at(*goals))
    for _ in range(3):
        actions = policy.act(frames_at(*places))
        assert actions.tolist() == [LEFT, RIGHT, RIGHT, LEFT]
        places = [place + (1 if action == RIGHT else -1) for place, action in zip(places, actions, strict=True)]
    assert places == goals


def test_every_frame_of_a_dream_holds_the_true_goal(goal_seeker, inverse_dynamics):
    policy = VideoPolicy(goal_seeker, inverse_dynamics, horizon=4, num_sampling_steps=1)
    goal = frames_at(1, 6)
    policy.reset(goal=goal)
    video = policy.imagine(frames_at(5, 3)[:, None])
    assert cells_of(video).tolist() == [[4, 3, 2, 1], [4, 5, 6, 6]]
    contexts = goal_seeker.network.contexts
    assert len(contexts) == 4
    for context in contexts:
        assert torch.equal(context.frames[:, :, 3:], goal[:, None].expand(-1, context.frames.shape[1], -1, -1, -1))


def test_dreams_continue_from_padding_as_in_training(goal_seeker, inverse_dynamics):
    """Every transition is marked, with the only option as its action; before the episode there is none."""
    policy = VideoPolicy(goal_seeker, inverse_dynamics, horizon=2, num_sampling_steps=1)
    policy.reset(goal=frames_at(7))
    policy.imagine(frames_at(3)[:, None])
    first, second = goal_seeker.network.contexts
    assert (first.action_mask.tolist(), second.action_mask.tolist()) == ([[False, False, True]], [[False, True, True]])
    assert torch.equal(second.actions, second.action_mask[..., None].float())


def test_it_plans_again_after_some_steps_from_all_frames_so_far(goal_seeker, inverse_dynamics):
    policy = VideoPolicy(goal_seeker, inverse_dynamics, horizon=3, replan_every=2, num_sampling_steps=1)
    context = frames_at(0, 1, 2)[None]
    policy.reset(goal=frames_at(7), context=(context, torch.zeros(1, 2, 1)))
    for place in (2, 3, 4):
        policy.act(frames_at(place))
    cells = [cells_of(context.frames[0, :, :3]).tolist() for context in goal_seeker.network.contexts]
    assert cells == [[0, 1, 2], [1, 2, 3], [2, 3, 4], [2, 3, 4], [3, 4, 5], [4, 5, 6]]
    assert policy.last_video is not None
    assert cells_of(policy.last_video).tolist() == [[5, 6, 7]]


def test_it_follows_instructions(inverse_dynamics):
    world = random_world(spaces.Box(-1.0, 1.0, (2,)))
    world.network = Toward()
    policy = VideoPolicy(world, inverse_dynamics, horizon=2)
    with pytest.raises(ValueError, match="`instruction` must be given"):
        policy.act(frames_at(4))
    with pytest.raises(ValueError, match=r"`instruction` must end in \(2,\) numbers, got \[3\]."):
        policy.follow([1.0, 2.0, 3.0])
    policy.follow([-1.0, 0.0])
    assert policy.act(frames_at(4, 3)).tolist() == [LEFT, LEFT]
    policy.reset()
    policy.follow([[1.0, 0.0], [-1.0, 0.0]])
    assert policy.act(frames_at(4, 3)).tolist() == [RIGHT, LEFT]
    with pytest.raises(ValueError, match="`num_candidates` must be 1 without goal images"):
        VideoPolicy(world, inverse_dynamics, num_candidates=2)


def first_video(policy, seed, *places):
    policy.reset(seed=seed, goal=frames_at(*[7] * len(places)))
    policy.act(frames_at(*places))
    assert policy.last_video is not None
    return policy.last_video


def test_the_seed_decides_and_lanes_are_independent(untrained, inverse_dynamics):
    policy = VideoPolicy(untrained, inverse_dynamics, horizon=2)
    assert torch.equal(first_video(policy, 3, 4, 2), first_video(policy, 3, 4, 2))
    assert not torch.equal(first_video(policy, 3, 4, 2), first_video(policy, 4, 4, 2))
    torch.testing.assert_close(first_video(policy, 3, 4), first_video(policy, 3, 4, 2)[:1], atol=1e-3, rtol=0)


def test_the_candidate_whose_last_frame_is_most_similar_to_the_goal_is_used(untrained, inverse_dynamics):
    policy = VideoPolicy(untrained, inverse_dynamics, horizon=2, num_candidates=4, num_sampling_steps=1)
    policy.reset(goal=frames_at(1))
    videos = policy.generator.imagine(frames_at(4)[:, None], goal=frames_at(1), horizon=2, num_videos=4)[0]
    assert videos.shape == (4, 2, 3, 8, 16)
    assert not torch.equal(videos[0], videos[1])
    similarities = [policy.similarity(video[-1], frames_at(1)[0]).item() for video in videos]
    assert torch.equal(policy.imagine(frames_at(4)[:, None])[0], videos[int(np.argmax(similarities))])


def test_a_loaded_policy_imagines_the_same_videos(untrained, inverse_dynamics, tmp_path):
    policy = VideoPolicy(untrained, inverse_dynamics, horizon=3, replan_every=2, num_sampling_steps=2)
    again = VideoPolicy.from_pretrained(policy.save_pretrained(tmp_path / "policy"))
    assert torch.equal(first_video(again, 5, 3, 3), first_video(policy, 5, 3, 3))
    assert (again.horizon, again.replan_every, again.num_candidates, again.num_sampling_steps) == (3, 2, 1, 2)
    assert {path.suffix for path in (tmp_path / "policy").rglob("*.*")} == {".json", ".safetensors", ".md"}
    assert WorldModel.from_pretrained(tmp_path / "policy" / "world").cameras == ("image", "goal_image")


@pytest.mark.parametrize("file", ["world/config.json", "world/model.safetensors", "inverse_dynamics/config.json"])
def test_the_parts_of_two_policies_do_not_mix(untrained, inverse_dynamics, tmp_path, file):
    for name, horizon in (("one", 2), ("two", 3)):
        inverse_dynamics.training_info["horizon"] = untrained.training_info["horizon"] = horizon
        with torch.no_grad():
            untrained.heads.output.bias += 1
        VideoPolicy(untrained, inverse_dynamics, horizon=horizon).save_pretrained(tmp_path / name)
    (tmp_path / "one" / file).write_bytes((tmp_path / "two" / file).read_bytes())
    with pytest.raises(ValueError, match=f"one/{file} is damaged"):
        VideoPolicy.from_pretrained(tmp_path / "one")


def test_other_folders_are_refused(untrained, inverse_dynamics, tmp_path, edit_json):
    with pytest.raises(FileNotFoundError, match="There is no video policy at"):
        VideoPolicy.from_pretrained(tmp_path)
    folder = inverse_dynamics.save_pretrained(tmp_path / "reader")
    with pytest.raises(ValueError, match="does not describe a video policy"):
        VideoPolicy.from_pretrained(folder)
    with pytest.raises(FileExistsError, match="holds something other than a video policy"):
        VideoPolicy(untrained, inverse_dynamics).save_pretrained(folder)
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"model.safetensors is damaged"):
        InverseDynamics.from_pretrained(folder)
    edit_json(folder / "config.json", lambda config: config.update(format=99))
    with pytest.raises(ValueError, match="has format 99"):
        InverseDynamics.from_pretrained(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config.json is damaged"):
        InverseDynamics.from_pretrained(folder)


def test_wrong_arguments_are_refused(untrained, inverse_dynamics):
    for name, value in (("horizon", 0), ("num_candidates", 0), ("replan_every", 9)):
        with pytest.raises(ValueError, match=f"`{name}` must"):
            VideoPolicy(untrained, inverse_dynamics, **{name: value})
    with pytest.raises(ValueError, match="`world` must be conditioned on goals or instructions"):
        VideoPolicy(random_world(spaces.Discrete(3)), inverse_dynamics)
    two = random_world(spaces.Discrete(1), cameras=("a", "b", "goal_a", "goal_b"))
    with pytest.raises(
        ValueError, match=r"`inverse_dynamics` must read frames of the shape \[6, 8, 16\] of `world`, got \[3, 8, 16\]"
    ):
        VideoPolicy(two, inverse_dynamics)
    policy = VideoPolicy(untrained, inverse_dynamics)
    with pytest.raises(ValueError, match="`goal` must be given to this video model"):
        policy.act(frames_at(4))
    with pytest.raises(ValueError, match="`goal` must hold one frame per lane, 1, got 2."):
        policy.generator.imagine(frames_at(4)[:, None], goal=frames_at(4, 4), horizon=1)
    with pytest.raises(ValueError, match="`mask` must select all lanes"):
        policy.reset(mask=torch.tensor([True, False]))
    with pytest.raises(ValueError, match="`instruction` must be None"):
        policy.follow([1.0])
