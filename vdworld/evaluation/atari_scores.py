"""Human-normalised scores of Atari games."""

from __future__ import annotations

import re

SCORES = {
    "Alien": (227.8, 7127.7),
    "Amidar": (5.8, 1719.5),
    "Assault": (222.4, 742.0),
    "Asterix": (210.0, 8503.3),
    "BankHeist": (14.2, 753.1),
    "BattleZone": (2360.0, 37187.5),
    "Boxing": (0.1, 12.1),
    "Breakout": (1.7, 30.5),
    "ChopperCommand": (811.0, 7387.8),
    "CrazyClimber": (10780.5, 35829.4),
    "DemonAttack": (152.1, 1971.0),
    "Freeway": (0.0, 29.6),
    "Frostbite": (65.2, 4334.7),
    "Gopher": (257.6, 2412.5),
    "Hero": (1027.0, 30826.4),
    "Jamesbond": (29.0, 302.8),
    "Kangaroo": (52.0, 3035.0),
    "Krull": (1598.0, 2665.5),
    "KungFuMaster": (258.5, 22736.3),
    "MsPacman": (307.3, 6951.6),
    "Pong": (-20.7, 14.6),
    "PrivateEye": (24.9, 69571.3),
    "Qbert": (163.9, 13455.0),
    "RoadRunner": (11.5, 7845.0),
    "Seaquest": (68.4, 42054.7),
    "UpNDown": (533.4, 11693.2),
}
"""Random and human scores of the 26 games of Atari 100k (Wang et al. 2016, Table 2; Kaiser et al. 2020)."""


def game_of(environment: str) -> str | None:
    """Return the game of a Gymnasium id such as ``ALE/Pong-v5``; None if it is not in ``SCORES``."""
    match = re.fullmatch(r"(?:[\w.]+:)?ALE/(\w+)-v5", environment)
    return match[1] if match and match[1] in SCORES else None


def human_normalized(score: float, game: str) -> float:
    """Return ``(score - random) / (human - random)``; 0 is random play, 1 is a human.

    Raises:
        ValueError: The game is not in ``SCORES``.
    """
    if game not in SCORES:
        raise ValueError(f"`game` must be one of {', '.join(SCORES)}, got {game!r}.")
    random, human = SCORES[game]
    return (score - random) / (human - random)
