from __future__ import annotations

import numpy as np
import pytest

from vdworld.envs.real.real_env import make_real
from vdworld.evaluation.controllers import with_baselines
from vdworld.evaluation.real_lanes import RealLanes
from vdworld.evaluation.returns import Returns, play_episodes

STEPS = 15


class HomeSeeker:
    """Always moves the bar to the left: home in as many steps as its column says."""

    def reset(self, mask=None, seed=None, goal=None, context=None) -> None:
        self.seed, self.goal, self.context = seed, goal, context

    def act(self, observation):
        return np.zeros(len(observation), int)


@pytest.fixture
def played(belt) -> tuple[Returns, HomeSeeker]:
    agent = HomeSeeker()
    with RealLanes([make_real(belt) for _ in range(6)], ["pixels"]) as lanes:
        return play_episodes(lanes, with_baselines({"seeker": agent}), max_steps=STEPS, seed=4, progress=False), agent


def test_an_episode_ends_where_the_environment_ends_it(played) -> None:
    play = played[0].plays["seeker"]
    columns = [np.random.Generator(np.random.PCG64(seed)).integers(1, 16) for seed in played[0].seeds]
    np.testing.assert_array_equal(play.lengths, columns)
    np.testing.assert_array_equal(play.returns, np.ones(6))
    assert play.unfinished == 0


def test_episodes_are_cut_off_and_counted(played) -> None:
    idle = played[0].plays["no-op"]  # action 0 of the belt is a move, so count what random leaves unfinished
    assert idle.unfinished == 0
    roaming = played[0].plays["random"]
    assert roaming.unfinished == (roaming.returns == 0).sum() > 0
    assert (roaming.lengths[roaming.returns == 0] == STEPS).all()


def test_an_agent_starts_with_the_first_frame_and_no_goal(played) -> None:
    agent = played[1]
    frames, actions = agent.context
    assert frames.shape == (6, 1, 3, 16, 16)
    assert actions.shape == (6, 0, 1)
    assert (agent.goal, agent.seed) == (None, 4)


def test_differences_are_paired_by_seed(played) -> None:
    result = played[0]
    assert result.seeds == (4, 5, 6, 7, 8, 9)
    assert result.interval("seeker").mean == 1
    assert result.difference("seeker", "random").mean == pytest.approx(1 - result.plays["random"].returns.mean())
