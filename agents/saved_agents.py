"""Agents by name: saved ones, files of Stable-Baselines3, and classes of the user's own."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import torch

from vdworld.agents.agent import Agent
from vdworld.agents.agent_folder import kind_of
from vdworld.agents.import_by_name import import_by_name
from vdworld.agents.policies import Policy
from vdworld.agents.predicting_agent import Predicts
from vdworld.agents.stable_baselines3_files import load_model
from vdworld.agents.video import VideoPolicy


def load_agent(name: str | Path, *, device: str | torch.device = "cpu", **context: Any) -> Agent | Predicts:
    """Return the agent of this name.

    Args:
        name: A folder that ``save_pretrained`` of a policy wrote; a file that ``save`` of Stable-Baselines3 wrote, with
            or without its ``.zip``; or ``module:Class``, a class or function to call, or an agent.
        device: The device of a saved agent.
        context: Arguments for the class or function, such as the world; it gets those that it takes, and `device`.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no policy.
        ValueError: It is damaged, or written by another version, or there is no such class, or it makes no agent.
    """
    path = Path(name).expanduser()
    archive = path if path.is_file() else path.with_name(f"{path.name}.zip")
    if not path.is_dir() and archive.is_file():
        return load_model(archive, device=device)
    if not path.is_dir() and ":" in str(name):
        return _made_by(str(name), {"device": device, **context})
    agent_class = VideoPolicy if kind_of(path) == "video_policy" else Policy
    return agent_class.from_pretrained(path, device=device)


def _made_by(name: str, context: dict[str, Any]) -> Agent | Predicts:
    """Return the agent that a class or a function of this name makes, or the agent itself."""
    made = import_by_name(name)
    if isinstance(made, type) or not isinstance(made, Agent | Predicts):
        if not callable(made):
            raise ValueError(
                f"`policy` must name a class, a function or an agent, got {name!r}, a {type(made).__name__}."
            )
        parameters = inspect.signature(made).parameters
        made = made(**{argument: value for argument, value in context.items() if argument in parameters})
    if not isinstance(made, Agent | Predicts):
        raise ValueError(
            f"`policy` must make an agent with `reset` and `act`, or with the `predict` of Stable-Baselines3, "
            f"got {type(made).__name__} from {name!r}."
        )
    return made
