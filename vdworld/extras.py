"""Optional packages: imported where they are used, with an error that says how to install them."""

from __future__ import annotations

import importlib
from types import ModuleType


def require(module: str, extra: str) -> ModuleType:
    """Import an optional package.

    Args:
        module: The module to import, such as ``"av"``.
        extra: The extra of vdworld that installs it, such as ``"data"``.

    Raises:
        ImportError: The package is missing; the message names the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        hint = f'pip install "vdworld[{extra}]"'
        raise ImportError(f"The package `{error.name}` is required for this. Install it: {hint}") from error
