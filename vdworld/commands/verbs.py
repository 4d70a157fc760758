"""The verbs of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verb:
    """One verb.

    Args:
        line: What it does, for the overview.
        bare: The key that a word without ``=`` sets; None where there is no such word.
        named: Whether the verb has several configurations, ``configs/VERB/NAME.yaml``; the first word without ``=``
            names one.
        renamed: Former names of configurations, each with its present name.
    """

    line: str
    bare: str | None = None
    named: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)


VERBS = {
    "record": Verb("play an environment, and save the episodes as a dataset"),
    "train": Verb("train a world model on a dataset"),
    "evaluate": Verb("compare imagined with real frames on held-out episodes, and write a report"),
    "plan": Verb("let a planner act in the real environment, and compare it with random actions"),
    "learn": Verb("train a policy in the dreams of a world"),
    "clone": Verb("train a policy to act as recorded, with or without goals"),
    "demo": Verb("record, train, evaluate and plan on PushT, in ten minutes"),
    "benchmark": Verb(
        "measure speed, cost and quality, also beside DIAMOND's own code",
        named=True,
        renamed={
            "envs": "env_overhead",
            "growth": "scaling",
            "dreaming": "dream_vs_real",
            "planners": "planner_overhead",
        },
    ),
    "info": Verb("print what a dataset or a world folder holds", bare="path"),
}
