"""Configuration values as keyword arguments, checked against the signature of the function that takes them.

The check reads annotations instead of OmegaConf's structured configurations, since those hold dataclasses alone: most
values here are arguments of functions and of classes with ``__init__``, in unions such as ``int | tuple[int, int]``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf

from vdworld.commands.dotted_names import refuse_old_name

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "tuple": "a list",
    "Sequence": "a list",
    "dict": "names with values on one line, as in {name: value}",
    "Mapping": "names with values on one line, as in {name: value}",
    "None": "null",
}
_TYPES = {
    "int": int,
    "float": int | float,
    "str": str,
    "tuple": tuple,
    "Sequence": tuple,
    "dict": dict,
    "Mapping": dict,
}


def keyword_arguments(function: Callable[..., Any], values: Mapping[Any, Any] | str) -> dict[str, Any]:
    """Return keyword arguments for `function` as plain values, lists as tuples.

    Args:
        function: The function or class that takes them; the simple types among its annotations are checked.
        values: The arguments by name. A mapping that YAML cannot read arrives as text, which is an error.

    Raises:
        ValueError: A value of another type than the annotation allows, a name that is not an argument, or no names.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"The settings of {function.__name__} must be {_WORDS['dict']}, got {values!r}.")
    parameters = inspect.signature(function).parameters
    unknown = [str(name) for name in values if name not in parameters]
    if unknown and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        raise ValueError(f"{function.__name__} has no argument {', '.join(unknown)}. It takes {', '.join(parameters)}.")
    plain = {str(name): _plain(value) for name, value in values.items()}
    for name in plain.keys() & parameters.keys():
        value, types = plain[name], _type_names(str(parameters[name].annotation))
        if all(type_name in _WORDS for type_name in types) and not any(_matches(value, name) for name in types):
            rule = " or ".join(dict.fromkeys(_WORDS[type_name] for type_name in types))
            raise ValueError(f"`{name}` must be {rule}, got {value!r}.")
        element = re.search(r"\bSequence\[(\w+)\]", str(parameters[name].annotation))
        if isinstance(value, tuple) and element and not all(_matches(item, element[1]) for item in value):
            raise ValueError(f"Every element of `{name}` must be {_WORDS[element[1]]}, got {list(value)}.")
    return plain


def without_nulls(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the values that are not null; the function that takes them has defaults for the others."""
    return {str(name): value for name, value in values.items() if value is not None}


def description(node: DictConfig) -> dict[str, Any]:
    """Return a node with a ``_target_`` as plain values that fit its class; null values are left to the class.

    Raises:
        ValueError: An argument that the class does not take, or of another type; a class under an old name.
    """
    values = {name: value for name, value in node.items() if name != "_target_"}
    target = refuse_old_name(node["_target_"])
    return {"_target_": target, **keyword_arguments(get_object(target), without_nulls(values))}


def instantiate(node: DictConfig, **context: Any) -> Any:
    """Build an object of the class in a node's ``_target_``, inner nodes first; errors as for ``description``.

    Args:
        node: The class and its arguments.
        context: Arguments that no configuration can hold, such as a world. Classes that take them get them, unless the
            node sets them itself.
    """
    values = description(node)
    target = get_object(values.pop("_target_"))
    parameters = inspect.signature(target).parameters
    arguments = {name: value for name, value in context.items() if name in parameters} | values
    inner = [name for name, value in values.items() if isinstance(value, Mapping) and "_target_" in value]
    arguments |= {name: instantiate(node[name]) for name in inner}
    required = [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    if absent := [f"`{name}`" for name in required if name not in arguments]:
        raise ValueError(f"{target.__name__} needs {' and '.join(absent)}.")
    return target(**arguments)


def _plain(value: Any) -> Any:
    if isinstance(value, DictConfig):
        return OmegaConf.to_container(value, resolve=True)
    if isinstance(value, ListConfig):
        return tuple(OmegaConf.to_container(value, resolve=True))  # type: ignore[arg-type]
    return value


def _type_names(annotation: str) -> list[str]:
    """Split ``int | tuple[int, int] | None`` into ``int``, ``tuple`` and ``None``."""
    return [part.strip().partition("[")[0] for part in re.split(r"\|(?![^\[]*\])", annotation)]


def _matches(value: Any, type_name: str) -> bool:
    if isinstance(value, bool) or value is None:
        return type_name == ("None" if value is None else "bool")
    return type_name in _TYPES and isinstance(value, _TYPES[type_name])
