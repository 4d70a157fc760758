"""The learned simulator: states, steps, rollouts, and worlds on disk."""

from vdworld.world.build import build
from vdworld.world.execution import Execution
from vdworld.world.heads import OutcomeHeads
from vdworld.world.model import WorldModel
from vdworld.world.noise import lane_seeds
from vdworld.world.outcome import Outcome, Rollout
from vdworld.world.presets import PRESETS, Preset, preset
from vdworld.world.sampling import Sampling
from vdworld.world.start_clips import StartClips
from vdworld.world.state import WorldState

__all__ = [
    "PRESETS",
    "Execution",
    "Outcome",
    "OutcomeHeads",
    "Preset",
    "Rollout",
    "Sampling",
    "StartClips",
    "WorldModel",
    "WorldState",
    "build",
    "lane_seeds",
    "preset",
]
