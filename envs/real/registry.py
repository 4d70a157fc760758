"""Find environments by their id: which package brings it, and what else is known about it."""

from __future__ import annotations

import difflib
import importlib
import os
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

# Namespace of an id -> the module that registers it, and the extra of vdworld that installs it.
_PACKAGES = {"gym_pusht": ("gym_pusht", "pusht"), "ALE": ("ale_py", "atari")}

# Keyword arguments that recording needs, used when the user gives none. PushT's `render()` marks the action in the
# picture with a red cross, so its own pictures are taken instead.
_KWARGS = {
    "gym_pusht/PushT-v0": {"obs_type": "pixels_agent_pos", "observation_width": 128, "observation_height": 128},
}


def find_environment(env_id: str) -> EnvSpec:
    """Return Gymnasium's description of an environment, importing the package that brings it.

    Args:
        env_id: Such as ``"CartPole-v1"``, ``"gym_pusht/PushT-v0"`` or, with its module,
            ``"gym_pusht:gym_pusht/PushT-v0"``. For an unknown namespace the package of that name is imported.

    Raises:
        gymnasium.error.NamespaceNotFound: The package is missing.
        gymnasium.error.NameNotFound: No environment has this id.
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # pygame then needs no display
    module, _, name = env_id.rpartition(":")
    namespace = name.split("/")[0] if "/" in name else ""
    if module:
        _import(module, namespace, name)
    elif namespace and all(spec.namespace != namespace for spec in gym.registry.values()):
        _import(_PACKAGES.get(namespace, (namespace, None))[0], namespace, name)
    try:
        return gym.spec(name)
    except gym.error.UnregisteredEnv as error:
        matches = difflib.get_close_matches(name, gym.registry, n=3, cutoff=0.5)
        advice = f"Did you mean {' or '.join(matches)}?" if matches else "Is its package imported?"
        raise gym.error.NameNotFound(
            f"`env` must be the id of a registered environment, got {name!r}. {advice} "
            f"An id may name the module that registers it: 'my_package:{name}'."
        ) from error


def default_kwargs(env_id: str) -> dict[str, Any]:
    """Return the keyword arguments for an environment whose user gave none."""
    return dict(_KWARGS.get(env_id, {}))


def package_of(spec: EnvSpec) -> tuple[str, ...]:
    """Return the modules to import before the id is known to Gymnasium."""
    if not isinstance(spec.entry_point, str):
        return ()
    package = spec.entry_point.split(":")[0].split(".")[0]
    return () if package in ("gymnasium", "__main__") else (package,)


def _import(module: str, namespace: str, name: str) -> None:
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != module.split(".")[0]:
            raise
        extra = _PACKAGES.get(namespace, (module, None))[1]
        install = (
            f'pip install "vdworld[{extra}]"' if extra else f"pip install {module.split('.')[0].replace('_', '-')}"
        )
        raise gym.error.NamespaceNotFound(
            f"`env` needs the package {module!r}, which is not installed, to know {name!r}. Install it ({install}), or "
            f"name the module that registers the environment: 'my_package:{name}'."
        ) from error
