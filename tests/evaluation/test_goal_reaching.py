"""Goal-reaching on PushT itself, with an agent that repeats the recorded actions."""

from __future__ import annotations

import numpy as np
import pytest

from vdworld.envs.real.real_env import make_real
from vdworld.envs.tasks import find_task
from vdworld.evaluation.controllers import with_baselines
from vdworld.evaluation.goal_reaching import GoalReaching, reach_goals
from vdworld.evaluation.goal_starts import GoalStarts, choose_starts
from vdworld.evaluation.real_lanes import RealLanes
from vdworld.spaces import frames_to_pixels

OFFSET, BUDGET = 8, 9


class Replay:
    """Repeats the recorded actions, then holds the last one."""

    def __init__(self, dataset, starts: GoalStarts) -> None:
        episodes = {episode.index: episode for episode in dataset}
        self.plans = [episodes[e].actions[m : m + OFFSET] for e, m in starts.windows.tolist()]
        self.observations = []

    def reset(self, mask=None, seed=None, goal=None, context=None) -> None:
        self.step, self.goal, self.context = 0, goal, context

    def act(self, observation):
        self.observations.append(observation)
        self.step += 1
        return np.stack([plan[min(self.step, OFFSET) - 1] for plan in self.plans])


@pytest.fixture(scope="module")
def task():
    return find_task("gym_pusht/PushT-v0")


@pytest.fixture(scope="module")
def starts(pusht_world, pusht_data, task) -> GoalStarts:
    return choose_starts(pusht_world, pusht_data.split("test"), task, num_starts=4, goal_offset=OFFSET, seed=1)


@pytest.fixture(scope="module")
def attempt(pusht_data, starts, task) -> tuple[GoalReaching, Replay]:
    agent = Replay(pusht_data, starts)
    with RealLanes([make_real(pusht_data.spec) for _ in range(len(starts))], ["pixels"]) as lanes:
        controllers = with_baselines({"replay": agent}, task)
        settings = {"budget": BUDGET, "seed": 3, "progress": False}
        return reach_goals(lanes, starts, controllers, task, **settings), agent


def test_starts_come_from_held_out_episodes_and_none_satisfies_its_goal(starts, pusht_data, task) -> None:
    held_out = {entry.index for entry in pusht_data.split("test").entries}
    assert {int(e) for e in starts.windows[:, 0]} == held_out  # each is visited before any is visited twice
    assert len(starts) == 4
    assert not any(task.success(*pair) for pair in zip(starts.states, starts.goals, strict=True))


def test_a_start_holds_what_was_recorded_around_it(starts, pusht_data) -> None:
    episodes = {episode.index: episode for episode in pusht_data}
    for i, (number, step) in enumerate(starts.windows.tolist()):
        episode = episodes[number]
        pixels = episode.frames["pixels"]
        np.testing.assert_array_equal(frames_to_pixels(starts.context[i]), pixels[step - 2 : step + 1])
        np.testing.assert_array_equal(starts.actions[i], episode.actions[step - 2 : step])
        np.testing.assert_array_equal(frames_to_pixels(starts.goal_frames[i]), pixels[step + OFFSET])
        np.testing.assert_array_equal(starts.states[i]["info.block_pose"], episode.state["info.block_pose"][step])
        np.testing.assert_array_equal(starts.last_actions[i], episode.actions[step - 1])


def test_solved_starts_are_left_out_and_counted(pusht_world, pusht_data, task) -> None:
    held_out, offset = pusht_data.split("test"), 3  # the block hardly moves in three steps
    starts = choose_starts(pusht_world, held_out, task, num_starts=10_000, goal_offset=offset)
    assert starts.num_solved > 0
    assert len(starts) + starts.num_solved == sum(entry.length - offset - 2 for entry in held_out.entries)


def test_repeating_what_was_recorded_reaches_every_goal(attempt) -> None:
    result, _ = attempt
    assert result.attempts["replay"].success.all()
    assert result.attempts["replay"].strict_success.all()
    assert result.interval("replay", "remaining").mean < 0.1
    assert result.interval("replay", "success").mean == 1


def test_no_op_soon_comes_to_rest(attempt) -> None:
    distances = attempt[0].attempts["no-op"].distances  # the agent starts with its recorded velocity, and may push
    assert np.ptp(distances[:, 4:], axis=1).max() < 5
    assert attempt[0].attempts["no-op"].remaining.mean() > 0.5


def test_every_agent_starts_at_the_recorded_state(attempt, starts) -> None:
    result, agent = attempt
    first = np.stack([a.distances[:, 0] for a in result.attempts.values()])
    assert (first == first[0]).all()
    assert (first > 20).all(), "what is nearer is solved"
    assert result.frame_gap < 0.2
    np.testing.assert_array_equal(agent.context[0], starts.context)
    assert agent.goal is starts.goal_frames
    assert len(agent.observations) == BUDGET


def test_differences_are_paired_by_start(attempt) -> None:
    result = attempt[0]
    difference = result.difference("replay", "no-op", "remaining")
    gaps = result.attempts["replay"].remaining - result.attempts["no-op"].remaining
    assert difference.mean == pytest.approx(gaps.mean())
    assert difference.high < 0
    assert result.difference("replay", "no-op", "success").mean == 1


def test_the_same_seed_gives_the_same_attempts(attempt, pusht_data, starts, task) -> None:
    with RealLanes([make_real(pusht_data.spec) for _ in range(len(starts))], ["pixels"]) as lanes:
        settings = {"budget": BUDGET, "seed": 3, "progress": False}
        again = reach_goals(lanes, starts, with_baselines({}, task), task, **settings)
    np.testing.assert_array_equal(again.attempts["random"].distances, attempt[0].attempts["random"].distances)


def test_too_short_episodes_and_solved_ones_are_explained(pusht_world, pusht_data, belt_data, task) -> None:
    with pytest.raises(ValueError, match="`dataset` must hold an episode of at least 42 steps, the longest has 30"):
        choose_starts(pusht_world, pusht_data, task, num_starts=3, goal_offset=40)
    with pytest.raises(ValueError, match=r"`dataset` must hold info\.pos_agent, info\.vel_agent, info\.block_pose"):
        choose_starts(pusht_world, belt_data, task, num_starts=3, goal_offset=5)
    with pytest.raises(ValueError, match=r"a start that does not satisfy its goal, 0 steps ahead; all \d+ do"):
        choose_starts(pusht_world, pusht_data, task, num_starts=3, goal_offset=0)
