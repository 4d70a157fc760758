"""The stages of a training run: what each step learns from its clips."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vdworld.training.trainer_settings import TrainerSettings


@dataclass(frozen=True)
class StepPlan:
    """What one training step learns from its clips.

    Args:
        num_targets: Number of target frames that are predicted, each from the estimates of those before.
        num_sampled: Number of frames that the world samples before the only target; None before self forcing.
        whole_clips: Whether a video network predicts all frames of a clip at once.
        jump_share: Share of the clips that train shortcuts.
        change_emphasis: Share of the attention to motion that goes to what does change (``MotionCurriculum``).
    """

    num_targets: int = 1
    num_sampled: int | None = None
    whole_clips: bool = False
    jump_share: float = 0.0
    change_emphasis: float = 0.0

    @property
    def stage(self) -> str:
        """The name of the stage; empty for plain prediction."""
        parts = {
            "changes first": self.change_emphasis > 0,
            "unrolling": self.num_targets > 1,
            "shortcut": self.jump_share > 0,
            "self forcing": self.num_sampled is not None,
        }
        return " + ".join(name for name, active in parts.items() if active)

    def num_jumps(self, batch_size: int) -> int:
        """Return the number of clips that train shortcuts, the first ones of a batch."""
        return round(self.jump_share * batch_size)

    def places(self, batch_size: int, context_length: int, horizon: int, rng: torch.Generator) -> Tensor:
        """Draw which target of each clip is drawn uniformly from the data ``[b]``; see ``ClipSampler.sample``.

        It is one of those that the step trains, so that every transition is trained equally often in every stage.

        Args:
            batch_size: Number of clips.
            context_length: Number of context frames.
            horizon: Number of target frames of the clips.
            rng: A CPU generator.
        """
        if self.num_sampled is not None:
            return torch.full((batch_size,), self.num_sampled)
        first, end = (1 - context_length, horizon) if self.whole_clips else (0, self.num_targets)
        places = torch.randint(first, end, (batch_size,), generator=rng)
        places[: self.num_jumps(batch_size)] = 0
        return places


def plan_step(
    settings: TrainerSettings, progress: float, is_video: bool, rng: torch.Generator, *, is_new: bool = True
) -> StepPlan:
    """Return what the next step trains.

    Args:
        settings: Those of the run.
        progress: Completed share of the run, in [0, 1].
        is_video: Whether the network is a video network.
        rng: Draws the number of sampled frames; a CPU generator.
        is_new: Whether the run began with an untrained world. One that is trained further knows what moves.
    """
    forcing, shortcut = settings.self_forcing, settings.shortcut
    forced = forcing.after < 1 and progress >= forcing.after
    unrolled = not forced and not is_video and progress >= settings.unroll_after
    return StepPlan(
        num_targets=settings.horizon if unrolled else 1,
        num_sampled=int(torch.randint(forcing.horizon + 1, (), generator=rng)) if forced else None,
        whole_clips=is_video and not forced,
        jump_share=shortcut.share if progress >= shortcut.after else 0.0,
        change_emphasis=settings.motion_curriculum.change_emphasis(progress) if is_new else 0.0,
    )
