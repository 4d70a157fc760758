"""``vdworld record``: play an environment and keep what happens as a dataset."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from vdworld.commands.arguments import checked
from vdworld.data.layout import INFO
from vdworld.envs.recording import record


def run(config: DictConfig) -> None:
    """Record, and say what the folder holds then."""
    if not config.resume and (Path(config.output) / INFO).is_file():
        raise FileExistsError(
            f"`output` must be a new folder, got the dataset {config.output}. With resume=true it is added to."
        )
    values = {name: value for name, value in config.items() if name not in ("env", "output", "resume")}
    dataset = record(str(config.env), config.output, **checked(record, values))
    held_out = len(dataset.split("test"))
    print(f"{dataset.path} holds {dataset.num_steps:,} steps in {len(dataset)} episodes, {held_out} of them held out.")
    print(f"Train a world on it: vdworld train data={dataset.path} output=runs/{dataset.path.name}")
