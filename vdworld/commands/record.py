"""``vdworld record``: play an environment, and save the episodes as a dataset."""

from __future__ import annotations

import os
from pathlib import Path

from omegaconf import DictConfig

from vdworld.agents import Agent, Predicts, load_agent
from vdworld.agents.import_by_name import import_by_name
from vdworld.agents.recorded_agent import recorded
from vdworld.commands.arguments import keyword_arguments
from vdworld.commands.dotted_names import refuse_old_name
from vdworld.data.layout import INFO
from vdworld.envs.recording.episode_maker import Policy
from vdworld.envs.recording.recorder import record


def run(config: DictConfig) -> None:
    """Record, and print what the folder holds."""
    if not config.resume and (Path(config.output) / INFO).is_file():
        raise FileExistsError(
            f"`output` must be a new folder, got the dataset {config.output}. Add to it with resume=true."
        )
    values = {name: value for name, value in config.items() if name not in ("env", "output", "resume", "policy")}
    policy = None if config.policy is None else find_policy(str(config.policy))
    dataset = record(str(config.env), config.output, policy=policy, **keyword_arguments(record, values))
    held_out = len(dataset.split("test"))
    print(f"{dataset.path} holds {dataset.num_steps:,} steps in {len(dataset)} episodes, {held_out} of them held out.")
    print(f"Train a world on it: vdworld train data={dataset.path} output=runs/{dataset.path.name}")


def find_policy(name: str) -> Policy:
    """Return the function of this dotted name, an instance of the class, or a policy that ``load_agent`` finds.

    Raises:
        FileNotFoundError: The name is a path, and there is nothing.
        ValueError: There is no such function or class, or `name` is an old name.
    """
    path = Path(name).expanduser()
    if path.exists() or os.sep in name or name.endswith(".zip"):
        return recorded(load_agent(path))
    target = import_by_name(_present_name(name))
    made = target() if isinstance(target, type) else target
    if isinstance(made, Agent | Predicts):
        return recorded(made)
    if not callable(made):
        raise ValueError(f"`policy` must name a class, a function or an agent, got {name!r}, a {type(made).__name__}.")
    return made


def _present_name(name: str) -> str:
    try:
        return refuse_old_name(name)
    except ValueError as error:
        raise ValueError(f"`policy` must be the dotted name of a class or function, got {name!r}: {error}") from error
