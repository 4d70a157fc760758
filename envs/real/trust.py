"""Environments that files describe: nothing is imported because a downloaded dataset or world says so."""

from __future__ import annotations

import sys

import gymnasium as gym

from vdworld.envs.real.registry import known_modules, module_of, package_of
from vdworld.spec import EnvironmentSpec


def check_trusted(description: EnvironmentSpec) -> None:
    """Check that building an environment imports no code that only a file names.

    A description that a file holds may name environments of Gymnasium, of vdworld, of packages that vdworld itself
    lists, and of packages that are imported already.

    Raises:
        ValueError: Another package would be imported; the message names it and says how to allow that.
    """
    if description.trusted:
        return
    if modules := imports_of(description):
        raise ValueError(
            f"A file describes the environment {description.id!r}, which would import {', '.join(map(repr, modules))}. "
            f"If you trust this code, name the environment yourself (env={_with_module(description)}) or pass "
            "trust_environment=true."
        )
    if "trust_environment" in description.kwargs:
        raise ValueError(f"A file describes the environment {description.id!r}, and may not trust others by itself.")


def imports_of(description: EnvironmentSpec) -> list[str]:
    """Return the modules that building an environment would import, and that neither Python nor vdworld knows yet."""
    module, _, name = description.id.rpartition(":")
    namespace = name.split("/")[0] if "/" in name else ""
    try:
        needed = package_of(gym.spec(name))
    except gym.error.Error:
        needed = (module_of(namespace),) if namespace else ()
    modules = [*description.packages, *([module] if module else []), *needed]
    known = {*known_modules(), *sys.modules}
    return list(dict.fromkeys(module for module in modules if module not in known))


def _with_module(description: EnvironmentSpec) -> str:
    """Return the id with the module that registers it, as users type it."""
    if ":" in description.id or "/" in description.id or not description.packages:
        return description.id
    return f"{description.packages[0]}:{description.id}"
