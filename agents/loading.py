"""Read whatever acts from its folder."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from vdworld.agents.policies import Policy
from vdworld.agents.video import VideoPolicy

CONFIG = "config.json"


def load_agent(folder: str | Path, *, device: str | torch.device = "cpu") -> Policy | VideoPolicy:
    """Read a folder that ``Policy.save_pretrained`` or ``VideoPolicy.save_pretrained`` wrote.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no policy.
        ValueError: It is damaged, or written by another version.
    """
    path = Path(folder).expanduser()
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = None  # the reader says what is wrong
    if isinstance(config, dict) and config.get("kind") == "video_policy":
        return VideoPolicy.from_pretrained(path, device=device)
    return Policy.from_pretrained(path, device=device)
