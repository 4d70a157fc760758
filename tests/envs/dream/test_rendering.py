"""Claims about what dreams show."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import wrappers
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import vdworld  # noqa: F401  registers the environment
from tests.envs.fake_world import HEIGHT, WIDTH, FakeWorld, frame_of
from vdworld.envs import DreamEnv, DreamVectorEnv
from vdworld.envs.dream.rendering import WINDOW_HEIGHT, tile_pictures

ID = "vdworld/Dream-v0"
STILL = np.zeros(2, dtype=np.float32)


def test_frames_are_collected_until_they_are_rendered() -> None:
    env: Any = DreamEnv(FakeWorld(), render_mode="rgb_array_list")
    env.reset(seed=3)
    env.step(STILL)
    np.testing.assert_array_equal(np.stack(env.render()), [frame_of(3, 0), frame_of(3, 1)])
    env.step(STILL)
    np.testing.assert_array_equal(np.stack(env.render()), [frame_of(3, 2)])
    env.step(STILL)
    env.reset(seed=4)
    np.testing.assert_array_equal(np.stack(env.render()), [frame_of(4, 0)])


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_lanes_collect_their_frames_as_single_environments_do(mode: AutoresetMode) -> None:
    def play(envs: Any) -> list[Any]:
        envs.reset(seed=0)
        rendered, ended = [], np.zeros(3, bool)
        for t in range(9):
            if mode is AutoresetMode.DISABLED and ended.any():
                envs.reset(options={"reset_mask": ended})
            _, _, terminated, truncated, _ = envs.step(np.zeros((3, 2), np.float32))
            ended = terminated | truncated
            rendered += [envs.render()] if t % 4 == 3 else []
        return [[list(lane) for lane in lanes] for lanes in rendered]

    makers = [lambda: wrappers.TimeLimit(DreamEnv(FakeWorld(), render_mode="rgb_array_list"), 4)] * 3
    ours = DreamVectorEnv(FakeWorld(), 3, max_episode_steps=4, autoreset_mode=mode, render_mode="rgb_array_list")
    for one, other in zip(play(ours), play(SyncVectorEnv(makers, autoreset_mode=mode)), strict=True):
        assert [len(lane) for lane in one] == [len(lane) for lane in other]
        for left, right in zip(one, other, strict=True):
            np.testing.assert_array_equal(np.stack(left), np.stack(right))


def test_a_dream_is_shown_in_a_window_large_enough_to_see() -> None:
    pygame = pytest.importorskip("pygame")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gym.make(ID, world=FakeWorld(), render_mode="human")
        env.reset(seed=3)
        env.step(STILL)
        assert env.render() is None
    times = WINDOW_HEIGHT // HEIGHT
    window = pygame.surfarray.array3d(pygame.display.get_surface())
    assert window.shape == (WIDTH * times, HEIGHT * times, 3)
    assert (window == frame_of(3, 1)[0, 0]).all()
    env.close()
    assert not pygame.display.get_init()


def test_all_lanes_are_shown_in_one_window() -> None:
    pygame = pytest.importorskip("pygame")
    envs = gym.make_vec(ID, num_envs=2, world=FakeWorld(), render_mode="human")
    envs.reset(seed=3)
    envs.step(np.zeros((2, 2), np.float32))
    window = pygame.surfarray.array3d(pygame.display.get_surface())
    half = len(window) // 2
    assert (window[:half] == frame_of(3, 1)[0, 0]).all()
    assert (window[half:] == frame_of(4, 1)[0, 0]).all()
    envs.close()


def test_pictures_are_arranged_in_a_grid_row_by_row() -> None:
    pictures = np.stack([np.full((2, 3, 3), value, np.uint8) for value in (1, 2, 3, 4, 5)])
    expected = np.kron([[1, 2, 3], [4, 5, 0]], np.ones((2, 3)))
    np.testing.assert_array_equal(tile_pictures(pictures)[..., 0], expected)
