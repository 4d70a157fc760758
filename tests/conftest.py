"""Settings that every test shares: few threads, no window, no network, and shapes checked where types name them."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
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


CHANGES = {"open", "os.rename", "os.mkdir", "os.rmdir", "os.remove"}  # audit events


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Let SIGINT interrupt tests that run in the background, where it is ignored; restore signals after each test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if before[signal.SIGINT] is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


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


def changes(folder: Path, event: str, args: tuple[Any, ...]) -> bool:
    """Return whether an audit event is about to change something in a folder."""
    if event not in CHANGES or not isinstance(args[0], str | os.PathLike):
        return False
    writes = event != "open" or (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return bool(writes) and os.path.abspath(args[0]).startswith(str(folder))


@pytest.fixture
def killed_at_each_change() -> Callable[..., Iterator[int]]:
    """Run an action again and again, each time in a process that is killed some changes of the folder later."""

    def run(folder: Path, action: Callable[[], None], prepare: Callable[[], None], stride: int = 1) -> Iterator[int]:
        for number in range(1, 1000, stride):
            prepare()
            if (child := os.fork()) == 0:
                _act_and_die(folder, action, number)
            if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
                return  # it came to its end
            yield number

    return run


def _act_and_die(folder: Path, action: Callable[[], None], number: int) -> None:
    """Kill this process before its change of the folder number `number`, or end it after the action."""
    count = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal count
        if changes(folder, event, args):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    try:
        action()
    finally:
        os._exit(0)


@pytest.fixture
def noise_of_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the noise of 0.1.0, whose generator read 32 bits of a key, so that saved dreams and samples are repeated."""

    def draw(keys: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        generators = [torch.Generator().manual_seed(key & (2**63 - 1)) for key in keys.tolist()]
        return torch.stack([torch.randn(shape, generator=generator) for generator in generators])

    monkeypatch.setattr("vdworld.world.noise.reseeded_normal", draw)
