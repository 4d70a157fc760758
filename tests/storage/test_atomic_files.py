"""System errors name a file, as text."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from vdworld.storage.atomic_files import naming


@pytest.mark.parametrize(
    ("given", "shown"), [((), "runs/a"), ((b"runs/b",), "runs/b"), ((7,), "runs/a"), (("runs/c",), "runs/c")]
)
def test_an_error_gets_a_name_where_it_has_none_and_as_text(given: tuple[object, ...], shown: str) -> None:
    with pytest.raises(FileNotFoundError) as caught, naming(Path("runs/a")):
        raise OSError(errno.ENOENT, "No such file or directory", *given)
    assert str(caught.value) == f"[Errno 2] No such file or directory: '{shown}'"


def test_errors_that_are_not_the_systems_pass() -> None:
    with pytest.raises(OSError, match=r"^a network is down$"), naming(Path("runs/a")):
        raise OSError("a network is down")
