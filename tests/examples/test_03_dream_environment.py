"""Claims about examples/03_dream_environment.py."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from tests.envs.random_world import SIZE, random_world

EXAMPLE = Path(__file__).parents[2] / "examples" / "03_dream_environment.py"


def test_it_saves_a_gif_of_the_dream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = random_world().save_pretrained(tmp_path / "world")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), str(world)])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    image = pytest.importorskip("PIL.Image").open(tmp_path / "dream.gif")
    assert image.size == (6 * SIZE[1], 6 * SIZE[0])
    assert image.n_frames > 1
