"""Claims about learning from recordings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces

from vdworld.agents import BehaviourCloning, Policy
from vdworld.agents.policies.cloning import _num_clips_with
from vdworld.data import ClipSampler, EpisodeWriter, load_dataset
from vdworld.spaces import frames_to_float

SIZE, BOX = 16, spaces.Box(-2.0, 2.0, (2,), np.float32)
QUICK = {"hidden_dim": 32, "horizon": 6, "batch_size": 16, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """Write episodes of black and white pictures; `act` says what was done from the colours so far."""

    def write(act, space, size=SIZE, num_steps=10):
        folder, rng = tmp_path_factory.mktemp("data") / "data", np.random.default_rng(0)
        with EpisodeWriter(folder, fps=5, action_space=space) as writer:
            for _ in range(12):
                white = rng.integers(0, 2, num_steps + 1)
                frames = np.repeat(255 * white, size * size * 3).reshape(-1, size, size, 3).astype(np.uint8)
                actions = np.array([act(white[: t + 1]) for t in range(num_steps)])
                hint = rng.integers(0, 2, (num_steps + 1, 1)).astype(np.float32)
                state = {"hint": hint, "white": white[:, None] * 1.0}
                writer.add(frames=frames, actions=actions, rewards=np.zeros(num_steps), terminated=True, state=state)
        return load_dataset(folder)

    return write


def pictures(white, size=SIZE):
    return torch.full((len(white), size, size, 3), 0, dtype=torch.uint8) + 255 * torch.tensor(
        white, dtype=torch.uint8
    ).reshape(-1, 1, 1, 1)


def test_a_choice_by_colour_is_imitated(record):
    dataset = record(lambda white: white[-1], spaces.Discrete(2))
    policy = BehaviourCloning.learn(dataset, num_updates=40, **QUICK)
    policy.deterministic = True
    assert policy.act(pictures([0, 1, 1])).tolist() == [0, 1, 1]
    assert (policy.action_space, policy.observation_space.shape) == (spaces.Discrete(2), (SIZE, SIZE, 3))


@pytest.mark.parametrize("goal_offset", [None, 4])
def test_episodes_shorter_than_a_clip_are_imitated(record, goal_offset):
    dataset = record(lambda white: white[-1], spaces.Discrete(2), num_steps=3)
    policy = BehaviourCloning.learn(dataset, num_updates=60, goal_offset=goal_offset, **QUICK)
    clips = ClipSampler(dataset, context_length=1, horizon=3).spread(36, torch.Generator(), whole=True)
    assert set(clips.actions[:, :, 0].sum(dim=1).tolist()) > {1.0}  # episodes differ
    policy.deterministic, first = True, clips.frames[:, 0].movedim(1, -1)
    if goal_offset is not None:
        policy.reset(goal=frames_to_float(clips.frames[:, 1].movedim(1, -1)))
    assert policy.act(first).tolist() == clips.actions[:, 0, 0].tolist()


def test_an_action_counts_as_often_as_it_was_taken():
    """The first action of an episode is in one clip, the third in three: together they weigh as much as any other."""
    steps = torch.arange(8)
    assert _num_clips_with(steps, 3)[:4].tolist() == [[1, 2, 3], [2, 3, 3], [3, 3, 3], [3, 3, 3]]
    shares = 1 / _num_clips_with(steps, 3)
    taken = torch.zeros(10).index_add_(0, (steps[:, None] + torch.arange(3)).ravel(), shares.ravel())
    torch.testing.assert_close(taken[:8], torch.ones(8))


def test_a_movement_by_colour_is_imitated(record):
    dataset = record(lambda white: np.array([1.5, -0.5]) * (1 - 2 * white[-1]), BOX)
    policy = BehaviourCloning.learn(dataset, num_updates=150, **QUICK)
    policy.deterministic = True
    actions = policy.act(pictures([0, 1]))
    np.testing.assert_allclose(actions, [[1.5, -0.5], [-1.5, 0.5]], atol=0.25)


@pytest.mark.parametrize(("recurrent", "frame_stack"), [(True, 1), (False, 2)])
def test_earlier_observations_count(record, recurrent, frame_stack):
    dataset = record(lambda white: white[-2] if len(white) > 1 else 0, spaces.Discrete(2))
    settings = QUICK | {"recurrent": recurrent, "frame_stack": frame_stack}
    policy = BehaviourCloning.learn(dataset, num_updates=150, **settings)
    policy.deterministic = True
    policy.act(pictures([0, 1, 0, 1]))
    assert policy.act(pictures([0, 0, 1, 1])).tolist() == [0, 1, 0, 1]


def test_readings_are_observed_in_the_order_of_the_space(record):
    dataset = record(lambda white: white[-1], spaces.Discrete(2))
    readings = ["observation.white", "observation.hint"]
    policy = BehaviourCloning.learn(dataset, num_updates=2, readings=readings, **QUICK)
    assert policy.observer.readings == ("hint", "white")
    mean = policy.network.scale.mean
    assert 0.3 < mean[0] < 0.7
    assert isinstance(policy.observation_space, spaces.Dict)


def test_the_seed_decides_and_the_loss_falls(record, tmp_path):
    dataset = record(lambda white: white[-1], spaces.Discrete(2))
    losses: list[list[float]] = []
    for seed in (0, 0, 1):
        run: list[float] = []
        policy = BehaviourCloning.learn(
            dataset,
            num_updates=20,
            seed=seed,
            report=lambda step, figures, run=run: run.append(figures["loss"]),
            **QUICK,
        )
        losses.append(run)
    assert losses[0] == losses[1] != losses[2]
    assert losses[0][-1] < 0.5 * losses[0][0]
    assert Policy.from_pretrained(policy.save_pretrained(tmp_path)).training_info["objective"] == "cloning"


def test_wrong_arguments_are_refused(record):
    dataset = record(lambda white: white[-1], spaces.Discrete(2))
    with pytest.raises(ValueError, match="`num_updates` must be at least 1, got 0."):
        BehaviourCloning.learn(dataset, num_updates=0)
    with pytest.raises(ValueError, match="`frame_stack` must be at least 1, got 0."):
        BehaviourCloning.learn(dataset, frame_stack=0)
    with pytest.raises(ValueError, match="`readings` must be among"):
        BehaviourCloning.learn(dataset, readings=["observation.nothing"])
    with pytest.raises(ValueError, match="`goal_offset` must be at least 1, got 0."):
        BehaviourCloning.learn(dataset, goal_offset=0)
    with pytest.raises(ValueError, match="`max_minutes` must be positive"):
        BehaviourCloning.learn(dataset, max_minutes=0.0)


def test_learning_ends_after_max_minutes(record):
    dataset = record(lambda white: white[-1], spaces.Discrete(2))
    policy = BehaviourCloning.learn(dataset, num_updates=1_000, max_minutes=0.001, **QUICK)
    assert 0 < policy.training_info["num_updates"] < 1_000
