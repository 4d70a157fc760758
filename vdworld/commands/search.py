"""Where the commands find their YAML files, and the Hydra settings that all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

import vdworld.configs

CONFIGS = Path(vdworld.configs.__file__).resolve().parent


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


def hydra_settings(scratch: str) -> list[str]:
    """Return the overrides that add the shared groups and keep Hydra from leaving files and logs behind.

    Args:
        scratch: A folder that may go; a sweep leaves its own configuration there.
    """
    shared = quoted(f"file://{CONFIGS / 'shared'}")
    return [
        f"hydra.searchpath=[{shared}]",
        "hydra/job_logging=none",
        "hydra/hydra_logging=none",
        "hydra.output_subdir=null",
        "hydra.run.dir=.",
        f"hydra.sweep.dir={quoted(scratch)}",
        "hydra.sweep.subdir=.",
    ]


def config_file(verb: str, name: str | None = None) -> Path:
    """Return the YAML file of a verb, or its configuration `name` where it has several."""
    return CONFIGS / verb / f"{name or verb}.yaml"


def config_names(verb: str) -> dict[str, str]:
    """Return the names of a verb's configurations, each with the comment in the first line of its YAML file."""
    files = sorted((CONFIGS / verb).glob("*.yaml"))
    first_lines = {file.stem: file.read_text().partition("\n")[0] for file in files}
    return {name: line[1:].strip() if line.startswith("#") else "" for name, line in first_lines.items()}


def compose_config(verb: str, overrides: Sequence[str] = (), name: str | None = None) -> DictConfig:
    """Compose the configuration of a verb as the command line does, without running it.

    Args:
        verb: The verb.
        overrides: Words such as ``seed=1``.
        name: Which of its configurations, where it has several.
    """
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIGS / verb)):
        return compose(config_name=name or verb, overrides=[*overrides, *hydra_settings(".")])


def groups(verb: str, name: str | None = None) -> dict[str, str]:
    """Return the groups of a verb's configuration and their default options."""
    written = OmegaConf.to_container(OmegaConf.load(config_file(verb, name)))
    defaults = written.get("defaults", []) if isinstance(written, dict) else []
    return {name: option for entry in defaults if entry != "_self_" for name, option in entry.items()}


def options(verb: str, group: str) -> list[str]:
    """Return the options of a group: its YAML files, the verb's own or, where it has none, the shared ones."""
    files = list((CONFIGS / verb / group).glob("*.yaml")) or (CONFIGS / "shared" / group).glob("*.yaml")
    return sorted(file.stem for file in files)
