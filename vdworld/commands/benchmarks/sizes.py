"""``vdworld benchmark sizes``: parameters and operations of every network at every size."""

from __future__ import annotations

from omegaconf import DictConfig

from vdworld.benchmarks.sizes import measure_sizes, sizes_table
from vdworld.commands.arguments import keyword_arguments


def sizes(config: DictConfig) -> None:
    """Count and print; nothing is computed."""
    settings = {"image_size": config.image_size, "context_length": 4}
    print(sizes_table(measure_sizes(**keyword_arguments(measure_sizes, settings)), **settings).text())
