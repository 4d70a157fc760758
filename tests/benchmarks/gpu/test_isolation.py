"""A function in its own process returns, fails, hangs or dies without affecting this one."""

from __future__ import annotations

import os
import time

import pytest

from vdworld.benchmarks.gpu.isolation import run_isolated


def test_a_part_in_its_own_process_fails_alone():
    failed = run_isolated(int, "x", seconds=60)
    assert failed.status == "failed"
    assert "ValueError: invalid literal" in failed.message


@pytest.mark.slow
def test_a_part_in_its_own_process_returns_hangs_or_dies_alone():
    assert run_isolated(pow, 2, 5, seconds=60).result == 32
    assert run_isolated(time.sleep, 600, seconds=0.1).status == "out of time"
    died = run_isolated(os._exit, 7, seconds=60)
    assert (died.status, died.message) == ("failed", "The process died with exit code 7.")
