"""Which moments of held-out episodes an evaluation looks at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vdworld.data import Dataset


def usable_moments(dataset: Dataset, *, past: int, future: int) -> dict[int, range]:
    """Return, under each episode's number in the folder, the moments with enough of the episode around them.

    Args:
        dataset: The episodes; too short ones are left out.
        past: Transitions needed before the moment.
        future: Transitions needed after it.
    """
    spans = {entry.index: range(past, entry.length - future) for entry in dataset.entries}  # length counts frames
    return {index: span for index, span in spans.items() if span}


def spread(spans: dict[int, range], rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield (episode, moment) pairs without repetition, drawn evenly over episodes.

    Every episode is visited once, in random order and at a random moment, before any is visited again: clips of one
    episode are alike, so the more episodes a sample has, the surer its mean.

    Args:
        spans: The moments of each episode that may be drawn.
        rng: Decides the order and the moments.
    """
    moments = {episode: rng.permutation(np.asarray(span)) for episode, span in spans.items()}
    for visit in range(max(map(len, moments.values()), default=0)):
        for episode in rng.permutation(list(moments)):
            if visit < len(moments[episode]):
                yield int(episode), int(moments[episode][visit])
