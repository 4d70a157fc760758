"""Training is shortened to the time that is left, or left out."""

from __future__ import annotations

import pytest

from tests.benchmarks.gpu.gpu_settings import SETTINGS
from vdworld.benchmarks.gpu.isolation import NotRunError
from vdworld.benchmarks.gpu.training import train_on_clips


def test_training_is_left_out_where_there_is_no_time_for_it():
    with pytest.raises(NotRunError, match="Training needs at least 35 seconds, and 20 were left."):
        train_on_clips(SETTINGS, 20.0, "pusht")
