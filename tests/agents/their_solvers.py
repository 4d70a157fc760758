"""The solvers of stable-worldmodel, whatever else of that library can be imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

import pytest

PLACES = ("stable_worldmodel.planning.solver", "stable_worldmodel.solver")
"""Where the solvers are: in its newest code, and in releases up to 0.1.1."""


def import_solvers() -> ModuleType:
    """Return the module of solvers, or skip the test where the library is not installed.

    The package's own ``__init__`` imports torchvision and lancedb, which no solver needs. Where they are missing (``pip
    install --no-deps stable-worldmodel loguru``), the solvers are imported beneath an empty package in its place.
    """
    spec = importlib.util.find_spec("stable_worldmodel")
    if spec is None:
        pytest.skip("needs stable-worldmodel", allow_module_level=True)
    try:
        importlib.import_module("stable_worldmodel")
    except ImportError:
        sys.modules["stable_worldmodel"] = importlib.util.module_from_spec(spec)
    place = PLACES[0] if _exists(PLACES[0]) else PLACES[1]
    return importlib.import_module(place)


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
