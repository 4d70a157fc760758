"""Learn while acting: record, train the world, learn in its dreams, and again."""

from vdworld.online.loop import learn_online
from vdworld.online.rounds import OnlineResult, Round, Rounds

__all__ = ["OnlineResult", "Round", "Rounds", "learn_online"]
