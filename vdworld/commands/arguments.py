"""Check values from a configuration, which holds text as readily as numbers, against the function they are for."""

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


def checked(function: Callable[..., Any], values: Mapping[Any, Any] | str) -> dict[str, Any]:
    """Return keyword arguments for `function` as plain values, lists as tuples.

    Args:
        function: What they are for; the simple types among its annotations are checked.
        values: Its arguments by name; text, which is what they remain where YAML cannot read them, is an error.

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
        value, kinds = plain[name], _kinds(str(parameters[name].annotation))
        if all(kind in _WORDS for kind in kinds) and not any(_is(kind, value) for kind in kinds):
            rule = " or ".join(dict.fromkeys(_WORDS[kind] for kind in kinds))
            raise ValueError(f"`{name}` must be {rule}, got {value!r}.")
    return plain


def given(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the values that are not null, the others being left to whoever takes them."""
    return {str(name): value for name, value in values.items() if value is not None}


def description(node: DictConfig) -> dict[str, Any]:
    """Return a node with a ``_target_`` as plain values that fit its class; null values are left to the class.

    Raises:
        ValueError: An argument that the class does not take, or of another type; a class under an old name.
    """
    values = {name: value for name, value in node.items() if name != "_target_"}
    return {"_target_": node["_target_"], **checked(get_object(refuse_old_name(node["_target_"])), given(values))}


def instantiate(node: DictConfig, **decided: Any) -> Any:
    """Build what a node's ``_target_`` names from the rest of it, nodes in it included; errors as for ``description``.

    Args:
        node: The node.
        decided: Arguments that no configuration holds, such as a world, for classes that take them and nodes that say
            nothing else.
    """
    values = description(node)
    target = get_object(values.pop("_target_"))
    parameters = inspect.signature(target).parameters
    whole = {name: value for name, value in decided.items() if name in parameters} | values
    whole |= {name: instantiate(node[name]) for name, value in values.items() if "_target_" in _names(value)}
    needed = [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    if absent := [f"`{name}`" for name in needed if name not in whole]:
        raise ValueError(f"{' and '.join(absent)} must be given for {target.__name__}.")
    return target(**whole)


def _names(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _plain(value: Any) -> Any:
    if isinstance(value, DictConfig):
        return OmegaConf.to_container(value, resolve=True)
    if isinstance(value, ListConfig):
        return tuple(OmegaConf.to_container(value, resolve=True))  # type: ignore[arg-type]
    return value


def _kinds(annotation: str) -> list[str]:
    """Split ``int | tuple[int, int] | None`` into ``int``, ``tuple`` and ``None``."""
    return [kind.strip().partition("[")[0] for kind in re.split(r"\|(?![^\[]*\])", annotation)]


def _is(kind: str, value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return kind == ("None" if value is None else "bool")
    types = {
        "int": int,
        "float": int | float,
        "str": str,
        "tuple": tuple,
        "Sequence": tuple,
        "dict": dict,
        "Mapping": dict,
    }
    return kind in types and isinstance(value, types[kind])
