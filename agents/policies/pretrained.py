"""Policies on disk: one folder with everything, nothing pickled."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from vdworld.agents.policies.policy import Policy
from vdworld.extras import require
from vdworld.space_json import space_from_json, space_to_json
from vdworld.spaces import ActionCodec

KIND, FORMAT = "policy", 1
CONFIG, WEIGHTS = "config.json", "model.safetensors"


def save_policy(policy: Policy, path: Path) -> Path:
    """Write the policy's folder; an older policy there is replaced only once the new one is whole.

    Raises:
        FileExistsError: The folder holds something else, such as a world.
    """
    safetensors = require("safetensors.torch", "all")
    if (path / CONFIG).exists() and _kind(path) != KIND:
        raise FileExistsError(f"{path} holds something else than a policy. Name another folder.")
    path.mkdir(parents=True, exist_ok=True)
    scratch = path / f".saving-{uuid.uuid4().hex[:8]}"
    scratch.mkdir()
    try:
        weights = {name: value.detach().cpu().contiguous() for name, value in policy.network.state_dict().items()}
        safetensors.save_file(weights, scratch / WEIGHTS)
        (scratch / CONFIG).write_text(json.dumps(policy_config(policy), indent=2), encoding="utf-8")
        for file in (WEIGHTS, CONFIG):
            os.replace(scratch / file, path / file)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return path


def load_policy(path: Path) -> Policy:
    """Read a policy's folder; gradients of the weights are off.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no policy.
        ValueError: It is damaged, or written by another version.
    """
    safetensors = require("safetensors.torch", "all")
    if not (path / CONFIG).exists():
        raise FileNotFoundError(f"There is no policy at {path}. Learn one with `vdworld learn output={path}`.")
    if _kind(path) != KIND:
        raise ValueError(f"{path / CONFIG} describes no policy. Name a folder that `Policy.save_pretrained` wrote.")
    config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    if config["format"] != FORMAT:
        raise ValueError(f"{path} holds a policy of format {config['format']}, and this vdworld reads {FORMAT}.")
    policy = Policy(
        space_from_json(config["observation_space"]),
        ActionCodec.from_json(config["action_codec"]),
        **config["policy"],
    )
    try:
        policy.network.load_state_dict(safetensors.load_file(path / WEIGHTS))
    except (RuntimeError, OSError, require("safetensors", "all").SafetensorError) as error:
        raise ValueError(f"{WEIGHTS} in {path} is damaged or doesn't fit {CONFIG}: {error}") from error
    policy.network.eval().requires_grad_(False)
    return policy


def policy_config(policy: Policy) -> dict[str, Any]:
    """Return what config.json holds."""
    from vdworld import __version__

    return {
        "kind": KIND,
        "format": FORMAT,
        "vdworld": __version__,
        "observation_space": space_to_json(policy.observation_space),
        "action_codec": policy.codec.to_json(),
        "policy": {
            "cameras": list(policy.observer.cameras),
            "hidden_dim": policy.network.hidden_dim,
            "recurrent": policy.network.recurrent,
            "goals": policy.goals,
            "deterministic": policy.deterministic,
            "record": policy.record,
        },
    }


def _kind(path: Path) -> Any:
    """Return what a folder's config.json calls itself, None where it does not."""
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path / CONFIG} is damaged: {error}. Save the policy again.") from error
    return config.get("kind") if isinstance(config, dict) else None
