"""What a folder holds, and whether a verb may write into it."""

from __future__ import annotations

from pathlib import Path

from vdworld.agents.agent_folder import LABELS, kind_of
from vdworld.data.layout import INFO
from vdworld.json_values import read_json
from vdworld.storage.saved_folder import CONFIG
from vdworld.training.checkpoint import FOLDER, PROGRESS, has_checkpoint

WORLD, POLICY, VIDEO_POLICY, DATASET = "world", LABELS["policy"], LABELS["video_policy"], "dataset"


def content_of(folder: Path) -> str:
    """Return what a folder holds: a dataset, a world, or an agent as in ``LABELS``; empty if none of them.

    Raises:
        ValueError: Its description is damaged.
    """
    if (folder / INFO).is_file():
        return DATASET
    if (folder / CONFIG).is_file():
        kind = kind_of(folder)
        return WORLD if kind is None else LABELS.get(kind, kind)
    if not has_checkpoint(folder):
        return ""
    progress = folder / FOLDER / PROGRESS
    return POLICY if progress.is_file() and "num_steps" in read_json(progress) else WORLD


def check_output(output: Path, kind: str, *, resume: bool, resumes: bool = True) -> None:
    """Check that a verb may write a world or an agent into a folder.

    Args:
        output: The folder.
        kind: What the verb writes.
        resume: Whether it resumes what is there.
        resumes: Whether the verb can.

    Raises:
        FileExistsError: Something is there that it would overwrite.
    """
    content = content_of(output)
    if not content or (content == kind and resume):
        return
    if content != kind:
        raise FileExistsError(
            f"`output` must be a new folder for a {kind}, got {output} with a {content} in it. Name another folder."
        )
    how = "Resume its training with resume=true, or name another folder." if resumes else "Name another folder."
    raise FileExistsError(f"`output` must be a new folder, got {output} with a {kind} in it. {how}")
