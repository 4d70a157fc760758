"""``vdworld train``: train a world model on a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from vdworld.commands.arguments import description, keyword_arguments, without_nulls
from vdworld.commands.effective_values import Fallback, defaults_of
from vdworld.commands.output_folder import WORLD, check_output
from vdworld.data import load_dataset
from vdworld.training import (
    ContextCorruption,
    LossWeights,
    MotionCurriculum,
    SelfForcing,
    Shortcut,
    TrainerSettings,
    train,
)
from vdworld.training.checkpoint import where_to_resume
from vdworld.training.renamed_settings import present_name
from vdworld.world import Sampling, WorldModel, build, preset
from vdworld.world.device import pick_device

GROUPS = {
    "weights": LossWeights,
    "motion_curriculum": MotionCurriculum,
    "corruption": ContextCorruption,
    "shortcut": Shortcut,
    "self_forcing": SelfForcing,
}


def run(config: DictConfig) -> None:
    """Train, and print where the world is."""
    output = Path(config.output)
    check_output(output, WORLD, resume=config.resume)
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
            sampling=keyword_arguments(Sampling, without_nulls(config.sampling)),
            **keyword_arguments(train, {"seed": config.seed, "resume": config.resume, "readings": config.readings}),
            **trainer_settings(config.trainer),
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(where_to_resume(output)) from None
    print(f"The world is in {output}.")
    print(
        f"Evaluate it on held-out episodes: vdworld evaluate world={output} data={config.data} output={output}/report"
    )


def trainer_settings(trainer: DictConfig) -> dict[str, Any]:
    """Return the fields of ``TrainerSettings`` that the configuration sets.

    Raises:
        ValueError: A value of another type than the field's, or a former name of a field.
    """
    inner = [f"{group}.{name}" for group, values in trainer.items() if isinstance(values, Mapping) for name in values]
    for name in [*map(str, trainer), *inner]:
        if present := present_name(name):
            raise ValueError(f"`trainer.{name}` is now called `trainer.{present}`.")
    plain = {name: value for name, value in trainer.items() if name not in GROUPS}
    settings = keyword_arguments(TrainerSettings, without_nulls(plain))
    for name, group in GROUPS.items():
        if values := keyword_arguments(group, without_nulls(trainer.get(name) or {})):
            settings[name] = group(**values)
    return settings


def fallbacks(config: DictConfig) -> Iterator[Fallback]:
    """Yield what null stands for: the values of the preset, then the defaults of the trainer and the sampler."""
    sizes = preset(config.world.preset)
    source = f"preset {sizes.name}"
    network = sizes.network_for((64, 64), description(config.network))
    yield Fallback("network", network, source)
    yield Fallback("process", sizes.process_for(description(config.process)), source)
    yield Fallback("sampling", sizes.sampling, source)
    with torch.device("meta"):  # shapes alone
        built = build(network, frame_channels=3, image_size=(64, 64), action_dim=1)
    limits = {name: config.trainer[name] for name in ("max_steps", "max_minutes")}
    filled = TrainerSettings().with_fields(limits).with_defaults_of(sizes, built)
    yield Fallback("trainer", {"batch_size": filled.batch_size, "max_minutes": filled.max_minutes}, source)
    yield Fallback("trainer", defaults_of(TrainerSettings))
    yield Fallback("sampling", defaults_of(Sampling))
