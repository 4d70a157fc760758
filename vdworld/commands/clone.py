"""``vdworld clone``: learn to act as recorded, towards goals if asked for, and keep the policy."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from omegaconf import DictConfig

from vdworld.agents import BehaviourCloning
from vdworld.commands.arguments import checked
from vdworld.commands.device import pick_device
from vdworld.data import load_dataset
from vdworld.training.logging import TrainingLog

OWN = ("data", "output", "device")


def run(config: DictConfig) -> None:
    """Learn, and say where the policy lies."""
    output = Path(config.output)
    if (output / "config.json").exists():
        raise FileExistsError(f"`output` must be a new folder, got {output} with something in it. Name another folder.")
    settings = checked(BehaviourCloning.learn, {name: config[name] for name in config if name not in OWN})
    dataset, device = load_dataset(config.data), pick_device(config.device)
    with TrainingLog(output) as log:
        report = reporter(log, config.num_updates, config.max_minutes, config.batch_size * config.horizon)
        policy = BehaviourCloning.learn(dataset, device=device, report=report, **settings)
    policy.record["data"] = str(config.data)
    policy.save_pretrained(output)
    where = f"world=... data={config.data} policy={output}"
    goals = "" if config.goal_offset is None else f" goal_offset={config.goal_offset} budget={2 * config.goal_offset}"
    print(f"The policy lies in {output}.")
    print(f"Let it act in the real environment: vdworld evaluate {where}{goals}")
    print(f"Set it beside planners: vdworld benchmark planning {where}{goals}")


def reporter(
    log: TrainingLog, num_updates: int, max_minutes: float | None, actions_per_update: int
) -> Callable[[int, dict[str, float]], None]:
    """Return a function that notes the figures of each update.

    Args:
        log: Where to.
        num_updates: Of the whole run.
        max_minutes: After which the run ends, if that comes first; None where there is no limit.
        actions_per_update: Of all clips together.
    """
    began = time.monotonic()

    def report(update: int, figures: dict[str, float]) -> None:
        passed = 0.0 if max_minutes is None else (time.monotonic() - began) / (60 * max_minutes)
        log.step(update, min(max(update / num_updates, passed), 1.0), actions_per_update, figures)

    return report
