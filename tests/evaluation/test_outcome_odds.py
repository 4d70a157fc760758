"""Frames are counted for the right outcome, and worlds that ignore odds, actions or sharpness are detected."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from vdworld.envs.games.scripted import ForkEnv
from vdworld.evaluation.outcome_odds import Outcomes, classify, measure_outcomes
from vdworld.evaluation.report.tables import odds_table
from vdworld.spaces import frames_to_float, frames_to_pixels

SIZE = 20  # five cells to a side, so that left and right never touch
LEFT, RIGHT = torch.zeros(1, 2, 2), torch.zeros(1, 2, 2)
LEFT[0, :, 0] = RIGHT[0, :, 1] = 1  # each two pixels bright, so their distance is 2
PAIR = torch.stack([LEFT, RIGHT])


class ForkWorld:
    """Imagines the fork's next frame as ``imagine(possible frames, draw)`` says, ``draw`` from the lane's seed."""

    cameras, image_size, context_length, fps, device = ("pixels",), (SIZE, SIZE), 2, 10.0, "cpu"
    action_space, has_reward, training_info = gym.spaces.Discrete(2), False, {}

    def __init__(self, imagine: Any, odds: tuple[float, ...] = (0.7, 0.3)) -> None:
        self.imagine, self.env = imagine, ForkEnv(odds, SIZE)
        self.batches: list[int] = []

    def start(self, frames: torch.Tensor, actions: Any = None, *, seed: Any = 0) -> Any:
        assert np.shape(actions) == (len(frames), 1)
        self.batches.append(len(frames))
        pixels = frames_to_pixels(frames).numpy()
        for before, after, action in zip(pixels[:, 0], pixels[:, 1], np.ravel(actions), strict=True):
            assert any((after == possible).all() for possible in self.env.outcomes(before, action))
        return pixels[:, -1], seed

    def rollout(self, state: Any, actions: Any, /, *, num_sampling_steps: int | None = None) -> SimpleNamespace:
        assert np.shape(actions) == (len(state[0]), 1)
        frames = []
        for pixels, seed, action in zip(*state, np.ravel(actions), strict=True):
            possible = frames_to_float(torch.from_numpy(self.env.outcomes(pixels, action)))
            frames.append(self.imagine(possible, np.random.default_rng(seed).random()))
        return SimpleNamespace(frames=torch.stack(frames)[:, None])


def measure(imagine: Any, **settings: Any) -> Outcomes:
    return measure_outcomes(ForkWorld(imagine), ForkEnv(size=SIZE), **{"num_draws": 400, "progress": False, **settings})


@pytest.mark.parametrize(
    ("frame", "index", "distance"),
    [
        (LEFT, 0, 0.0),
        (RIGHT, 1, 0.0),
        (0.9 * LEFT + 0.1 * RIGHT, 0, 0.1),
        (0.4 * LEFT + 0.6 * RIGHT, 1, 0.4),
        (torch.zeros(1, 2, 2), 0, 2**0.5 / 2),
        (RIGHT + 0.05 * torch.tensor([[1.0, -1.0], [-1.0, 1.0]]), 1, 0.05),
    ],
    ids=["left", "right", "a tenth of a blend", "a blend", "nothing at all", "noise"],
)
def test_a_frame_counts_for_the_nearest_outcome(frame, index, distance) -> None:
    nearest, share = classify(frame[None], PAIR[None])
    assert nearest.tolist() == [index]
    assert share.tolist() == pytest.approx([distance])


def test_the_midpoint_of_two_outcomes_has_distance_one_half() -> None:
    assert classify(PAIR.mean(dim=0)[None], PAIR[None])[1].tolist() == pytest.approx([0.5])


def test_every_row_has_its_own_outcomes_and_the_nearest_two_set_the_scale() -> None:
    near = torch.stack([LEFT, RIGHT, 0.5 * LEFT])  # the last is 2 ** .5 / 2 from the first
    index, share = classify(torch.stack([0.75 * LEFT, LEFT]), torch.stack([near, 10 * near]))
    assert index.tolist() in ([0, 2], [2, 2])
    assert share.tolist() == pytest.approx([0.5, 4 * 2**0.5 / (5 * 2**0.5)])


def test_equal_outcomes_and_single_outcomes_are_refused() -> None:
    with pytest.raises(ValueError, match="`outcomes` must differ from each other, got two equal ones in row 1"):
        classify(torch.stack([LEFT, LEFT]), torch.stack([PAIR, torch.stack([LEFT, LEFT])]))
    with pytest.raises(ValueError, match="`outcomes` must hold at least two frames per row, got 1"):
        classify(LEFT[None], LEFT[None, None])


def test_a_world_that_knows_the_odds_stays_within_chance() -> None:
    outcomes = measure(lambda possible, draw: possible[int(draw > 0.7)], num_draws=1_000)
    assert outcomes.odds == (0.7, 0.3)
    assert outcomes.error < outcomes.margin < 3
    assert sum(outcomes.frequencies) == pytest.approx(1)
    assert outcomes.blends == 0
    assert outcomes.distance == pytest.approx(0, abs=1e-6)
    assert outcomes.sharpness == pytest.approx(1)


def test_a_world_that_always_takes_the_likeliest_outcome_is_thirty_points_off() -> None:
    outcomes = measure(lambda possible, draw: possible[0])
    assert outcomes.frequencies == (1, 0)
    assert outcomes.error == pytest.approx(30)


def test_a_world_that_ignores_the_action_gets_even_odds() -> None:
    """It moves the square to the left 70 times of 100; under action 1 that is the second outcome."""

    def to_the_left(possible: torch.Tensor, draw: float) -> torch.Tensor:
        columns = possible.mean(dim=(1, 2)).argmax(dim=1)  # leftmost column of each square
        left = int((columns[0] - columns[1]) % SIZE == 8)  # two cells of five to the right of the other
        return possible[1 - left] if draw > 0.7 else possible[left]

    assert measure(to_the_left).frequencies[0] == pytest.approx(0.5, abs=0.05)


def test_the_blurred_average_is_a_blend_though_it_scores_well() -> None:
    outcomes = measure(lambda possible, draw: 0.7 * possible[0] + 0.3 * possible[1])
    assert outcomes.blends == 1
    assert outcomes.distance == pytest.approx(0.3, abs=1e-5)
    assert outcomes.sharpness == pytest.approx(0.7**2 + 0.3**2, abs=0.02)


def test_a_trace_of_the_other_outcome_is_not_a_blend() -> None:
    outcomes = measure(lambda possible, draw: 0.95 * possible[0] + 0.05 * possible[1])
    assert outcomes.blends == 0
    assert outcomes.distance == pytest.approx(0.05, abs=1e-5)


def test_every_draw_has_its_own_seed_and_batches_do_not_matter() -> None:
    def chosen(possible: torch.Tensor, draw: float) -> torch.Tensor:
        return possible[int(draw > 0.7)]

    whole, parts = (measure(chosen, num_draws=100, batch_size=size) for size in (100, 33))
    assert whole == parts
    world = ForkWorld(chosen)
    measure_outcomes(world, ForkEnv(size=SIZE), num_draws=100, batch_size=33, progress=False)
    assert world.batches == [33, 33, 33, 1]
    assert measure(chosen, num_draws=100, seed=1) != whole


def test_contexts_do_not_cross_the_end_of_an_episode() -> None:
    """Contexts never span two episodes: the world's own check of each pair of frames would fail."""
    env = gym.wrappers.TimeLimit(ForkEnv(size=SIZE), 5)

    class Limited(ForkEnv):
        def step(self, action: Any) -> Any:
            return env.step(action)

        def reset(self, **settings: Any) -> Any:
            return env.reset(**settings)

    world = ForkWorld(lambda possible, draw: possible[0])
    assert measure_outcomes(world, Limited(size=SIZE), num_draws=200, progress=False).blends == 0


