"""How to build a real environment; stored with every dataset and every checkpoint."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from vdworld.json_values import arguments_from_json

MAX_SIDE = 2**14  # pixels


@dataclass(frozen=True)
class EnvironmentSpec:
    """A real environment and how its frames are recorded.

    Args:
        id: The Gymnasium id, such as ``"gym_pusht/PushT-v0"``.
        kwargs: Keyword arguments of ``gymnasium.make``; plain JSON values.
        packages: Modules to import so that Gymnasium knows the id.
        camera: The observation entry that holds the image; None for the only one, or for the rendered frame.
        image_size: Height and width of the recorded frames in pixels; None keeps the environment's own size.
        action_repeat: Environment steps per recorded step; at least 1.
        fps: Recorded steps per second of the environment's own time.
        max_episode_steps: Recorded steps after which an episode is truncated; None leaves it to the environment.
        reset_options: Options of every ``reset``, for environments that need some; plain JSON values, or None.
        trusted: Whether building the environment may import any package. ``from_json`` returns False: nothing is
            imported because a file says so.
    """

    id: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    camera: str | None = None
    image_size: tuple[int, int] | None = None
    action_repeat: int = 1
    fps: float = 10.0
    max_episode_steps: int | None = None
    reset_options: dict[str, Any] | None = None
    trusted: bool = field(default=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.action_repeat < 1:
            raise ValueError(f"`action_repeat` must be at least 1, got {self.action_repeat}.")
        if not self.fps > 0:
            raise ValueError(f"`fps` must be positive, got {self.fps}.")
        if self.image_size is not None and not all(0 < side <= MAX_SIDE for side in self.image_size):
            raise ValueError(f"`image_size` must be between 1 and {MAX_SIDE} pixels, got {self.image_size}.")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; ``from_json`` reads them back.

        Raises:
            TypeError: `kwargs` or `reset_options` holds a value that JSON can't represent.
        """
        values = {name: value for name, value in asdict(self).items() if name != "trusted"}
        if self.reset_options is None:
            del values["reset_options"]  # vdworld 0.1.0 did not write it, and appending compares the specifications
        return json.loads(json.dumps(values))

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> EnvironmentSpec:
        """Read what ``to_json`` returned; the environment is not trusted.

        Raises:
            ValueError: A value is missing, unknown or of another type.
        """
        if "trusted" in values:
            raise ValueError("`trusted` is for you to set, and not for a file.")
        return cls(**arguments_from_json(cls, values), trusted=False)
