"""Where figures come from: command, date, machine and versions."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import torch

_PACKAGES = ("vdworld", "torch", "numpy", "gymnasium")
_COMMAND: ContextVar[Sequence[str] | None] = ContextVar("command", default=None)


@contextmanager
def recorded_command(words: Sequence[str]) -> Iterator[None]:
    """Record `words` as the command that produces figures; without it, that is the command line of the process."""
    token = _COMMAND.set(words)
    try:
        yield
    finally:
        _COMMAND.reset(token)


def provenance(device: object = "cpu") -> dict[str, str]:
    """Return what is needed to reproduce figures, each as one line of text.

    Args:
        device: The device of the world.
    """
    return {
        "command": shlex.join(_COMMAND.get() or [Path(sys.argv[0]).name or "python", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "device": _device_name(torch.device(str(device))),
        "versions": ", ".join(["Python " + platform.python_version(), *(_version(name) for name in _PACKAGES)]),
    }


def machine() -> str:
    """Return the processor, the number of usable cores and threads, and the operating system."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    counts = [_count(cores, "core"), _count(torch.get_num_threads(), "thread")]
    return ", ".join([_processor(), *counts, platform.system()])


def _count(number: int | None, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} (not installed)"
