"""Imagined frames per second of two worlds that take turns in one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from vdworld.benchmarks.measured_world import describe_world
from vdworld.benchmarks.paired_rollouts import check_contexts, time_rollouts
from vdworld.benchmarks.peers import DiamondCode, DiamondWorld
from vdworld.benchmarks.plots import speed_plot, steps_in_words
from vdworld.benchmarks.results import to_text
from vdworld.benchmarks.timing import LONGEST_ROLLOUT, PairedRates, check_counts
from vdworld.data import Clips
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.report.table import Table, spread_cell
from vdworld.evaluation.world_protocol import World
from vdworld.world import WorldModel


@dataclass(frozen=True)
class SpeedComparison:
    """Imagined frames per second of two worlds.

    Args:
        rates: (batch size, our sampling steps) to the rates of both.
        names: Labels of the two in tables.
        about: Worlds, seed, command, machine, versions and date; one line of text each.
        notes: What else a reader must know.
    """

    rates: dict[tuple[int, int], PairedRates]
    names: tuple[str, str]
    about: dict[str, str] = field(default_factory=dict)
    notes: str = ""

    def __str__(self) -> str:
        return to_text([self.table()], self.about)

    @property
    def plots(self) -> Mapping[str, Callable[[], bytes]]:
        """File names to functions that draw them."""
        ours, peer = ({key: getattr(pair, name) for key, pair in self.rates.items()} for name in ("ours", "peer"))
        return {"speed.png": lambda: speed_plot(ours, peer, self.names[1])}

    def table(self) -> Table:
        """Return both rates and their ratio, one batch size and number of our sampling steps per row."""
        rows = [
            (
                f"batch {batch}, {steps_in_words(steps)}",
                *(spread_cell(values) for values in (rates.ours, rates.peer, rates.ratios)),
            )
            for (batch, steps), rates in self.rates.items()
        ]
        repeats = len(next(iter(self.rates.values())).ours)
        note = (
            f"Median of {repeats} turns, in brackets the lowest and the highest. {self.names[0]} imagines frame, "
            f"reward and continuation. {self.notes}"
        )
        return Table("Imagined frames per second", ("", *self.names, "ratio"), tuple(rows), note.strip())

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        rows = [
            {"batch_size": batch, "num_sampling_steps": steps, **rates.to_json()}
            for (batch, steps), rates in self.rates.items()
        ]
        return {"benchmark": "speed", "about": self.about, "names": list(self.names), "notes": self.notes, "rows": rows}


def compare_speed(
    ours: WorldModel,
    peer: World,
    *,
    names: tuple[str, str] = ("ours", "peer"),
    batch_sizes: Sequence[int] = (1, 32),
    num_sampling_steps: Sequence[int] = (1, 2, 4),
    repeats: int = 5,
    seconds: float = 1.0,
    seed: int = 0,
    notes: str = "",
) -> SpeedComparison:
    """Roll both worlds out from noise under random actions, one after the other.

    Args:
        ours: A world; its number of sampling steps is set and restored.
        peer: Another world with the same frames and actions; it samples as published.
        names: Labels of the two in tables.
        batch_sizes: Numbers of dreams at a time.
        num_sampling_steps: Our numbers of network evaluations per frame.
        repeats: Turns of each combination.
        seconds: Minimum duration of a world's turn.
        seed: Decides frames, actions and dreams.
        notes: What else a reader of the table must know.

    Raises:
        ValueError: A number below 1, or a negative time.
    """
    check_counts(batch_sizes=batch_sizes, num_sampling_steps=num_sampling_steps)
    before, rates = ours.sampling, {}
    try:
        for batch in batch_sizes:
            clips = noise_clips(ours, batch, seed)
            for steps in num_sampling_steps:
                ours.sampling = replace(before, num_steps=steps)
                rates[batch, steps] = time_rollouts(ours, peer, clips, repeats=repeats, seconds=seconds, seed=seed)
    finally:
        ours.sampling = before
    about = {"world": describe_world(ours), "seed": str(seed), **provenance(ours.device)}
    return SpeedComparison(rates, names, about, notes)


def compare_with_diamond(
    world: WorldModel, checkout: str, *, compiled: bool = False, seed: int = 0, **settings: Any
) -> SpeedComparison:
    """Compare a world with DIAMOND's own code, which is as fast untrained as trained.

    Args:
        world: The world.
        checkout: A folder with DIAMOND's code.
        compiled: Whether to compile DIAMOND's sampler.
        seed: Decides weights, frames, actions and dreams.
        settings: Further arguments of ``compare_speed``.

    Raises:
        ValueError: There is no such checkout, or a number is out of range.
    """
    code = DiamondCode.load(checkout)
    shape: dict[str, Any] = {"codec": world.action_codec, "image_size": world.image_size, "cameras": world.cameras}
    shape |= {"context_length": max(world.context_length, 4), "device": world.device}
    peer = DiamondWorld(code, **shape, compiled=compiled, seed=seed)
    check_contexts(world, peer)
    sampler = "compiled" if peer.compiled else "uncompiled"
    notes = f"DIAMOND is its own code at commit {code.commit}, frames alone, in its 3 sampling steps, {sampler}."
    return compare_speed(world, peer, names=("vdworld", "DIAMOND"), notes=notes, seed=seed, **settings)


def noise_clips(world: WorldModel, num_lanes: int, seed: int) -> Clips:
    """Return clips of noise with random actions; their horizon is ``LONGEST_ROLLOUT``."""
    rng, length = torch.Generator().manual_seed(seed), world.context_length + LONGEST_ROLLOUT
    frames = torch.randint(256, (num_lanes, length, *world.frame_shape), generator=rng, dtype=torch.uint8)
    encoded = torch.rand(num_lanes, length - 1, world.action_codec.dim, generator=rng) * 2 - 1
    actions = world.action_codec.flatten(world.action_codec.decode(encoded)).float()
    nothing = torch.zeros(num_lanes, LONGEST_ROLLOUT)
    lanes = torch.arange(num_lanes)
    action_mask = torch.ones(num_lanes, length - 1, dtype=torch.bool)
    return Clips(frames, actions, action_mask, nothing, nothing.bool(), nothing[..., None][..., :0], lanes, lanes)
