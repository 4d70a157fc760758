"""Learning while acting: record, train the world, learn in its dreams, repeat."""

from vdworld.online.loop import learn_online
from vdworld.online.online_result import OnlineResult, Round
from vdworld.online.rounds import Rounds

__all__ = ["OnlineResult", "Round", "Rounds", "learn_online"]
