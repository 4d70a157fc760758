"""Where the commands' YAML files are, and how Hydra composes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

import vdworld.configs
from vdworld.commands.overrides import quoted

CONFIGS = Path(vdworld.configs.__file__).resolve().parent
SHARED = CONFIGS / "shared"


@dataclass(frozen=True)
class Composed:
    """A composed configuration.

    Args:
        config: The configuration, its interpolations unresolved.
        choices: Group to the option that was picked; None where a group is left out.
        hydra: Hydra's own settings, for interpolations such as ``${hydra:job.num}``.
    """

    config: DictConfig
    choices: dict[str, str | None]
    hydra: DictConfig

    def missing_keys(self) -> list[str]:
        """Return the keys that must be set and are not."""
        with self._hydra_config():
            return sorted(OmegaConf.missing_keys(self.config))

    def resolved(self) -> DictConfig:
        """Return the configuration with its interpolations resolved."""
        resolved = self.config.copy()
        with self._hydra_config():
            OmegaConf.resolve(resolved)
        return resolved

    @contextmanager
    def _hydra_config(self) -> Iterator[None]:
        HydraConfig.instance().set_config(OmegaConf.create({"hydra": self.hydra}))
        try:
            yield
        finally:
            HydraConfig.instance().cfg = None


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
    return compose_job(verb, overrides, name).config


def compose_job(verb: str, overrides: Sequence[str] = (), name: str | None = None, number: int = 0) -> Composed:
    """Compose the configuration of one job; arguments as for ``compose_config``.

    Args:
        verb: The verb.
        overrides: Words such as ``seed=1``.
        name: Which of its configurations, where it has several.
        number: The job's number in a sweep.
    """
    search_path = f"hydra.searchpath=[{quoted(f'file://{SHARED}')}]"
    words = [*overrides, search_path, f"hydra.job.num={number}"]
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIGS / verb)):
        config = compose(config_name=name or verb, overrides=words, return_hydra_config=True)
    hydra = config.hydra
    with open_dict(config):
        del config["hydra"]
    return Composed(config, {str(group): option for group, option in hydra.runtime.choices.items()}, hydra)


def groups(verb: str, name: str | None = None) -> dict[str, str | None]:
    """Return the groups of a verb's configuration and their default options."""
    return {
        group: option for entry in _defaults(verb, name) if isinstance(entry, dict) for group, option in entry.items()
    }


def blocks(verb: str, name: str | None = None) -> list[Path]:
    """Return the YAML files of keys that a configuration shares with others."""
    return [SHARED / f"{entry}.yaml" for entry in _defaults(verb, name) if isinstance(entry, str) and entry != "_self_"]


def option_file(verb: str, group: str, option: str) -> Path:
    """Return the YAML file of a group's option, the verb's own or the shared one."""
    own = CONFIGS / verb / group / f"{option}.yaml"
    return own if own.is_file() else SHARED / group / f"{option}.yaml"


def options(verb: str, group: str) -> list[str]:
    """Return the options of a group: its YAML files, the verb's own or, where it has none, the shared ones."""
    files = list((CONFIGS / verb / group).glob("*.yaml")) or (SHARED / group).glob("*.yaml")
    return sorted(file.stem for file in files)


def _defaults(verb: str, name: str | None) -> list[str | dict[str, str | None]]:
    content = OmegaConf.to_container(OmegaConf.load(config_file(verb, name)))
    return content.get("defaults", []) if isinstance(content, dict) else []
