"""``python -m vdworld.benchmarks.gpu [key=value ...]``: the GPU check without Hydra, which a GPU machine may lack."""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Sequence
from typing import Any

from vdworld.benchmarks.gpu.check import run

_WORDS = {"true": True, "false": False, "null": None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check; return 0 if no part failed, 1 if one did, and 2 if the check can't start."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(run).parameters.items()}
    epilog = "Settings: " + ", ".join(f"{name}={value}" for name, value in defaults.items())
    parser = argparse.ArgumentParser(prog="python -m vdworld.benchmarks.gpu", description=run.__doc__, epilog=epilog)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("settings", nargs="*", metavar="key=value")
    settings: dict[str, Any] = {}
    for word in parser.parse_args(arguments).settings:
        name, sign, text = word.partition("=")
        if not sign or name not in defaults:
            parser.error(f"settings must be key=value with a key of {', '.join(defaults)}, got {word!r}.")
        settings[name] = parse_value(text)
    try:
        report = run(**settings)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"\n{report}")
    return int(report.failed)


def parse_value(text: str) -> Any:
    """Return a setting as YAML would read it: numbers, true, false, null, lists in brackets, otherwise text."""
    if text.startswith("[") and text.endswith("]"):
        return [parse_value(part.strip()) for part in text[1:-1].split(",") if part.strip()]
    if text in _WORDS:
        return _WORDS[text]
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


if __name__ == "__main__":
    sys.exit(main())
