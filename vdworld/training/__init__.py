"""Training of worlds: settings, losses, the training loop, checkpoints and logs."""

from typing import Any

from vdworld.training.assemble_world import new_world, sample_starts
from vdworld.training.batch import ContextCorruption, encode
from vdworld.training.calibration import calibrate
from vdworld.training.loss import LossWeights, world_loss
from vdworld.training.motion_curriculum import MotionCurriculum
from vdworld.training.self_forcing import SelfForcing
from vdworld.training.train import train
from vdworld.training.trainer import Trainer
from vdworld.training.trainer_settings import Shortcut, TrainerSettings

__all__ = [
    "ContextCorruption",
    "LossWeights",
    "MotionCurriculum",
    "SelfForcing",
    "Shortcut",
    "Trainer",
    "TrainerSettings",
    "calibrate",
    "encode",
    "new_world",
    "sample_starts",
    "train",
    "world_loss",
]


def __getattr__(name: str) -> Any:
    hint = "`vdworld.training.Hiding` is now called `ContextCorruption`." if name == "Hiding" else ""
    raise AttributeError(hint or f"module {__name__!r} has no attribute {name!r}")
