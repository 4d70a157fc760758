from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from vdworld.envs.tasks.pusht.contact_exploration import AGENT, BLOCK, ContactExploration

TABLE = gym.spaces.Box(0, 512, (2,), np.float32)


def commands(
    policy: ContactExploration, agent: list[float], block: list[float], steps: int, seed: int = 0
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    policy.reset(TABLE, rng)
    observation = {"state": {AGENT: np.array(agent), BLOCK: np.array([*block, 0.0])}}
    return np.stack([policy(observation, TABLE, rng) for _ in range(steps)])


def test_a_command_glides_from_the_agent_to_a_place_beyond_the_block() -> None:
    policy = ContactExploration(1.0, hold=(4, 4), scatter=0.0, noise=0.0)
    way = commands(policy, [100, 200], [200, 200], 4)
    assert way[:, 1] == pytest.approx([200] * 4)
    assert 200 <= way[-1, 0] <= 320
    np.testing.assert_allclose(np.diff(way[:, 0]), np.diff(way[:, 0])[0], rtol=1e-4)
    assert way[0, 0] - 100 == pytest.approx(np.diff(way[:, 0])[0], rel=1e-4)


def test_commands_are_on_the_table_and_repeat_with_their_seed() -> None:
    policy = ContactExploration(noise=200.0)
    way = commands(policy, [5, 5], [500, 500], 200)
    assert all(TABLE.contains(command) for command in way)
    np.testing.assert_array_equal(way, commands(policy, [5, 5], [500, 500], 200))
    assert not np.array_equal(way, commands(policy, [5, 5], [500, 500], 200, seed=1))


def test_an_environment_without_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="must hold info.pos_agent and info.block_pose"):
        ContactExploration()({"state": {}}, TABLE, np.random.default_rng(0))
