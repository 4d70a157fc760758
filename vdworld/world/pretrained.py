"""Worlds on disk: one self-contained folder, nothing pickled."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from vdworld.json_values import arguments_from_json, reading
from vdworld.spaces import ActionCodec
from vdworld.spec import EnvironmentSpec
from vdworld.storage.fitting_tensors import load_fitting, no_larger_than
from vdworld.storage.saved_folder import CONFIG, FolderContent, SavedFolder, read_folder, save_folder
from vdworld.world.build import MAX_SIZE, build
from vdworld.world.card import model_card
from vdworld.world.fitting_parts import check_parts, check_starts
from vdworld.world.heads import OutcomeHeads
from vdworld.world.model import WorldModel
from vdworld.world.older_names import older_network, with_present_names
from vdworld.world.sampling import Sampling
from vdworld.world.start_clips import StartClips

FORMAT = 3
OLDER_FORMAT = 2  # of worlds that copy pixels by kernels
WEIGHTS, STARTS, CARD = "model.safetensors", "starts.safetensors", "README.md"
FILES = (WEIGHTS, STARTS)
"""The files of a world beside its description."""


def save_world(world: WorldModel, path: Path) -> Path:
    """Write the world's folder, which holds the older world there or the new one at every moment.

    Other files in the folder, such as logs, are kept.

    Raises:
        ValueError: The network or process was not built by ``vdworld.world.build``.
        OSError: The disk is full or failed; the older world stays readable.
    """
    save_folder(path, world_content(world))
    return path


def world_content(world: WorldModel) -> FolderContent:
    """Return what a world's folder holds.

    Raises:
        ValueError: The network or process was not built by ``vdworld.world.build``.
    """
    starts = None if world.starts is None else world.starts.tensors()
    tensors = {WEIGHTS: world.state_dict(), STARTS: starts}
    return FolderContent(world_config(world), tensors, texts={CARD: model_card(world)})


def load_world(path_or_name: str | Path) -> WorldModel:
    """Read a world's folder; the weights do not require gradients.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no world.
        ValueError: The folder was written by a newer vdworld, or is damaged.
    """
    return build_world(read_folder(find_world(path_or_name), FILES))


def build_world(folder: SavedFolder) -> WorldModel:
    """Build the world that a folder holds.

    Raises:
        ValueError: The folder was written by a newer vdworld, or is damaged.
    """
    config, weights = _check_config(folder), with_present_names(folder.tensors(WEIGHTS))
    with reading(folder.path / CONFIG), no_larger_than(weights):
        world = _described_world(config)
    load_fitting(world, weights, folder.path / WEIGHTS)
    if STARTS in folder:
        with reading(folder.path / STARTS):
            world.starts = StartClips(**with_present_names(folder.tensors(STARTS)))
            check_starts(world)
    return world.eval().requires_grad_(False)


def _described_world(config: dict[str, Any]) -> WorldModel:
    """Build a world with new weights from its description."""
    spec, settings = config["spec"], with_present_names(config["world"])
    settings["sampling"] = Sampling(**arguments_from_json(Sampling, settings["sampling"]))
    settings |= {"network": build(config["network"]), "process": build(config["process"])}
    settings["heads"] = OutcomeHeads(**arguments_from_json(OutcomeHeads, config["heads"], MAX_SIZE))
    settings["action_codec"] = ActionCodec.from_json(config["action_codec"])
    settings["spec"] = None if spec is None else EnvironmentSpec.from_json(spec)
    world = WorldModel(**arguments_from_json(WorldModel, settings))
    check_parts(world)
    return world


def world_config(world: WorldModel) -> dict[str, Any]:
    """Return what config.json holds.

    Raises:
        ValueError: The network or process was not built by ``vdworld.world.build``.
    """
    from vdworld import __version__

    parts = {name: getattr(getattr(world, name), "description", None) for name in ("network", "process")}
    for name, description in parts.items():
        if description is None:
            raise ValueError(f"`{name}` must be built by `vdworld.world.build`, which keeps its description.")
    heads = world.heads
    return {
        "format": FORMAT,
        "vdworld": __version__,
        **parts,
        "heads": {
            "feature_dim": world.network.feature_dim,
            "reward_offset": heads.reward_offset,
            "reward_scale": heads.reward_scale,
            "hidden_dim": heads.output.in_features,
            "reading_offset": list(heads.reading_offset),
            "reading_scale": list(heads.reading_scale),
        },
        "action_codec": world.action_codec.to_json(),
        "spec": None if world.spec is None else world.spec.to_json(),
        "world": {
            "image_size": list(world.image_size),
            "cameras": list(world.cameras),
            "readings": world.readings,
            "fps": world.fps,
            "has_reward": world.has_reward,
            "sampling": asdict(world.sampling),
            "shortcut_steps": world.shortcut_steps,
            "trained_without": list(world.trained_without),
            "training_info": world.training_info,
            "uncertainty_quantiles": [list(row) for row in world.uncertainty_quantiles],
        },
    }


def _check_config(folder: SavedFolder) -> dict[str, Any]:
    path, config = folder.path, folder.description
    if "format" not in config:
        raise ValueError(f"{path / CONFIG} does not describe a world. Name a folder that `save_pretrained` wrote.")
    if "observation_space" in config:
        raise ValueError(f"{path} holds a policy, not a world. Name the folder of the world.")
    if config["format"] == OLDER_FORMAT:
        config = {**config, "network": older_network(config["network"])}
    elif config["format"] != FORMAT:
        newer = isinstance(config["format"], int) and config["format"] > FORMAT
        raise ValueError(
            f"{path} holds a world of format {config['format']}, and this vdworld reads {FORMAT}. "
            + ("Upgrade: pip install --upgrade vdworld." if newer else "Train it again.")
        )
    return config


def find_world(path_or_name: str | Path) -> Path:
    """Return the folder of a world.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no world.
    """
    path = Path(path_or_name).expanduser()
    if not path.is_dir():
        raise FileNotFoundError(f"There is no world at {path}. Train one with `vdworld train data=... output={path}`.")
    if not (path / CONFIG).exists():
        files = ", ".join(sorted(p.name for p in path.iterdir())[:8]) or "nothing"
        raise FileNotFoundError(f"{path} holds no world: {CONFIG} is missing, there is {files}.")
    return path
