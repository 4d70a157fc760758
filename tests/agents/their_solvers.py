"""The solvers of stable-worldmodel, whatever else of that library can be imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

import pytest


def import_solvers() -> ModuleType:
    """Return ``stable_worldmodel.solver``, or skip the test where the library is not installed.

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
    return importlib.import_module("stable_worldmodel.solver")
