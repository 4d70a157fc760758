"""Numbers that are not finite are refused by name, when they are written and when they are loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vdworld.data import Dataset, EpisodeWriter, load_dataset


@pytest.fixture
def spoil(edit_json: Callable) -> Callable[..., Path]:
    """Write a number into one row of a column, as other software might, which knows no checksums."""

    def spoil(dataset: Dataset, column: str, row: int, value: float) -> Path:
        edit_json(dataset.path / "meta/info.json", lambda info: None)
        return spoil_table(dataset, column, row, value)

    return spoil


def spoil_table(dataset: Dataset, column: str, row: int, value: float) -> Path:
    path = dataset.layout.data_path(dataset.entries[0])
    table = pq.read_table(path)
    place = table.schema.get_field_index(column)
    rows = np.array(table.column(column).to_pylist(), dtype=np.float64)
    rows[row] = value
    pq.write_table(
        table.set_column(place, table.schema.field(place), pa.array(rows.tolist(), table.field(place).type)), path
    )
    return path


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["actions", "rewards"])
def test_no_number_that_is_not_finite_is_written(
    tmp_path: Path, make_arrays: Callable, name: str, value: float
) -> None:
    episode = make_arrays(1)
    episode[name][4] = value
    with EpisodeWriter(tmp_path, fps=10) as writer:
        writer.add(**make_arrays(0))
        with pytest.raises(ValueError, match=rf"`{name}` of episode 1 of .* must be finite, got {value} in row 4"):
            writer.add(**episode)
    assert len(load_dataset(tmp_path)) == 1


def test_numbers_that_float32_cannot_hold_are_not_written(tmp_path: Path, make_arrays: Callable) -> None:
    episode = make_arrays(0) | {"rewards": np.array([0, 0, 1e300, 0, 0, 0])}
    with (
        EpisodeWriter(tmp_path, fps=10) as writer,
        pytest.raises(ValueError, match="`rewards` of episode 0 .*, got inf in row 2"),
    ):
        writer.add(**episode)


def test_flags_that_are_neither_true_nor_false_are_not_written(tmp_path: Path, make_arrays: Callable) -> None:
    with EpisodeWriter(tmp_path, fps=10) as writer, pytest.raises(ValueError, match="`terminated` must hold True and"):
        writer.add(**make_arrays(0) | {"terminated": np.array([0, 0, 0, 0, 0, np.nan])})


def test_readings_may_be_missing_but_not_infinite(tmp_path: Path, make_arrays: Callable) -> None:
    episode = make_arrays(0)
    episode["state"]["state"][3, 1] = np.nan
    with EpisodeWriter(tmp_path, fps=10) as writer:
        writer.add(**episode)
        episode["state"]["state"][3, 1] = np.inf
        with pytest.raises(ValueError, match=r"`observation.state` of episode 1 .* got inf in row 3"):
            writer.add(**episode)
    assert np.isnan(load_dataset(tmp_path)[0].state["observation.state"][3, 1])


@pytest.mark.parametrize(
    ("column", "value"),
    [("action", np.nan), ("action", np.inf), ("next.reward", np.nan), ("observation.state", np.inf)],
)
def test_a_table_with_such_a_number_is_refused_with_file_episode_and_row(
    make_dataset: Callable, spoil: Callable, column: str, value: float
) -> None:
    dataset = make_dataset((6, 4))
    path = spoil(dataset, column, row=9, value=value)  # the first episode has 7 rows
    with pytest.raises(ValueError, match=rf"`{column}` of episode 1 in {path} must be finite.*, got {value} in row 2"):
        load_dataset(dataset.path)


@pytest.mark.parametrize(("column", "row"), [("observation.state", 9), ("action", 6), ("next.reward", 11)])
def test_numbers_that_mean_nothing_may_be_missing(
    make_dataset: Callable, spoil: Callable, column: str, row: int
) -> None:
    """Readings may be NaN anywhere, actions and rewards in the last row of an episode."""
    dataset = make_dataset((6, 4))
    spoil(dataset, column, row=row, value=np.nan)
    assert load_dataset(dataset.path).num_steps == 10
