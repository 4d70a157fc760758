"""A ball game with rewards and terminations, quick enough for tests of the whole job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

BALL, PADDLE, THICKNESS = 4, 8, 2
"""Side of the ball, width and height of the paddle, in pixels."""

SPEED, REACH = 3, 3
"""Pixels per step: the vertical speed of the ball, and the largest move of the paddle."""

ACTIONS: dict[str, Callable[[], gym.Space]] = {
    "discrete": lambda: spaces.Discrete(3),
    "continuous": lambda: spaces.Box(-1.0, 1.0, (1,), np.float32),
    "dict": lambda: spaces.Dict({"direction": spaces.Discrete(3), "speed": spaces.Box(0.0, 1.0, (1,), np.float32)}),
}

GROUND, BALL_COLOUR, PADDLE_COLOUR = (20, 20, 40), (240, 200, 60), (90, 200, 240)


class BounceEnv(gym.Env):
    """A ball bounces off the walls, the ceiling and a paddle at the bottom, which the agent moves.

    Every bounce off the paddle earns a reward of 1. The farther it is from the paddle's middle, the larger is the
    ball's sideways speed. A miss terminates the episode. Only the start is random.

    Args:
        actions: ``"discrete"``: 0 moves the paddle 3 pixels to the left, 1 not at all, 2 to the right.
            ``"continuous"``: a Box from -1, 3 pixels to the left, to 1. ``"dict"``:
            ``{"direction": Discrete(3), "speed": Box(0, 1)}``.
        size: Side of the frame in pixels, at least 16.
        render_mode: None or ``"rgb_array"``.

    Raises:
        ValueError: An argument is out of range.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, actions: str = "discrete", size: int = 32, render_mode: str | None = None) -> None:
        if actions not in ACTIONS:
            raise ValueError(f"`actions` must be one of {', '.join(ACTIONS)}, got {actions!r}.")
        if size < 16:
            raise ValueError(f"`size` must be at least 16, got {size}.")
        self.actions, self.size, self.render_mode = actions, size, render_mode
        self.observation_space = spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.action_space: gym.Space = ACTIONS[actions]()
        self._row = self._column = self._paddle = 0.0
        self._falling, self._drift = SPEED, 0  # pixels per step, downwards and to the right

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin with a falling ball at a random place in the upper half, and the paddle at a random place."""
        super().reset(seed=seed)
        self._paddle = float(self.np_random.integers(self.size - PADDLE + 1))
        self._row = float(self.np_random.integers(self.size // 2))
        self._column = float(self.np_random.integers(self.size - BALL + 1))
        self._falling, self._drift = SPEED, int(self.np_random.integers(-2, 3))
        return self._frame(), self._positions()

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move the paddle, then the ball, which bounces off the paddle if the two overlap."""
        self._paddle = float(np.clip(self._paddle + self._pixels(action), 0, self.size - PADDLE))
        bottom, right = self.size - THICKNESS - BALL, self.size - BALL
        self._column += self._drift
        if not 0 <= self._column <= right:
            self._column, self._drift = float(np.clip(self._column, 0, right)), -self._drift
        self._row += self._falling
        if self._row <= 0:
            self._row, self._falling = 0.0, SPEED
        if self._row < bottom or self._falling < 0:
            return self._frame(), 0.0, False, False, self._positions()
        self._row = float(bottom)
        offset = self._column + BALL / 2 - self._paddle - PADDLE / 2  # between the middles; -6 to 6 if they touch
        hit = abs(offset) < (BALL + PADDLE) / 2
        if hit:
            self._falling, self._drift = -SPEED, round(offset / 2.5)
        return self._frame(), float(hit), not hit, False, self._positions()

    def render(self) -> np.ndarray | None:  # type: ignore[override]
        """Return the current frame in mode ``"rgb_array"``, else None."""
        return self._frame() if self.render_mode == "rgb_array" else None

    def _pixels(self, action: Any) -> float:
        if self.actions == "discrete":
            return REACH * (int(action) - 1.0)
        if self.actions == "continuous":
            return REACH * float(np.clip(action, -1, 1)[0])
        return REACH * (int(action["direction"]) - 1.0) * float(np.clip(action["speed"], 0, 1)[0])

    def _frame(self) -> np.ndarray:
        pixels = np.full((self.size, self.size, 3), GROUND, np.uint8)
        row, column, left = round(self._row), round(self._column), round(self._paddle)
        pixels[-THICKNESS:, left : left + PADDLE] = PADDLE_COLOUR
        pixels[row : row + BALL, column : column + BALL] = BALL_COLOUR
        return pixels

    def _positions(self) -> dict[str, Any]:
        return {"row": self._row, "column": self._column, "paddle": self._paddle}
