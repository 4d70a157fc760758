"""Damage to the files of a folder: what a bad disk, an interrupted copy or somebody hostile does to them."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch
import torch

IGNORED = (".lock", ".saving")
VALUES: list[Any] = [
    *(None, True, False, "", "text", "../..", 0, -1, 3, 10**9, 10**18, 10**400, 1e308, float("nan"), float("inf")),
    *([], [1], ["a"], [[1, 2], [3]], {}, {"a": 1}, {"_target_": "os.system"}, "{chunk_index.__class__}", "/etc/passwd"),
]
"""What takes the place of a value in JSON."""


def mutate(folder: Path, rng: random.Random) -> tuple[str, Path, bool]:
    """Damage one file, and return what was done, the file, and whether its checksum still tells."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name not in IGNORED)
    file = rng.choice(files)
    kinds: list[Callable[[Path, random.Random], str]] = [flip, truncate, remove, garbage, make_folder]
    if file.suffix == ".json":
        kinds += 4 * [change_json]
    if file.suffix == ".safetensors" or file.name == "tensors":
        kinds += 3 * [change_tensors]
    if file.suffix == ".parquet":
        kinds += 3 * [change_table]
    kind = rng.choice(kinds)
    done = kind(file, rng)
    sealed = not (kind in (change_json, change_tensors, change_table) and rng.random() < 0.6)
    if not sealed:
        unseal(folder)
    return done, file, sealed


def unseal(folder: Path) -> None:
    """Remove all checksums, as somebody can who knows about them."""
    for file in folder.rglob("*.json"):
        try:
            values = json.loads(file.read_text())
        except (ValueError, RecursionError):
            continue
        for part in (values, values.get("vdworld") if isinstance(values, dict) else None):
            if isinstance(part, dict):
                part.pop("checksums", None)
        file.write_text(json.dumps(values))


def flip(file: Path, rng: random.Random) -> str:
    """Flip a few bits."""
    content = bytearray(file.read_bytes())
    places = [rng.randrange(8 * len(content)) for _ in range(rng.choice((1, 1, 8)))] if content else []
    for place in places:
        content[place // 8] ^= 1 << place % 8
    file.write_bytes(content)
    return f"flip {len(places)} bits"


def truncate(file: Path, rng: random.Random) -> str:
    """Cut the end off, or everything."""
    content = file.read_bytes()
    length = rng.choice((0, rng.randrange(len(content) + 1), max(len(content) - 1, 0)))
    file.write_bytes(content[:length])
    return f"truncate to {length} of {len(content)} bytes"


def remove(file: Path, rng: random.Random) -> str:
    """Remove the file."""
    file.unlink()
    return "remove"


def garbage(file: Path, rng: random.Random) -> str:
    """Replace the content by something else."""
    content = rng.choice((rng.randbytes(200), b"{}", b"[]", b"null", b"[" * 100_000, b"PAR1" * 20, bytes(100)))
    file.write_bytes(content)
    return f"replace by {content[:12]!r}"


def make_folder(file: Path, rng: random.Random) -> str:
    """Put a folder in the place of the file."""
    file.unlink()
    file.mkdir()
    return "replace by a folder"


def change_json(file: Path, rng: random.Random) -> str:
    """Replace, remove or rename a value anywhere in a JSON file."""
    root = json.loads(file.read_text())
    container, path = root, []
    while True:
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        keys = [key for key in keys if key != "checksums"]
        if not keys:
            return "nothing"
        key = rng.choice(keys)
        path.append(key)
        if not isinstance(container[key], dict | list) or not container[key] or rng.random() < 0.3:
            break
        container = container[key]
    done = rng.choice(("replace", "replace", "replace", "remove", "rename"))
    value = container[key]
    if done == "replace":
        container[key] = rng.choice([v for v in VALUES if type(v) is not type(value) or v != value])
        done = f"replace by {str(container[key])[:30]}"
    elif done == "remove" or not isinstance(container, dict):
        del container[key]
    else:
        container[f"{key}_"] = container.pop(key)
    file.write_text(json.dumps(root))
    return f"{done} {path}"


def change_tensors(file: Path, rng: random.Random) -> str:
    """Give a tensor other numbers, another type or another shape, or remove it."""
    tensors = safetensors.torch.load_file(file)
    name = rng.choice(sorted(tensors))
    value, kind = tensors[name], rng.choice(("nan", "inf", "dtype", "shape", "remove", "rename"))
    if kind in ("nan", "inf") and value.is_floating_point() and value.numel():
        value.view(-1)[rng.randrange(value.numel())] = float(kind)
    elif kind == "dtype":
        tensors[name] = value.to(torch.int16)
    elif kind == "shape":
        tensors[name] = torch.zeros(*value.shape, 2, dtype=value.dtype)
    elif kind == "remove":
        del tensors[name]
    else:
        tensors[f"{name}_"] = tensors.pop(name)
    safetensors.torch.save_file(tensors, file)
    return f"{kind} {name}"


def change_table(file: Path, rng: random.Random) -> str:
    """Give a column other numbers or another type, or remove it, or rows of all columns."""
    table = pq.read_table(file)
    name = rng.choice(table.column_names)
    place, num_rows = table.schema.get_field_index(name), table.num_rows
    kind = rng.choice(("nan", "inf", "huge", "none", "text", "remove", "rows", "lists"))
    columns: dict[str, Any] = {
        "nan": np.full(num_rows, np.nan),
        "inf": np.full(num_rows, np.inf),
        "huge": np.full(num_rows, 10**18),
        "none": pa.nulls(num_rows),
        "text": ["text"] * num_rows,
        "lists": [[0.0] * (i % 3) for i in range(num_rows)],
    }
    table = table.slice(0, max(num_rows - 1, 0)) if kind == "rows" else table.remove_column(place)
    if kind in columns:
        table = table.add_column(place, name, pa.array(columns[kind]))
    pq.write_table(table, file)
    return f"{kind} {name}"


def swap(first: Path, second: Path) -> None:
    """Exchange two files."""
    between = first.with_name(f"{first.name}.between")
    shutil.move(first, between)
    shutil.move(second, first)
    shutil.move(between, second)
