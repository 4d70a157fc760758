"""Parameters and operations of every network at every preset's size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from vdworld.benchmarks.results import to_text
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.report.table import Table
from vdworld.networks import SIZES, Cost, Network, count_flops
from vdworld.world import build, preset

NUM_ACTIONS = 2


@dataclass(frozen=True)
class Sizes:
    """Costs of networks.

    Args:
        costs: (size, network) to its parameters and operations.
        image_size: Height and width of the frames in pixels.
        context_length: Number of context frames.
        about: Command, machine, versions and date; one line of text each.
    """

    costs: Mapping[tuple[str, str], Cost]
    image_size: int
    context_length: int
    about: dict[str, str]

    def __str__(self) -> str:
        return to_text([self.table()], {})

    def table(self) -> Table:
        """Return one network and size per row."""
        rows: list[tuple[str, ...]] = []
        for name in dict.fromkeys(name for name, _ in self.costs):
            rows.append((name,))
            rows += [(f"  {network}", *_cells(cost)) for (size, network), cost in self.costs.items() if size == name]
        note = (
            f"Frames of {self.image_size} x {self.image_size}, {self.context_length} context frames, {NUM_ACTIONS} "
            "continuous actions. A multiply-add counts as two operations. An imagined frame takes one evaluation per "
            "sampling step and one commit pass, which yields reward and continuation."
        )
        columns = ("", "parameters, million", "GFLOP per evaluation", "GFLOP per commit")
        return Table("Sizes of the networks", columns, tuple(rows), note)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        rows = [{"size": size, "network": network, **asdict(cost)} for (size, network), cost in self.costs.items()]
        shape = {"image_size": self.image_size, "context_length": self.context_length}
        return {"benchmark": "sizes", "about": self.about, **shape, "rows": rows}


def run(*, image_size: int = 64, context_length: int = 4) -> Sizes:
    """Count; see ``measure_sizes``."""
    return measure_sizes(image_size, context_length)


def measure_sizes(image_size: int = 64, context_length: int = 4) -> Sizes:
    """Count parameters and operations of every network at every size; nothing is computed.

    Args:
        image_size: Height and width of the frames in pixels.
        context_length: Number of context frames.
    """
    costs: dict[tuple[str, str], Cost] = {}
    for name, networks in SIZES.items():
        for network in networks:
            target = {"_target_": f"vdworld.networks.{network}"}
            with torch.device("meta"):
                built: Network = build(
                    preset(name).network_for((image_size, image_size), target),
                    frame_channels=3,
                    image_size=(image_size, image_size),
                    action_dim=NUM_ACTIONS,
                    context_length=context_length,
                )
            costs[name, network] = count_flops(built, (image_size, image_size), NUM_ACTIONS)
    return Sizes(costs, image_size, context_length, provenance())


def _cells(cost: Cost) -> tuple[str, str, str]:
    return f"{cost.parameters / 1e6:.2f}", f"{cost.evaluation:.2f}", f"{cost.commit:.2f}"
