"""Values from JSON files are what their reader says, or refused by name."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from vdworld.json_values import arguments_from_json, parse_json, read_json, reading, value_from_json

FILE = Path("some.json")


def function(
    count: int,
    share: float = 0.5,
    *,
    size: tuple[int, int] = (1, 1),
    names: Sequence[str] = (),
    limit: int | None = None,
    sizes: Mapping[str, int] | None = None,
    flag: bool = False,
    notes: dict[str, Any] | None = None,
) -> None:
    """Take what a file says."""


def test_values_of_the_right_types_become_arguments() -> None:
    values = {"count": 3, "share": 1, "size": [2, 3], "names": ["a"], "limit": None, "sizes": {"b": 4}, "flag": True}
    notes = {"anything": [1, "two", None]}
    arguments = arguments_from_json(function, json.loads(json.dumps({**values, "notes": notes})))
    assert arguments == {**values, "size": (2, 3), "names": ("a",), "notes": notes}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": "3"}, "`count` must be int, got '3'"),
        ({"count": True}, "`count` must be int, got True"),
        ({"count": 3.0}, "`count` must be int, got 3.0"),
        ({"count": 1001}, "`count` must be int up to 1,000, got 1001"),
        ({"count": 3, "size": [1, 10**30]}, r"`size` must be tuple\[int, int\], got \[1, 1000"),
        ({"count": 3, "share": math.nan}, "`share` must be float, got nan"),
        ({"count": 3, "share": math.inf}, "`share` must be float, got inf"),
        ({"count": 3, "share": None}, "`share` must be float, got None"),
        ({"count": 3, "size": [1, 2, 3]}, r"`size` must be tuple\[int, int\], got \[1, 2, 3\]"),
        ({"count": 3, "names": "ab"}, "`names` must be .*Sequence"),
        ({"count": 3, "names": [1]}, "`names` must be .*Sequence"),
        ({"count": 3, "sizes": {"a": "b"}}, "`sizes` must be"),
        ({"count": 3, "flag": 1}, "`flag` must be bool, got 1"),
        ({"count": 3, "flags": True}, "`function` has no argument flags. It takes count, share"),
        ({"share": 0.1}, "`function` lacks count"),
        ([3], r"the settings of function must be an object, got \[3\]"),
    ],
)
def test_any_other_value_is_refused_by_name(values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        arguments_from_json(function, values, max_integer=1000)


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(ValueError, match="^.{0,140}$"):
        value_from_json("count", "x" * 1_000_000, int)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"\xff\xfe\x00", "codec can't decode"),
        (b"[1, 2]", "must hold a JSON object, got list"),
        (b"[" * 100_000, "recursion"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "digits"),
    ],
)
def test_text_that_is_no_object_is_refused_in_one_line_with_the_files_name(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_json(content, Path("folder/config.json"))
    assert str(caught.value).startswith("folder/config.json is damaged: ")
    assert "\n" not in str(caught.value)


def test_what_is_no_file_or_absurdly_large_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for a writer
    for name in ("pipe", "absent", "."):
        with pytest.raises(FileNotFoundError, match="must be a file"):
            read_json(tmp_path / name)
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(2**40)  # a hole, which takes no space on the disk
    with pytest.raises(ValueError, match="huge must have at most"):
        read_json(tmp_path / "huge")


@pytest.mark.parametrize("error", [KeyError("fps"), TypeError("no\nlist"), ZeroDivisionError(), AttributeError("x")])
def test_every_error_of_reading_becomes_one_line_with_the_files_name(error: Exception) -> None:
    with pytest.raises(ValueError, match=r"^folder/info.json is damaged: .+$"), reading(Path("folder/info.json")):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_a_full_memory_is_no_damage(error: Exception) -> None:
    with pytest.raises(MemoryError, match=r"^The memory is full while some\.json is read: ") as caught, reading(FILE):
        raise error
    assert "damaged" not in str(caught.value)


def test_a_failure_of_the_device_is_no_damage() -> None:
    with pytest.raises(RuntimeError, match="^CUDA error: device-side assert triggered$"), reading(FILE):
        raise RuntimeError("CUDA error: device-side assert triggered")
    with pytest.raises(ValueError, match=r"^some\.json is damaged: sizes differ"), reading(FILE):
        raise RuntimeError("sizes differ")
