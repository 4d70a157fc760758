"""Checkpoints of training runs: written atomically, read back exactly, without pickle."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vdworld.extras import require
from vdworld.finite_tensors import check_finite_tensors

FOLDER = "checkpoint"


def save_checkpoint(path: Path, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
    """Write ``path/checkpoint``. The previous one stays readable until this one is complete.

    Raises:
        FloatingPointError: A tensor is NaN or infinite; the previous checkpoint stays.
    """
    check_finite_tensors(tensors, f"The checkpoint for {path}", "An earlier checkpoint stays. Lower the learning rate.")
    safetensors = require("safetensors.torch", "all")
    path.mkdir(parents=True, exist_ok=True)
    final, scratch, old = path / FOLDER, path / f".{FOLDER}.new", path / f".{FOLDER}.old"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    safetensors.save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, scratch / "tensors")
    (scratch / "progress.json").write_text(json.dumps(progress), encoding="utf-8")
    if final.exists():  # otherwise `old` is the last complete one
        shutil.rmtree(old, ignore_errors=True)
        os.replace(final, old)
    os.replace(scratch, final)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the last complete checkpoint in `path`, even if writing the next one was interrupted.

    Raises:
        FileNotFoundError: There is no checkpoint.
    """
    safetensors = require("safetensors.torch", "all")
    for folder in (path / FOLDER, path / f".{FOLDER}.old"):
        if (folder / "progress.json").exists():
            progress = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
            return safetensors.load_file(folder / "tensors"), progress
    raise FileNotFoundError(f"There is no checkpoint in {path}. Start a new run with `resume=false`.")


def has_checkpoint(path: Path) -> bool:
    """Return whether ``load_checkpoint`` would find a checkpoint."""
    return any((path / name / "progress.json").exists() for name in (FOLDER, f".{FOLDER}.old"))


def optimizer_tensors(prefix: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's state as tensors whose names begin with a prefix."""
    state = optimizer.state_dict()["state"]
    return {f"{prefix}.{i}.{k}": torch.as_tensor(v) for i, entry in state.items() for k, v in entry.items()}


def load_optimizer(prefix: str, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Restore what ``optimizer_tensors`` returned."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(f"{prefix}."):
            _, index, key = name.split(".")
            state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def module_tensors(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    """Return a module's state with names that begin with a prefix."""
    return {f"{prefix}.{name}": value for name, value in module.state_dict().items()}


def load_module(prefix: str, module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Restore what ``module_tensors`` returned."""
    module.load_state_dict({k.removeprefix(f"{prefix}."): v for k, v in tensors.items() if k.startswith(f"{prefix}.")})
