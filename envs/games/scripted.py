"""Small environments whose outcomes are known exactly, for tests and first experiments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

NUM_ACTIONS = 5
"""Number of actions of ``CounterEnv``."""

CELL = 4
"""Side of ``ForkEnv``'s square in pixels."""

DARK, BRIGHT = 51, 204
"""Grey levels of ``ForkEnv``'s ground and square; -0.6 and 0.6 as floats."""

_MOVES = np.array([(0, -1), (0, 1), (-1, 0), (1, 0)])  # left, right, up, down; opposites are neighbours


class CounterEnv(gym.Env):
    """A counter whose frames and rewards reveal every number, to test the alignment of frames, actions and rewards.

    In each frame red is the number of steps, green the sum of the actions and blue the last action, each modulo 256.
    Action a at step t earns ``100 t + 10 s + a``, where s is the sum before it. The episode terminates when the sum
    reaches `limit`.

    Args:
        limit: The sum that ends the episode.
        size: Side of the frame in pixels.
    """

    metadata = {"render_modes": [], "render_fps": 20}

    def __init__(self, limit: int = 60, size: int = 8) -> None:
        self.limit = limit
        self.size = size
        self.observation_space = spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.action_space = spaces.Discrete(NUM_ACTIONS)
        self.render_mode = None
        self._num_steps = self._sum = self._last = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin with a random sum from 0 to 9."""
        super().reset(seed=seed)
        self._num_steps, self._last = 0, 0
        self._sum = int(self.np_random.integers(10))
        return self._frame(), {"sum": self._sum}

    def step(self, action: int | np.integer) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Add the action to the sum."""
        reward = 100.0 * self._num_steps + 10.0 * self._sum + int(action)
        self._num_steps, self._last, self._sum = self._num_steps + 1, int(action), self._sum + int(action)
        return self._frame(), reward, self._sum >= self.limit, False, {"sum": self._sum, "doubled": 2 * self._sum}

    def _frame(self) -> np.ndarray:
        colour = np.array([self._num_steps, self._sum, self._last]) % 256
        return np.broadcast_to(colour.astype(np.uint8), (self.size, self.size, 3)).copy()


class ForkEnv(gym.Env):
    """A square that moves at random with known odds, to test that a world imagines every outcome and blends none.

    The square fills one cell of 4 x 4 pixels in a grid that wraps around. A step has outcome k with probability
    ``odds[k]``: under action 0 the square moves by one cell to the left, right, up or down for k = 0, 1, 2, 3; under
    action 1 it moves in the opposite direction. The last frame, the action and the outcome thus decide the next frame,
    and any two outcomes of a step differ equally. A step into the first column earns 1, any other 0. Episodes never
    end.

    Args:
        odds: Probabilities of two to four outcomes; positive, with sum 1.
        size: Side of the frame in pixels, a multiple of 4, at least 12.

    Raises:
        ValueError: An argument is out of range.
    """

    metadata = {"render_modes": [], "render_fps": 10}

    def __init__(self, odds: Sequence[float] = (0.7, 0.3), size: int = 16) -> None:
        if not 2 <= len(odds) <= len(_MOVES) or min(odds) <= 0 or abs(sum(odds) - 1) > 1e-6:
            raise ValueError(f"`odds` must be two to four positive numbers with sum 1, got {odds}.")
        if size % CELL or size < 3 * CELL:
            raise ValueError(f"`size` must be a multiple of {CELL} from {3 * CELL} on, got {size}.")
        self.odds = tuple(float(p) for p in odds)
        self.size = size
        self.observation_space = spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.action_space = spaces.Discrete(2)
        self.render_mode = None
        self._cell = np.zeros(2, np.int64)  # row and column

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin in a random cell."""
        super().reset(seed=seed)
        self._cell = self.np_random.integers(self.size // CELL, size=2)
        return self._frame(self._cell), self._position()

    def step(self, action: int | np.integer) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Draw an outcome; ``info["outcome"]`` is its number."""
        outcome = int(self.np_random.choice(len(self.odds), p=np.divide(self.odds, sum(self.odds))))
        self._cell = self._moved(self._cell, int(action))[outcome]
        reward = float(self._cell[1] == 0)
        return self._frame(self._cell), reward, False, False, {"outcome": outcome, **self._position()}

    def outcomes(self, frame: np.ndarray, action: int | np.integer) -> np.ndarray:
        """Return the n possible next frames, uint8 ``[n, h, w, 3]``; number k has probability ``odds[k]``.

        Args:
            frame: The last frame, uint8 ``[h, w, 3]``.
            action: The action taken after it.

        Raises:
            ValueError: The frame does not show a square in one cell of the grid.
        """
        side = self.size // CELL
        brightness = frame.reshape(side, CELL, side, CELL, 3).mean(axis=(1, 3, 4))
        cell = np.array(np.unravel_index(brightness.argmax(), brightness.shape))
        gap = np.abs(self._frame(cell).astype(int) - frame).max()
        if gap >= (BRIGHT - DARK) / 2:
            raise ValueError(f"`frame` must show one bright square, got one that is {gap} grey levels off.")
        return np.stack([self._frame(moved) for moved in self._moved(cell, int(action))])

    def _moved(self, cell: np.ndarray, action: int) -> np.ndarray:
        """Return the cell after each outcome ``[n, 2]``."""
        moves = _MOVES[: len(self.odds)] * (-1 if action == 1 else 1)
        return (cell + moves) % (self.size // CELL)

    def _frame(self, cell: np.ndarray) -> np.ndarray:
        pixels = np.full((self.size, self.size, 3), DARK, np.uint8)
        row, column = cell * CELL
        pixels[row : row + CELL, column : column + CELL] = BRIGHT
        return pixels

    def _position(self) -> dict[str, Any]:
        return {"row": int(self._cell[0]), "column": int(self._cell[1])}
