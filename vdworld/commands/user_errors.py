"""User errors in one line: what is wrong, and what to type instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf

from vdworld.commands.config_search import compose_config, config_names, groups, options
from vdworld.commands.verbs import VERBS
from vdworld.training.renamed_settings import present_name


def explain(verb: str, error: Exception, name: str | None = None, overrides: Sequence[str] = ()) -> str:
    """Return an error in the fewest words that still say what to do.

    Args:
        verb: The verb that raised it.
        error: The error.
        name: Which of the verb's configurations, where it has several.
        overrides: The words on the command line; those that pick options decide which keys there are.
    """
    text = re.split(r"\n\s*(?:Config search path|See https://hydra)", str(error))[0].strip()
    if unknown := re.match(r"Could not override '([^']+)'", text):
        inner = str(getattr(error.__cause__, "full_key", ""))  # longer where the override is a whole mapping
        return _unknown_key(verb, inner if inner.startswith(f"{unknown[1]}.") else unknown[1], name, overrides)
    if option := re.match(r"In '\w+': Could not find '(\w+)/(.+)'", text):
        return f"`{option[1]}` must be one of {', '.join(options(verb, option[1]))}, got {option[2]}."
    return text or type(error).__name__


def missing_keys(command: str, names: list[str]) -> str:
    """Return the message for keys that a command needs and does not have."""
    listed = " and ".join(f"`{name}`" for name in names)
    return f"{listed} must be given, as in `vdworld {command} {' '.join(f'{name}=...' for name in names)}`."


def check_name(verb: str, name: str | None) -> None:
    """Check that a verb has the configuration `name`.

    Raises:
        ValueError: There is none of that name; the message suggests one.
    """
    names = config_names(verb)
    if name in names:
        return
    all_names = f"The names are {', '.join(names)}."
    if name is None:
        raise ValueError(f"`vdworld {verb}` needs a name, as in `vdworld {verb} {next(iter(names))}`. {all_names}")
    if name in VERBS[verb].renamed:
        raise ValueError(f"{verb} {name!r} is now called {VERBS[verb].renamed[name]!r}.")
    close = difflib.get_close_matches(name, names, n=1)
    suggestion = f"Did you mean {close[0]}? " if close else ""
    raise ValueError(f"there is no {verb} {name!r}. {suggestion}{all_names}")


def _unknown_key(verb: str, key: str, name: str | None, overrides: Sequence[str]) -> str:
    head, _, setting = key.partition(".")
    if head == "trainer" and (present := present_name(setting)):
        return f"`{key}` is now called `trainer.{present}`."
    picks = [word for word in overrides if word.partition("=")[0] in groups(verb, name) and "," not in word]
    config = compose_config(verb, picks, name)
    if pick := next((word for word in picks if word.startswith(f"{head}=")), ""):
        inner = [leaf for leaf in leaves(config.get(head) or DictConfig({})) if not leaf.endswith("_target_")]
        return f"there is no key {key!r} with {pick}. Its keys are {', '.join(inner)}."
    keys = [*leaves(config), *groups(verb, name)]
    close = [leaf for leaf in keys if leaf.rpartition(".")[2] == key.rpartition(".")[2]] or difflib.get_close_matches(
        key, keys, n=1
    )
    command = verb if name is None else f"{verb} {name}"
    hint = f"Did you mean {' or '.join(close)}?" if close else f"`vdworld {command} --help` lists the keys."
    return f"there is no key {key!r}. {hint}"


def leaves(config: DictConfig, prefix: str = "") -> list[str]:
    """Return the dotted names of all values of a configuration."""
    names = []
    for key in config:
        value = None if OmegaConf.is_missing(config, key) else config[key]
        names += leaves(value, f"{prefix}{key}.") if isinstance(value, DictConfig) else [f"{prefix}{key}"]
    return names
