"""Names of earlier versions, and paths in place of what they hold, are refused with what to write instead."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from gymnasium import Env
from gymnasium.vector import VectorEnv

T = TypeVar("T")


def refuse_former(**hints: str) -> Callable[[T], T]:
    """Decorate a function or a class, so that keywords of earlier versions raise a TypeError with a hint.

    Args:
        hints: What became of each keyword, such as ``hiding="is now called `corruption`"``.
    """

    def decorate(target: Any) -> Any:
        if isinstance(target, type):
            target.__init__ = decorate(target.__init__)  # type: ignore[misc]
            return target

        @functools.wraps(target)
        def checked(*arguments: Any, **keywords: Any) -> Any:
            for name in hints.keys() & keywords.keys():
                raise TypeError(f"`{name}` {hints[name]}.")
            return target(*arguments, **keywords)

        return checked

    return decorate


class FormerAttribute:
    """An attribute of earlier versions, whose AttributeError says what became of it.

    Args:
        hint: Such as ``"is now called `action_mask`"``.
    """

    def __init__(self, hint: str) -> None:
        self.hint = hint

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """Raise."""
        raise AttributeError(f"`{self.name}` of {getattr(owner, '__name__', 'this object')} {self.hint}.")


def refuse_path(name: str, value: object, load: str) -> None:
    """Check that an argument is not the path of what it should be.

    Args:
        name: The argument's name.
        value: Its value.
        load: The function that loads such a path.

    Raises:
        TypeError: It is a path; the message says how to load it.
    """
    if isinstance(value, str | Path):
        raise TypeError(f"`{name}` must be loaded, got the path {str(value)!r}. Pass {load}({str(value)!r}).")


def refuse_single_env(envs: object) -> None:
    """Check that an argument is a vector environment.

    Raises:
        TypeError: It is something else, such as a single environment; the message says how to make one.
    """
    if not isinstance(envs, VectorEnv):
        shown = str(envs) if isinstance(envs, Env) else f"a {type(envs).__name__}"
        raise TypeError(
            f"`envs` must be a vector environment, got {shown}. Make one with gym.make_vec(ID, num_envs=...), or of "
            "single environments with gym.vector.SyncVectorEnv([make, ...])."
        )


def refuse_world_path(world: object, name: str = "world") -> None:
    """Check that a world is not a path; errors as for ``refuse_path``."""
    refuse_path(name, world, "vdworld.WorldModel.from_pretrained")


def refuse_dataset_path(dataset: object, name: str = "dataset") -> None:
    """Check that a dataset is not a path; errors as for ``refuse_path``."""
    refuse_path(name, dataset, "vdworld.load_dataset")
