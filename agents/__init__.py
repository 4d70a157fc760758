"""Agents: planners that search in a world, and policies of other libraries."""

from vdworld.agents.agent import Agent
from vdworld.agents.objectives import GoalImage, Return
from vdworld.agents.planner import Planner
from vdworld.agents.planning import CrossEntropy
from vdworld.agents.predicting import PredictingAgent, Predicts, as_agent

__all__ = [
    "Agent",
    "CrossEntropy",
    "GoalImage",
    "Planner",
    "PredictingAgent",
    "Predicts",
    "Return",
    "as_agent",
]
