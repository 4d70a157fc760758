"""Claims about agents that are refused before anything long begins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from tests.envs.random_world import BOX, SIZE, random_world
from vdworld.agents import Planner, Policy
from vdworld.evaluation.agent_checks import check_agents
from vdworld.spaces import ActionCodec

PICTURE = spaces.Box(0, 255, (*SIZE, 3), np.uint8)

QUICK: dict[str, Any] = {"num_lanes": 2, "goals": False}


class Written:
    """An agent without defaults, which keeps what it is given."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    def reset(self, mask, seed, goal, context):
        self.given = (mask, seed, goal, context)

    def act(self, frames):
        assert frames.shape == (2, 3, *SIZE)
        return np.zeros((len(frames), 2)) if self.answer is None else self.answer


def test_an_agent_written_as_the_page_says_is_accepted(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")
    example = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)[0]
    names: dict[str, Any] = {}
    exec(example, names)
    check_agents({"right": names["GoRight"]()}, random_world(), **QUICK)


@pytest.mark.parametrize("goals", [True, False])
def test_it_is_reset_with_all_that_it_would_get_later(goals: bool) -> None:
    agent: Any = Written()
    check_agents({"mine": agent}, random_world(), num_lanes=2, goals=goals)
    mask, seed, goal, context = agent.given
    assert (mask, seed, goal is not None) == (None, 0, goals)
    assert (context[0].shape, context[1].shape) == ((2, 1, 3, *SIZE), (2, 0, 2))


def test_another_shape_is_refused_by_name() -> None:
    wrong: Any = Written(np.zeros(2))
    with pytest.raises(ValueError, match=r"`act` of 'mine' must return one action of Box.* for each of 2 lanes"):
        check_agents({"mine": wrong}, random_world(), **QUICK)


def test_another_space_or_another_size_of_frames_is_refused_by_name() -> None:
    world = random_world()
    codec = ActionCodec(spaces.Discrete(2))
    with pytest.raises(ValueError, match=r"'mine' acts in Discrete\(2\), but the environment in Box"):
        check_agents({"mine": Policy(PICTURE, codec, hidden_dim=8)}, world, **QUICK)
    large = spaces.Box(0, 255, (16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match=r"'mine' observes frames .* \[3, 16, 16\], but the world's are \[3, 8, 16\]"):
        check_agents({"mine": Policy(large, ActionCodec(BOX), hidden_dim=8)}, world, **QUICK)
    check_agents({"mine": Policy(PICTURE, ActionCodec(BOX), hidden_dim=8)}, world, **QUICK)


def test_a_planner_is_not_made_to_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    world = random_world()
    planner = Planner(world)
    monkeypatch.setattr(Planner, "act", lambda *_: pytest.fail("it planned"))
    check_agents({"planner": planner}, world, **QUICK)
    assert torch.is_tensor(world.sample_start(1).frames)
