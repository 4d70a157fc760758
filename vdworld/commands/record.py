"""``vdworld record``: play an environment, and save the episodes as a dataset."""

from __future__ import annotations

import pkgutil
from pathlib import Path

from omegaconf import DictConfig

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
    """Return the function of this dotted name, or an instance of the class.

    Raises:
        ValueError: There is no such function or class, or `name` is an old name.
    """
    try:
        target = pkgutil.resolve_name(refuse_old_name(name))
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"`policy` must be the dotted name of a class or function, got {name!r}: {error}") from error
    return target() if isinstance(target, type) else target
