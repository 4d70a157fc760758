"""The verbs of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verb:
    """One verb.

    Args:
        line: What it does, for the overview.
        bare: The key that a word without ``=`` stands for; None where there is no such word.
        named: Whether there are several configurations, ``configs/VERB/NAME.yaml``, of which the first word without
            ``=`` names one.
        renamed: Former names of configurations, each with its present name.
    """

    line: str
    bare: str | None = None
    named: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)


VERBS = {
    "record": Verb("play an environment and keep what happens as a dataset"),
    "train": Verb("learn a world model from a dataset"),
    "evaluate": Verb("compare imagined with real frames on held-out episodes, and write a report"),
    "plan": Verb("let a planner act in the real environment, and score it beside random actions"),
    "learn": Verb("let a policy learn in the dreams of a world"),
    "clone": Verb("let a policy learn to act as recorded, towards goals if asked for"),
    "demo": Verb("all of it on PushT, in ten minutes"),
    "benchmark": Verb(
        "measure speed, or worlds and planners against each other and against DIAMOND",
        named=True,
        renamed={
            "envs": "env_overhead",
            "growth": "scaling",
            "dreaming": "dream_vs_real",
            "planners": "planner_overhead",
        },
    ),
    "info": Verb("say what a dataset or a world folder holds", bare="path"),
}
