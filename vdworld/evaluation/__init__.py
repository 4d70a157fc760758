"""Protocols over worlds, environments and agents: prediction, goal-reaching, returns, and the report about them."""

from vdworld.evaluation.contest import contest
from vdworld.evaluation.control import GoalReaching, reach_goals
from vdworld.evaluation.drift import Drift, measure_drift
from vdworld.evaluation.evaluate import evaluate
from vdworld.evaluation.few_steps import FewSteps, measure_few_steps
from vdworld.evaluation.outcomes import Outcomes, measure_outcomes
from vdworld.evaluation.playing import play
from vdworld.evaluation.prediction import Prediction, predict
from vdworld.evaluation.report import Report
from vdworld.evaluation.returns import Returns, play_episodes

__all__ = [
    "Drift",
    "FewSteps",
    "GoalReaching",
    "Outcomes",
    "Prediction",
    "Report",
    "Returns",
    "contest",
    "evaluate",
    "measure_drift",
    "measure_few_steps",
    "measure_outcomes",
    "play",
    "play_episodes",
    "predict",
    "reach_goals",
]
