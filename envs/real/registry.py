"""Find environments by id: import the package that registers one, and return its defaults for recording."""

from __future__ import annotations

import difflib
import importlib
import os
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from vdworld.envs.tasks import task_environments

_ATARI = {"ALE": ("ale_py", "atari")}  # namespace of an id -> module that registers it, extra of vdworld for it


def find_environment(env_id: str) -> EnvSpec:
    """Return Gymnasium's specification of an environment, importing the package that registers it.

    Args:
        env_id: Such as ``"CartPole-v1"``, ``"gym_pusht/PushT-v0"`` or, with its module,
            ``"gym_pusht:gym_pusht/PushT-v0"``. An unknown namespace is taken for the name of a package.

    Raises:
        gymnasium.error.NamespaceNotFound: The package is not installed.
        gymnasium.error.NameNotFound: No environment has this id.
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # lets pygame run without a display
    module, _, name = env_id.rpartition(":")
    namespace = name.split("/")[0] if "/" in name else ""
    if module:
        _import(module, namespace, name)
    elif namespace and all(spec.namespace != namespace for spec in gym.registry.values()):
        _import(module_of(namespace), namespace, name)
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
    """Return the keyword arguments to record an environment with if the user gives none."""
    environment = task_environments().get(env_id)
    return {} if environment is None else dict(environment.recording_kwargs)


def package_of(spec: EnvSpec) -> tuple[str, ...]:
    """Return the modules to import before Gymnasium knows the id."""
    if not isinstance(spec.entry_point, str):
        return ()
    package = spec.entry_point.split(":")[0].split(".")[0]
    return () if package in ("gymnasium", "__main__") else (package,)


def known_modules() -> tuple[str, ...]:
    """Return the modules that vdworld itself names, for environments that it has extras for."""
    return tuple(module for module, _ in _packages().values())


def module_of(namespace: str) -> str:
    """Return the module that registers the environments of a namespace: by default the one of the same name."""
    return _packages().get(namespace, (namespace, None))[0]


def _packages() -> dict[str, tuple[str, str]]:
    tasks = task_environments().values()
    return _ATARI | {task.env_id.partition("/")[0]: (task.module, task.extra) for task in tasks}


def _import(module: str, namespace: str, name: str) -> None:
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != module.split(".")[0]:
            raise
        extra = _packages().get(namespace, (module, None))[1]
        install = (
            f'pip install "vdworld[{extra}]"' if extra else f"pip install {module.split('.')[0].replace('_', '-')}"
        )
        raise gym.error.NamespaceNotFound(
            f"`env` needs the package {module!r}, which is not installed, to know {name!r}. Install it ({install}), or "
            f"name the module that registers the environment: 'my_package:{name}'."
        ) from error
