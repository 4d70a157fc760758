"""Agents: planners that search in a world."""

from vdworld.agents.agent import Agent
from vdworld.agents.objectives import GoalImage, Return
from vdworld.agents.planner import Planner
from vdworld.agents.planning import CrossEntropy

__all__ = ["Agent", "CrossEntropy", "GoalImage", "Planner", "Return"]