def test_the_table_compares_the_world_with_the_odds() -> None:
    outcomes = Outcomes((0.7, 0.3), (0.68, 0.32), 0.01, 0.02, 0.97, 10_000, 2, seed=0)
    assert outcomes.error == pytest.approx(2)
    assert outcomes.margin == pytest.approx(196 * (0.21 / 10_000) ** 0.5)
    assert odds_table(outcomes).rows == (
        ("outcome 1", "70.0%", "68.0%", "-2.0 points"),
        ("outcome 2", "30.0%", "32.0%", "+2.0 points"),
        ("blends", "0.0%", "1.0%", ""),
        ("distance", "0.000", "0.020", ""),
        ("sharpness", "1.00", "0.97", ""),
    )
    assert "10,000 imagined frames" in odds_table(outcomes).note
    saved = json.loads(json.dumps(outcomes.to_json()))
    assert (saved["frequencies"], saved["blends"], saved["num_sampling_steps"]) == ([0.68, 0.32], 0.01, 2)
    assert saved["error_in_points"] == pytest.approx(2)


def test_an_environment_that_does_not_fit_is_refused() -> None:
    world = ForkWorld(lambda possible, draw: possible[0])
    with pytest.raises(ValueError, match=r"`env` must render frames of the world's size, \(20, 20\), got \(16, 16\)"):
        measure_outcomes(world, ForkEnv(size=16), num_draws=3, progress=False)
    world.action_space = gym.spaces.Discrete(3)
    with pytest.raises(ValueError, match="`env` must have the world's action space"):
        measure_outcomes(world, ForkEnv(size=SIZE), num_draws=3, progress=False)
    with pytest.raises(ValueError, match="`num_draws` must be at least 1, got 0"):
        measure_outcomes(world, ForkEnv(size=SIZE), num_draws=0, progress=False)
