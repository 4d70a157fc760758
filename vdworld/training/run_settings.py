"""The settings that a run began with, and those that a resumed run changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NUM_LISTED = 6  # differences that a message names


@dataclass
class RunSettings:
    """What decides a run, stored in its checkpoints.

    Args:
        fixed: What its weights belong to, such as the network; nested names become dotted ones.
        free: What a resumed run may change, such as the learning rate.
        changes: What resumed runs changed, such as ``{"step 500": "learning_rate 0.001 -> 0.0005"}``.
    """

    fixed: dict[str, Any]
    free: dict[str, Any]
    changes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fixed, self.free = flat(self.fixed), flat(self.free)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {"fixed": self.fixed, "free": self.free, "changes": self.changes}

    def resume(self, saved: Mapping[str, Any] | None, place: str, folder: Path) -> str:
        """Compare with the settings of the run so far, and add what differs to the changes.

        Args:
            saved: What ``to_json`` returned for that run; None, as earlier versions stored nothing, compares nothing.
            place: Where the run resumes, such as ``"step 500"``.
            folder: The run's folder, for messages.

        Returns:
            What differs, for the user to read; empty without differences.

        Raises:
            ValueError: A fixed setting differs.
        """
        if saved is None:
            return ""
        if text := differences(saved["fixed"], self.fixed):
            raise ValueError(
                f"`output` must hold a run of the same kind, and the run in {folder} has other settings: {text}. "
                "Resume it with its own settings, or name a new folder."
            )
        self.changes = dict(saved["changes"])
        text = differences(saved["free"], self.free)
        if not text:
            return ""
        earlier = self.changes.get(place)
        self.changes[place] = text if earlier is None else f"{earlier}, then {text}"
        return f"Resumed at {place} with other settings than before, which hold from here on: {text}."


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values under dotted names, as JSON reads them back."""
    names: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            names |= flat(value, f"{prefix}{name}.")
        else:
            names[f"{prefix}{name}"] = json.loads(json.dumps(value, default=str))
    return names


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return the settings with another value, such as ``learning_rate 0.001 -> 0.0005``; a missing one is null."""
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    listed = [f"{name} {_text(before.get(name))} -> {_text(now.get(name))}" for name in names[:NUM_LISTED]]
    return ", ".join(listed + ([f"and {len(names) - NUM_LISTED} more"] if len(names) > NUM_LISTED else []))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
