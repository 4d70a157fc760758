"""Saved video policies: a world, inverse dynamics and their settings."""

from __future__ import annotations

from pathlib import Path

import torch

from vdworld.agents.agent_folder import prepare_folder, read_config, read_weights, write_folder
from vdworld.agents.video.inverse_dynamics import InverseDynamics
from vdworld.agents.video.video_policy import VideoPolicy
from vdworld.spaces import ActionCodec
from vdworld.world import WorldModel
from vdworld.world.older_names import with_present_names

WORLD, INVERSE_DYNAMICS = "world", "inverse_dynamics"
"""Folders inside that of a video policy."""


def save_inverse_dynamics(model: InverseDynamics, path: Path) -> Path:
    """Write the folder; an earlier one is replaced only when the new one is complete.

    Raises:
        FileExistsError: The folder holds something else.
    """
    sizes = {"num_channels": model.num_channels, "image_size": list(model.image_size)}
    settings = {
        **sizes,
        "num_before": model.num_before,
        "hidden_dim": model.hidden_dim,
        "training_info": model.training_info,
    }
    config = {"action_codec": model.codec.to_json(), "model": settings}
    return write_folder(path, "inverse_dynamics", config, model)


def load_inverse_dynamics(path: Path) -> InverseDynamics:
    """Read the folder; the weights take no gradients.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no inverse dynamics.
        ValueError: It is damaged, or written by another version.
    """
    config = read_config(path, "inverse_dynamics")
    settings = with_present_names(config["model"])
    settings["image_size"] = tuple(settings["image_size"])
    model = InverseDynamics(ActionCodec.from_json(config["action_codec"]), **settings)
    read_weights(path, model)
    return model


def save_video_policy(policy: VideoPolicy, path: Path) -> Path:
    """Write the folder, with one folder inside for the world and one for the inverse dynamics.

    Raises:
        FileExistsError: The folder holds something else.
    """
    prepare_folder(path, "video_policy")
    policy.world.save_pretrained(path / WORLD)
    save_inverse_dynamics(policy.inverse_dynamics, path / INVERSE_DYNAMICS)
    names = ("horizon", "replan_every", "num_candidates", "num_sampling_steps", "seed")
    return write_folder(path, "video_policy", {"policy": {name: getattr(policy, name) for name in names}})


def load_video_policy(path: Path, device: str | torch.device = "cpu") -> VideoPolicy:
    """Read the folder; the instruction is not saved, call ``follow`` again.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no video policy.
        ValueError: It is damaged, or written by another version.
    """
    config = read_config(path, "video_policy")
    world = WorldModel.from_pretrained(path / WORLD, device=device)
    inverse_dynamics = load_inverse_dynamics(path / INVERSE_DYNAMICS).to(device)
    return VideoPolicy(world, inverse_dynamics, **config["policy"])
