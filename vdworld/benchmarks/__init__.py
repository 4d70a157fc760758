"""Measurements of speed, cost and scaling, and comparisons of worlds, planners and policies.

Each benchmark is a module with a function ``run``, whose keyword arguments are the keys of its YAML file in
``configs/benchmark``. The names below are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vdworld.benchmarks.contest import measure_contest as measure_contest
    from vdworld.benchmarks.dream_vs_real import measure_dream_vs_real as measure_dream_vs_real
    from vdworld.benchmarks.env_overhead import measure_env_overhead as measure_env_overhead
    from vdworld.benchmarks.few_steps import measure_few_steps as measure_few_steps
    from vdworld.benchmarks.few_steps_result import FewSteps as FewSteps
    from vdworld.benchmarks.measured_world import fresh_world as fresh_world
    from vdworld.benchmarks.planner_overhead import measure_planner_overhead as measure_planner_overhead
    from vdworld.benchmarks.planning import compare_planners as compare_planners
    from vdworld.benchmarks.scaling import measure_scaling as measure_scaling
    from vdworld.benchmarks.sizes import measure_sizes as measure_sizes
    from vdworld.benchmarks.speed import measure_speed as measure_speed
    from vdworld.benchmarks.speed_comparison import compare_speed as compare_speed

_NAMES = {
    "FewSteps": "vdworld.benchmarks.few_steps_result",
    "compare_planners": "vdworld.benchmarks.planning",
    "compare_speed": "vdworld.benchmarks.speed_comparison",
    "fresh_world": "vdworld.benchmarks.measured_world",
    "measure_contest": "vdworld.benchmarks.contest",
    "measure_dream_vs_real": "vdworld.benchmarks.dream_vs_real",
    "measure_env_overhead": "vdworld.benchmarks.env_overhead",
    "measure_few_steps": "vdworld.benchmarks.few_steps",
    "measure_planner_overhead": "vdworld.benchmarks.planner_overhead",
    "measure_scaling": "vdworld.benchmarks.scaling",
    "measure_sizes": "vdworld.benchmarks.sizes",
    "measure_speed": "vdworld.benchmarks.speed",
}

__all__ = [
    "FewSteps",
    "compare_planners",
    "compare_speed",
    "fresh_world",
    "measure_contest",
    "measure_dream_vs_real",
    "measure_env_overhead",
    "measure_few_steps",
    "measure_planner_overhead",
    "measure_scaling",
    "measure_sizes",
    "measure_speed",
]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'vdworld.benchmarks' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
