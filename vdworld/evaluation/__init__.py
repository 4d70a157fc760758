"""Evaluation protocols for worlds and agents (prediction, long dreams, goal-reaching, returns) and their report."""

from vdworld.evaluation.drift import Drift, measure_drift
from vdworld.evaluation.evaluate import evaluate
from vdworld.evaluation.goal_reaching import GoalReaching, reach_goals
from vdworld.evaluation.outcome_odds import Outcomes, measure_outcomes
from vdworld.evaluation.prediction import Prediction, predict
from vdworld.evaluation.protocol import PlayProtocol
from vdworld.evaluation.real_play import play
from vdworld.evaluation.report.report import Report
from vdworld.evaluation.returns import Returns, play_episodes

__all__ = [
    "Drift",
    "GoalReaching",
    "Outcomes",
    "PlayProtocol",
    "Prediction",
    "Report",
    "Returns",
    "evaluate",
    "measure_drift",
    "measure_outcomes",
    "play",
    "play_episodes",
    "predict",
    "reach_goals",
]
