"""Settings of the wrong type are refused by name, before anything computes with them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.setting_types import check_type

UNCHECKED = """
from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.evaluation import PlayProtocol
from vdworld.online import Rounds
from vdworld.training import ContextCorruption, LossWeights, MotionCurriculum, SelfForcing, Shortcut, TrainerSettings
from vdworld.world import Execution, Sampling

for settings, name, value in [
    (TrainerSettings, "learning_rate", "high"),
    (TrainerSettings, "batch_size", 4.0),
    (TrainerSettings, "max_steps", True),
    (TrainerSettings, "weights", {"moving": 0.5}),
    (LearningSettings, "learning_rate", "high"),
    (LearningSettings, "horizon", 2.5),
    (LearningSettings, "recurrent", 1),
    (LossWeights, "moving", None),
    (MotionCurriculum, "until", "0.3"),
    (ContextCorruption, "blob_noise", "0.1"),
    (Shortcut, "share", "0.25"),
    (SelfForcing, "horizon", 2.0),
    (Sampling, "num_steps", "2"),
    (Execution, "compile", "yes"),
    (Rounds, "num_real_steps", 1e4),
    (PlayProtocol, "num_episodes", "10"),
]:
    try:
        settings(**{name: value})
    except ValueError as error:
        print(error)
"""


def test_settings_of_another_type_are_refused_by_name() -> None:
    """In a process of its own, since these tests check every annotated call."""
    answer = subprocess.run([sys.executable, "-c", UNCHECKED], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == [
        "`learning_rate` must be a number, got 'high'.",
        "`batch_size` must be a whole number or None, got 4.0.",
        "`max_steps` must be a whole number or None, got True.",
        "`weights` must be a LossWeights, got {'moving': 0.5}.",
        "`learning_rate` must be a number, got 'high'.",
        "`horizon` must be a whole number, got 2.5.",
        "`recurrent` must be True or False, got 1.",
        "`moving` must be a number, got None.",
        "`until` must be a number, got '0.3'.",
        "`blob_noise` must be a number, got '0.1'.",
        "`share` must be a number, got '0.25'.",
        "`horizon` must be a whole number, got 2.0.",
        "`num_steps` must be a whole number, got '2'.",
        "`compile` must be True or False, got 'yes'.",
        "`num_real_steps` must be a whole number, got 10000.0.",
        "`num_episodes` must be a whole number, got '10'.",
    ]


def test_numbers_of_numpy_are_numbers() -> None:
    check_type("count", np.int64(4), int | None)
    check_type("share", np.float32(0.5), float)
    check_type("share", np.int64(1), float)
    with pytest.raises(ValueError, match="`count` must be a whole number or None, got np.float64"):
        check_type("count", np.float64(4), int | None)


def test_what_is_no_plain_value_is_not_checked() -> None:
    check_type("size", "anything", tuple[int, int])
    check_type("size", 3, tuple[int, int] | str)


def test_a_learning_rate_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="`learning_rate` must not be negative, got nan"):
        LearningSettings(learning_rate=float("nan"))
