"""Claims about the uncertainty that environments report; in the fake world it is a hundredth of the lane's seed."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

from tests.envs.fake_world import FakeWorld
from tests.envs.random_world import random_world
from vdworld.envs import DreamEnv, DreamVectorEnv

STILL = np.zeros(2, dtype=np.float32)
LIMIT = 0.5  # of quantiles 0, .05 and .1: uncertainties above .05, seeds above 5


def test_uncertainty_is_reported_on_request() -> None:
    env = DreamEnv(FakeWorld(), with_uncertainty=True)
    env.reset(seed=7)
    assert env.step(STILL)[4]["uncertainty"] == pytest.approx(0.07)
    without = DreamEnv(FakeWorld())
    without.reset(seed=7)
    assert "uncertainty" not in without.step(STILL)[4]


def test_too_uncertain_an_episode_is_truncated_and_over() -> None:
    env = DreamEnv(FakeWorld(), uncertainty_limit=LIMIT)
    env.reset(seed=5)
    assert env.step(STILL)[2:4] == (False, False)
    env.reset(seed=6)
    assert env.step(STILL)[2:4] == (False, True)
    with pytest.raises(gym.error.ResetNeeded):
        env.step(STILL)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_lanes_are_truncated_one_by_one(mode: AutoresetMode) -> None:
    envs = DreamVectorEnv(FakeWorld(), 2, autoreset_mode=mode, uncertainty_limit=LIMIT)
    envs.reset(seed=[5, 6])
    _, _, terminated, truncated, info = envs.step(np.zeros((2, 2), np.float32))
    assert (terminated.tolist(), truncated.tolist()) == ([False, False], [False, True])
    if mode is AutoresetMode.SAME_STEP:
        assert info["final_info"]["uncertainty"][1] == pytest.approx(0.06)
        np.testing.assert_allclose(info["uncertainty"], [0.05, 0.0], rtol=1e-6)
    else:
        np.testing.assert_allclose(info["uncertainty"], [0.05, 0.06], rtol=1e-6)
    if mode is AutoresetMode.NEXT_STEP:
        assert not envs.step(np.zeros((2, 2), np.float32))[3][1], "the step that resets truncates nothing"


def test_with_tensors_it_is_on_the_device() -> None:
    envs = DreamVectorEnv(FakeWorld(), 2, with_uncertainty=True, output="torch")
    envs.reset(seed=[5, 6])
    *_, info = envs.step(torch.zeros(2, 2))
    torch.testing.assert_close(info["uncertainty"], torch.tensor([0.05, 0.06]))


def test_a_world_without_measured_uncertainty_has_no_limit() -> None:
    with pytest.raises(ValueError, match=r"must be None \(null on the command line\) .* Measure it first"):
        DreamEnv(random_world(), uncertainty_limit=0.9)


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5])
def test_a_limit_is_a_share(share: Any) -> None:
    with pytest.raises(ValueError, match=r"`uncertainty_limit` must be a share of held-out steps in \(0, 1\]"):
        DreamEnv(FakeWorld(), uncertainty_limit=share)
