"""Video policies on disk: a world, an inverse dynamics and their settings, nothing pickled."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import torch

from vdworld.agents.video.inverse_dynamics import InverseDynamics
from vdworld.agents.video.video_policy import VideoPolicy
from vdworld.extras import require
from vdworld.spaces import ActionCodec
from vdworld.world import WorldModel

FORMAT = 1
CONFIG, WEIGHTS = "config.json", "model.safetensors"
WORLD, INVERSE_DYNAMICS = "world", "inverse_dynamics"
NAMES = {"video_policy": "video policy", "inverse_dynamics": "inverse dynamics"}


def save_inverse_dynamics(model: InverseDynamics, path: Path) -> Path:
    """Write the folder; an older one there is replaced only once the new one is whole.

    Raises:
        FileExistsError: The folder holds something else.
    """
    safetensors = require("safetensors.torch", "all")
    sizes = {"num_channels": model.num_channels, "image_size": list(model.image_size)}
    settings = {**sizes, "num_before": model.num_before, "hidden_dim": model.hidden_dim, "record": model.record}
    config = _heading("inverse_dynamics") | {"action_codec": model.codec.to_json(), "model": settings}
    _check_free(path, "inverse_dynamics")
    scratch = path / f".saving-{uuid.uuid4().hex[:8]}"
    scratch.mkdir()
    try:
        weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
        safetensors.save_file(weights, scratch / WEIGHTS)
        (scratch / CONFIG).write_text(json.dumps(config, indent=2), encoding="utf-8")
        for file in (WEIGHTS, CONFIG):
            os.replace(scratch / file, path / file)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return path


def load_inverse_dynamics(path: Path) -> InverseDynamics:
    """Read the folder; gradients of the weights are off.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no inverse dynamics.
        ValueError: It is damaged, or written by another version.
    """
    safetensors, config = require("safetensors.torch", "all"), _read_config(path, "inverse_dynamics")
    settings = config["model"] | {"image_size": tuple(config["model"]["image_size"])}
    model = InverseDynamics(ActionCodec.from_json(config["action_codec"]), **settings)
    try:
        model.load_state_dict(safetensors.load_file(path / WEIGHTS))
    except (RuntimeError, OSError, require("safetensors", "all").SafetensorError) as error:
        raise ValueError(f"{WEIGHTS} in {path} is damaged or doesn't fit {CONFIG}: {error}") from error
    return model.eval().requires_grad_(False)


def save_video_policy(policy: VideoPolicy, path: Path) -> Path:
    """Write the folder, with a folder of the world and one of the inverse dynamics in it.

    Raises:
        FileExistsError: The folder holds something else.
    """
    names = ("horizon", "replan_every", "num_candidates", "num_sampling_steps", "seed")
    config = _heading("video_policy") | {"policy": {name: getattr(policy, name) for name in names}}
    _check_free(path, "video_policy")
    policy.world.save_pretrained(path / WORLD)
    save_inverse_dynamics(policy.inverse_dynamics, path / INVERSE_DYNAMICS)
    scratch = path / f".saving-{uuid.uuid4().hex[:8]}"
    scratch.write_text(json.dumps(config, indent=2), encoding="utf-8")
    os.replace(scratch, path / CONFIG)
    return path


def load_video_policy(path: Path, device: str | torch.device = "cpu") -> VideoPolicy:
    """Read the folder; an instruction must be given anew.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no video policy.
        ValueError: It is damaged, or written by another version.
    """
    config = _read_config(path, "video_policy")
    world = WorldModel.from_pretrained(path / WORLD, device=device)
    inverse_dynamics = load_inverse_dynamics(path / INVERSE_DYNAMICS).to(device)
    return VideoPolicy(world, inverse_dynamics, **config["policy"])


def _heading(kind: str) -> dict[str, Any]:
    from vdworld import __version__

    return {"kind": kind, "format": FORMAT, "vdworld": __version__}


def _check_free(path: Path, kind: str) -> None:
    """Make a folder for something, unless it holds something else."""
    if (path / CONFIG).exists() and _parsed(path).get("kind") != kind:
        raise FileExistsError(f"{path} holds something else than a {NAMES[kind]}. Name another folder.")
    path.mkdir(parents=True, exist_ok=True)


def _read_config(path: Path, kind: str) -> dict[str, Any]:
    if not (path / CONFIG).exists():
        raise FileNotFoundError(f"There is no {NAMES[kind]} at {path}. Name a folder of `save_pretrained`.")
    config = _parsed(path)
    if config.get("kind") != kind:
        raise ValueError(f"{path / CONFIG} describes no {NAMES[kind]}. Name a folder of `save_pretrained`.")
    if config["format"] != FORMAT:
        raise ValueError(f"{path} has format {config['format']}, and this vdworld reads {FORMAT}. Learn it again.")
    return config


def _parsed(path: Path) -> dict[str, Any]:
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path / CONFIG} is damaged: {error}. Save it again.") from error
    return config if isinstance(config, dict) else {}
