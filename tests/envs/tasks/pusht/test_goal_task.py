"""Each test builds the table itself: gym-pusht is the reference here, not our own wrappers."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from vdworld.envs.tasks import RestoreError, State
from vdworld.envs.tasks.pusht.goal_task import PushTTask

pytest.importorskip("gym_pusht")

TASK = PushTTask()


@pytest.fixture(scope="module")
def env() -> gym.Env:
    return gym.make("gym_pusht/PushT-v0", obs_type="pixels", observation_width=32, observation_height=32)


def state_of(info: dict) -> dict[str, np.ndarray]:
    """What a dataset keeps of an info: float32 under prefixed names."""
    return {f"info.{key}": np.asarray(info[key], np.float32) for key in ("pos_agent", "vel_agent", "block_pose")}


def push(env: gym.Env, num_steps: int = 40, seed: int = 3) -> tuple[list, list, list]:
    """Chase the block's centre with some noise: states, frames and actions of an episode with contact."""
    rng = np.random.default_rng(seed)
    frame, info = env.reset(seed=seed)
    states, frames, actions = [state_of(info)], [frame], []
    for _ in range(num_steps):
        target = info["block_pose"][:2] + rng.normal(0, 60, 2)
        actions.append(np.clip(target, 0, 512).astype(np.float32))
        frame, _, _, _, info = env.step(actions[-1])
        states.append(state_of(info))
        frames.append(frame)
    return states, frames, actions


@pytest.fixture(scope="module")
def episode(env: gym.Env) -> tuple[list, list, list]:
    return push(env)


def block_gap(first: State, second: State) -> float:
    return TASK.distance(first, second)


def table(env: gym.Env) -> Any:
    return env.unwrapped


def test_the_reset_of_gym_pusht_restores_something_else(env: gym.Env, episode: tuple) -> None:
    state = episode[0][-1]
    _, info = env.reset(options={"reset_to_state": [*state["info.pos_agent"], *state["info.block_pose"]]})
    assert block_gap(state_of(info), state) > 20


def test_every_recorded_state_is_restored_exactly(env: gym.Env, episode: tuple) -> None:
    for state in episode[0]:
        TASK.restore(env, state)
        restored = TASK.read(env)
        for key in TASK.state_keys:
            np.testing.assert_allclose(restored[key], state[key], atol=1e-4)


def test_a_restored_table_looks_as_it_did(env: gym.Env, episode: tuple) -> None:
    for state, frame in list(zip(*episode[:2], strict=True))[::8]:
        TASK.restore(env, state)
        differs = (table(env).get_obs() != frame).any(axis=-1)
        assert differs.sum() <= 3, "a pixel or two where block and agent touch hang on the order of drawing"


def test_a_restored_table_behaves_as_it_did(env: gym.Env, episode: tuple) -> None:
    states, _, actions = episode
    moved = [block_gap(states[t], states[t + 5]) for t in range(0, 35, 5)]
    assert max(moved) > 50, "the episode must hold contact"
    for t in range(0, 35, 5):
        TASK.restore(env, states[t])
        for action in actions[t : t + 5]:
            env.step(action)
        assert block_gap(TASK.read(env), states[t + 5]) < 3.0
        np.testing.assert_allclose(TASK.read(env)["info.pos_agent"], states[t + 5]["info.pos_agent"], atol=0.01)


def test_the_agent_keeps_its_recorded_velocity(env: gym.Env, episode: tuple) -> None:
    states, _, actions = episode
    fast = max(range(39), key=lambda t: np.abs(states[t]["info.vel_agent"]).max())
    assert np.abs(states[fast]["info.vel_agent"]).max() > 50
    TASK.restore(env, states[fast])
    env.step(actions[fast])
    np.testing.assert_allclose(TASK.read(env)["info.pos_agent"], states[fast + 1]["info.pos_agent"], atol=0.01)


def test_restoring_starts_a_new_episode_of_the_wrappers() -> None:
    env = gym.make("gym_pusht/PushT-v0", max_episode_steps=3)
    state = state_of(env.reset(seed=0)[1])
    for _ in range(3):
        TASK.restore(env, state)
        assert not any(env.step(TASK.idle_action(env))[3] for _ in range(2))
    assert env.step(TASK.idle_action(env))[3], "the third step ends it"


def test_the_last_action_is_drawn_only_when_it_is_given(env: gym.Env, episode: tuple) -> None:
    TASK.restore(env, episode[0][5])
    without = table(env)._render(visualize=True)
    TASK.restore(env, episode[0][5], last_action=episode[2][4])
    assert (table(env)._render(visualize=True) != without).any()
    TASK.restore(env, episode[0][5])
    np.testing.assert_array_equal(table(env)._render(visualize=True), without)


def test_idling_leaves_the_table_alone(env: gym.Env) -> None:
    TASK.restore(env, state(agent=(60, 60)))
    for _ in range(10):
        action = TASK.idle_action(env)
        assert env.action_space.contains(action)
        env.step(action)
    assert block_gap(TASK.read(env), state()) < 1e-3
    np.testing.assert_allclose(TASK.read(env)["info.pos_agent"], (60, 60), atol=1e-3)


def state(agent=(60.0, 60.0), block=(256.0, 256.0), angle=0.3) -> dict[str, np.ndarray]:
    entries = {"pos_agent": agent, "vel_agent": (0, 0), "block_pose": (*block, angle)}
    return {f"info.{key}": np.array(value, np.float32) for key, value in entries.items()}


def test_distance_is_shift_plus_sixty_pixels_per_radian() -> None:
    assert TASK.distance(state(), state()) == 0
    assert TASK.distance(state(block=(259.0, 260.0)), state()) == pytest.approx(5.0)
    assert TASK.distance(state(angle=0.8), state()) == pytest.approx(30.0, abs=1e-4)
    assert TASK.distance(state(agent=(400, 400)), state()) == 0


def test_a_rotation_is_measured_the_short_way_round() -> None:
    assert TASK.distance(state(angle=0.1), state(angle=2 * math.pi - 0.1)) == pytest.approx(12.0, abs=1e-3)
    assert TASK.distance(state(angle=0.3 + 6 * math.pi), state()) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(
    ("reached", "success", "strict"),
    [
        (state(block=(275.0, 256.0)), True, True),
        (state(block=(277.0, 256.0)), False, False),
        (state(angle=0.3 + math.pi / 9 - 0.01), True, True),
        (state(angle=0.3 + math.pi / 9 + 0.01), False, False),
        (state(agent=(81.0, 60.0)), True, False),
    ],
)
def test_success_is_twenty_pixels_and_twenty_degrees(reached: dict, success: bool, strict: bool) -> None:
    assert TASK.success(reached, state()) is success
    assert TASK.strict_success(reached, state()) is strict


def test_a_missing_entry_is_named(env: gym.Env) -> None:
    with pytest.raises(ValueError, match=r"`state` must hold 'info\.vel_agent' to restore PushT"):
        TASK.restore(env, {"info.pos_agent": np.zeros(2), "info.block_pose": np.zeros(3)})


def test_a_state_that_is_not_restored_exactly_is_an_error(env: gym.Env) -> None:
    with pytest.raises(RestoreError, match=r"The restored info\.pos_agent must equal the recorded"):
        TASK.restore(env, state(agent=(math.nan, 60.0)))
