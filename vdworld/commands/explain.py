"""Words for people: the keys of a verb, and errors in one line."""

from __future__ import annotations

import difflib
import re

from omegaconf import DictConfig, OmegaConf

from vdworld.commands.search import CONFIGS, compose_config, groups, options
from vdworld.commands.verbs import VERBS


def help_text(verb: str) -> str:
    """Return what ``vdworld VERB --help`` prints: the verb's YAML file with its comments, and the groups' options."""
    bare = VERBS[verb].bare
    usage = f"vdworld {verb} {f'[{bare.upper()}] ' if bare else ''}key=value ..."
    keys = re.sub(r"^defaults:\n(  - .*\n)+\n?", "", (CONFIGS / verb / f"{verb}.yaml").read_text(), flags=re.MULTILINE)
    lines = [
        f"vdworld {verb}: {VERBS[verb].line}",
        "",
        f"  {usage}",
        "",
        "Keys and their defaults (??? must be given):",
    ]
    lines += [f"  {line}".rstrip() for line in keys.splitlines()]
    if found := groups(verb):
        lines += ["", "Groups of keys (NAME=OPTION picks one, NAME.KEY=VALUE sets one of its keys):"]
        lines += [f"  {name}: {option}    # one of {', '.join(options(verb, name))}" for name, option in found.items()]
    lines += ["", "--cfg job shows the composed configuration; -m with key=a,b runs every combination."]
    return "\n".join(lines)


def explain(verb: str, error: Exception) -> str:
    """Return an error in the fewest words that still say what to do."""
    text = re.split(r"\n\s*(?:Config search path|See https://hydra)", str(error))[0].strip()
    if unknown := re.match(r"Could not override '([^']+)'", text):
        return _unknown_key(verb, unknown[1])
    if option := re.match(r"In '\w+': Could not find '(\w+)/(.+)'", text):
        return f"`{option[1]}` must be one of {', '.join(options(verb, option[1]))}, got {option[2]}."
    return text or type(error).__name__


def missing(verb: str, names: list[str]) -> str:
    """Return the message for keys that were not given."""
    listed = " and ".join(f"`{name}`" for name in names)
    return f"{listed} must be given, as in `vdworld {verb} {' '.join(f'{name}=...' for name in names)}`."


def _unknown_key(verb: str, key: str) -> str:
    known = [*_flat(compose_config(verb)), *groups(verb)]
    close = [name for name in known if name.rpartition(".")[2] == key] or difflib.get_close_matches(key, known, n=1)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"`vdworld {verb} --help` lists the keys."
    return f"there is no key {key!r}. {hint}"


def _flat(config: DictConfig, prefix: str = "") -> list[str]:
    names = []
    for key in config:
        inside = None if OmegaConf.is_missing(config, key) else config[key]
        names += _flat(inside, f"{prefix}{key}.") if isinstance(inside, DictConfig) else [f"{prefix}{key}"]
    return names
