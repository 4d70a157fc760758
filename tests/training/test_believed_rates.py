"""Ends, rewards and random events are believed and drawn as often as they happen, under every recipe of the docs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from vdworld.data import ClipSampler, Dataset, EpisodeWriter, load_dataset
from vdworld.envs import record
from vdworld.envs.games.scripted import ForkEnv
from vdworld.evaluation.outcome_odds import measure_outcomes
from vdworld.training import ContextCorruption, SelfForcing, Shortcut, encode, train

pytestmark = pytest.mark.slow

END_RATE = 0.1
TINY = {"width": 16, "coarse_width": 32, "coarse_depth": 1, "thin_width": 4, "reach": 0}
VIDEO = {"_target_": "vdworld.networks.VideoUNet", "widths": [16, 32], "head_dim": 16}
TRANSFORMER = {"_target_": "vdworld.networks.Transformer", "width": 32, "depth": 2, "temporal_every": 2, "head_dim": 16}
DIAMOND = {"_target_": "vdworld.networks.DiamondUNet", "width": 32, "num_levels": 2, "depth": 1, "condition_dim": 32}
EDM = {"_target_": "vdworld.diffusion.EDM", "prediction": "edm"}
FORCED = {"self_forcing": SelfForcing(after=0.5, horizon=4), "horizon": 1}
RECIPES: dict[str, dict[str, Any]] = {
    "default": {"network": TINY},
    "one target": {"network": TINY, "horizon": 1},
    "self forcing": {"network": TINY, **FORCED},
    "shortcuts": {"network": TINY, "shortcut": Shortcut(share=0.25)},
    "long dreams": {
        "network": TINY,
        **FORCED,
        "shortcut": Shortcut(share=0.4, after=0.15),
        "corruption": ContextCorruption(blob_noise=0.3, clip_mixup=1.0),
    },
    "guidance": {"network": TINY, "corruption": ContextCorruption(action_dropout=0.1, history_dropout=0.1)},
    "video": {"network": VIDEO},
    "video, self forcing": {"network": VIDEO, **FORCED},
    "transformer": {"network": TRANSFORMER},
    "diamond": {"network": DIAMOND, "process": EDM},
}


@pytest.fixture(scope="module")
def ending(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Episodes that end at every step with odds of 10%, with a reward of 1 for that."""
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("ending") / "data"
    space = gym.spaces.Box(-1, 1, (1,), np.float32)
    with EpisodeWriter(path, fps=10, action_space=space, test_fraction=0.1) as writer:
        for _ in range(500):
            t = int(rng.geometric(END_RATE))
            frames = np.full((t + 1, 16, 16, 3), 128, np.uint8)
            frames[:, 4:8, 4:8] = rng.integers(0, 255, (t + 1, 1, 1, 3))
            ends = np.arange(t) == t - 1
            actions = rng.uniform(-1, 1, (t, 1)).astype(np.float32)
            writer.add(frames, actions, rewards=ends.astype(np.float32), terminated=ends, truncated=np.zeros(t, bool))
    return load_dataset(path)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_ends_and_rewards_are_believed_as_often_as_they_happen(
    ending: Dataset, recipe: dict[str, Any], tmp_path: Path
) -> None:
    world = train(ending, max_steps=350, num_rollout_gifs=0, validate_every=1000, output=tmp_path, **recipe)
    k = world.context_length
    clips = ClipSampler(ending, context_length=k, horizon=1).sample(1000, torch.Generator().manual_seed(3))
    batch = encode(world, clips)
    state = world.start(batch.frames[:, :k], clips.actions[:, : k - 1], seed=0)
    with torch.no_grad():
        _, outcome = world.step(state, clips.actions[:, k - 1])
    true = len(ending) / ending.num_steps
    believed = 1 - outcome.continuation.mean().item(), outcome.reward.mean().item()
    print(f"P(end) {believed[0]:.4f}, reward {believed[1]:.4f}, true {true:.4f}")
    assert believed == pytest.approx((true, true), rel=0.15)  # over seeds, 350 steps vary by 7%


@pytest.mark.parametrize(("odds", "tolerance"), [((0.98, 0.02), 0.01), ((0.9, 0.1), 0.03)], ids=["2%", "10%"])
def test_rare_events_are_drawn_as_often_as_they_happen(
    odds: tuple[float, ...], tolerance: float, tmp_path: Path
) -> None:
    """With the default weights, the curriculum of motion included."""
    data = record(partial(ForkEnv, odds), tmp_path / "data", num_steps=12_000, max_episode_steps=50, num_envs=1)
    process: dict[str, Any] = {"shift": 4.0, "pure_noise": 0.25}
    settings: dict[str, Any] = {"horizon": 1, "num_rollout_gifs": 0, "batch_size": 64}
    world = train(data, process=process, max_steps=1600, output=tmp_path / "world", validate_every=1000, **settings)
    outcomes = measure_outcomes(world, ForkEnv(odds), num_draws=3000, num_sampling_steps=32, progress=False)
    print(outcomes.frequencies, outcomes.blends)
    assert outcomes.frequencies[1] == pytest.approx(odds[1], abs=tolerance)
