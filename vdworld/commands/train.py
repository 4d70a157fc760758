"""``vdworld train``: learn a world model from a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from vdworld.commands.arguments import checked, description, given
from vdworld.data import load_dataset
from vdworld.training import ContextCorruption, LossWeights, SelfForcing, Shortcut, TrainerSettings, train
from vdworld.training.checkpoint import has_checkpoint
from vdworld.world import Sampling, WorldModel
from vdworld.world.device import pick_device


def run(config: DictConfig) -> None:
    """Train, and say where the world lies."""
    output = Path(config.output)
    if not config.resume and (has_checkpoint(output) or (output / "config.json").exists()):
        raise FileExistsError(
            f"`output` must be a new folder, got {output} with a world in it. resume=true goes on with its training; "
            "otherwise name another folder."
        )
    device = pick_device(config.device)
    world = None if config.from_world is None else WorldModel.from_pretrained(config.from_world, device=device)
    try:
        train(
            load_dataset(config.data),
            preset=config.world.preset,
            world=world,
            output=output,
            device=device,
            network=description(config.network),
            process=description(config.process),
            sampling=checked(Sampling, given(config.sampling)),
            **checked(train, {"seed": config.seed, "resume": config.resume, "readings": config.readings}),
            **trainer_settings(config.trainer),
        )
    except KeyboardInterrupt:
        if not has_checkpoint(output):
            raise
        raise KeyboardInterrupt(
            f"A checkpoint is safe in {output}; the same command with resume=true goes on."
        ) from None
    print(f"The world lies in {output}.")
    print(f"Measure it on held-out episodes: vdworld evaluate world={output} data={config.data} output={output}/report")


def trainer_settings(trainer: DictConfig) -> dict[str, Any]:
    """Return the fields of ``TrainerSettings`` that the configuration sets.

    Raises:
        ValueError: A value of another type than the field's.
    """
    groups = {
        "weights": LossWeights,
        "corruption": ContextCorruption,
        "shortcut": Shortcut,
        "self_forcing": SelfForcing,
    }
    settings = checked(TrainerSettings, given({name: value for name, value in trainer.items() if name not in groups}))
    for name, group in groups.items():
        if values := checked(group, given(trainer.get(name) or {})):
            settings[name] = group(**values)
    return settings
