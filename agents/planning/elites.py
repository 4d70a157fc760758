"""Elites: the best plans of every lane, to which a search is refitted."""

from __future__ import annotations

from torch import Tensor


def check_elites(num_elites: int, num_candidates: int, *, least: int = 1) -> None:
    """Check that there are at least `least` elites, and no more than candidates.

    Raises:
        ValueError: The number of elites is out of range.
    """
    if not least <= num_elites <= num_candidates:
        raise ValueError(f"`num_elites` must lie in {least}..{num_candidates} (`num_candidates`), got {num_elites}.")


def select_elites(plans: Tensor, scores: Tensor, num_elites: int) -> tuple[Tensor, Tensor]:
    """Return the best k of n plans ``[b, n, t, a]`` and of their scores ``[b, n]``, best first."""
    top = scores.topk(num_elites, dim=1)
    return plans.take_along_dim(top.indices[:, :, None, None], dim=1), top.values
