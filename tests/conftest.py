"""Settings that every test shares: few threads, no window, no network, and shapes checked where types name them."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
os.environ.setdefault("MPLBACKEND", "Agg")

import jaxtyping
import pytest
import torch

# Before the first import of vdworld: its tensor aliases become jaxtyping's, and beartype checks every annotated call
# (an int passes for a float, as PEP 484 says).
jaxtyping.install_import_hook("vdworld", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")
torch.set_num_threads(int(os.environ.get("TEST_THREADS", "1")))


@pytest.fixture(autouse=True)
def same_initial_weights() -> None:
    """Let every test build the same networks, whichever ran before it."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def calibrate_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every training of a test measure its uncertainty on two clips."""
    module = importlib.import_module("vdworld.training.train")
    monkeypatch.setattr(module, "calibrate", partial(module.calibrate, num_clips=2))


@pytest.fixture
def edit_json() -> Callable[..., None]:
    """Change entries of a JSON file as a user does on purpose, who removes the checksums of its values."""

    def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
        values = json.loads(path.read_text())
        change(values)
        for entries in (values, values.get("vdworld")):
            if isinstance(entries, dict):
                entries.pop("checksums", None)
        path.write_text(json.dumps(values))

    return edit
