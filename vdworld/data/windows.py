"""Which steps of episodes are measured, and how they are drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vdworld.data.dataset import Dataset


def usable_steps(dataset: Dataset, *, past: int, future: int) -> dict[int, range]:
    """Return, by episode number, the steps with enough of the episode before and after them.

    Args:
        dataset: The episodes; those that are too short are left out.
        past: Number of transitions needed before a step.
        future: Number of transitions needed after it.
    """
    ranges = {entry.index: range(past, entry.length - future) for entry in dataset.entries}  # length counts frames
    return {index: steps for index, steps in ranges.items() if steps}


def draw_evenly(ranges: dict[int, range], rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield pairs of episode and step without repetition, drawn evenly over episodes.

    Every episode is drawn once, in random order and at a random step, before any episode is drawn again. Clips of one
    episode resemble each other, so the mean over a sample is the more precise the more episodes it contains.

    Args:
        ranges: The steps of each episode that may be drawn.
        rng: Decides the order and the steps.
    """
    shuffled = {episode: rng.permutation(np.asarray(steps)) for episode, steps in ranges.items()}
    for visit in range(max(map(len, shuffled.values()), default=0)):
        for episode in rng.permutation(list(shuffled)):
            if visit < len(shuffled[episode]):
                yield int(episode), int(shuffled[episode][visit])
