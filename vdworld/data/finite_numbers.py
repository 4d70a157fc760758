"""Refuse recorded numbers that are not finite: a single one makes every weight of a world NaN.

Frames are bytes and need no check. Readings may be NaN, where the environment gave no value, but not infinite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vdworld.data.episode import Episode


class NotFiniteError(ValueError):
    """A recorded number is NaN or infinite."""


_READINGS = ("observation.", "info.")


def check_finite(episode: Episode, where: str) -> None:
    """Check the numbers of an episode, which the message calls `where`.

    Raises:
        NotFiniteError: A number is not finite; the message names the column and the row.
    """
    columns = {"actions": episode.actions, "rewards": episode.rewards, **episode.state}
    for name, values in columns.items():
        if values is not None and (found := _first_wrong(name, values)):
            raise NotFiniteError(_message(name, *found, where))


def check_finite_rows(path: Path, columns: Mapping[str, np.ndarray], episodes: Sequence[int]) -> None:
    """Check the columns ``[rows, d]`` of a table at the rows of some episodes.

    The last action and reward of an episode belong to no transition and may be anything.

    Args:
        path: The table.
        columns: Its numeric columns by name.
        episodes: Numbers of the episodes that count.

    Raises:
        NotFiniteError: A number is not finite; the message names the column, the episode and its row.
    """
    owner = columns["episode_index"][:, 0]
    counts = np.isin(owner, episodes)
    last = len(owner) - 1 - np.unique(owner[::-1], return_index=True)[1]
    leads = counts.copy()
    leads[last] = False
    for name, values in columns.items():
        is_reading = name.startswith(_READINGS)
        if not is_reading and name not in ("action", "next.reward"):
            continue
        rows = np.flatnonzero(counts if is_reading else leads)
        if found := _first_wrong(name, values[rows]):
            row = rows[found[0]]
            step = int(np.count_nonzero(owner[:row] == owner[row]))
            raise NotFiniteError(_message(name, step, found[1], f"episode {owner[row]} in {path}"))


def _first_wrong(name: str, values: np.ndarray) -> tuple[int, float] | None:
    """Return the row and the value of the first number that is not allowed in a column ``[rows, ...]``."""
    if values.dtype.kind != "f":
        return None
    wrong = np.isinf(values) if name.startswith(_READINGS) else ~np.isfinite(values)
    if not wrong.any():
        return None
    place = np.argwhere(wrong)[0]
    return int(place[0]), float(values[tuple(place)])


def _message(name: str, row: int, value: float, where: str) -> str:
    rule = "finite, or NaN where there is no value" if name.startswith(_READINGS) else "finite"
    return f"`{name}` of {where} must be {rule}, got {value} in row {row}. Correct it, or leave this episode out."
