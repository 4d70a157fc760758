"""Objects from plain descriptions: `{"_target_": "vdworld.networks.StackedUNet", "width": 48}`.

The same form stands in YAML files, in presets and in a checkpoint's config.json. Only classes that vdworld hands out
can be named, so that loading someone's checkpoint runs none of their code.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

_MODULES = ("vdworld.networks", "vdworld.diffusion")


def build(description: dict[str, Any], **sizes: Any) -> Any:
    """Build the object that `description` names, and remember the description for the checkpoint.

    Args:
        description: ``_target_``, a dotted name, and keyword arguments; None values are left to the class.
        sizes: Further keyword arguments, which depend on the data.

    Raises:
        ValueError: The name is not one of vdworld's, or an argument is not one of the class's.
    """
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in description.items()}  # JSON's
    arguments = {key: value for key, value in given.items() if key != "_target_" and value is not None} | sizes
    target = description.get("_target_", "")
    module, _, name = target.rpartition(".")
    handed_out = importlib.import_module(module).__all__ if module in _MODULES else ()
    cls = getattr(importlib.import_module(module), name) if name in handed_out else None
    if not inspect.isclass(cls):
        raise ValueError(f"`_target_` must name a class of {' or '.join(_MODULES)}, got {target!r}.")
    unknown = arguments.keys() - inspect.signature(cls).parameters.keys()
    if unknown:
        known = ", ".join(inspect.signature(cls).parameters)
        raise ValueError(f"`{target}` has no argument {', '.join(sorted(unknown))}. It takes {known}.")
    built: Any = cls(**arguments)
    built.description = {"_target_": target, **arguments}
    return built
