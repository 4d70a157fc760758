"""``vdworld demo``: the whole workflow on PushT, from recording to planning in the real environment."""

from __future__ import annotations

import time
from pathlib import Path

from omegaconf import DictConfig

from vdworld.agents import Planner
from vdworld.commands.arguments import instantiate, keyword_arguments
from vdworld.commands.plan import pick_objective
from vdworld.data import Dataset
from vdworld.envs.recording.recorder import record
from vdworld.evaluation import PlayProtocol, evaluate
from vdworld.training import train
from vdworld.world import WorldModel
from vdworld.world.device import pick_device


def run(config: DictConfig) -> None:
    """Record, train, evaluate and plan, and print where the report is."""
    output, start = Path(config.output), time.monotonic()
    if not config.resume and output.exists() and any(output.iterdir()):
        raise FileExistsError(
            f"`output` must be a new or empty folder, got {output}. Resume its run with resume=true, "
            "or name another folder with output=."
        )
    real_steps = config.record.num_steps * config.record.action_repeat
    print(f"[1/3] Record {real_steps:,} steps of {config.record.env}, {config.record.action_repeat} per recorded step")
    dataset = _record(config, output / "data")
    num_steps, minutes = dataset.split("train").num_steps, config.train.max_minutes
    print(f"[2/3] Train a world on {num_steps:,} recorded steps for {minutes:g} minutes")
    world = _train(config, dataset, output / "world")
    print("[3/3] Evaluate on held-out episodes, and plan in the real environment")
    planner = Planner(
        world,
        instantiate(config.planner),
        pick_objective(config.objective, None, dataset, world),
        replan_every=config.replan_every,
        seed=config.seed,
    )
    protocol = PlayProtocol(seed=config.seed, **keyword_arguments(PlayProtocol, config.evaluate))
    report = evaluate(world, dataset, agents={"planner": planner}, protocol=protocol, output=output / "report")
    print(report)
    print(f"\n{planner.num_imagined:,} frames were imagined for the plans.")
    print(f"The demo took {(time.monotonic() - start) / 60:.1f} minutes. Open {output / 'report' / 'report.html'}")


def _record(config: DictConfig, path: Path) -> Dataset:
    settings = keyword_arguments(record, {name: value for name, value in config.record.items() if name != "policy"})
    policy = config.record.policy
    return record(
        path=path,
        seed=config.seed,
        policy=None if policy is None else instantiate(policy),
        **settings,
    )


def _train(config: DictConfig, dataset: Dataset, path: Path) -> WorldModel:
    return train(
        dataset,
        preset="tiny",
        output=path,
        seed=config.seed,
        resume=config.resume,
        device=pick_device(config.device),
        **keyword_arguments(train, config.train),
    )
