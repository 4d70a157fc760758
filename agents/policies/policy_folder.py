"""Saved policies: one self-contained folder each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vdworld.agents.agent_folder import WEIGHTS, agent_content, load_weights, open_agent, write_folder
from vdworld.agents.policies.policy import Policy
from vdworld.json_values import arguments_from_json, reading
from vdworld.space_json import space_from_json, space_to_json
from vdworld.spaces import ActionCodec
from vdworld.storage.fitting_tensors import no_larger_than
from vdworld.storage.saved_folder import CONFIG
from vdworld.world.build import MAX_SIZE
from vdworld.world.older_names import with_present_names

KIND = "policy"


def save_policy(policy: Policy, path: Path) -> Path:
    """Write the policy's folder; it holds an earlier policy or the new one at every moment.

    Raises:
        FileExistsError: The folder holds something else, such as a world.
    """
    return write_folder(path, agent_content(KIND, policy_config(policy), policy.network))


def load_policy(path: Path) -> Policy:
    """Read a policy's folder; its weights take no gradients.

    Raises:
        FileNotFoundError: There is no such folder, or it holds no policy.
        ValueError: It is damaged, or written by another version.
    """
    folder = open_agent(path, KIND)
    config = folder.description
    with reading(folder.path / CONFIG), no_larger_than(folder.tensors(WEIGHTS)):
        settings = {
            "observation_space": space_from_json(config["observation_space"]),
            "action_codec": ActionCodec.from_json(config["action_codec"]),
            **with_present_names(config["policy"]),
        }
        policy = Policy(**arguments_from_json(Policy, settings, MAX_SIZE))
    load_weights(policy.network, folder)
    return policy


def policy_config(policy: Policy) -> dict[str, Any]:
    """Return the description of a policy for config.json."""
    return {
        "observation_space": space_to_json(policy.observation_space),
        "action_codec": policy.codec.to_json(),
        "policy": {
            "cameras": list(policy.observer.cameras),
            "hidden_dim": policy.network.hidden_dim,
            "recurrent": policy.network.recurrent,
            "frame_stack": policy.network.frame_stack,
            "goals": policy.goals,
            "deterministic": policy.deterministic,
            "training_info": policy.training_info,
        },
    }
