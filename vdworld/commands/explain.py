"""Words for people: the keys of a verb, and errors in one line."""

from __future__ import annotations

import difflib
import re

from omegaconf import DictConfig, OmegaConf

from vdworld.commands.search import compose_config, config_file, config_names, groups, options
from vdworld.commands.verbs import VERBS


def help_text(verb: str, name: str | None = None) -> str:
    """Return what ``vdworld VERB --help`` prints: the verb's YAML file with its comments, and the groups' options.

    Of a verb with several configurations it prints the one that `name` names, or lists all of them.
    """
    if VERBS[verb].named and name is None:
        return overview(verb)
    bare, command = VERBS[verb].bare, spelt(verb, name)
    usage = f"vdworld {command} {f'[{bare.upper()}] ' if bare else ''}key=value ..."
    text = re.sub(r"^defaults:\n(  - .*\n)+\n?", "", config_file(verb, name).read_text(), flags=re.MULTILINE)
    title, keys = text.removeprefix("# ").split("\n", 1) if name else (VERBS[verb].line, text)
    lines = [
        f"vdworld {command}: {title}",
        "",
        f"  {usage}",
        "",
        "Keys and their defaults (??? must be given):",
    ]
    lines += [f"  {line}".rstrip() for line in keys.splitlines()]
    if found := groups(verb, name):
        lines += ["", "Groups of keys (NAME=OPTION picks one, NAME.KEY=VALUE sets one of its keys):"]
        lines += [f"  {name}: {option}    # one of {', '.join(options(verb, name))}" for name, option in found.items()]
    lines += ["", "--cfg job shows the composed configuration; -m with key=a,b runs every combination."]
    return "\n".join(lines)


def overview(verb: str) -> str:
    """Return the list of a verb's configurations, each with one line."""
    names = config_names(verb)
    width = max(map(len, names))
    lines = [f"vdworld {verb}: {VERBS[verb].line}", "", f"  vdworld {verb} NAME key=value ...", ""]
    lines += [f"  {name:<{width}}  {line}" for name, line in names.items()]
    return "\n".join([*lines, "", f"`vdworld {verb} NAME --help` lists the keys of one."])


def check_name(verb: str, name: str | None) -> None:
    """Check that a verb has the configuration `name`.

    Raises:
        ValueError: There is none of that name; the message suggests one.
    """
    names = config_names(verb)
    if name in names:
        return
    known = f"The names are {', '.join(names)}."
    if name is None:
        raise ValueError(f"`vdworld {verb}` needs a name, as in `vdworld {verb} {next(iter(names))}`. {known}")
    if name in VERBS[verb].renamed:
        raise ValueError(f"{verb} {name!r} is now called {VERBS[verb].renamed[name]!r}.")
    close = difflib.get_close_matches(name, names, n=1)
    raise ValueError(" ".join([f"there is no {verb} {name!r}.", *(f"Did you mean {c}?" for c in close), known]))


def spelt(verb: str, name: str | None) -> str:
    """Return a verb as the user types it, followed by the name of its configuration if it has one."""
    return verb if name is None else f"{verb} {name}"


def explain(verb: str, error: Exception, name: str | None = None) -> str:
    """Return an error in the fewest words that still say what to do."""
    text = re.split(r"\n\s*(?:Config search path|See https://hydra)", str(error))[0].strip()
    if unknown := re.match(r"Could not override '([^']+)'", text):
        return _unknown_key(verb, unknown[1], name)
    if option := re.match(r"In '\w+': Could not find '(\w+)/(.+)'", text):
        return f"`{option[1]}` must be one of {', '.join(options(verb, option[1]))}, got {option[2]}."
    return text or type(error).__name__


def missing(verb: str, names: list[str]) -> str:
    """Return the message for keys that were not given."""
    listed = " and ".join(f"`{name}`" for name in names)
    return f"{listed} must be given, as in `vdworld {verb} {' '.join(f'{name}=...' for name in names)}`."


def _unknown_key(verb: str, key: str, name: str | None) -> str:
    if VERBS[verb].named and key == "name":
        return f"`name` is no key any more; type the name alone, as in `vdworld {spelt(verb, name)}`."
    known = [*_flat(compose_config(verb, name=name)), *groups(verb, name)]
    close = [name for name in known if name.rpartition(".")[2] == key] or difflib.get_close_matches(key, known, n=1)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"`vdworld {spelt(verb, name)} --help` lists the keys."
    return f"there is no key {key!r}. {hint}"


def _flat(config: DictConfig, prefix: str = "") -> list[str]:
    names = []
    for key in config:
        inside = None if OmegaConf.is_missing(config, key) else config[key]
        names += _flat(inside, f"{prefix}{key}.") if isinstance(inside, DictConfig) else [f"{prefix}{key}"]
    return names
