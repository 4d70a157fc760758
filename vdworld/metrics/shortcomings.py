"""A world compared with repeating the last frame, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MIN_GAIN = 1.0  # dB on moving pixels, one step ahead; below, a world has learnt hardly anything
MIN_STEPS = 100  # optimiser steps
MIN_LOSS = 0.05  # dB; smaller differences over all pixels are rounding
ADVICE = "Train longer, or on more data."


def shortcomings(
    all_pixels: Mapping[int, tuple[float, float]], moving: tuple[float, float], num_steps: int | None = None
) -> str:
    """Return in what a world fails against repeating the last frame, as sentences for the user; empty if in nothing.

    Args:
        all_pixels: Steps ahead to the PSNR over all pixels, in dB: of the world, and of repeating the last frame.
        moving: The same over moving pixels, one step ahead; NaN where nothing moves.
        num_steps: Optimiser steps of the world; None where they are unknown.
    """
    sentences, (world, copied) = list[str](), moving
    if world - copied < MIN_GAIN:
        sentences.append(
            f"The world is hardly trained: one step ahead it has {world:.1f} dB on moving pixels, and repeating the "
            f"last frame {copied:.1f} dB."
        )
    elif num_steps is not None and num_steps < MIN_STEPS:
        sentences.append(f"The world is hardly trained, with {num_steps} optimiser steps.")
    if worse := [step for step, (world, copied) in all_pixels.items() if world < copied - MIN_LOSS]:
        world, copied = all_pixels[worse[-1]]
        ahead = " and ".join(filter(None, (", ".join(map(str, worse[:-1])), str(worse[-1]))))
        sentences.append(
            f"Over all pixels it is worse than repeating the last frame {ahead} step{'s' * (worse != [1])} ahead: "
            f"{world:.1f} dB against {copied:.1f} dB{f' at {worse[-1]}' * (len(worse) > 1)}."
        )
    return " ".join([*sentences, ADVICE]) if sentences else ""


def optimizer_steps(training_info: Mapping[str, Any]) -> int | None:
    """Return the optimiser steps of a world's training, those before it was trained further included."""
    if not isinstance(training_info.get("steps"), int):
        return None
    return training_info["steps"] + (optimizer_steps(training_info.get("before") or {}) or 0)
