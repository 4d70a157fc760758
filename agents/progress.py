"""How learning reports its progress."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[int, dict[str, float]], None]
"""Called after every update with the number of steps so far and some figures, such as the loss."""
