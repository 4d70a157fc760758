"""``vdworld benchmark grid``: every process with every network, on the same data for the same time."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from vdworld.benchmarks.grid import GridEntry, grid_table
from vdworld.benchmarks.speed import measure_speed
from vdworld.commands.arguments import keyword_arguments
from vdworld.data import Dataset, load_dataset
from vdworld.evaluation.evaluate import held_out_episodes
from vdworld.evaluation.prediction import predict
from vdworld.evaluation.provenance import provenance
from vdworld.training import train
from vdworld.world import WorldModel
from vdworld.world.device import pick_device

PROCESSES = {
    "flow": {"_target_": "vdworld.diffusion.RectifiedFlow", "prediction": "x"},
    "edm": {"_target_": "vdworld.diffusion.EDM", "prediction": "x"},
    "vp": {"_target_": "vdworld.diffusion.VariancePreserving", "schedule": "cosine", "prediction": "x"},
}
NETWORKS = {"unet": "StackedUNet", "video_unet": "VideoUNet", "transformer": "Transformer"}
BATCH = 32  # dreams at a time whose speed is measured


def grid(config: DictConfig) -> None:
    """Train each combination for `minutes`, measure it and write grid.json; a second call goes on with the rest."""
    if config.data is None or config.output is None:
        raise ValueError("`data` and `output` must name a dataset and a folder for the worlds and the figures.")
    keyword_arguments(train, {"max_minutes": config.minutes, "seed": config.seed})
    data, device, output = load_dataset(config.data), pick_device(config.device), Path(config.output)
    held_out, _ = held_out_episodes(data)
    entries = []
    for process, network in product(PROCESSES, NETWORKS):
        folder = output / f"{process}-{network}"
        if not (folder / "config.json").exists():
            print(f"{process}, {network}:")
            _train(config, data, folder, process, network, device)
        world = WorldModel.from_pretrained(folder, device=device)
        entries.append(_measure(config, world, held_out, process, network))
    name = data.spec.id if data.spec else data.path.name
    table = grid_table(entries, f"{name}, {config.minutes:g} minutes of training each, preset {config.preset}")
    about = provenance(device) | {"seed": str(config.seed)}
    print("\n".join(["", table.text(), "", *(f"{key:<9} {value}" for key, value in about.items())]))
    figures = {"about": about, "entries": [entry.to_json() for entry in entries]}
    (output / "grid.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(f"\nFigures: {output / 'grid.json'}")


def _train(config: DictConfig, data: Dataset, folder: Path, process: str, network: str, device: Any) -> None:
    train(
        data,
        preset=config.preset,
        network={"_target_": f"vdworld.networks.{NETWORKS[network]}"},
        process=PROCESSES[process],
        max_minutes=config.minutes,
        output=folder,
        resume=True,
        seed=config.seed,
        device=device,
        num_rollout_gifs=0,
    )


def _measure(config: DictConfig, world: WorldModel, held_out: Dataset, process: str, network: str) -> GridEntry:
    prediction = predict(world, held_out, seed=config.seed, num_clips=config.num_clips)
    speed = measure_speed(
        world,
        batch_sizes=[BATCH],
        num_sampling_steps=[world.num_sampling_steps],
        repeats=config.repeats,
        seconds=config.seconds,
    )
    return GridEntry(
        process=process,
        network=network,
        parameters=sum(p.numel() for p in world.network.parameters()) / 1e6,
        minutes=world.training_info["minutes"],
        training_steps=world.training_info["steps"],
        rates=tuple(next(iter(speed.rates.values()))),
        prediction=prediction,
    )
