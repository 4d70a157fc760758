"""A curriculum: motion first, then its odds."""

from __future__ import annotations

from dataclasses import dataclass

from vdworld.setting_types import check_types


@dataclass(frozen=True)
class MotionCurriculum:
    """Early in a run, the pixels that do change count more; later, only the past decides what counts.

    Most pixels rest, so that a world which copies the last frame is hard to improve: whatever moves a little wrongly
    costs more than it gains. Attention to the pixels that change makes motion worth learning from the start. But it
    asks for changes more often than they happen, and has to be gone before the odds of random events are learnt.

    Args:
        until: Share of the run during which the attention to motion goes to what changes; 0 begins with what is likely
            to change (``LikelyMotion``).
        after: Share of the run after which none of it does. In between it falls linearly.

    Raises:
        ValueError: Not ``0 <= until <= after <= 1``.
    """

    until: float = 0.3
    after: float = 0.6

    def __post_init__(self) -> None:
        check_types(self)
        if not 0 <= self.until <= self.after <= 1:
            raise ValueError(
                "`motion_curriculum` must have 0 <= until <= after <= 1, "
                f"got until={self.until} and after={self.after}."
            )

    def change_emphasis(self, progress: float) -> float:
        """Return the share of the attention that goes to what changes, in [0, 1].

        Args:
            progress: Completed share of the run, in [0, 1].
        """
        if progress >= self.after:
            return 0.0
        if progress <= self.until:
            return 1.0
        return (self.after - progress) / (self.after - self.until)
