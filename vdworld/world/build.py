"""Objects from plain descriptions: `{"_target_": "vdworld.networks.StackedUNet", "width": 48}`.

YAML files, presets and a checkpoint's config.json all use this form. It can name only classes that vdworld exports, so
that loading someone's checkpoint runs none of their code.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from vdworld.json_values import arguments_from_json

_MODULES = ("vdworld.networks", "vdworld.diffusion")


MAX_SIZE = 2**20  # of any whole number in a description


def build(description: dict[str, Any], **sizes: Any) -> Any:
    """Build the object that `description` names; its attribute `description` keeps it for the checkpoint.

    Args:
        description: ``_target_``, a dotted name, and keyword arguments; None stands for the default of the class.
        sizes: Further keyword arguments, such as sizes that depend on the data.

    Raises:
        ValueError: vdworld exports no such class, or the class takes no such argument.
    """
    values = {key: value for key, value in description.items() if key != "_target_" and value is not None}
    target = description.get("_target_", "")
    module, _, name = str(target).rpartition(".")
    exported = importlib.import_module(module).__all__ if module in _MODULES else ()
    cls = getattr(importlib.import_module(module), name) if name in exported else None
    if not inspect.isclass(cls):
        raise ValueError(f"`_target_` must name a class of {' or '.join(_MODULES)}, got {target!r}.")
    arguments = arguments_from_json(cls, values | sizes, MAX_SIZE)
    built: Any = cls(**arguments)
    built.description = {"_target_": target, **arguments}
    return built
