"""What the tests of the examples that learn have in common."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from tests.envs import random_world as random_worlds

EXAMPLES = Path(__file__).parents[2] / "examples"
PUSHT_ACTIONS = spaces.Box(0.0, 512.0, (2,), np.float32)


def dreamt_pusht(folder: Path, monkeypatch: pytest.MonkeyPatch, size: int = 64) -> str:
    """Save a world with PushT's spaces, which learnt nothing."""
    monkeypatch.setattr(random_worlds, "SIZE", (size, size))
    return str(random_worlds.random_world(PUSHT_ACTIONS).save_pretrained(folder))


def run_example(name: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    """Run an example as it is, in this process."""
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    return runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def import_example(name: str) -> dict[str, Any]:
    """Return an example's functions without running it."""
    return runpy.run_path(str(EXAMPLES / name))
