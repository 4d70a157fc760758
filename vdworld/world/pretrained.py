"""Worlds on disk: one self-contained folder, nothing pickled."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vdworld.extras import require
from vdworld.spaces import ActionCodec
from vdworld.spec import EnvironmentSpec
from vdworld.world.build import build
from vdworld.world.card import model_card
from vdworld.world.heads import OutcomeHeads
from vdworld.world.model import WorldModel
from vdworld.world.older_names import with_present_names
from vdworld.world.sampling import Sampling
from vdworld.world.start_clips import StartClips

FORMAT = 2
CONFIG, WEIGHTS, STARTS, CARD = "config.json", "model.safetensors", "starts.safetensors", "README.md"


def save_world(world: WorldModel, path: Path) -> Path:
    """Write the world's folder. An older world there is replaced only once all new files are complete.

    Other files in the folder, such as logs, are kept.

    Raises:
        ValueError: The network or process was not built by ``vdworld.world.build``.
    """
    safetensors = require("safetensors.torch", "all")
    config = world_config(world)
    path.mkdir(parents=True, exist_ok=True)
    scratch = path / f".saving-{uuid.uuid4().hex[:8]}"
    scratch.mkdir()
    try:
        weights = {name: value.detach().cpu().contiguous() for name, value in world.state_dict().items()}
        safetensors.save_file(weights, scratch / WEIGHTS)
        if world.starts is not None:
            starts = {name: value.cpu().contiguous() for name, value in world.starts.tensors().items()}
            safetensors.save_file(starts, scratch / STARTS)
        (scratch / CARD).write_text(model_card(world), encoding="utf-8")
        (scratch / CONFIG).write_text(json.dumps(config, indent=2), encoding="utf-8")
        for file in (STARTS, WEIGHTS, CARD, CONFIG):
            if (scratch / file).exists():
                os.replace(scratch / file, path / file)
            else:  # the older world had start clips, the new one has none
                (path / file).unlink(missing_ok=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return path


def load_world(path_or_name: str | Path) -> WorldModel:
    """Read a world's folder; the weights do not require gradients.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no world.
        ValueError: The folder was written by a newer vdworld, or is damaged.
    """
    path = find_world(path_or_name)
    safetensors = require("safetensors.torch", "all")
    config = _read_config(path)
    spec = config["spec"]
    values = with_present_names(config["world"])
    settings: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    settings["sampling"] = Sampling(**settings["sampling"])
    world = WorldModel(
        network=build(config["network"]),
        process=build(config["process"]),
        heads=OutcomeHeads(**config["heads"]),
        action_codec=ActionCodec.from_json(config["action_codec"]),
        spec=None if spec is None else EnvironmentSpec.from_json(spec),
        **settings,
    )
    try:
        world.load_state_dict(with_present_names(safetensors.load_file(path / WEIGHTS)))
        if (path / STARTS).exists():
            world.starts = StartClips(**with_present_names(safetensors.load_file(path / STARTS)))
    except (RuntimeError, TypeError, OSError, require("safetensors", "all").SafetensorError) as error:
        raise ValueError(
            f"{WEIGHTS} or {STARTS} in {path} is damaged or doesn't fit {CONFIG}: {error} Save the world again."
        ) from error
    return world.eval().requires_grad_(False)


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
            "uncertainty_quantiles": list(world.uncertainty_quantiles),
        },
    }


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path / CONFIG} is damaged: {error}. Save the world again.") from error
    if not isinstance(config, dict) or "format" not in config:
        raise ValueError(f"{path / CONFIG} does not describe a world. Name a folder that `save_pretrained` wrote.")
    if "observation_space" in config:
        raise ValueError(f"{path} holds a policy, not a world. Name the folder of the world.")
    if config["format"] != FORMAT:
        raise ValueError(
            f"{path} holds a world of format {config['format']}, and this vdworld reads {FORMAT}. "
            + ("Upgrade: pip install --upgrade vdworld." if config["format"] > FORMAT else "Train it again.")
        )
    return config


def find_world(path_or_name: str | Path) -> Path:
    """Return the folder of a world.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no world.
    """
    path = Path(path_or_name).expanduser()
    if not path.is_dir():
        raise FileNotFoundError(f"There is no world at {path}. Train one with `vdworld train output={path}`.")
    if not (path / CONFIG).exists():
        files = ", ".join(sorted(p.name for p in path.iterdir())[:8]) or "nothing"
        raise FileNotFoundError(f"{path} holds no world: {CONFIG} is missing, there is {files}.")
    return path
