"""Other people's world models, run from a checkout of their own code, so that ours can stand beside them."""

from vdworld.evaluation.peers.diamond import DiamondRollout, DiamondState, DiamondWorld
from vdworld.evaluation.peers.diamond_code import DiamondCode
from vdworld.evaluation.peers.diamond_training import train_diamond
from vdworld.evaluation.peers.foreign import foreign_imports, random_stream

__all__ = [
    "DiamondCode",
    "DiamondRollout",
    "DiamondState",
    "DiamondWorld",
    "foreign_imports",
    "random_stream",
    "train_diamond",
]
