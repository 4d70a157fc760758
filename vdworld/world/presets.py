"""Presets: network sizes, process and training budget that go together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vdworld.networks import SIZES, Network, VideoNetwork


@dataclass(frozen=True)
class Preset:
    """The settings behind a name such as ``"tiny"``.

    Args:
        name: The name, which is also the key of the network sizes in ``vdworld.networks.SIZES``.
        network: The default network class.
        process: Description of the diffusion process.
        batch_size: Clips per training step, for networks that predict only a clip's last frame.
        sampling: Settings of ``Sampling`` that differ from its defaults.
        max_minutes: Default training time.
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
            changes: Settings to override; another ``_target_`` brings its own sizes of the same name.
        """
        changes = _without_none(changes)
        target = changes.get("_target_", self.network)
        sizes = SIZES[self.name].get(target.rpartition(".")[2], {})
        if "patch" in sizes and max(image_size) <= 48:
            sizes = {**sizes, "patch": sizes["patch"] // 2}
        return {"_target_": target, **sizes, **changes}

    def process_for(self, changes: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the process's description with `changes` applied; they may name another ``_target_``."""
        changes = _without_none(changes)
        if changes.get("_target_", self.process["_target_"]) != self.process["_target_"]:
            shared = {key: self.process[key] for key in ("prediction", "pure_noise") if key in self.process}
            return {**shared, **changes}
        return {**self.process, **changes}

    def batch_size_for(self, network: Network) -> int:
        """Return the number of clips per training step.

        Video networks learn from every frame of a clip, so that a quarter of the clips holds as many frames.
        """
        return self.batch_size // 4 if isinstance(network, VideoNetwork) else self.batch_size


FLOW = {"_target_": "vdworld.diffusion.RectifiedFlow", "prediction": "x", "pure_noise": 0.4}
SAMPLES = {"num_steps": 4}  # one step draws the mean

PRESETS = {
    "tiny": Preset(
        name="tiny",
        network="vdworld.networks.StackedUNet",
        process=FLOW,
        sampling=SAMPLES,
        batch_size=32,
        max_minutes=5.0,
    ),
    "small": Preset(
        name="small",
        network="vdworld.networks.StackedUNet",
        process=FLOW,
        sampling=SAMPLES,
        batch_size=32,
        max_minutes=60.0,
    ),
    "base": Preset(
        name="base",
        network="vdworld.networks.StackedUNet",
        process=FLOW,
        sampling=SAMPLES,
        batch_size=64,
        max_minutes=600.0,
    ),
}


def preset(name: str) -> Preset:
    """Return the preset of this name.

    Raises:
        ValueError: There is no such preset.
    """
    if name not in PRESETS:
        raise ValueError(f"`preset` must be one of {', '.join(PRESETS)}, got {name!r}.")
    return PRESETS[name]


def _without_none(changes: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (changes or {}).items() if value is not None}
