"""The specification that Gymnasium attaches to an environment, in values that JSON can hold."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from gymnasium.envs.registration import EnvSpec


class JsonSpec:
    """A base of environments whose ``spec.to_json()`` works, and rebuilds them, if ``world`` is a path or a name.

    Arguments of ``gymnasium.make`` that JSON lacks are kept in the form of text that the environments take as well: a
    path, a device, an autoreset mode.
    """

    _spec: EnvSpec | None = None

    @property
    def spec(self) -> EnvSpec | None:
        """How Gymnasium made the environment; None if it was built directly."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        if spec is not None:
            spec = replace(spec, kwargs={name: _plain(value) for name, value in spec.kwargs.items()})
        self._spec = spec


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case Path() | torch.device():
            return str(value)
    return value
