"""Former names and paths are refused with what to write instead, and frames of another kind with their conversion."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import pytest
import torch

import vdworld
from vdworld.benchmarks.measured_world import fresh_world
from vdworld.online import OnlineResult, learn_online
from vdworld.spaces import frames_to_float
from vdworld.training import ContextCorruption, LossWeights, TrainerSettings
from vdworld.world import WorldModel


@pytest.fixture(scope="module")
def world() -> WorldModel:
    return fresh_world("tiny", image_size=16)


@pytest.mark.parametrize(
    ("call", "former", "present"),
    [
        (TrainerSettings, "hiding", "corruption"),
        (ContextCorruption, "stains", "blob_noise"),
        (ContextCorruption, "ghosts", "clip_mixup"),
        (LossWeights, "still", "static_l1"),
        (LossWeights, "effort", "copy_penalty"),
        (learn_online, "watch", "make_logger"),
        (learn_online, "tell", "on_round_end"),
    ],
)
def test_former_arguments_give_the_present_ones(call: Callable[..., Any], former: str, present: str) -> None:
    with pytest.raises(TypeError, match=f"^`{former}` is now called `{present}`.$"):
        call(**{former: 1})


def test_the_decorated_classes_are_built_as_before() -> None:
    assert TrainerSettings(max_steps=3).max_steps == 3
    with pytest.raises(TypeError, match="unexpected keyword argument 'hidin'"):
        TrainerSettings(hidin=1)  # pyright: ignore[reportCallIssue]


def test_former_attributes_give_the_present_ones(world: WorldModel) -> None:
    state = world.sample_start(num_lanes=1, seed=0)
    _, outcome = world.step(state, torch.zeros(1, 2))
    for owner, former, hint in [
        (world, "record", "is now called `training_info`"),
        (state, "known", "is now called `action_mask`"),
        (state, "memory", "is now called `cache`"),
        (outcome, "observation", "is removed: take `frame` and `readings`"),
        (outcome, "cameras", "`world.cameras` names the cameras"),
        (OnlineResult(), "floors", "is now called `baselines`"),
        (vdworld.training, "Hiding", "is now called `ContextCorruption`"),
    ]:
        with pytest.raises(AttributeError, match=hint):
            getattr(owner, former)
        assert not hasattr(owner, former)
    with pytest.raises(TypeError, match="`donate` is removed"):
        world.step(state, torch.zeros(1, 2), donate=True)  # pyright: ignore[reportCallIssue]


UNCHECKED = """
import torch, vdworld
from vdworld.agents import ActorCritic, Planner
from vdworld.benchmarks.measured_world import fresh_world
from vdworld.evaluation import evaluate

world = fresh_world("tiny", image_size=16)
pixels = torch.full((1, 1, 16, 16, 3), 200, dtype=torch.uint8)
for call in (
    lambda: vdworld.train("data/pusht"),
    lambda: evaluate(world, "data/pusht"),
    lambda: evaluate("runs/pusht", None),
    lambda: Planner("runs/pusht"),
    lambda: Planner(world, "cem"),
    lambda: evaluate(world, None, agents=["planner"]),
    lambda: world.start(pixels),
    lambda: ActorCritic.learn(world, num_steps="8"),
    lambda: ActorCritic.learn(vdworld.envs.DreamVectorEnv(world, num_envs=2), num_steps="8"),
):
    try:
        call()
    except (TypeError, ValueError) as error:
        print(error)
"""


def test_arguments_of_the_wrong_kind_are_named_with_the_remedy() -> None:
    """In a process of its own, since these tests check every annotated call."""
    answer = subprocess.run([sys.executable, "-c", UNCHECKED], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == [
        "`dataset` must be loaded, got the path 'data/pusht'. Pass vdworld.load_dataset('data/pusht').",
        "`dataset` must be loaded, got the path 'data/pusht'. Pass vdworld.load_dataset('data/pusht').",
        "`world` must be loaded, got the path 'runs/pusht'. Pass vdworld.WorldModel.from_pretrained('runs/pusht').",
        "`world` must be loaded, got the path 'runs/pusht'. Pass vdworld.WorldModel.from_pretrained('runs/pusht').",
        "`method` must have `horizon` and `plan`, as CrossEntropy() has, got 'cem'.",
        "`agents` must hold agents by name, as in {\"planner\": planner}, got ['planner'].",
        "`frames` must be [b, k, 3, 16, 16], got [1, 1, 16, 16, 3]. Convert channels-last pixels with "
        "`vdworld.spaces.frames_to_float`.",
        "`envs` must be a vector environment, got a WorldModel. Make one with gym.make_vec(ID, num_envs=...), or of "
        "single environments with gym.vector.SyncVectorEnv([make, ...]).",
        "`num_steps` must be a whole number, got '8'.",
    ]


def test_actions_of_another_length_are_named(world: WorldModel) -> None:
    with pytest.raises(ValueError, match=r"`actions` must end with the axes \[2\] of Box.*got \[1, 3\]"):
        world.step(world.sample_start(num_lanes=1, seed=0), torch.zeros(1, 3))


@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
def test_a_dream_without_a_world_says_that_it_needs_one(make: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="`world` must be given, a world's folder or a WorldModel, as in gym.make"):
        make("vdworld/Dream-v0")


def test_frames_that_were_not_converted_come_with_the_conversion(world: WorldModel) -> None:
    pixels = torch.full((1, 1, 16, 16, 3), 200, dtype=torch.uint8)
    frames = pixels.movedim(-1, -3).float()
    with pytest.raises(ValueError, match=r"got numbers up to 200. Scale those in \[0, 255\] by `frames / 127.5 - 1`"):
        world.start(frames)
    assert torch.equal(world.start(frames / 127.5 - 1).frame, frames_to_float(pixels)[:, 0])
