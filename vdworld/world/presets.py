"""Sizes of worlds that go together, under a name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """What a name such as ``"tiny"`` stands for.

    Args:
        network: Description of the network, without what the data decide.
        process: Description of the diffusion process.
        trainer: Defaults of the trainer: batch size, learning rate and so on.
        max_minutes: Training time unless the user says otherwise.
    """

    network: dict[str, Any]
    process: dict[str, Any]
    trainer: dict[str, Any] = field(default_factory=dict)
    max_minutes: float = 5.0

    def network_for(self, image_size: tuple[int, int]) -> dict[str, Any]:
        """Return the network's description for frames of this size; larger frames are cut into larger patches."""
        return {"patch": 2 if max(image_size) <= 48 else 4, **self.network}


PRESETS = {
    "tiny": Preset(
        network={"_target_": "vdworld.networks.StackedUNet", "width": 48, "depth": 1, "coarse_width": 96},
        process={"_target_": "vdworld.diffusion.RectifiedFlow", "pure_noise": 0.6},
        trainer={"batch_size": 32},
        max_minutes=5.0,
    ),
}


def preset(name: str) -> Preset:
    """Return the preset of this name.

    Raises:
        ValueError: There is none.
    """
    if name not in PRESETS:
        raise ValueError(f"`preset` must be one of {', '.join(PRESETS)}, got {name!r}.")
    return PRESETS[name]
