"""Read and write tables as parquet files: one array ``[rows, d]`` per numeric column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vdworld.extras import require
from vdworld.free_memory import check_memory_for
from vdworld.json_values import reading
from vdworld.storage.atomic_files import PendingFile
from vdworld.storage.interrupts import uninterrupted


def write_table(path: Path, table: Any) -> None:
    """Write a ``pyarrow.Table``. The file appears only when it is complete."""
    parquet = require("pyarrow.parquet", extra="data")
    pending = PendingFile(path)
    try:
        parquet.write_table(table, pending.file)
        pending.commit()
    except BaseException:
        pending.discard()
        raise


def make_table(columns: Mapping[str, np.ndarray]) -> Any:
    """Convert arrays ``[rows, d]`` to a ``pyarrow.Table`` of scalars if d is 1, else of lists of fixed length."""
    pa = require("pyarrow", extra="data")
    arrays = {}
    for name, values in columns.items():
        flat = pa.array(np.ascontiguousarray(values).ravel())
        arrays[name] = flat if values.shape[1] == 1 else pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    return pa.table(arrays)


def read_columns(path: Path, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Read the numeric columns of a parquet file as arrays ``[rows, d]``; nested lists are flattened per row.

    Args:
        path: The parquet file.
        names: The columns to read; None reads all. Text and pictures are left out.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file cannot be read.
    """
    table = read_table(path, names)
    with reading(path):
        return _arrays(table)


def _arrays(table: Any) -> dict[str, np.ndarray]:
    pa = require("pyarrow", extra="data")
    columns = {}
    for name in table.column_names:
        values = table.column(name).combine_chunks()
        while pa.types.is_list(values.type) or pa.types.is_fixed_size_list(values.type):
            if values.null_count or len(values.value_lengths().unique()) > 1:
                raise ValueError(f"`{name}` must hold as many numbers in every row.")
            values = values.flatten()
        if values.null_count and not pa.types.is_floating(values.type):
            raise ValueError(f"`{name}` must hold a value in every row, got {values.null_count} without.")
        if pa.types.is_boolean(values.type) or pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
            columns[name] = to_numpy(values).reshape(table.num_rows, -1)
    return columns


def to_numpy(values: Any) -> np.ndarray:
    """Return a column of a ``pyarrow.Table`` as an array.

    The first call imports pandas where it is installed. Ctrl-C waits for it, since pyarrow would ignore it there.
    """
    with uninterrupted():
        return values.to_numpy(zero_copy_only=False)


def read_table(path: Path, names: Sequence[str] | None = None) -> Any:
    """Read a parquet file as a ``pyarrow.Table``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or lacks a column.
        MemoryError: It does not fit into the memory.
    """
    pa = require("pyarrow", extra="data")
    parquet = require("pyarrow.parquet", extra="data")
    if not path.is_file():
        raise FileNotFoundError(f"The table {path} must exist. The dataset is incomplete; copy or record it again.")
    try:
        file = parquet.ParquetFile(path)
        check_memory_for(path, max(file.metadata.num_rows, 0) * file.metadata.num_columns * 8)
        return file.read(columns=None if names is None else list(names))
    except pa.ArrowMemoryError as error:
        raise MemoryError(f"The memory is full while {path} is read: {error}") from error
    except (pa.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"The table {path} must be readable, got: {error}. It is damaged or incomplete.") from error
