"""Planning methods: searches over encoded action sequences; a PlanningProblem is their view of a world."""

from vdworld.agents.planning.beam_search import BeamSearch
from vdworld.agents.planning.categorical import CategoricalCrossEntropy
from vdworld.agents.planning.cross_entropy import CrossEntropy
from vdworld.agents.planning.gradient import GradientDescent
from vdworld.agents.planning.icem import ICEM
from vdworld.agents.planning.mppi import MPPI
from vdworld.agents.planning.policy_mppi import PolicyGuidedMPPI
from vdworld.agents.planning.problem import PlanningMethod, PlanningProblem
from vdworld.agents.planning.random_shooting import RandomShooting

__all__ = [
    "BeamSearch",
    "CategoricalCrossEntropy",
    "CrossEntropy",
    "GradientDescent",
    "ICEM",
    "MPPI",
    "PlanningMethod",
    "PlanningProblem",
    "PolicyGuidedMPPI",
    "RandomShooting",
]
