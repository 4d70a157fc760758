"""``vdworld clone``: train a policy to act as recorded, towards goals if there is a `goal_offset`, and save it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from omegaconf import DictConfig

from vdworld.agents import BehaviourCloning, Policy, VideoPolicy
from vdworld.commands.arguments import keyword_arguments
from vdworld.commands.effective_values import Fallback
from vdworld.commands.output_folder import POLICY, VIDEO_POLICY, check_output
from vdworld.data import load_dataset
from vdworld.storage.folder_lock import FolderLock
from vdworld.training.training_log import TrainingLog
from vdworld.world.device import pick_device

NOT_LEARN = ("data", "output", "device", "video")
HORIZON, VIDEO_HORIZON = 15, 8


def run(config: DictConfig) -> None:
    """Train the policy, and print where it is."""
    output = Path(config.output)
    check_output(output, VIDEO_POLICY if config.video else POLICY, resume=False, resumes=False)
    with FolderLock(output):
        policy = _video(config, output) if config.video else _clone(config, output)
        policy.save_pretrained(output)
    where = f"world=... data={config.data} policy={output}"
    goals = "" if config.goal_offset is None else f" goal_offset={config.goal_offset} budget={2 * config.goal_offset}"
    print(f"The policy is in {output}.")
    print(f"Let it act in the real environment: vdworld evaluate {where}{goals}")
    print(f"Compare it with planners: vdworld benchmark planning {where}{goals}")


def _clone(config: DictConfig, output: Path) -> Policy:
    """Train a policy that acts at once."""
    values = {name: config[name] for name in config if name not in NOT_LEARN} | {"horizon": config.horizon or HORIZON}
    settings = keyword_arguments(BehaviourCloning.learn, values)
    with TrainingLog(output) as log:
        report = reporter(log, config.num_updates, config.max_minutes, config.batch_size * values["horizon"])
        device = pick_device(config.device)
        policy = BehaviourCloning.learn(load_dataset(config.data), device=device, report=report, **settings)
    policy.training_info["data"] = str(config.data)
    return policy


def _video(config: DictConfig, output: Path) -> VideoPolicy:
    """Train a policy that imagines a video first."""
    if config.goal_offset is None:
        raise ValueError("`goal_offset` must be a number of steps with video=true, as in goal_offset=8, got null.")
    names = ("goal_offset", "num_updates", "max_minutes", "seed")
    values = {name: config[name] for name in names} | {"horizon": config.horizon or VIDEO_HORIZON}
    settings, device = keyword_arguments(VideoPolicy.learn, values), pick_device(config.device)
    return VideoPolicy.learn(load_dataset(config.data), device=device, output=output / "world", **settings)


def fallbacks(config: DictConfig) -> Iterator[Fallback]:
    """Yield what a null horizon stands for."""
    yield Fallback("", {"horizon": VIDEO_HORIZON if config.video else HORIZON})


def reporter(
    log: TrainingLog, num_updates: int, max_minutes: float | None, actions_per_update: int
) -> Callable[[int, dict[str, float]], None]:
    """Return a function that logs the figures of each update.

    Args:
        log: Where to write.
        num_updates: Updates of the whole run.
        max_minutes: Minutes after which the run ends, if that comes first; None sets no limit.
        actions_per_update: Actions of all clips of an update together.
    """
    start = time.monotonic()

    def report(update: int, figures: dict[str, float]) -> None:
        time_share = 0.0 if max_minutes is None else (time.monotonic() - start) / (60 * max_minutes)
        log.step(update, min(max(update / num_updates, time_share), 1.0), actions_per_update, figures)

    return report
