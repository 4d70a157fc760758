"""Claims about policies with goals."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.agents.policies.small_policies import flat, frames, policy
from vdworld.agents import Policy


def goal_policy(**settings: Any) -> Policy:
    return policy(goals=True, deterministic=True, **settings)


def test_the_goal_decides_and_belongs_to_its_lane():
    agent, observed, goals = goal_policy(), frames(3), frames(3, seed=1)
    agent.reset(goal=goals)
    first = flat(agent, agent.act(observed))
    agent.reset(goal=torch.cat([goals[:1], frames(2, seed=2)]))
    second = flat(agent, agent.act(observed))
    torch.testing.assert_close(first[0], second[0])
    assert not torch.allclose(first[1:], second[1:])


def test_a_policy_without_goals_ignores_them():
    agent, observed = policy(deterministic=True), frames(2)
    actions_taken = flat(agent, agent.act(observed))
    agent.reset(goal=frames(2, seed=1))
    torch.testing.assert_close(flat(agent, agent.act(observed)), actions_taken)


def test_a_context_is_burnt_in_with_the_goal():
    stepped, burnt_in, goals, observed = goal_policy(), goal_policy(), frames(2, seed=9), frames(2, 3)
    stepped.reset(goal=goals)
    actions = [stepped.act(observed[:, t]) for t in range(3)]
    between = torch.stack([flat(stepped, action) for action in actions[:2]], dim=1)
    burnt_in.reset(goal=goals, context=(observed, between))
    torch.testing.assert_close(flat(burnt_in, burnt_in.act(observed[:, 2])), flat(stepped, actions[2]))


def test_a_mask_gives_new_goals_to_its_lanes_alone():
    agent, observed, old, new = goal_policy(), frames(3), frames(3, seed=1), frames(3, seed=2)
    mask = torch.tensor([True, False, True])
    agent.reset(goal=old)
    agent.reset(mask=mask, goal=new)
    actions_taken = flat(agent, agent.act(observed))
    agent.reset(goal=torch.where(mask[:, None, None, None], new, old))
    torch.testing.assert_close(flat(agent, agent.act(observed)), actions_taken)


def test_a_loaded_policy_pursues_the_same_goals(tmp_path):
    agent = goal_policy()
    loaded = Policy.from_pretrained(agent.save_pretrained(tmp_path))
    for one in (agent, loaded):
        one.reset(goal=frames(2, seed=1))
    assert torch.equal(flat(agent, agent.act(frames(2))), flat(loaded, loaded.act(frames(2))))


def test_a_folder_without_the_entry_goals_has_none(tmp_path, edit_json):
    policy().save_pretrained(tmp_path)
    edit_json(tmp_path / "config.json", lambda config: config["policy"].pop("goals"))
    assert not Policy.from_pretrained(tmp_path).goals


def test_missing_and_unsuitable_goals_are_refused():
    agent = goal_policy()
    with pytest.raises(ValueError, match=r"`goal` must be given .*call reset\(goal=frames\) before act"):
        agent.act(frames(2))
    with pytest.raises(ValueError, match="`goal` must be given"):
        agent.reset(context=(frames(2, 3), torch.ones(2, 2, 3)))
    with pytest.raises(ValueError, match=r"`goal` must hold frames of the observations' size, \[3, 16, 20\]"):
        agent.reset(goal=torch.zeros(2, 3, 8, 8))
    agent.reset(goal=frames(3))
    with pytest.raises(ValueError, match="`goal` must hold one frame per lane, 2, got 3"):
        agent.act(frames(2))
    with pytest.raises(ValueError, match="`goal` must hold a frame for every lane when only some"):
        agent.reset(mask=torch.tensor([True, False, False]))
    agent.reset()
    with pytest.raises(ValueError, match="`goal` must be given to a policy"):
        agent.act(frames(3))
