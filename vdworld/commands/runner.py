"""From the words on the command line to a composed configuration, a running command and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import gymnasium as gym
import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vdworld.commands.explain import check_name, explain, help_text, missing, overview, spelt
from vdworld.commands.search import CONFIGS, hydra_settings, literal, quoted
from vdworld.commands.verbs import VERBS

PATHS = ("data", "output", "path", "world")
FLAGS_WITH_VALUE = ("--cfg", "-c", "--package", "-p", "--config-name", "-cn", "--config-dir", "-cd", "--info", "-i")
USER_ERRORS = (ValueError, OSError, ImportError, gym.error.Error, HydraException, OmegaConfBaseException)


class JobFailed(BaseException):
    """Carries a command's error past Hydra, which would print a report of its own."""


def run_verb(verb: str, arguments: Sequence[str]) -> int:
    """Compose the configuration of `verb`, run it, and return the exit code.

    An error that the user can mend becomes one line and exit code 2. Anything else is a bug and is raised, as
    everything is with ``VDWORLD_TRACEBACK=1``.
    """
    name = None
    try:
        name, words = _take_name(verb, arguments)
        if {"-h", "--help"} & set(words):
            print(help_text(verb, name))
            return 0
        if VERBS[verb].named and not arguments:
            print(overview(verb))
            return 0
        if VERBS[verb].named:
            check_name(verb, name)
        with tempfile.TemporaryDirectory() as scratch:
            overrides, flags = _split(verb, words, name)
            _through_hydra(verb, arguments, [*hydra_settings(scratch), *overrides, *flags], name)
    except (JobFailed, *USER_ERRORS) as failure:
        error = failure.__cause__ if isinstance(failure, JobFailed) else failure
        assert isinstance(error, Exception)
        if os.environ.get("VDWORLD_TRACEBACK") == "1" or not isinstance(error, USER_ERRORS):
            raise error from error.__cause__
        print(f"vdworld {verb}: error: {explain(verb, error, name)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"\nvdworld {verb}: interrupted. {interrupt}".rstrip(), file=sys.stderr)
        return 130
    return 0


def _take_name(verb: str, words: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the name of the configuration that `words` pick, and the other words.

    Raises:
        ValueError: The name is written as ``name=NAME``, or there is no configuration of that name.
    """
    if not VERBS[verb].named:
        return None, list(words)
    for position, word in enumerate(words):
        former = word.removeprefix("name=")
        if word.startswith("name="):
            present = VERBS[verb].renamed.get(former, former)
            raise ValueError(f"`name` is no key any more; type the name alone: `vdworld {verb} {present}`.")
        if word.startswith("-") or "=" in word or word.startswith("~"):
            continue
        if position and words[position - 1] in FLAGS_WITH_VALUE:
            continue
        check_name(verb, word)
        return word, [*words[:position], *words[position + 1 :]]
    return None, list(words)


def _split(verb: str, words: Sequence[str], name: str | None) -> tuple[list[str], list[str]]:
    """Part the overrides from Hydra's flags, which it wants to stand together."""
    bare, overrides, flags, previous = VERBS[verb].bare, [], [], ""
    for word in words:
        if word.startswith("-") or previous in FLAGS_WITH_VALUE:
            flags.append(word)
        elif "=" in word or word.startswith("~"):
            overrides.append(literal(word))
        elif bare:
            overrides.append(f"{bare}={quoted(word)}")
        else:
            raise ValueError(f"expected key=value, got {word!r}. `vdworld {spelt(verb, name)} --help` lists the keys.")
        previous = word
    return overrides, flags


def _through_hydra(verb: str, arguments: Sequence[str], words: list[str], name: str | None) -> None:
    """Let Hydra read `words` as its command line; the command itself sees what the user typed."""
    command = importlib.import_module(f"vdworld.commands.{verb}").run
    decorate = hydra.main(version_base="1.3", config_path=str(CONFIGS / verb), config_name=name or verb)
    with _environment(["vdworld", *words], HYDRA_FULL_ERROR="1"):  # errors are raised, not printed
        decorate(_job(verb, arguments, command, name))()


def _job(
    verb: str, arguments: Sequence[str], command: Callable[..., None], name: str | None
) -> Callable[[DictConfig], None]:
    def job(config: DictConfig) -> None:
        settings = HydraConfig.get()
        if settings.mode == RunMode.MULTIRUN:
            print(f"[{settings.job.num}] vdworld {spelt(verb, name)} {' '.join(settings.overrides.task)}", flush=True)
        try:
            if names := sorted(OmegaConf.missing_keys(config)):
                raise ValueError(missing(spelt(verb, name), names))
            for key in PATHS:
                if isinstance(config.get(key), str | int | float):
                    config[key] = os.path.expanduser(str(config[key]))
            with _environment(["vdworld", verb, *arguments]):
                command(config, name) if VERBS[verb].named else command(config)
        except Exception as error:
            raise JobFailed from error

    return job


@contextmanager
def _environment(argv: list[str], **variables: str) -> Iterator[None]:
    """Set the command line and some environment variables for a while."""
    before, values = sys.argv, {name: os.environ.get(name) for name in variables}
    sys.argv = argv
    os.environ.update(variables)
    try:
        yield
    finally:
        sys.argv = before
        for name, value in values.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
