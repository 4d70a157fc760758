"""Claims about inferring actions from frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces

from tests.agents.video.squares import colours
from vdworld.agents import InverseDynamics
from vdworld.data import ClipSampler, EpisodeWriter, load_dataset
from vdworld.envs.games.scripted import ForkEnv

QUICK = {"hidden_dim": 32, "batch_size": 32, "num_updates": 60, "learning_rate": 3e-3}


def inferred_and_taken(model, dataset, context_length, horizon):
    """Return what is read off held-out clips and what was recorded, flat ``[b, h, n]`` each."""
    sampler = ClipSampler(dataset.split("test"), context_length=context_length, horizon=horizon)
    clips = sampler.at(*sampler.windows())
    frames = clips.frames.float() / 127.5 - 1
    return model.codec.decode_flat(model.read(frames)), clips.actions[:, context_length - 1 :]


def test_the_action_is_that_between_the_last_two_frames(tmp_path):
    space = spaces.MultiDiscrete([2, 2])
    dataset = colours(tmp_path, space, lambda white, t: [white[t], white[t + 1]])
    model = InverseDynamics.learn(dataset, **QUICK)
    inferred, taken = inferred_and_taken(model, dataset, context_length=1, horizon=6)
    assert inferred.shape == taken.shape == (len(taken), 6, 2)
    assert torch.equal(inferred, taken)


def test_with_two_frames_the_one_before_the_action_counts(tmp_path):
    dataset = colours(tmp_path, spaces.Discrete(2), lambda white, t: white[max(t - 1, 0)])
    model = InverseDynamics.learn(dataset, num_before=2, **QUICK)
    inferred, taken = inferred_and_taken(model, dataset, context_length=2, horizon=4)
    assert torch.equal(inferred, taken)


def test_later_frames_do_not_count(tmp_path):
    dataset = colours(tmp_path, spaces.Discrete(2), lambda white, t: white[min(t + 2, 10)])
    model = InverseDynamics.learn(dataset, num_before=2, **QUICK)
    inferred, taken = inferred_and_taken(model, dataset, context_length=2, horizon=4)
    assert 0.2 < (inferred == taken).float().mean() < 0.8


@pytest.mark.parametrize(
    ("space", "act"),
    [
        (spaces.Box(-2.0, 2.0, (2,), np.float32), lambda change: [1.5 * change, -0.5 * change]),
        (spaces.Dict(a=spaces.MultiBinary(1), b=spaces.Box(0, 9, (1,))), lambda change: [change > 0, 4 + 3 * change]),
    ],
)
def test_any_action_space_is_supported(tmp_path, space, act):
    dataset = colours(tmp_path, space, lambda white, t: np.array(act(int(white[t + 1]) - int(white[t])), float))
    model = InverseDynamics.learn(dataset, **{**QUICK, "num_updates": 120})
    inferred, taken = inferred_and_taken(model, dataset, context_length=1, horizon=4)
    torch.testing.assert_close(inferred, taken, atol=0.3, rtol=0)


def test_ambiguous_actions_have_calibrated_probabilities(tmp_path):
    env = ForkEnv(odds=(0.75, 0.25), size=12)
    env.action_space.seed(0)
    with EpisodeWriter(tmp_path, fps=10, action_space=env.action_space) as writer:
        for seed in range(10):
            frames, actions = [env.reset(seed=seed)[0]], [env.action_space.sample() for _ in range(40)]
            frames += [env.step(action)[0] for action in actions]
            writer.add(frames=np.stack(frames), actions=np.array(actions), terminated=False)
    model = InverseDynamics.learn(load_dataset(tmp_path), **{**QUICK, "num_updates": 200})
    frame, _ = env.reset(seed=100)
    left = env.outcomes(frame, 0)[0]  # three times as likely under action 0 as under action 1
    video = torch.from_numpy(np.stack([frame, left])).permute(0, 3, 1, 2)[None].float() / 127.5 - 1
    assert model(video).choices[0].exp()[0, 0, 0].item() == pytest.approx(0.75, abs=0.1)


def test_the_seed_decides_and_the_loss_falls(tmp_path):
    dataset = colours(tmp_path, spaces.Discrete(2), lambda white, t: white[t])
    losses: list[list[float]] = []
    for seed in (0, 0, 1):
        run: list[float] = []
        few = {**QUICK, "num_updates": 20, "seed": seed}
        InverseDynamics.learn(dataset, report=lambda step, figures, run=run: run.append(figures["loss"]), **few)
        losses.append(run)
    assert losses[0] == losses[1] != losses[2]
    assert losses[0][-1] < 0.5 * losses[0][0]


def test_a_loaded_model_infers_the_same(tmp_path):
    dataset = colours(tmp_path / "data", spaces.Box(-1.0, 1.0, (2,)), lambda white, t: [white[t] - 0.5, 0.0])
    model = InverseDynamics.learn(dataset, num_before=2, **{**QUICK, "num_updates": 5})
    again = InverseDynamics.from_pretrained(model.save_pretrained(tmp_path / "saved"))
    video = torch.rand(2, 5, 3, 8, 8) * 2 - 1
    assert torch.equal(again(video).outputs, model(video).outputs)
    assert (again.training_info, again.num_before) == (model.training_info, 2)


def test_wrong_arguments_are_refused(tmp_path):
    dataset = colours(tmp_path, spaces.Discrete(2), lambda white, t: white[t])
    with pytest.raises(ValueError, match="`num_updates` must be at least 1, got 0."):
        InverseDynamics.learn(dataset, num_updates=0)
    with pytest.raises(ValueError, match="`num_before` must be at least 1"):
        InverseDynamics.learn(dataset, num_before=0)
    model = InverseDynamics.learn(dataset, **{**QUICK, "num_updates": 1})
    with pytest.raises(
        ValueError, match=r"`frames` must be \[b, t, 3, 8, 8\] with t from 2 on, got \[1, 1, 3, 8, 8\]."
    ):
        model(torch.zeros(1, 1, 3, 8, 8))
