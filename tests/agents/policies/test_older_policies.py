"""Claims about policies and learners that earlier versions saved: they load, and do what they did then."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces
from safetensors.torch import load_file

from vdworld.agents import ActorCritic, InverseDynamics, Policy
from vdworld.spaces import ActionCodec

SAVED = sorted(Path(__file__).parent.glob("saved_by_*"))
pytestmark = pytest.mark.parametrize("folder", SAVED, ids=[folder.name for folder in SAVED])


@pytest.mark.usefixtures("noise_of_then")
def test_a_policy_takes_the_actions_that_it_took_then(folder: Path) -> None:
    then, policy = load_file(folder / "acted.safetensors"), Policy.from_pretrained(folder / "policy")
    policy.reset(seed=5)
    for t in range(len(then["pixels"])):
        actions = policy.act({"pixels": then["pixels"][t], "place": then["places"][t]})
        torch.testing.assert_close(torch.as_tensor(actions["turn"]), then["turns"][t])
        assert actions["tool"].tolist() == then["tools"][t].tolist()
    assert policy.training_info == {"objective": "ppo"}


def test_inverse_dynamics_read_the_actions_that_they_read_then(folder: Path) -> None:
    then, model = load_file(folder / "acted.safetensors"), InverseDynamics.from_pretrained(folder / "inverse_dynamics")
    torch.testing.assert_close(model.read(then["videos"]), then["read"])


def test_an_interrupted_learner_resumes(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "learner", tmp_path / "learner")
    policy = Policy(
        spaces.Box(0, 255, (8, 8, 3), np.uint8), ActionCodec(spaces.Discrete(2)), hidden_dim=8, recurrent=False
    )
    learner = ActorCritic(policy)
    learner.resume(tmp_path / "learner")
    assert learner.num_steps == 16
    assert (learner.return_normalizer.num_updates, learner.slow_critic.num_updates) == (1, 16)
    assert learner.return_normalizer.average > 0
    assert len(learner.optimizer.state_dict()["state"]) > 0
