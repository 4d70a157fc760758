"""Planning methods: they search over encoded action sequences; what they may ask of a world is a PlanningProblem."""

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
