"""How many frames per second a world imagines beside another one, in turn in one process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from vdworld.benchmarks.interleaved_timing import Turns, take_turns
from vdworld.benchmarks.speed import LONGEST_ROLLOUT, check_counts, describe_world, steps_in_words
from vdworld.data import Clips
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.report.table import Table, spread_cell
from vdworld.evaluation.world_protocol import World
from vdworld.world import WorldModel


@dataclass(frozen=True)
class SpeedBeside:
    """Imagined frames per second of two worlds.

    Args:
        turns: (batch size, our sampling steps) to the rates of both.
        names: What tables call the two.
        about: Worlds, seed, command, machine, versions and date; one line of text each.
        notes: What a reader must know besides.
    """

    turns: dict[tuple[int, int], Turns]
    names: tuple[str, str]
    about: dict[str, str] = field(default_factory=dict)
    notes: str = ""

    def __str__(self) -> str:
        lines = [f"{name:<9} {value}" for name, value in self.about.items()]
        return "\n".join([self.table().text(), "", *lines])

    def table(self) -> Table:
        """Return the rates of both and their ratio, one batch size and number of our sampling steps a row."""
        rows = [
            (
                f"batch {batch}, {steps_in_words(steps)}",
                *(spread_cell(values) for values in (turns.ours, turns.peer, turns.ratios)),
            )
            for (batch, steps), turns in self.turns.items()
        ]
        repeats = len(next(iter(self.turns.values())).ours)
        note = (
            f"Median of {repeats} turns, in brackets the lowest and the highest. {self.names[0]} imagines frame, "
            f"reward and continuation. {self.notes}"
        )
        return Table("Imagined frames per second", ("", *self.names, "ratio"), tuple(rows), note.strip())

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        rows = [
            {"batch_size": batch, "num_sampling_steps": steps, **turns.to_json()}
            for (batch, steps), turns in self.turns.items()
        ]
        return {"benchmark": "speed", "about": self.about, "names": list(self.names), "notes": self.notes, "rows": rows}


def measure_beside(
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
) -> SpeedBeside:
    """Roll both worlds out from noise under random actions, one after the other.

    Args:
        ours: A world; its sampling steps are set and put back.
        peer: Another one of the same frames and actions; it samples as it was published.
        names: What tables call the two.
        batch_sizes: Numbers of dreams at a time.
        num_sampling_steps: Ours.
        repeats: Turns of each combination.
        seconds: Least time of a world's turn.
        seed: Of frames, actions and dreams.
        notes: What a reader of the table must know besides.

    Raises:
        ValueError: A number below 1, or a negative time.
    """
    check_counts(batch_sizes=batch_sizes, num_sampling_steps=num_sampling_steps)
    before, turns = ours.sampling, {}
    try:
        for batch in batch_sizes:
            clips = noise_clips(ours, batch, seed)
            for steps in num_sampling_steps:
                ours.sampling = replace(before, num_steps=steps)
                turns[batch, steps] = take_turns(ours, peer, clips, repeats=repeats, seconds=seconds, seed=seed)
    finally:
        ours.sampling = before
    about = {"world": describe_world(ours), "seed": str(seed), **provenance(ours.device)}
    return SpeedBeside(turns, names, about, notes)


def noise_clips(world: WorldModel, num_lanes: int, seed: int) -> Clips:
    """Return clips of noise with random actions, as long as a rollout that is timed."""
    rng, length = torch.Generator().manual_seed(seed), world.context_length + LONGEST_ROLLOUT
    frames = torch.randint(256, (num_lanes, length, *world.frame_shape), generator=rng, dtype=torch.uint8)
    encoded = torch.rand(num_lanes, length - 1, world.action_codec.dim, generator=rng) * 2 - 1
    actions = world.action_codec.flatten(world.action_codec.decode(encoded)).float()
    nothing = torch.zeros(num_lanes, LONGEST_ROLLOUT)
    lanes = torch.arange(num_lanes)
    action_mask = torch.ones(num_lanes, length - 1, dtype=torch.bool)
    return Clips(frames, actions, action_mask, nothing, nothing.bool(), nothing[..., None][..., :0], lanes, lanes)
