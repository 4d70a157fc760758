"""Training: losses, the loop, checkpoints and logs."""

from vdworld.training.assemble import new_world, sample_starts
from vdworld.training.batch import Hiding, encode
from vdworld.training.calibration import calibrate
from vdworld.training.loss import LossWeights, world_loss
from vdworld.training.self_forcing import SelfForcing
from vdworld.training.settings import Shortcut, TrainerSettings
from vdworld.training.train import train
from vdworld.training.trainer import Trainer

__all__ = [
    "Hiding",
    "LossWeights",
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
