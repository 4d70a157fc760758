"""What ``vdworld VERB --help`` prints: a verb's keys with the values that a run would take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

from vdworld.commands.config_search import (
    blocks,
    compose_job,
    config_file,
    config_names,
    groups,
    option_file,
    options,
)
from vdworld.commands.effective_values import fill_nulls
from vdworld.commands.verbs import VERBS

LINE = re.compile(r"(?P<indent> *)(?P<key>\w+):(?: +(?P<value>[^#]*?))?(?P<gap> *)(?P<comment>#.*)?")


def help_text(verb: str, name: str | None = None, overrides: Sequence[str] = ()) -> str:
    """Return a verb's keys with their comments, and its groups with their options.

    Args:
        verb: The verb.
        name: Which of its configurations; None lists them, where it has several.
        overrides: Words such as ``world=small``; the values are those of a run with them.

    Raises:
        HydraException: An override of a key that the verb does not have.
    """
    if VERBS[verb].named and name is None:
        return _names(verb)
    job = compose_job(verb, overrides, name)
    sources = fill_nulls(verb, job.config)
    bare, command = VERBS[verb].bare, verb if name is None else f"{verb} {name}"
    title, text = VERBS[verb].line, config_file(verb, name).read_text()
    if name is not None:
        title, text = text.removeprefix("# ").split("\n", 1)
    text = re.sub(r"^defaults:\n(  - .*\n)+\n?", "", text, flags=re.MULTILINE)
    lines = [
        f"vdworld {command}: {title}",
        "",
        f"  vdworld {command} {f'[{bare.upper()}] ' if bare else ''}key=value ...",
        "",
        "Keys and their values (??? must be given):",
    ]
    for part in [text, *(block.read_text() for block in blocks(verb, name))]:
        lines += [f"  {line}".rstrip() for line in _with_values(part, job.config, sources)]
    if defaults := groups(verb, name):
        lines += ["", "Groups (NAME=OPTION picks an option, NAME.KEY=VALUE sets one of its keys):"]
        for group in defaults:
            lines += [f"  {line}" for line in _group(verb, group, job.choices.get(group), job.config, sources)]
    lines += ["", "--cfg job prints the composed configuration; -m with key=a,b runs every combination."]
    return "\n".join(lines)


def _names(verb: str) -> str:
    """Return the list of a verb's configurations, each with one line."""
    names = config_names(verb)
    width = max(map(len, names))
    lines = [f"vdworld {verb}: {VERBS[verb].line}", "", f"  vdworld {verb} NAME key=value ...", ""]
    lines += [f"  {name:<{width}}  {line}" for name, line in names.items()]
    return "\n".join([*lines, "", f"`vdworld {verb} NAME --help` lists the keys of one."])


def _group(verb: str, group: str, option: str | None, config: DictConfig, sources: dict[str, str]) -> list[str]:
    """Return the lines of a group: the option that is picked, the others, and its keys if it has any of its own."""
    lines = [f"{group}: {option or 'null'}  # one of {', '.join(options(verb, group))}"]
    if option is None:
        return lines
    text = option_file(verb, group, option).read_text()
    if text.startswith("# @package _global_"):
        return lines
    inner = {name.removeprefix(f"{group}."): source for name, source in sources.items() if name.startswith(f"{group}.")}
    keys = [line for line in _with_values(text, config[group], inner) if not line.strip().startswith("_target_:")]
    return lines + [f"  {line}" for line in keys]


def _with_values(text: str, config: DictConfig, sources: dict[str, str]) -> list[str]:
    """Return the lines of a YAML text with the values of a configuration.

    Lines that begin with ``# null`` or ``# @package`` are about the file alone and are left out.
    """
    lines, path = [], []
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        if match is None:
            lines += [] if line.startswith(("# null", "# @package")) else [line]
            continue
        path[len(match["indent"]) // 2 :] = [match["key"]]
        dotted = ".".join(path)
        if match["value"]:
            lines.append(_with_value(match, OmegaConf.select(config, dotted), sources.get(dotted, "")))
        else:
            lines.append(line)
    return lines


def _with_value(match: re.Match[str], value: Any, source: str) -> str:
    """Return one line ``key: value  # comment`` with another value, its comment in the same column if it fits."""
    written, comment = match["value"], match["comment"] or ""
    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value)
    if written != "???" or value is not None:
        written = written if yaml.safe_load(written) == value else _inline(value)
    if source:
        comment = f"{comment} ({source})" if comment else f"# {source}"
    start = f"{match['indent']}{match['key']}: {written}"
    column = match.start("comment") if match["comment"] else 0
    return f"{start:<{max(column, len(start) + 2)}}{comment}" if comment else start


def _inline(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()
