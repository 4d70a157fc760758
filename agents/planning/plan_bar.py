"""The progress bar of a plan that takes long."""

from __future__ import annotations

from typing import Any

from vdworld.extras import require

DELAY = 5.0
"""Seconds after which a plan shows its progress."""


def plan_bar(num_frames: int | None, *, shown: bool = True) -> Any:
    """Return a tqdm bar over imagined frames that appears after ``DELAY`` seconds and vanishes when it is closed.

    Args:
        num_frames: Number of frames that the plan is expected to imagine; None where that is unknown.
        shown: Whether to show it at all.
    """
    tqdm = require("tqdm", extra="all").tqdm
    return tqdm(total=num_frames, desc="plan", unit=" frames", delay=DELAY, leave=False, disable=not shown)
