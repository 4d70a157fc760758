"""The words after ``vdworld``, sorted into what they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vdworld.commands.overrides import literal, quoted
from vdworld.commands.user_errors import check_name
from vdworld.commands.verbs import VERBS

FLAGS = "--help, --cfg job and -m"
HELP, SWEEP, SHOW = ("-h", "--help"), ("-m", "--multirun"), ("-c", "--cfg")


@dataclass(frozen=True)
class CommandLine:
    """A verb and the words that the user typed after it.

    Args:
        verb: The verb.
        words: All words after it, as typed.
        name: Which of its configurations, for verbs that have several; None where the words name none.
        overrides: The words such as ``key=value``, in Hydra's grammar.
        help: Whether to print the verb's keys instead of running it.
        sweep: Whether to run every combination of several values.
        show: Whether to print the composed configuration instead of running it.
    """

    verb: str
    words: tuple[str, ...]
    name: str | None
    overrides: tuple[str, ...]
    help: bool
    sweep: bool
    show: bool

    @property
    def command(self) -> str:
        """The verb as the user types it, followed by the name of its configuration if it has one."""
        return self.verb if self.name is None else f"{self.verb} {self.name}"


def parse_command_line(verb: str, words: Sequence[str]) -> CommandLine:
    """Sort the words after a verb.

    Raises:
        ValueError: A word that is neither ``key=value`` nor a flag, or a name that is not one of the verb's.
    """
    flags, others = _take_flags(words)
    name, others = _take_name(verb, others)
    shows_help = not {*HELP}.isdisjoint(flags)
    return CommandLine(
        verb=verb,
        words=tuple(words),
        name=name,
        overrides=tuple(_override(verb, name, word) for word in others),
        help=shows_help or (VERBS[verb].named and not words),
        sweep=not {*SWEEP}.isdisjoint(flags),
        show=not {*SHOW}.isdisjoint(flags),
    )


def _take_flags(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the flags among `words`, and the other words."""
    flags, others, rest = [], [], iter(words)
    for word in rest:
        flag, _, value = word.partition("=")
        if not word.startswith("-"):
            others.append(word)
        elif word in HELP or word in SWEEP:
            flags.append(word)
        elif flag in SHOW:
            value = value or next(rest, "")
            if value != "job":
                raise ValueError(f"`{flag}` must be followed by job, got {value or 'nothing'}.")
            flags.append(flag)
        else:
            raise ValueError(f"there is no flag {flag!r}. The flags are {FLAGS}.")
    return flags, others


def _take_name(verb: str, words: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the name of the configuration that `words` pick, and the other words."""
    if not VERBS[verb].named:
        return None, list(words)
    for word in words:
        if word.startswith("name="):
            former = word.removeprefix("name=")
            present = VERBS[verb].renamed.get(former, former)
            raise ValueError(f"`name` is no longer a key. Type the name alone: `vdworld {verb} {present}`.")
    names = [word for word in words if _is_bare(word)]
    if not names:
        return None, list(words)
    check_name(verb, names[0])
    position = list(words).index(names[0])
    return names[0], [*words[:position], *words[position + 1 :]]


def _override(verb: str, name: str | None, word: str) -> str:
    if not _is_bare(word):
        return literal(word)
    if bare := VERBS[verb].bare:
        return f"{bare}={quoted(word)}"
    command = verb if name is None else f"{verb} {name}"
    raise ValueError(f"expected key=value, got {word!r}. `vdworld {command} --help` lists the keys.")


def _is_bare(word: str) -> bool:
    return "=" not in word and not word.startswith("~")
