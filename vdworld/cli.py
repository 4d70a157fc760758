"""The command line: ``vdworld VERB key=value ...``."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence

import vdworld
from vdworld.commands.verbs import VERBS


def overview() -> str:
    """Return the list of verbs that ``vdworld`` alone prints."""
    verbs = "\n".join(f"  {name:<10} {verb.line}" for name, verb in VERBS.items())
    return (
        f"vdworld {vdworld.__version__}: turn recordings into a world model that is a Gymnasium environment\n\n"
        f"  vdworld VERB key=value ...\n\n{verbs}\n\n"
        "`vdworld VERB --help` lists a verb's keys. VDWORLD_TRACEBACK=1 adds a traceback to errors."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code.

    It is 0, or 1 if a part of a benchmark failed, 2 after a user error, and 130 after Ctrl-C or SIGTERM.

    Args:
        arguments: The words after ``vdworld``; None takes them from the command line.
    """
    verb, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if verb in {"-h", "--help", "help"}:
        print(overview())
        return 0
    if verb == "--version":
        print(vdworld.__version__)
        return 0
    if verb not in VERBS:
        close = difflib.get_close_matches(verb, VERBS, n=2)
        hint = f"Did you mean {' or '.join(close)}?" if close else f"The verbs are {', '.join(VERBS)}."
        print(f"vdworld: error: there is no verb {verb!r}. {hint}", file=sys.stderr)
        return 2

    try:
        from vdworld.commands.runner import run_verb  # not above: the overview does not need Hydra
    except KeyboardInterrupt:
        print(f"\nvdworld {verb}: interrupted.", file=sys.stderr)
        return 130
    return run_verb(verb, rest)
