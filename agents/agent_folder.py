"""Folders of saved agents: a description and weights; nothing is pickled."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from torch import nn

from vdworld.extras import require
from vdworld.world.older_names import with_present_names

FORMAT = 1
CONFIG, WEIGHTS = "config.json", "model.safetensors"
LABELS = {"policy": "policy", "video_policy": "video policy", "inverse_dynamics": "inverse dynamics"}
"""What a folder may hold, by the entry ``kind`` of its description."""


def kind_of(path: Path) -> str | None:
    """Return the entry ``kind`` of a folder's description; None if it has none.

    Raises:
        ValueError: The description is damaged.
    """
    if not (path / CONFIG).exists():
        return None
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path / CONFIG} is damaged: {error}. Save it again.") from error
    return config.get("kind") if isinstance(config, dict) else None


def write_folder(path: Path, kind: str, config: dict[str, Any], module: nn.Module | None = None) -> Path:
    """Write a folder; earlier files are replaced only when the new ones are complete.

    Args:
        path: The folder.
        kind: One of ``LABELS``.
        config: The description, as plain JSON values.
        module: The module whose weights are saved; None saves none.

    Raises:
        FileExistsError: The folder holds something else.
    """
    from vdworld import __version__

    safetensors = require("safetensors.torch", "all")
    prepare_folder(path, kind)
    heading = {"kind": kind, "format": FORMAT, "vdworld": __version__}
    scratch = path / f".saving-{uuid.uuid4().hex[:8]}"
    scratch.mkdir()
    try:
        if module is not None:
            weights = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
            safetensors.save_file(weights, scratch / WEIGHTS)
            os.replace(scratch / WEIGHTS, path / WEIGHTS)
        (scratch / CONFIG).write_text(json.dumps(heading | config, indent=2), encoding="utf-8")
        os.replace(scratch / CONFIG, path / CONFIG)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return path


def prepare_folder(path: Path, kind: str) -> None:
    """Create a folder for an agent unless it exists.

    Raises:
        FileExistsError: It holds something else.
    """
    if (path / CONFIG).exists() and kind_of(path) != kind:
        raise FileExistsError(f"{path} holds something other than a {LABELS[kind]}. Choose another folder.")
    path.mkdir(parents=True, exist_ok=True)


def read_config(path: Path, kind: str) -> dict[str, Any]:
    """Read the description of a folder.

    Raises:
        FileNotFoundError: There is no such folder, or no description in it.
        ValueError: It is damaged, describes something else, or was written by another version.
    """
    if not (path / CONFIG).exists():
        raise FileNotFoundError(f"There is no {LABELS[kind]} at {path}. Pass a folder that `save_pretrained` wrote.")
    if kind_of(path) != kind:
        raise ValueError(
            f"{path / CONFIG} does not describe a {LABELS[kind]}. Pass a folder that `save_pretrained` wrote."
        )
    config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    if config["format"] != FORMAT:
        raise ValueError(
            f"{path} has format {config['format']}, but this version of vdworld reads {FORMAT}. Train it again."
        )
    return config


def read_weights(path: Path, module: nn.Module) -> None:
    """Load a folder's weights into a module, and put it in evaluation mode without gradients.

    Raises:
        ValueError: The weights are damaged, or those of another module.
    """
    safetensors = require("safetensors.torch", "all")
    try:
        module.load_state_dict(with_present_names(safetensors.load_file(path / WEIGHTS)))
    except (RuntimeError, OSError, require("safetensors", "all").SafetensorError) as error:
        raise ValueError(f"{WEIGHTS} in {path} is damaged or doesn't fit {CONFIG}: {error}") from error
    module.eval().requires_grad_(False)
