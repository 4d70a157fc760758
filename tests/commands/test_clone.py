"""``vdworld clone``: from a dataset to a policy's folder."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from vdworld.agents import Policy, VideoPolicy
from vdworld.agents.saved_agents import load_agent
from vdworld.cli import main
from vdworld.data import EpisodeWriter

QUICK = ["num_updates=3", "horizon=4", "batch_size=2", "hidden_dim=8", "device=cpu"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    with EpisodeWriter(tmp_path / "data", fps=5, action_space=gym.spaces.Discrete(2)) as writer:
        for _ in range(4):
            writer.add(rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8), rng.integers(0, 2, 11))
    return tmp_path / "data"


def test_a_clone_is_saved_and_the_next_commands_are_printed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = data.parent / "clone"
    assert main(["clone", f"data={data}", f"output={output}", *QUICK]) == 0
    policy = Policy.from_pretrained(output)
    assert not policy.goals
    assert (policy.training_info["num_updates"], policy.training_info["data"]) == (3, str(data))
    assert any((output / "tensorboard").iterdir())
    text = capsys.readouterr().out
    assert f"The policy is in {output}." in text
    assert f"vdworld evaluate world=... data={data} policy={output}\n" in text
    assert main(["clone", f"data={data}", f"output={output}", *QUICK]) == 2
    assert "`output` must be a new folder" in capsys.readouterr().err


def test_with_goals_the_next_commands_name_their_distance(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = data.parent / "clone"
    assert main(["clone", f"data={data}", f"output={output}", "goal_offset=3", "max_minutes=1", *QUICK]) == 0
    assert Policy.from_pretrained(output).goals
    assert f"policy={output} goal_offset=3 budget=6\n" in capsys.readouterr().out


@pytest.mark.slow
def test_a_video_policy_is_learnt_and_found_again(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = data.parent / "video"
    words = ["clone", f"data={data}", f"output={output}", "video=true", "num_updates=2", "max_minutes=0.001"]
    assert main(words) == 2
    assert "`goal_offset` must be a number of steps with video=true" in capsys.readouterr().err
    assert main([*words, "goal_offset=3", "horizon=4", "device=cpu"]) == 0
    policy = load_agent(output)
    assert isinstance(policy, VideoPolicy)
    assert policy.horizon == 4


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("goal_offset=far", "`goal_offset` must be a whole number or null"),
        ("readings=[observation.nothing]", "`readings` must be among"),
    ],
)
def test_what_can_t_be_is_said_in_one_line(
    data: Path, capsys: pytest.CaptureFixture[str], word: str, message: str
) -> None:
    assert main(["clone", f"data={data}", f"output={data.parent}/clone", *QUICK, word]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
