"""The documentation: links lead somewhere, commands have the keys that they use, snippets are Python, names exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from vdworld.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
GROUPS = {"network", "process", "planner", "objective", "protocol"}
"""Keys that pick a file of settings, so that other keys exist or not; `world` is one for ``train`` alone."""

Command = tuple[str, ...]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ +(.+?) *$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> Iterator[Command]:
    """Yield the words after ``vdworld`` of every command in the bash blocks of a page."""
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            program, *words = shlex.split(line, comments=True) or [""]
            if program.endswith("vdworld") and words:
                yield tuple(words)


def single_run(command: Command) -> Command:
    """Return a sweep as its first run."""
    if "-m" not in command:
        return command
    return tuple(word.split(",")[0] for word in command if word != "-m")


def configuration(command: Command) -> Command:
    """Return the words that decide which keys a command has: the verb, the words without a value, and the groups."""
    groups = GROUPS | ({"world"} if command[0] == "train" else set())
    return tuple(word for word in command if "=" not in word or word.partition("=")[0] in groups)


def composes(words: Sequence[str]) -> bool:
    """Tell whether the command line accepts these keys."""
    return main([*words, "--cfg", "job"]) == 0


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name} links to {target}, and there is no {file}."
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}, which has no such heading."


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_verb_is_one(page: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    verbs = set(re.findall(r"^  ([a-z]+)  ", capsys.readouterr().out, flags=re.MULTILINE))
    assert "train" in verbs
    inline = re.findall(r"`vdworld ([\w-]+)[^`]*`", prose(page))
    named = {command[0] for command in commands(page)} | {verb for verb in inline if verb != "VERB"}
    assert named <= verbs, f"{page.name} names {sorted(named - verbs)}."


def test_every_command_has_the_keys_that_it_uses(capsys: pytest.CaptureFixture[str]):
    alike: dict[Command, list[Command]] = {}
    for page in PAGES:
        for command in map(single_run, commands(page)):
            alike.setdefault(configuration(command), []).append(command)
    assert len(alike) > 10  # or the pages were not read
    for shared, group in alike.items():  # composing takes a moment: keys of commands alike are tried together
        values = {word.partition("=")[0]: word for command in group for word in command if word not in shared}
        if not composes([*shared, *values.values()]):
            wrong = [f"vdworld {' '.join(command)}" for command in group if not composes(command)]
            pytest.fail("\n".join([*wrong, capsys.readouterr().err]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_snippet_compiles(page: Path):
    for snippet in blocks(page, "python"):
        compile(snippet, str(page), "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_dotted_name_exists(page: Path):
    code = [*re.findall(r"`([^`\n]+)`", prose(page)), *blocks(page, "python"), *blocks(page, "bash")]
    for name in set(re.findall(r"\bvdworld(?:\.\w+)+", "\n".join(code))):
        assert is_known(name), f"{page.name} names {name}, which does not exist."


def is_known(name: str) -> bool:
    """Tell whether a dotted name is a module, or stands in the module that its beginning names; imports nothing."""
    place, parts = ROOT / "vdworld", name.split(".")[1:]
    while parts and place.is_dir() and (place / parts[0]).is_dir():
        place, parts = place / parts[0], parts[1:]
    if parts and (place / f"{parts[0]}.py").is_file():
        place, parts = place / f"{parts[0]}.py", parts[1:]
    source = place / "__init__.py" if place.is_dir() else place
    return not parts or re.search(rf"\b{parts[0]}\b", source.read_text()) is not None
