"""Claims about training a video model."""

from __future__ import annotations

import pytest
import torch
from gymnasium import spaces

from tests.agents.video.squares import NUM_CELLS, cells_of, frames_at
from vdworld.agents import VideoPolicy
from vdworld.agents.video import train_video_model
from vdworld.world import WorldModel

SMALL = {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, "context_length": 2}
BRIEF = {"network": SMALL, "max_steps": 2, "batch_size": 4, "precision": "float32", "num_rollout_gifs": 0}


def test_it_is_a_world_with_a_goal_camera_and_a_single_action(walked, tmp_path):
    world = train_video_model(walked, goal_offset=3, output=tmp_path / "world", **BRIEF)
    assert (world.cameras, world.action_space) == (("image", "goal_image"), spaces.Discrete(1))
    assert (world.training_info["steps"], world.training_info["goal_offset"]) == (2, 3)
    assert not any(weight.requires_grad for weight in world.parameters())
    again = WorldModel.from_pretrained(tmp_path / "world")
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(world.parameters(), again.parameters(), strict=True))
    assert again.starts is not None
    place, goal = again.starts.frames.float().div(127.5).sub(1).split(3, dim=2)
    gaps = (cells_of(goal)[:, 0] - cells_of(place)[:, -1]).abs()  # a start goes on for one frame after the draw
    assert (int(gaps.min()), int(gaps.max())) == (0, 2)


def test_the_seed_decides(walked):
    first, again, other = (train_video_model(walked, goal_offset=3, seed=seed, **BRIEF) for seed in (0, 0, 1))
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])
    weights, others = (torch.cat([part.flatten() for part in world.parameters()]) for world in (first, other))
    assert not torch.equal(weights, others)


def test_instructions_are_its_actions(walked):
    instructions = {entry.index: [float(entry.index), 5.0] for entry in walked.entries}
    world = train_video_model(walked, goal_offset=0, instructions=instructions, **BRIEF)
    assert world.cameras == ("image",)
    assert world.action_space.shape == (2,)
    last = max(instructions)
    encoded = world.action_codec.encode([[0.0, 5.0], [float(last), 5.0]])
    assert encoded[:, 0].tolist() == [-1.0, 1.0]


def test_a_policy_learns_both_parts(walked):
    policy = VideoPolicy.learn(walked, goal_offset=3, horizon=2, num_updates=2, device="cpu", **BRIEF)
    policy.reset(goal=frames_at(*range(NUM_CELLS)))
    assert policy.act(frames_at(*[3] * NUM_CELLS)).shape == (NUM_CELLS,)
    with pytest.raises(ValueError, match="must be positive, got 0"):
        train_video_model(walked, **{**BRIEF, "max_steps": 0})
