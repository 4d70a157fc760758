"""The settings of play in the real environment."""

from __future__ import annotations

import dataclasses

import pytest

from vdworld.evaluation import PlayProtocol


@pytest.mark.parametrize("name", ["num_episodes", "goal_offset", "budget", "max_steps"])
def test_counts_are_positive(name):
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1, got 0."):
        PlayProtocol().replace(**{name: 0})
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1, got -2."):
        PlayProtocol().replace(**{name: -2})


def test_settings_replace_fields_and_leave_the_others():
    protocol = PlayProtocol(budget=7, seed=3)
    assert protocol.replace(budget=9, env="CartPole-v1") == PlayProtocol(env="CartPole-v1", budget=9, seed=3)
    assert protocol == PlayProtocol(budget=7, seed=3)


def test_an_unknown_setting_is_named_beside_those_that_exist():
    with pytest.raises(TypeError, match="must be among env, task, num_episodes, .* progress, got budgets."):
        PlayProtocol().replace(budgets=3, seed=1)


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PlayProtocol().seed = 3  # type: ignore[misc]
