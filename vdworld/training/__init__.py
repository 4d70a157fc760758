"""Training: losses, the loop, checkpoints and logs."""

from vdworld.training.assemble import new_world
from vdworld.training.loss import LossWeights, world_loss
from vdworld.training.train import train
from vdworld.training.trainer import Trainer, TrainerSettings

__all__ = ["LossWeights", "Trainer", "TrainerSettings", "new_world", "train", "world_loss"]
