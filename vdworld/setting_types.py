"""The types of settings, checked before anything computes with them."""

from __future__ import annotations

import dataclasses
import types
import typing
from numbers import Integral, Real
from typing import Any

_WORDS: dict[Any, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "text",
    type(None): "None",
}


def check_types(settings: Any) -> None:
    """Check the fields of a dataclass against their annotations; those that are no plain values are not checked.

    Raises:
        ValueError: A field is of another type.
    """
    kinds = typing.get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        check_type(field.name, getattr(settings, field.name), kinds[field.name])


def check_type(name: str, value: Any, kind: Any) -> None:
    """Check the type of an argument; numbers of NumPy count as numbers.

    Args:
        name: What the message calls it.
        value: The value.
        kind: A type or a union of types, such as ``int | None``.

    Raises:
        ValueError: It is of another type.
    """
    is_union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    choices = typing.get_args(kind) if is_union else (kind,)
    if not any(_fits(value, choice) for choice in choices):
        words = (_WORDS.get(choice) or f"a {choice.__name__}" for choice in choices)
        raise ValueError(f"`{name}` must be {' or '.join(words)}, got {value!r}.")


def _fits(value: Any, kind: Any) -> bool:
    if kind in (int, float):
        return isinstance(value, Integral if kind is int else Real) and not isinstance(value, bool)
    plain = kind in _WORDS or (isinstance(kind, type) and dataclasses.is_dataclass(kind))
    return isinstance(value, kind) if plain else True
