"""Load a saved agent, whatever its kind."""

from __future__ import annotations

from pathlib import Path

import torch

from vdworld.agents.agent_folder import kind_of
from vdworld.agents.policies import Policy
from vdworld.agents.video import VideoPolicy


def load_agent(folder: str | Path, *, device: str | torch.device = "cpu") -> Policy | VideoPolicy:
    """Read a folder that ``Policy.save_pretrained`` or ``VideoPolicy.save_pretrained`` wrote.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no policy.
        ValueError: It is damaged, or written by another version.
    """
    path = Path(folder).expanduser()
    agent_class = VideoPolicy if kind_of(path) == "video_policy" else Policy
    return agent_class.from_pretrained(path, device=device)
