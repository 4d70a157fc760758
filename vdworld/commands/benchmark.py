"""``vdworld benchmark NAME``: measure, print the tables, and write the figures."""

from __future__ import annotations

import importlib
import inspect

from omegaconf import DictConfig

from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.benchmarks.results import print_and_save
from vdworld.commands.arguments import keyword_arguments, without_nulls
from vdworld.world import Execution

PARTS = {"execution": Execution, "learner_settings": LearningSettings}  # keys whose values are settings of a class


def run(config: DictConfig, name: str) -> int:
    """Run ``vdworld.benchmarks.NAME``, print its result, and write it to `output` if there is one.

    Returns:
        The exit code: 1 if the result says that a part of the benchmark failed, else 0.
    """
    measure = importlib.import_module(f"vdworld.benchmarks.{name}").run
    keys = [str(key) for key in config if key != "output" or key in inspect.signature(measure).parameters]
    values = keyword_arguments(measure, {key: config[key] for key in keys})
    for part, settings in without_nulls({part: values.get(part) for part in PARTS}).items():
        keyword_arguments(PARTS[part], settings)
    result = measure(**values)
    print_and_save(result, config.output, name, getattr(result, "plots", None))
    return int(getattr(result, "failed", False))
