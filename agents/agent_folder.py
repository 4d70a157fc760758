"""Folders of saved agents: a description and weights; nothing is pickled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from vdworld.json_values import read_json
from vdworld.storage.fitting_tensors import load_fitting
from vdworld.storage.saved_folder import CONFIG, FolderContent, SavedFolder, read_folder, save_folder
from vdworld.world.older_names import with_present_names

FORMAT = 1
WEIGHTS = "model.safetensors"
LABELS = {"policy": "policy", "video_policy": "video policy", "inverse_dynamics": "inverse dynamics"}
"""What a folder may hold, by the entry ``kind`` of its description."""


def kind_of(path: Path) -> str | None:
    """Return the entry ``kind`` of a folder's description; None if it has none.

    Raises:
        ValueError: The description is damaged.
    """
    if not (path / CONFIG).exists():
        return None
    return read_json(path / CONFIG).get("kind")


def agent_content(kind: str, config: dict[str, Any], module: nn.Module | None = None) -> FolderContent:
    """Return what an agent's folder holds.

    Args:
        kind: One of ``LABELS``.
        config: The description, as plain JSON values.
        module: The module whose weights are saved; None saves none.
    """
    from vdworld import __version__

    heading = {"kind": kind, "format": FORMAT, "vdworld": __version__}
    return FolderContent(heading | config, {} if module is None else {WEIGHTS: module.state_dict()})


def write_folder(path: Path, content: FolderContent) -> Path:
    """Write an agent's folder, which holds the earlier agent there or the new one at every moment.

    Raises:
        FileExistsError: The folder holds something else.
        OSError: The disk is full or failed; the earlier agent stays readable.
    """
    prepare_folder(path, content.description["kind"])
    save_folder(path, content)
    return path


def prepare_folder(path: Path, kind: str) -> None:
    """Create a folder for an agent unless it exists.

    Raises:
        FileExistsError: It holds something else.
    """
    if (path / CONFIG).exists() and kind_of(path) != kind:
        raise FileExistsError(f"{path} holds something other than a {LABELS[kind]}. Choose another folder.")
    path.mkdir(parents=True, exist_ok=True)


def open_agent(path: Path, kind: str, files: Sequence[str] = (WEIGHTS,)) -> SavedFolder:
    """Read the folder of an agent.

    Args:
        path: The folder.
        kind: What it must hold, one of ``LABELS``.
        files: The names of the files in it beside the description.

    Raises:
        FileNotFoundError: There is no such folder, or no description in it.
        ValueError: It is damaged, describes something else, or was written by another version.
    """
    if not (path / CONFIG).exists():
        raise FileNotFoundError(f"There is no {LABELS[kind]} at {path}. Pass a folder that `save_pretrained` wrote.")
    return check_agent(read_folder(path, files), kind)


def check_agent(folder: SavedFolder, kind: str) -> SavedFolder:
    """Return a folder that holds an agent of this kind.

    Raises:
        ValueError: It describes something else, or was written by another version.
    """
    config = folder.description
    if config.get("kind") != kind:
        raise ValueError(
            f"{folder.path / CONFIG} does not describe a {LABELS[kind]}. Pass a folder that `save_pretrained` wrote."
        )
    if config.get("format") != FORMAT:
        raise ValueError(
            f"{folder.path} has format {config.get('format')}, but this version of vdworld reads {FORMAT}. "
            "Train it again."
        )
    return folder


def load_weights(module: nn.Module, folder: SavedFolder) -> None:
    """Load a folder's weights into a module, and put it in evaluation mode without gradients.

    Raises:
        ValueError: The weights are damaged, or those of another module.
    """
    load_fitting(module, with_present_names(folder.tensors(WEIGHTS)), folder.path / WEIGHTS)
    module.eval().requires_grad_(False)
