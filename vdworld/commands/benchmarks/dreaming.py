"""``vdworld benchmark dreaming``: whether policies learnt in dreams are worth as much as those learnt for real."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from omegaconf import DictConfig

from vdworld.agents.policies.actor_critic import Report
from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.benchmarks.dream_vs_real import measure_dreaming
from vdworld.benchmarks.results import show_and_keep
from vdworld.commands.arguments import keyword_arguments
from vdworld.commands.policy_learning import reporter
from vdworld.data import load_dataset
from vdworld.training.logging import TrainingLog
from vdworld.world import Execution, WorldModel
from vdworld.world.device import pick_device


def dreaming(config: DictConfig) -> None:
    """Learn, measure, print the table, and write policies and dreaming.json to `output`."""
    for name in ("world", "data"):
        if config[name] is None:
            raise ValueError(f"`{name}` must name a folder for this benchmark, got null.")
    output = None if config.output is None else Path(config.output)
    if output is not None and (output / "dreaming.json").exists() and not config.resume:
        raise FileExistsError(f"`output` must be a new folder, got {output}. resume=true goes on with what it holds.")
    values = dict(config.learning)
    learning = keyword_arguments(LearningSettings, values.pop("settings") or {})
    values |= {name: config[name] for name in ("num_episodes", "max_steps", "seed")}
    settings = keyword_arguments(measure_dreaming, values)
    world = WorldModel.from_pretrained(config.world, device=pick_device(config.device))
    world.execution = Execution(**keyword_arguments(Execution, config.execution))
    steps_per_update = settings["num_envs"] * LearningSettings(**learning).horizon
    with ExitStack() as logs:

        def make_logger(name: str, folder: Path | None) -> Report:
            logs.close()
            print(f"\nlearn from {name}")
            return reporter(logs.enter_context(TrainingLog(folder)), settings["num_steps"], steps_per_update)

        folders = {"output": output, "make_logger": make_logger}
        result = measure_dreaming(world, load_dataset(config.data), **folders, **settings, **learning)
    show_and_keep(result, output, "dreaming")
