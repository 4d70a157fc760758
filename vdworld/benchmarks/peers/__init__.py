"""World models of other authors, run from a checkout of their own code."""

from vdworld.benchmarks.peers.diamond import DiamondRollout, DiamondState, DiamondWorld
from vdworld.benchmarks.peers.diamond_code import DiamondCode
from vdworld.benchmarks.peers.diamond_training import train_diamond
from vdworld.benchmarks.peers.foreign import foreign_imports, random_stream

__all__ = [
    "DiamondCode",
    "DiamondRollout",
    "DiamondState",
    "DiamondWorld",
    "foreign_imports",
    "random_stream",
    "train_diamond",
]
