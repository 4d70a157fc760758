from __future__ import annotations

import numpy as np
import pytest

from vdworld.envs.real.real_env import make_real
from vdworld.envs.tasks import find_task
from vdworld.evaluation.real_lanes import RealLanes


def test_lanes_step_together_and_stop_when_they_are_done(belt) -> None:
    with RealLanes([make_real(belt) for _ in range(2)], ["pixels"]) as lanes:
        lanes.reset([0, 1])
        for env, column in zip(lanes.envs, (1, 5), strict=True):
            env.unwrapped.__dict__["column"] = column
        first = lanes.step([0, 0])
        np.testing.assert_array_equal(first, [1, 0])
        np.testing.assert_array_equal(lanes.done, [True, False])
        before = lanes.pixels
        np.testing.assert_array_equal(lanes.step([2, 2]), [0, 0])
        np.testing.assert_array_equal(lanes.pixels[0], before[0])
        assert (lanes.pixels[1] != before[1]).any()
        lanes.reset([0, 1])
        assert not lanes.done.any()


def test_frames_are_pixels_in_the_library_s_range(belt) -> None:
    lanes = RealLanes([make_real(belt)], ["pixels"])
    lanes.reset([0])
    assert lanes.frames.shape == (1, 3, 16, 16)
    assert lanes.frames.min().item() == pytest.approx(30 / 127.5 - 1)
    np.testing.assert_array_equal(lanes.pixels.shape, (1, 16, 16, 3))


def test_a_single_camera_may_have_another_name(belt) -> None:
    lanes = RealLanes([make_real(belt)], ["image"])
    lanes.reset([0])
    assert len(lanes) == 1


def test_a_missing_camera_is_named(belt) -> None:
    with pytest.raises(ValueError, match=r"the world's cameras \('front', 'wrist'\), got \('pixels',\)"):
        RealLanes([make_real(belt)], ["front", "wrist"]).reset([0])


def test_a_restored_lane_shows_the_recorded_frame(pusht_data) -> None:
    task = find_task("gym_pusht/PushT-v0")
    assert task is not None
    episode = pusht_data[1]
    states = [{key: episode.state[key][row] for key in task.state_keys} for row in (10, 25)]
    with RealLanes([make_real(pusht_data.spec) for _ in range(2)], ["pixels"]) as lanes:
        lanes.restore(task, states, [None, None])
        gap = np.abs(lanes.pixels.astype(int) - episode.frames["pixels"][[10, 25]])
        assert gap.mean() < 0.2, "in grey levels"


def test_readings_join_the_frames_and_missing_ones_are_nan(belt, monkeypatch) -> None:
    with RealLanes([make_real(belt) for _ in range(2)], ["pixels"]) as lanes:
        lanes.reset([0, 1])
        for i, env in enumerate(lanes.envs):
            state = {"observation.place": np.array([i, 2.0]), "info.other": np.ones(1)}
            monkeypatch.setattr(env, "state", lambda state=state: state)
        observation = lanes.observation({"place": 2, "info.other": 1, "speed": 3})
        np.testing.assert_array_equal(observation["pixels"], lanes.pixels)
        np.testing.assert_array_equal(observation["place"], [[0, 2], [1, 2]])
        np.testing.assert_array_equal(observation["info.other"], [[1], [1]])
        assert np.isnan(observation["speed"]).all()
        assert observation["speed"].shape == (2, 3)
        with pytest.raises(ValueError, match="`env` must report 3 numbers as 'place'"):
            lanes.observation({"place": 3})
