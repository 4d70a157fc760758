"""What the nulls of a configuration stand for: the values that a run takes from presets, classes and functions."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf


@dataclass(frozen=True)
class Fallback:
    """Values that take the place of null in one node of a configuration.

    Args:
        node: The node's dotted name; an empty one is the whole configuration.
        values: Name to value, those of inner nodes as mappings.
        source: Where they come from, as the help says it; empty for the defaults of a class or function.
    """

    node: str
    values: Mapping[str, Any]
    source: str = ""


def defaults_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the default arguments of a class or function; dataclasses among them become dictionaries."""
    if is_dataclass(function):
        instance = {field.name: field.default for field in fields(function)}
        instance |= {f.name: f.default_factory() for f in fields(function) if f.default_factory is not MISSING}
        return {name: _plain(value) for name, value in instance.items() if value is not MISSING}
    parameters = inspect.signature(function).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.default is not parameter.empty}


def fill_nulls(verb: str, config: DictConfig) -> dict[str, str]:
    """Replace every null by the value that a run would take, and return where the values come from.

    A node with a ``_target_`` takes the defaults of its class. A command may say more in a function ``fallbacks``,
    which goes first. What is still null then means none, or depends on data that only a run reads.

    Args:
        verb: The command.
        config: Its configuration, which is changed.

    Returns:
        Dotted name to source, for values that have one.
    """
    fallbacks = getattr(importlib.import_module(f"vdworld.commands.{verb}"), "fallbacks", lambda config: ())
    sources: dict[str, str] = {}
    for fallback in [*fallbacks(config), *_target_fallbacks(config)]:
        node = OmegaConf.select(config, fallback.node) if fallback.node else config
        if isinstance(node, DictConfig):
            _fill(node, fallback.node, fallback, fallback.values, sources)
    return sources


def _target_fallbacks(config: DictConfig, path: str = "") -> Iterator[Fallback]:
    """Yield the defaults of every class that a ``_target_`` names."""
    if "_target_" in config:
        yield Fallback(path, defaults_of(get_object(config["_target_"])))
    for key, child in _children(config):
        yield from _target_fallbacks(child, _joined(path, key))


def _fill(node: DictConfig, path: str, fallback: Fallback, values: Mapping[str, Any], sources: dict[str, str]) -> None:
    for key, child in _children(node):
        if isinstance(values.get(key), Mapping):
            _fill(child, _joined(path, key), fallback, values[key], sources)
    for key in [str(key) for key in node]:
        value = values.get(key)
        if value is not None and not OmegaConf.is_missing(node, key) and node[key] is None:
            node[key] = list(value) if isinstance(value, tuple) else value
            if fallback.source:
                sources[_joined(path, key)] = fallback.source


def _children(node: DictConfig) -> Iterator[tuple[str, DictConfig]]:
    for key in node:
        if not OmegaConf.is_missing(node, key) and isinstance(node[key], DictConfig):
            yield str(key), node[key]


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
