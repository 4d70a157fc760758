"""Sizes of worlds that go together, under a name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vdworld.networks import SIZES, Network, VideoNetwork


@dataclass(frozen=True)
class Preset:
    """What a name such as ``"tiny"`` stands for.

    Args:
        name: The name, also that of the networks' sizes in ``vdworld.networks.SIZES``.
        network: The class that it takes unless another is named.
        process: Description of the diffusion process.
        batch_size: Clips per training step, for networks that see a clip's last frame alone.
        sampling: Defaults of ``Sampling``.
        max_minutes: Training time unless the user says otherwise.
    """

    name: str
    network: str
    process: dict[str, Any]
    batch_size: int = 32
    sampling: dict[str, Any] = field(default_factory=dict)
    max_minutes: float = 5.0

    def network_for(self, image_size: tuple[int, int], changes: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the network's description for frames of this size.

        Args:
            image_size: Height and width; larger frames are cut into larger patches.
            changes: Settings on top, and perhaps another ``_target_``, which has sizes of its own under each name.
        """
        changes = _given(changes)
        target = changes.get("_target_", self.network)
        sizes = SIZES[self.name].get(target.rpartition(".")[2], {})
        if "patch" in sizes and max(image_size) <= 48:
            sizes = {**sizes, "patch": sizes["patch"] // 2}
        return {"_target_": target, **sizes, **changes}

    def process_for(self, changes: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the process's description with `changes` on top, perhaps another ``_target_``."""
        changes = _given(changes)
        if changes.get("_target_", self.process["_target_"]) != self.process["_target_"]:
            shared = {key: self.process[key] for key in ("prediction", "pure_noise") if key in self.process}
            return {**shared, **changes}
        return {**self.process, **changes}

    def batch_size_for(self, network: Network) -> int:
        """Return how many clips make a training step.

        Video networks learn from every frame of a clip, so that a fourth of the clips make as many frames.
        """
        return self.batch_size // 4 if isinstance(network, VideoNetwork) else self.batch_size


FLOW = {"_target_": "vdworld.diffusion.RectifiedFlow", "prediction": "x", "pure_noise": 0.6}

PRESETS = {
    "tiny": Preset(
        name="tiny",
        network="vdworld.networks.StackedUNet",
        process=FLOW,
        batch_size=32,
        max_minutes=5.0,
    ),
    "small": Preset(
        name="small",
        network="vdworld.networks.StackedUNet",
        process=FLOW,
        batch_size=32,
        max_minutes=60.0,
    ),
    "base": Preset(
        name="base",
        network="vdworld.networks.StackedUNet",
        process=FLOW,
        batch_size=64,
        max_minutes=600.0,
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


def _given(changes: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (changes or {}).items() if value is not None}
