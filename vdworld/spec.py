"""How to build a real environment; stored with every dataset and every checkpoint."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


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
    trusted: bool = field(default=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.action_repeat < 1:
            raise ValueError(f"`action_repeat` must be at least 1, got {self.action_repeat}.")
        if self.fps <= 0:
            raise ValueError(f"`fps` must be positive, got {self.fps}.")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; ``from_json`` reads them back.

        Raises:
            TypeError: `kwargs` holds a value that JSON can't represent.
        """
        values = {name: value for name, value in asdict(self).items() if name != "trusted"}
        return json.loads(json.dumps(values))

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> EnvironmentSpec:
        """Read what ``to_json`` returned; the environment is not trusted."""
        size = values.get("image_size")
        packages = tuple(values.get("packages", ()))
        return cls(
            **{**values, "packages": packages, "image_size": None if size is None else tuple(size), "trusted": False}
        )
