"""Protocols over worlds, environments and agents: prediction, goal-reaching, returns, and the report about them."""

from vdworld.evaluation.control import GoalReaching, reach_goals
from vdworld.evaluation.evaluate import evaluate
from vdworld.evaluation.playing import play
from vdworld.evaluation.prediction import Prediction, predict
from vdworld.evaluation.report import Report
from vdworld.evaluation.returns import Returns, play_episodes

__all__ = [
    "GoalReaching",
    "Prediction",
    "Report",
    "Returns",
    "evaluate",
    "play",
    "play_episodes",
    "predict",
    "reach_goals",
]
