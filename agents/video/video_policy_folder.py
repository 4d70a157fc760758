"""Saved video policies: a world, inverse dynamics and their settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from vdworld.agents.agent_folder import WEIGHTS, agent_content, check_agent, load_weights, open_agent, write_folder
from vdworld.agents.video.inverse_dynamics import InverseDynamics
from vdworld.agents.video.video_policy import VideoPolicy
from vdworld.json_values import arguments_from_json, reading, value_from_json
from vdworld.spaces import ActionCodec
from vdworld.storage.fitting_tensors import no_larger_than
from vdworld.storage.saved_folder import CONFIG, FolderContent, SavedFolder
from vdworld.world.build import MAX_SIZE
from vdworld.world.older_names import with_present_names
from vdworld.world.pretrained import FILES as WORLD_FILES
from vdworld.world.pretrained import build_world, world_content

WORLD, INVERSE_DYNAMICS = "world", "inverse_dynamics"
"""Folders inside that of a video policy."""


def save_inverse_dynamics(model: InverseDynamics, path: Path) -> Path:
    """Write the folder, which holds an earlier model or the new one at every moment.

    Raises:
        FileExistsError: The folder holds something else.
    """
    return write_folder(path, _inverse_dynamics_content(model))


def load_inverse_dynamics(path: Path) -> InverseDynamics:
    """Read the folder; the weights take no gradients.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no inverse dynamics.
        ValueError: It is damaged, or written by another version.
    """
    return _build_inverse_dynamics(open_agent(path, "inverse_dynamics"))


def save_video_policy(policy: VideoPolicy, path: Path) -> Path:
    """Write the folder, with one folder inside for the world and one for the inverse dynamics.

    Raises:
        FileExistsError: The folder holds something else.
    """
    names = ("horizon", "replan_every", "num_candidates", "num_sampling_steps", "seed")
    content = agent_content("video_policy", {"policy": {name: getattr(policy, name) for name in names}})
    inverse_dynamics = _inverse_dynamics_content(policy.inverse_dynamics)
    folders = {WORLD: world_content(policy.world), INVERSE_DYNAMICS: inverse_dynamics}
    return write_folder(path, replace(content, folders=folders))


def load_video_policy(path: Path, device: str | torch.device = "cpu") -> VideoPolicy:
    """Read the folder; the instruction is not saved, call ``follow`` again.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no video policy.
        ValueError: It is damaged, or written by another version.
    """
    inner = {WORLD: WORLD_FILES, INVERSE_DYNAMICS: (WEIGHTS,)}
    files = [f"{name}/{file}" for name, names in inner.items() for file in (CONFIG, *names)]
    folder = open_agent(path, "video_policy", files)
    world = build_world(folder.folder(WORLD)).to(device)
    model = check_agent(folder.folder(INVERSE_DYNAMICS), "inverse_dynamics")
    inverse_dynamics = _build_inverse_dynamics(model).to(device)
    with reading(path / CONFIG):
        saved = dict(folder.description["policy"])
        seed = value_from_json("seed", saved.pop("seed", 0), int)
        parts = {"world": world, "inverse_dynamics": inverse_dynamics, **saved}
        return VideoPolicy(**arguments_from_json(VideoPolicy, parts, MAX_SIZE), seed=seed)


def _inverse_dynamics_content(model: InverseDynamics) -> FolderContent:
    settings = {
        "num_channels": model.num_channels,
        "image_size": list(model.image_size),
        "num_before": model.num_before,
        "hidden_dim": model.hidden_dim,
        "training_info": model.training_info,
    }
    config = {"action_codec": model.codec.to_json(), "model": settings}
    return agent_content("inverse_dynamics", config, model)


def _build_inverse_dynamics(folder: SavedFolder) -> InverseDynamics:
    config = folder.description
    with reading(folder.path / CONFIG), no_larger_than(folder.tensors(WEIGHTS)):
        settings = {"codec": ActionCodec.from_json(config["action_codec"]), **with_present_names(config["model"])}
        model = InverseDynamics(**arguments_from_json(InverseDynamics, settings, MAX_SIZE))
    load_weights(model, folder)
    return model
