"""The fork follows its odds, and lists the possible outcomes."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from vdworld.envs import record
from vdworld.envs.games.scripted import BRIGHT, CELL, DARK, ForkEnv

FOUR = (0.4, 0.3, 0.2, 0.1)


def picture(row: int, column: int, size: int = 16) -> np.ndarray:
    """The frame with the square in a cell."""
    pixels = np.full((size, size, 3), DARK, np.uint8)
    pixels[CELL * row : CELL * (row + 1), CELL * column : CELL * (column + 1)] = BRIGHT
    return pixels


@pytest.mark.parametrize(
    ("action", "cells"),
    [(0, [(1, 3), (1, 1), (0, 0), (2, 0)]), (1, [(1, 1), (1, 3), (2, 0), (0, 0)])],
    ids=["left right up down", "mirrored"],
)
def test_from_the_second_row_of_the_first_column_the_square_wraps_around(action, cells) -> None:
    possible = ForkEnv(FOUR).outcomes(picture(1, 0), action)
    np.testing.assert_array_equal(possible, [picture(*cell) for cell in cells])


def test_two_outcomes_are_left_and_right() -> None:
    possible = ForkEnv((0.7, 0.3), size=20).outcomes(picture(4, 4, 20), 0)
    np.testing.assert_array_equal(possible, [picture(4, 3, 20), picture(4, 0, 20)])


@pytest.mark.parametrize("size", [12, 16, 24])
def test_outcomes_never_coincide_and_are_equally_far_apart(size: int) -> None:
    env = ForkEnv(FOUR, size)
    expected = (2 * CELL**2 * 3 * (BRIGHT - DARK) ** 2) ** 0.5
    for row in range(size // CELL):
        for column in range(size // CELL):
            possible = env.outcomes(picture(row, column, size), 0).astype(float)
            apart = [np.linalg.norm(possible[i] - possible[j]) for i in range(4) for j in range(i)]
            np.testing.assert_allclose(apart, expected)


@pytest.mark.parametrize("odds", [(0.7, 0.3), FOUR])
def test_a_step_leads_to_the_outcome_that_it_names_as_often_as_the_odds_say(odds: tuple[float, ...]) -> None:
    env, rng = ForkEnv(odds), np.random.default_rng(0)
    frame, _ = env.reset(seed=1)
    counts = np.zeros((2, len(odds)))
    for _ in range(2_000):
        action = int(rng.integers(2))
        possible = env.outcomes(frame, action)
        frame, _, terminated, truncated, info = env.step(action)
        np.testing.assert_array_equal(frame, possible[info["outcome"]])
        counts[action, info["outcome"]] += 1
        assert not terminated
        assert not truncated
    np.testing.assert_allclose(counts / counts.sum(axis=1, keepdims=True), [odds, odds], atol=0.04)


def test_a_draw_does_not_depend_on_the_one_before() -> None:
    env = ForkEnv((0.5, 0.5))
    env.reset(seed=3)
    drawn = np.array([env.step(0)[4]["outcome"] for _ in range(2_000)])
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.05


def test_only_the_first_column_is_rewarded() -> None:
    env = ForkEnv()
    env.reset(seed=0)
    steps = [env.step(0) for _ in range(50)]
    assert [reward for _, reward, *_ in steps] == [float(info["column"] == 0) for *_, info in steps]
    assert {reward for _, reward, *_ in steps} == {0.0, 1.0}


def test_the_same_seed_repeats() -> None:
    def play(seed: int) -> list[tuple[int, int]]:
        env = ForkEnv(FOUR)
        env.reset(seed=seed)
        infos = [env.step(t % 2)[4] for t in range(40)]
        return [(info["row"], info["column"]) for info in infos]

    assert play(5) == play(5) != play(6)


def test_it_is_an_environment_as_gymnasium_wants_it() -> None:
    check_env(ForkEnv(), skip_render_check=True)


def test_recordings_keep_its_frames_actions_and_draws(tmp_path: Path) -> None:
    dataset = record(lambda: ForkEnv(FOUR), tmp_path, num_steps=60, max_episode_steps=20, progress=False)
    assert dataset.action_space == gym.spaces.Discrete(2)
    env = ForkEnv(FOUR)
    for episode in dataset:
        frames, drawn = episode.frames["pixels"], episode.state["info.outcome"][1:, 0].astype(int)
        for t, outcome in enumerate(drawn):
            possible = env.outcomes(frames[t], int(episode.actions[t, 0]))
            np.testing.assert_array_equal(frames[t + 1], possible[outcome])


@pytest.mark.parametrize("odds", [(1.0,), (0.5, 0.6), (1.0, 0.0), (0.2,) * 5])
def test_odds_that_are_none_are_refused(odds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="`odds` must be two to four positive numbers with sum 1, got"):
        ForkEnv(odds)


@pytest.mark.parametrize("size", [8, 18])
def test_a_grid_must_fit_the_frame(size: int) -> None:
    with pytest.raises(ValueError, match=f"`size` must be a multiple of 4 from 12 on, got {size}"):
        ForkEnv(size=size)


def test_a_frame_without_the_square_has_no_outcomes() -> None:
    with pytest.raises(ValueError, match=r"`frame` must show one bright square, got one that is 153 grey levels off"):
        ForkEnv().outcomes(np.full((16, 16, 3), DARK, np.uint8), 0)
