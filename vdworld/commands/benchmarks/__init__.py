"""The benchmarks, one file each."""

from vdworld.commands.benchmarks.contest import contest
from vdworld.commands.benchmarks.dreaming import dreaming
from vdworld.commands.benchmarks.envs import envs
from vdworld.commands.benchmarks.few_steps import few_steps
from vdworld.commands.benchmarks.grid import grid
from vdworld.commands.benchmarks.growth import growth
from vdworld.commands.benchmarks.planners import planners
from vdworld.commands.benchmarks.planning import planning
from vdworld.commands.benchmarks.sizes import sizes
from vdworld.commands.benchmarks.speed import speed
from vdworld.commands.benchmarks.uncertainty import uncertainty

__all__ = [
    "contest",
    "dreaming",
    "envs",
    "few_steps",
    "grid",
    "growth",
    "planners",
    "planning",
    "sizes",
    "speed",
    "uncertainty",
]
