"""Run a verb: from the words on the command line to composed configurations, a running command and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from functools import partial

import gymnasium as gym
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vdworld.commands.command_line import CommandLine, parse_command_line
from vdworld.commands.config_search import Composed, compose_job, options
from vdworld.commands.help_text import help_text
from vdworld.commands.overrides import check_single_values, expand_sweep
from vdworld.commands.user_errors import check_name, explain, missing_keys
from vdworld.commands.verbs import VERBS
from vdworld.storage.interrupts import terminable, uninterrupted

PATHS = ("data", "output", "path", "world")
USER_ERRORS = (
    ValueError,
    OSError,
    ImportError,
    FloatingPointError,
    MemoryError,
    gym.error.Error,
    HydraException,
    OmegaConfBaseException,
)


def run_verb(verb: str, words: Sequence[str]) -> int:
    """Compose the configuration of `verb`, run it, and return the exit code.

    The code is the one that the command returns, where None is 0; in a sweep it is the largest one. A user error
    becomes one line and exit code 2. Any other error is a bug and is raised, as user errors are with
    ``VDWORLD_TRACEBACK=1``. After Ctrl-C or SIGTERM it is 130.

    Args:
        verb: One of ``VERBS``.
        words: The words after it.
    """
    known: tuple[str | None, Sequence[str]] = (None, ())
    with terminable():
        try:
            line = parse_command_line(verb, words)
            known = line.name, line.overrides
            return _run(line)
        except USER_ERRORS as error:
            if os.environ.get("VDWORLD_TRACEBACK") == "1":
                raise
            print(f"vdworld {verb}: error: {explain(verb, error, *known)}", file=sys.stderr)
            return 2
        except KeyboardInterrupt as interrupt:
            with uninterrupted():
                print(f"\nvdworld {verb}: interrupted. {interrupt}".rstrip(), file=sys.stderr)
            return 130


def _run(line: CommandLine) -> int:
    """Print the help or the configuration, or run all jobs one after the other; return the largest exit code."""
    if line.help:
        print(help_text(line.verb, line.name, line.overrides))
        return 0
    if VERBS[line.verb].named:
        check_name(line.verb, line.name)
    if not line.sweep:
        check_single_values(line.overrides)
    sweep = expand_sweep(line.overrides, partial(options, line.verb)) if line.sweep else [list(line.overrides)]
    jobs = [compose_job(line.verb, overrides, line.name, number) for number, overrides in enumerate(sweep)]
    configs = [] if line.show else [_checked_config(line, job) for job in jobs]
    exit_code = 0
    for number, (job, overrides) in enumerate(zip(jobs, sweep, strict=True)):
        if line.sweep:
            comment = "# " if line.show else ""
            print(f"{comment}[{number}] vdworld {line.command} {' '.join(overrides)}", flush=True)
        if line.show:
            print(OmegaConf.to_yaml(job.config), end="")
        else:
            exit_code = max(exit_code, _run_command(line, configs[number]))
    return exit_code


def _checked_config(line: CommandLine, job: Composed) -> DictConfig:
    """Return a job's configuration, ready for the command.

    Raises:
        ValueError: A key that must be set is not.
    """
    if names := job.missing_keys():
        raise ValueError(missing_keys(line.command, names))
    config = job.resolved()
    for key in PATHS:
        if isinstance(config.get(key), str | int | float):
            config[key] = os.path.expanduser(str(config[key]))
    return config


def _run_command(line: CommandLine, config: DictConfig) -> int:
    """Run the command, which records the words that the user typed with its figures, and return its exit code."""
    from vdworld.evaluation.provenance import recorded_command  # help and user errors do without

    command = importlib.import_module(f"vdworld.commands.{line.verb}").run
    with recorded_command(["vdworld", line.verb, *line.words]):
        exit_code = command(config, line.name) if VERBS[line.verb].named else command(config)
    return exit_code or 0
