"""Checkpoints of a world in training."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from vdworld.json_values import arguments_from_json, reading, value_from_json
from vdworld.training import checkpoint as files
from vdworld.training.likely_motion import LikelyMotion
from vdworld.training.plateau import Plateau
from vdworld.training.training_log import say
from vdworld.world.older_names import with_present_names

if TYPE_CHECKING:
    from vdworld.training.trainer import Trainer


def save_trainer(trainer: Trainer, folder: Path) -> None:
    """Write the weights and their averages, the optimisers, and how far the run is."""
    tensors = {
        **files.module_tensors("world", trainer.world),
        **files.module_tensors("average", trainer.average.average),
        "rng": trainer.rng.get_state(),
        **{f"motion.{name}": value for name, value in vars(trainer.motion).items()},
    }
    for i, optimizer in enumerate(trainer.optimizers):
        tensors |= files.optimizer_tensors(f"optimizer{i}", optimizer)
    progress = {"step": trainer.step, "seconds": trainer.seconds, "num_averages": trainer.average.num_updates}
    progress |= {"plateau": asdict(trainer.plateau), "run": trainer.run.to_json()}
    files.save_checkpoint(folder, tensors, progress)


def resume_trainer(trainer: Trainer, folder: Path) -> None:
    """Restore what ``save_trainer`` wrote, and say which settings changed since.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: It is damaged, or belongs to another network, process or kind of data.
    """
    with reading(folder, files.ADVICE):
        _restore(trainer, folder, *files.load_checkpoint(folder))


def _restore(trainer: Trainer, folder: Path, tensors: dict[str, Tensor], progress: dict[str, Any]) -> None:
    tensors = with_present_names(tensors)
    say(trainer.run.resume(progress.get("run"), f"step {progress['step']}", folder))
    modules = {"world": trainer.world, "average": trainer.average.average}
    files.load_modules(modules, tensors, folder, "network")
    for i, optimizer in enumerate(trainer.optimizers):
        files.load_optimizer(f"optimizer{i}", optimizer, tensors)
    trainer.rng.set_state(tensors["rng"])
    shares = {f"motion.{name}": value for name, value in vars(trainer.motion).items()}  # older checkpoints lack them
    measured = [(shares | tensors)[name].view_as(value) for name, value in shares.items()]
    trainer.motion = LikelyMotion(*measured).to(trainer.world.device)
    trainer.step = value_from_json("step", progress["step"], int)
    trainer.seconds_before = value_from_json("seconds", progress["seconds"], float)
    trainer.average.num_updates = value_from_json("num_averages", progress["num_averages"], int)
    plateau = {**progress.get("plateau", {}), "max_cuts": trainer.settings.plateau_cuts}
    trainer.plateau = Plateau(**arguments_from_json(Plateau, plateau))
