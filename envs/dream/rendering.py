"""Render dreams: return pictures, collect them, or show them in a window."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded, UnsupportedMode

from vdworld.extras import require

RENDER_MODES = ["rgb_array", "rgb_array_list", "human"]
WINDOW_HEIGHT = 480  # pixels; smaller pictures are enlarged to about this height


class Renderer:
    """Handle the pictures of a batch of lanes as the render mode says.

    Args:
        mode: ``"rgb_array"``, ``"rgb_array_list"``, ``"human"`` or None.
        fps: Pictures per second in the window.

    Raises:
        ValueError: `mode` is unknown.
    """

    def __init__(self, mode: str | None, fps: float) -> None:
        if mode is not None and mode not in RENDER_MODES:
            raise ValueError(f"`render_mode` must be None or one of {RENDER_MODES}, got {mode!r}.")
        self.mode = mode
        self._window = Window(fps) if mode == "human" else None
        self._collected: list[list[np.ndarray]] = []

    @property
    def needs_every_picture(self) -> bool:
        """Whether ``add`` must be called after every reset and step."""
        return self.mode in ("rgb_array_list", "human")

    def add(self, pictures: np.ndarray, begun: np.ndarray, changed: np.ndarray) -> None:
        """Show or collect the current pictures.

        Args:
            pictures: uint8 ``[b, h, w, 3]``.
            begun: Lanes that just began an episode, bool ``[b]``; the pictures collected of them so far are dropped.
            changed: Lanes that have a new picture, bool ``[b]``.
        """
        if self._window is not None:
            self._window.show(pictures)
        if self.mode == "rgb_array_list":
            self._collected = self._collected or [[] for _ in pictures]
            for lane in np.flatnonzero(changed):
                kept = [] if begun[lane] else self._collected[lane]
                self._collected[lane] = [*kept, pictures[lane].copy()]

    def render(self, pictures: np.ndarray | None) -> tuple[Any, ...] | None:
        """Return what ``render`` gives for each lane; None for a window.

        Raises:
            UnsupportedMode: There is no render mode.
            ResetNeeded: There are no pictures yet.
        """
        if self.mode is None:
            raise UnsupportedMode(f"`render_mode` must be one of {RENDER_MODES} to render, got None.")
        if pictures is None:
            raise ResetNeeded("render() needs a frame; call reset() first.")
        if self.mode == "rgb_array":
            return tuple(pictures)
        collected, self._collected = self._collected, [[] for _ in pictures]
        return tuple(collected) if self.mode == "rgb_array_list" else None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()


class Window:
    """A window that shows the pictures of all lanes in a grid, in real time.

    Args:
        fps: Pictures per second.
    """

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._screen: Any = None
        self._clock: Any = None

    def show(self, pictures: np.ndarray) -> None:
        """Show uint8 pictures ``[b, h, w, 3]``, and wait until the previous ones were visible long enough."""
        pygame = require("pygame", "window")
        grid = tile_pictures(pictures)
        scale = max(1, WINDOW_HEIGHT // len(grid))
        enlarged = grid.repeat(scale, axis=0).repeat(scale, axis=1)
        if self._screen is None:
            pygame.display.init()
            pygame.display.set_caption("vdworld")
            self._screen, self._clock = pygame.display.set_mode(enlarged.shape[1::-1]), pygame.time.Clock()
        self._screen.blit(pygame.surfarray.make_surface(enlarged.swapaxes(0, 1)), (0, 0))
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(self.fps)

    def close(self) -> None:
        """Close the window; ``show`` opens a new one."""
        if self._screen is not None:
            require("pygame", "window").display.quit()
        self._screen = None


def tile_pictures(pictures: np.ndarray) -> np.ndarray:
    """Arrange pictures ``[b, h, w, 3]`` in a grid with about as many rows as columns; unused places are black."""
    count, height, width, _ = pictures.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    grid = np.zeros((rows * columns, height, width, 3), np.uint8)
    grid[:count] = pictures
    return grid.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
