"""Words such as ``seed=1`` and sweeps such as ``seed=1,2``, in Hydra's grammar of overrides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException


def quoted(text: str) -> str:
    """Quote `text` for Hydra's grammar, whatever it holds."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def literal(word: str) -> str:
    """Return ``key=value`` as Hydra can read it: a value that its grammar refuses, like ``~/a (1)``, is quoted."""
    key, equals, value = word.partition("=")
    if not equals:
        return word
    try:
        OverridesParser.create().parse_override(word)
    except HydraException:
        return f"{key}={quoted(value)}"
    return word


def check_single_values(overrides: Sequence[str]) -> None:
    """Check that no word holds several values.

    Raises:
        ValueError: One does; the message says how to sweep over them, and how to write a list.
    """
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        if override.is_sweep_override():
            key, text = override.get_key_element(), override.get_value_string()
            raise ValueError(
                f"`{key}` must be one value, got {text}. Add -m to run every value, or write a list: {key}=[{text}]."
            )


def expand_sweep(overrides: Sequence[str], options: Callable[[str], list[str]]) -> list[list[str]]:
    """Return the overrides of every job of a sweep, the last key varying fastest.

    Args:
        overrides: Words in Hydra's grammar of basic sweeps: ``a=1,2``, ``a=range(3)``, ``a=choice(x,y)`` and, for
            groups, ``network=glob(*)``.
        options: Returns the options of a group.

    Raises:
        ValueError: A sweep without an end, such as ``a=interval(0,1)``.
    """
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return [list(job) for job in product(*(_values(override, options) for override in parsed))]


def _values(override: Override, options: Callable[[str], list[str]]) -> list[str]:
    """Return an override once for each of its values."""
    key = override.get_key_element()
    if not override.is_sweep_override():
        return [str(override.input_line)]
    if not override.is_discrete_sweep():
        raise ValueError(f"`{key}` must have a finite number of values in a sweep, got {override.get_value_string()}.")
    pattern = override.value()
    if isinstance(pattern, Glob):
        return [f"{key}={option}" for option in pattern.filter(options(override.key_or_group))]
    return [f"{key}={value}" for value in override.sweep_string_iterator()]
