"""Checkpoints of training runs: written atomically, read back exactly, without pickle."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vdworld.finite_tensors import check_finite_tensors
from vdworld.storage.fitting_tensors import check_weights
from vdworld.storage.saved_folder import FolderContent, read_folder, save_folder

FOLDER, TENSORS, PROGRESS = "checkpoint", "tensors", "progress.json"
ADVICE = "Copy the run again, or name a new folder."
EXPERIENCE = "collector."
"""How names of tensors begin that hold observations."""
FORMER = ".checkpoint.old"
"""Where version 0.1.0 kept the last checkpoint while it renamed the next one."""


def save_checkpoint(path: Path, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
    """Write ``path/checkpoint``. The previous one stays readable until this one is complete.

    Raises:
        FloatingPointError: A tensor is NaN or infinite; the previous checkpoint stays.
        OSError: The disk is full or failed.
    """
    finite = _must_be_finite(tensors)
    check_finite_tensors(finite, f"The checkpoint for {path}", "An earlier checkpoint stays. Lower the learning rate.")
    copies = {name: value.detach().clone() for name, value in tensors.items()}  # files hold no shared memory
    save_folder(path / FOLDER, FolderContent(progress, {TENSORS: copies}), PROGRESS)
    shutil.rmtree(path / FORMER, ignore_errors=True)


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the last complete checkpoint in `path`, even if writing the next one was interrupted.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: It is damaged, or holds a number that is not finite.
    """
    for name in (FOLDER, FORMER):
        if (path / name / PROGRESS).exists():
            folder = read_folder(path / name, (TENSORS,), PROGRESS)
            tensors = folder.tensors(TENSORS)
            check_weights(_must_be_finite(tensors), path / name / TENSORS)
            return tensors, folder.description
    raise FileNotFoundError(f"There is no checkpoint in {path}. Start a new run with `resume=false`.")


def _must_be_finite(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors but for experience, whose readings may be unknown."""
    return {name: value for name, value in tensors.items() if not name.startswith(EXPERIENCE)}


def has_checkpoint(path: Path) -> bool:
    """Return whether ``load_checkpoint`` would find a checkpoint."""
    return any((path / name / PROGRESS).exists() for name in (FOLDER, FORMER))


def where_to_resume(path: Path) -> str:
    """Return a sentence for a run that was interrupted: where its checkpoint is, if there is one."""
    if not has_checkpoint(path):
        return "There was no checkpoint yet: start again."
    return f"A checkpoint is saved in {path}. Resume with the same command and resume=true."


def optimizer_tensors(prefix: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's state as tensors whose names begin with a prefix."""
    state = optimizer.state_dict()["state"]
    return {f"{prefix}.{i}.{k}": torch.as_tensor(v) for i, entry in state.items() for k, v in entry.items()}


def load_optimizer(prefix: str, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Restore what ``optimizer_tensors`` returned.

    Raises:
        ValueError: A tensor has another shape than its parameter.
    """
    state: dict[int, dict[str, Tensor]] = {}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for name, value in tensors.items():
        if name.startswith(f"{prefix}."):
            _, index, key = name.split(".")
            if value.ndim and value.shape != parameters[int(index)].shape:
                shape = list(parameters[int(index)].shape)
                raise ValueError(f"`{name}` must have shape {shape}, got {list(value.shape)}.")
            state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def module_tensors(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    """Return a module's state with names that begin with a prefix."""
    return {f"{prefix}.{name}": value for name, value in module.state_dict().items()}


def load_modules(modules: Mapping[str, nn.Module], tensors: dict[str, Tensor], folder: Path, what: str) -> None:
    """Restore what ``module_tensors`` returned for each module.

    Args:
        modules: Modules by prefix.
        tensors: The tensors of a checkpoint.
        folder: The run's folder, for messages.
        what: What decides the shapes of the weights, for messages.

    Raises:
        ValueError: The weights are those of another `what`.
    """
    try:
        for prefix, module in modules.items():
            _load_module(prefix, module, tensors)
    except RuntimeError as error:
        raise ValueError(
            f"`output` must hold a run of the same {what}, and the weights in {folder} belong to another one. "
            "Resume it with its own settings, or name a new folder."
        ) from error


def _load_module(prefix: str, module: nn.Module, tensors: dict[str, Tensor]) -> None:
    module.load_state_dict({k.removeprefix(f"{prefix}."): v for k, v in tensors.items() if k.startswith(f"{prefix}.")})
