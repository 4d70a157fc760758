"""Claims about tables that no dataset of these tests shows."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from vdworld.data.parquet_tables import to_numpy


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Importing:
    """A column whose conversion imports a package, and ignores a Ctrl-C meanwhile."""

    def __init__(self) -> None:
        self.converted = False

    def to_numpy(self, zero_copy_only: bool) -> np.ndarray:
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGINT)
        self.converted = True
        return np.zeros(3)


def test_an_interrupt_during_the_import_of_pandas_is_not_lost() -> None:
    column = Importing()
    with pytest.raises(KeyboardInterrupt):
        to_numpy(column)
    assert column.converted


def test_columns_of_one_and_of_several_chunks_become_arrays() -> None:
    for column in (pa.array([True, False]), pa.chunked_array([[True], [False]])):
        np.testing.assert_array_equal(to_numpy(column), [True, False])
