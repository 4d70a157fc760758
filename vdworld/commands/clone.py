"""``vdworld clone``: learn to act as recorded, towards goals if asked for, and keep the policy."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from omegaconf import DictConfig

from vdworld.agents import BehaviourCloning, Policy, VideoPolicy
from vdworld.commands.arguments import keyword_arguments
from vdworld.data import load_dataset
from vdworld.training.training_log import TrainingLog
from vdworld.world.device import pick_device

OWN = ("data", "output", "device", "video")
HORIZON, VIDEO_HORIZON = 15, 8


def run(config: DictConfig) -> None:
    """Learn, and say where the policy lies."""
    output = Path(config.output)
    if (output / "config.json").exists():
        raise FileExistsError(f"`output` must be a new folder, got {output} with something in it. Name another folder.")
    policy = _video(config, output) if config.video else _clone(config, output)
    policy.save_pretrained(output)
    where = f"world=... data={config.data} policy={output}"
    goals = "" if config.goal_offset is None else f" goal_offset={config.goal_offset} budget={2 * config.goal_offset}"
    print(f"The policy lies in {output}.")
    print(f"Let it act in the real environment: vdworld evaluate {where}{goals}")
    print(f"Set it beside planners: vdworld benchmark planning {where}{goals}")


def _clone(config: DictConfig, output: Path) -> Policy:
    """Learn a policy that acts at once."""
    values = {name: config[name] for name in config if name not in OWN} | {"horizon": config.horizon or HORIZON}
    settings = keyword_arguments(BehaviourCloning.learn, values)
    with TrainingLog(output) as log:
        report = reporter(log, config.num_updates, config.max_minutes, config.batch_size * values["horizon"])
        device = pick_device(config.device)
        policy = BehaviourCloning.learn(load_dataset(config.data), device=device, report=report, **settings)
    policy.training_info["data"] = str(config.data)
    return policy


def _video(config: DictConfig, output: Path) -> VideoPolicy:
    """Learn one that imagines a video first."""
    if config.goal_offset is None:
        raise ValueError("`goal_offset` must say how far the goals of a video lie, as in goal_offset=8, got null.")
    names = ("goal_offset", "num_updates", "max_minutes", "seed")
    values = {name: config[name] for name in names} | {"horizon": config.horizon or VIDEO_HORIZON}
    settings, device = keyword_arguments(VideoPolicy.learn, values), pick_device(config.device)
    return VideoPolicy.learn(load_dataset(config.data), device=device, output=output / "world", **settings)


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
