"""Settings of the trainer that had other names in earlier versions."""

from __future__ import annotations

RENAMED = {
    "hiding": "corruption",
    "hiding.stains": "corruption.blob_noise",
    "hiding.ghosts": "corruption.clip_mixup",
    "weights.still": "weights.static_l1",
    "weights.effort": "weights.copy_penalty",
}
"""Former name of a field of ``TrainerSettings``, or of a field of one of its groups -> its present name."""


def present_name(setting: str) -> str | None:
    """Return the present name of a setting such as ``"hiding.stains"``; None where it was not renamed."""
    group, dot, field = setting.partition(".")
    if setting in RENAMED or not dot or group not in RENAMED:
        return RENAMED.get(setting)
    return f"{RENAMED[group]}.{field}"
