"""Environments that come with vdworld: Atari games, a ball game, and scripted ones with known outcomes."""

from vdworld.envs.games.atari import make_atari
from vdworld.envs.games.bounce import BounceEnv
from vdworld.envs.games.scripted import CounterEnv, ForkEnv

__all__ = ["BounceEnv", "CounterEnv", "ForkEnv", "make_atari"]
