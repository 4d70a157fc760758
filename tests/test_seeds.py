"""Seeds of any size are taken, and what is no seed is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vdworld
from vdworld.agents import BehaviourCloning, Planner, Policy
from vdworld.benchmarks.measured_world import fresh_world
from vdworld.data import Dataset
from vdworld.envs.dream.lane_seeds import LaneSeeds
from vdworld.evaluation import PlayProtocol
from vdworld.seeds import as_seed
from vdworld.world import WorldModel

LARGE = 2**130


@pytest.fixture(scope="module")
def world() -> WorldModel:
    return fresh_world("tiny", image_size=16)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return vdworld.record(
        "vdworld/Bounce-v0",
        tmp_path_factory.mktemp("data"),
        num_steps=40,
        num_envs=1,
        image_size=16,
        max_episode_steps=10,
        seed=LARGE,
        progress=False,
    )


def test_small_seeds_stay_and_large_ones_are_hashed() -> None:
    assert [as_seed(seed) for seed in (0, 7, 2**63 - 1, np.int64(5), np.uint8(6))] == [0, 7, 2**63 - 1, 5, 6]
    large = {as_seed(LARGE + i) for i in range(1_000)}
    assert len(large) == 1_000
    assert max(large) < 2**63


@pytest.mark.parametrize("seed", [-1, True, 1.5, "3", None])
def test_what_is_no_seed_is_refused_by_name(seed: Any) -> None:
    with pytest.raises(ValueError, match=f"`seed` must (not be negative|be a whole number), got {seed!r}"):
        as_seed(seed)


def test_every_verb_takes_a_large_seed(world: WorldModel, dataset: Dataset, tmp_path: Path) -> None:
    small = {"width": 16, "coarse_width": 32}
    vdworld.train(dataset, max_steps=1, batch_size=2, network=small, num_rollout_gifs=0, seed=LARGE, output=tmp_path)
    assert Planner(world, seed=LARGE).seed == Planner(world, seed=as_seed(LARGE)).seed
    Planner(world).reset(seed=LARGE)
    policy = BehaviourCloning.learn(dataset, num_updates=1, batch_size=2, horizon=3, hidden_dim=8, seed=LARGE)
    policy.reset(seed=LARGE)
    assert isinstance(policy, Policy)
    assert PlayProtocol(seed=LARGE).seed == as_seed(LARGE)


def test_every_verb_refuses_a_negative_seed(world: WorldModel, dataset: Dataset, tmp_path: Path) -> None:
    for call in (
        lambda: vdworld.record("vdworld/Bounce-v0", tmp_path, num_steps=10, seed=-1),
        lambda: vdworld.train(dataset, max_steps=1, seed=-1),
        lambda: Planner(world, seed=-1),
        lambda: Planner(world).reset(seed=-1),
        lambda: BehaviourCloning.learn(dataset, num_updates=1, seed=-1),
        lambda: PlayProtocol(seed=-1),
    ):
        with pytest.raises(ValueError, match="`seed` must not be negative, got -1"):
            call()


def test_seeds_of_lanes_are_whole_numbers() -> None:
    mask, seeds = np.ones(2, bool), LaneSeeds(2)
    for seed in (["3", 4], [1.5, 2]):
        with pytest.raises(ValueError, match="`seed` must be a whole number, or hold one per lane, got"):
            seeds.next_episode(mask, np.array(seed, object))
    assert seeds.next_episode(mask, np.array([3, 4])) == [3, 4]
