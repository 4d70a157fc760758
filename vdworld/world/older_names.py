"""What settings and weights of older folders are called now, so that saved worlds and policies go on loading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PRESENT_NAMES = {
    "record": "training_info",
    "painting": "copy_head",
    "known": "action_mask",
    "eyes": "image_encoder",
    "spread": "return_normalizer",
}
"""Part of a name in a folder of an older version -> what it is called now."""


def with_present_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values under their present names; names may have parts, as in ``network.painting.to_pixels.weight``."""
    return {
        ".".join(PRESENT_NAMES.get(part, part) for part in name.split(".")): value for name, value in values.items()
    }
