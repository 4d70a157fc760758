"""Objects that a user names on the command line, such as ``my_module:MyAgent``."""

from __future__ import annotations

import os
import pkgutil
import sys
from typing import Any


def import_by_name(name: str) -> Any:
    """Return the object of a name, ``package.module:Class`` or ``package.module.Class``.

    Modules of the working directory are found too, as with ``python -m``.

    Raises:
        ValueError: There is no such module or object.
    """
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"`policy` must be the dotted name of a class or function, got {name!r}: {error}") from error
