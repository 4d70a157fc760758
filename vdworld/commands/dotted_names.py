"""Dotted names of objects that have been renamed: users who still type the old name learn the new one."""

from __future__ import annotations

RENAMED = {
    "vdworld.envs.exploration": "vdworld.envs.recording",
    "vdworld.envs.scripted": "vdworld.envs.games",
    "vdworld.envs.tasks.pusht_contact": "vdworld.envs.tasks.pusht",
}
"""Old name of an object or a module -> its new name. Objects inside a module are renamed with it."""


def refuse_old_name(name: str) -> str:
    """Return a dotted name, such as ``"vdworld.envs.tasks.pusht.ContactExploration"``, unless it is an old one.

    Raises:
        ValueError: `name` is an old name; the message gives the new one.
    """
    for old, new in RENAMED.items():
        if name == old or name.startswith(f"{old}."):
            raise ValueError(f"{name} is now {new}{name.removeprefix(old)}. Use the new name.")
    return name
