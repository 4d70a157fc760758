"""Agents: planners that search in a world, policies that learn in it, and policies of other libraries."""

from vdworld.agents.agent import Agent
from vdworld.agents.objectives import GoalFeatures, GoalImage, Objective, Return, Sum
from vdworld.agents.planner import Plan, Planner
from vdworld.agents.planning import (
    ICEM,
    MPPI,
    BeamSearch,
    CategoricalCrossEntropy,
    CrossEntropy,
    GradientDescent,
    PlanningMethod,
    PlanningProblem,
    PolicyGuidedMPPI,
    RandomShooting,
)
from vdworld.agents.policies import ActorCritic, BehaviourCloning, Policy
from vdworld.agents.predicting_agent import PredictingAgent, Predicts, as_agent
from vdworld.agents.saved_agents import load_agent
from vdworld.agents.video import InverseDynamics, VideoPolicy, train_video_model

__all__ = [
    "ActorCritic",
    "Agent",
    "BehaviourCloning",
    "BeamSearch",
    "CategoricalCrossEntropy",
    "CrossEntropy",
    "GoalFeatures",
    "GoalImage",
    "GradientDescent",
    "ICEM",
    "InverseDynamics",
    "MPPI",
    "Objective",
    "Plan",
    "Planner",
    "PlanningMethod",
    "PlanningProblem",
    "PolicyGuidedMPPI",
    "Policy",
    "PredictingAgent",
    "Predicts",
    "RandomShooting",
    "Return",
    "Sum",
    "VideoPolicy",
    "as_agent",
    "load_agent",
    "train_video_model",
]
