"""Present names and values in folders that earlier versions saved, so that these keep loading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PRESENT_NAMES = {
    "record": "training_info",
    "painting": "copy_head",
    "known": "action_mask",
    "eyes": "image_encoder",
    "spread": "return_normalizer",
    "floors": "baselines",
}
"""Part of a name in a folder of an earlier version -> its present name."""


def with_present_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values under their present names; dotted names are mapped part by part."""
    return {
        ".".join(PRESENT_NAMES.get(part, part) for part in name.split(".")): value for name, value in values.items()
    }


def older_network(description: Any) -> Any:
    """Return the description of a network of format 2, whose copies were means over kernels, as a present one."""
    copying = ("StackedUNet", "VideoUNet", "Transformer")
    if not isinstance(description, dict) or not str(description.get("_target_")).endswith(copying):
        return description
    return {"reach": 3, **description, "motion": "kernel"}
