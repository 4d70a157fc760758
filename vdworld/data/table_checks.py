"""Check the rows of a dataset's table against its metadata: columns, counts, finite numbers and existing choices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import gymnasium as gym
import numpy as np

from vdworld.data.finite_numbers import NotFiniteError, check_finite_rows
from vdworld.data.layout import EpisodeEntry, Layout
from vdworld.data.legal_actions import illegal_numbers
from vdworld.data.parquet_tables import read_columns
from vdworld.json_values import reading
from vdworld.space_json import space_from_json
from vdworld.space_leaves import flat_action_size, leaf_size, leaves


def check_rows(layout: Layout, path: Path, entries: Sequence[EpisodeEntry]) -> None:
    """Read a table, and check the rows of the episodes in it.

    Raises:
        ValueError: The file is not the one that was written, a column is missing or has another width, an episode has
            another number of rows, or a number is not finite or no choice of the action space.
    """
    names, numbers = layout.numeric_features, [entry.index for entry in entries]
    try:
        layout.verify(path)
    except ValueError as changed:
        raise _bad_number(path, names, numbers) or changed from None
    columns = read_columns(path, names)
    with reading(path):
        if missing := sorted({"episode_index", *names} - columns.keys()):
            raise ValueError(f"it must hold the columns of info.json, got none for {missing}.")
        for name in names:
            width = math.prod(layout.features[name]["shape"])
            if columns[name].shape[1] != width:
                raise ValueError(f"`{name}` must hold {width} numbers in a row, got {columns[name].shape[1]}.")
        _check_counts(columns["episode_index"][:, 0], entries)
        check_finite_rows(path, columns, numbers)
        if (stored := layout.own.get("action_space")) is not None:
            _check_choices(columns, space_from_json(stored), numbers)


def _bad_number(path: Path, names: Sequence[str], episodes: Sequence[int]) -> NotFiniteError | None:
    """Return the error of a number that is not finite in a changed file: it says more than a checksum."""
    try:
        check_finite_rows(path, read_columns(path, names), episodes)
    except NotFiniteError as error:
        return error
    except (ValueError, LookupError):
        pass  # damaged in another way
    return None


def _check_counts(owner: np.ndarray, entries: Sequence[EpisodeEntry]) -> None:
    numbers, counts = np.unique(owner, return_counts=True)
    found = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    for entry in entries:
        if found.get(entry.index, 0) != entry.length:
            raise ValueError(
                f"it must hold {entry.length} rows of episode {entry.index}, got {found.get(entry.index, 0)}."
            )


def _check_choices(columns: Mapping[str, np.ndarray], space: gym.Space, episodes: Sequence[int]) -> None:
    """Check that discrete actions are choices of their space, in all rows; the last ones are zero."""
    actions, owner = columns["action"], columns["episode_index"][:, 0]
    if actions.shape[1] != flat_action_size(space):
        raise ValueError(f"`action` must hold {flat_action_size(space)} numbers for {space}, got {actions.shape[1]}.")
    parts = leaves(space)
    is_choice = np.repeat([not isinstance(leaf, gym.spaces.Box) for leaf in parts], [leaf_size(leaf) for leaf in parts])
    wrong = illegal_numbers(actions, space) & is_choice & (actions != 0) & np.isin(owner, episodes)[:, None]
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise ValueError(f"`action` must lie in {space}, got {actions[row, column]} in episode {owner[row]}.")
