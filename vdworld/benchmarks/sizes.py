"""What the networks cost at each preset's size."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from vdworld.evaluation.report.table import Table
from vdworld.networks import SIZES, Cost, Network, count_flops
from vdworld.world import build, preset

NUM_ACTIONS = 2


def measure_sizes(image_size: int = 64, context_length: int = 4) -> dict[tuple[str, str], Cost]:
    """Count parameters and operations of every network at every size, by (size, network)."""
    costs: dict[tuple[str, str], Cost] = {}
    for name, networks in SIZES.items():
        for network in networks:
            target = {"_target_": f"vdworld.networks.{network}"}
            with torch.device("meta"):  # counted, never filled
                built: Network = build(
                    preset(name).network_for((image_size, image_size), target),
                    frame_channels=3,
                    image_size=(image_size, image_size),
                    action_dim=NUM_ACTIONS,
                    context_length=context_length,
                )
            costs[name, network] = count_flops(built, (image_size, image_size), NUM_ACTIONS)
    return costs


def sizes_table(costs: dict[tuple[str, str], Cost], image_size: int, context_length: int) -> Table:
    """Return one network and size a row."""
    rows: list[tuple[str, ...]] = []
    for name in dict.fromkeys(name for name, _ in costs):
        rows.append((name,))
        rows += [(f"  {network}", *_cells(cost)) for (size, network), cost in costs.items() if size == name]
    note = (
        f"Frames of {image_size} x {image_size}, {context_length} past frames, {NUM_ACTIONS} action numbers. A "
        "multiply-add counts as two operations. A frame of a dream takes an evaluation per sampling step, and one "
        "commit pass, which gives reward and end."
    )
    columns = ("", "parameters, million", "GFLOP per evaluation", "GFLOP per commit")
    return Table("Sizes of the networks", columns, tuple(rows), note)


def _cells(cost: Cost) -> Sequence[str]:
    return f"{cost.parameters / 1e6:.2f}", f"{cost.evaluation:.2f}", f"{cost.commit:.2f}"
