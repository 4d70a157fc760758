"""``vdworld info PATH``: print what a dataset, a world or a policy holds, and which versions are installed."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from vdworld.agents import Policy, VideoPolicy
from vdworld.agents.agent_folder import LABELS, kind_of
from vdworld.data import Dataset, load_dataset
from vdworld.data.layout import INFO
from vdworld.evaluation.provenance import provenance
from vdworld.world import WorldModel
from vdworld.world.pretrained import CONFIG

Facts = dict[str, str]

TRAINING = {
    "date": "training date",
    "dataset": "training data",
    "steps": "training steps",
    "minutes": "training minutes",
}
"""Names of entries of a world's training information."""

WIDTH = 100
"""Characters per line, indentation left out."""


def run(config: DictConfig) -> None:
    """Print the facts about each folder, then the versions."""
    facts = {}
    if config.path is not None:
        facts[config.path] = describe(Path(config.path))
    if config.data is not None:
        facts[config.data] = dataset_facts(load_dataset(config.data))
    if config.world is not None:
        facts[config.world] = world_facts(WorldModel.from_pretrained(config.world))
    origin = provenance()
    facts["this machine"] = {name: origin[name] for name in ("machine", "versions")}
    print("\n\n".join(facts_table(title, lines) for title, lines in facts.items()))


def describe(path: Path) -> Facts:
    """Return the facts about a folder with a dataset, a world or a policy.

    Raises:
        FileNotFoundError: There is no such folder, or it holds none of them.
    """
    if (path / INFO).is_file():
        return dataset_facts(load_dataset(path))
    if (path / CONFIG).is_file():
        kind = kind_of(path)
        return world_facts(WorldModel.from_pretrained(path)) if kind is None else agent_facts(path, kind)
    reason = "which does not exist" if not path.exists() else f"which has neither {INFO} nor {CONFIG}"
    raise FileNotFoundError(f"`path` must be a dataset, a world or a policy folder, got {path}, {reason}.")


def dataset_facts(dataset: Dataset) -> Facts:
    """Return what a dataset holds."""
    train, test = (len(dataset.split(name)) for name in ("train", "test"))
    height, width = dataset.image_size
    return {
        "holds": "a dataset in the LeRobot v3 layout",
        "environment": "unknown" if dataset.spec is None else dataset.spec.id,
        "episodes": f"{len(dataset):,}, {train:,} to train on and {test:,} held out",
        "steps": f"{dataset.num_steps:,}",
        "frames": f"{height} x {width} pixels, {dataset.fps:g} per second, from {', '.join(dataset.cameras)}",
        "actions": str(dataset.action_space),
        "rewards": "yes" if dataset.has_rewards else "no",
    }


def world_facts(world: WorldModel) -> Facts:
    """Return what a world imagines, and how it was trained."""
    height, width = world.image_size
    parameters = sum(parameter.numel() for parameter in world.parameters())
    return {
        "holds": f"a world model, {type(world.network).__name__}, {parameters / 1e6:.2f} million parameters",
        "environment": "unknown" if world.spec is None else world.spec.id,
        "frames": f"{height} x {width} pixels, {world.fps:g} per second, from {', '.join(world.cameras)}",
        "context": f"{world.context_length} frames",
        "actions": str(world.action_space),
        "rewards": "yes" if world.has_reward else "no",
        "starts": "none" if world.starts is None else f"{len(world.starts)} real clips",
        **{
            TRAINING.get(name, name): _one_line(value)
            for name, value in world.training_info.items()
            if value is not None
        },
    }


def agent_facts(path: Path, kind: str) -> Facts:
    """Return what a saved agent observes and does, and how it was trained."""
    if kind not in ("policy", "video_policy"):
        return {"holds": f"a part of an agent, its {LABELS.get(kind, kind)}"}
    if kind == "video_policy":
        return world_facts(VideoPolicy.from_pretrained(path).world) | {
            "holds": "a video policy, with the world that imagines its videos"
        }
    policy = Policy.from_pretrained(path)
    parameters = sum(parameter.numel() for parameter in policy.network.parameters())
    return {
        "holds": f"a policy, {parameters / 1e6:.2f} million parameters",
        "observes": str(policy.observation_space),
        "actions": str(policy.action_space),
        "goals": "yes" if policy.goals else "no",
        **{name: _one_line(value) for name, value in policy.training_info.items() if value is not None},
    }


def _one_line(value: Any) -> str:
    """Return a part of the training information on one line."""
    if not isinstance(value, dict):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return ", ".join(f"{name} {_one_line(part)}" for name, part in value.items() if part is not None)


def facts_table(title: str, facts: Facts) -> str:
    """Return facts as lines in two columns under a title."""
    width = max(map(len, facts))
    lines = []
    for name, value in facts.items():
        first, *rest = textwrap.wrap(value, WIDTH - width) or [""]
        lines += [f"  {name:<{width}}  {first}", *(f"  {'':<{width}}  {line}" for line in rest)]
    return "\n".join([title, *lines])
