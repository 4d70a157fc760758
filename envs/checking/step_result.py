"""What a vector environment returned, as arrays, and the comparing of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from vdworld.envs.dream.dream_spaces import map_leaves, to_numpy

NEARLY = 1e-3
"""How far numbers may be apart where a lane is compared with one in another place of a batch; integers one level."""


@dataclass(frozen=True)
class StepResult:
    """What a reset or a step returned, as arrays in memory of their own; a reset returns no rewards and no ends."""

    observation: Any
    info: dict[str, Any]
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray

    @property
    def ended(self) -> np.ndarray:
        """Which lanes' episodes are over."""
        return self.terminated | self.truncated

    def lanes(self, rows: Any) -> Any:
        """Return observation, reward and ends of some lanes."""
        values = (self.observation, self.reward, self.terminated, self.truncated)
        return map_leaves(lambda leaf: np.asarray(leaf)[rows], values)


def require_rule(kept: Any, text: str) -> None:
    """Raise an AssertionError with this text unless the rule is kept."""
    if not kept:
        raise AssertionError(text)


@contextlib.contextmanager
def named(rule: str) -> Iterator[None]:
    """Turn whatever the environment raises into an AssertionError that names the rule."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{rule}; it raised {type(error).__name__}: {error}") from error


def arrays(tree: Any) -> Any:
    """Bring a tree of arrays and tensors to arrays in memory of their own."""
    return map_leaves(lambda leaf: np.array(to_numpy(leaf)), tree)


def same_tree(left: Any, right: Any, *, nearly: bool = False) -> bool:
    """Tell whether two trees hold the same numbers; `nearly` lets floats differ by rounding and integers by one."""
    found: list[np.ndarray] = []
    collect: Callable[[Any], None] = found.append
    map_leaves(collect, left)
    half = len(found)
    map_leaves(collect, right)
    pairs = zip(found[:half], found[half:], strict=True)
    return all(_close(a, b) if nearly else np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def _close(left: np.ndarray, right: np.ndarray) -> bool:
    if left.dtype == np.bool_ or left.shape != right.shape:
        return np.array_equal(left, right)
    apart = np.abs(left.astype(np.float64) - right.astype(np.float64))
    return bool((apart <= (NEARLY if left.dtype.kind == "f" else 1)).all())
