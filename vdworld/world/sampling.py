"""Settings of a world's sampler, and which of them a world admits."""

from __future__ import annotations

from dataclasses import dataclass

from vdworld.diffusion import CONSISTENCY, Process, RectifiedFlow, check_sampler
from vdworld.setting_types import check_types

MAX_STEPS = 1_000  # of a sampler; more bring nothing


@dataclass(frozen=True)
class Sampling:
    """Settings of a world's sampler.

    Guidance moves the estimate away from one that does without the actions, or without the history: it adds
    ``(weight - 1)`` times the difference of the two (Ho & Salimans 2022, equation 6; Song et al. 2025, History-Guided
    Video Diffusion, equation 5). Each kind costs one more network evaluation per step, and needs a world trained with
    the dropout of its name. A video network takes the difference over the last K frames, and needs one more evaluation
    for both kinds together.

    Args:
        sampler: One of ``vdworld.diffusion.SAMPLERS``; or ``"consistency"``, in worlds trained with shortcuts.
            Diffusers calls it the scheduler.
        num_steps: Steps from noise to a frame, unless a call says otherwise (``num_inference_steps`` in diffusers).
        shift: Where the steps lie under rectified flow (Esser et al. 2024, equation 23): above 1 more of them near
            noise, below 1 near the clean level. None takes that of the process.
        context_noise: Noise mixed into the context frames, as a share of the signal; the network is given its level.
        action_guidance: Weight of the actions (``guidance_scale`` in diffusers); 1 is no guidance.
        history_guidance: Weight of the context frames; 1 is no guidance.
        history_noise: Noise on the context frames that history guidance moves towards, as a share of the signal. With
            strong noise only the slow motions guide.
        quantize: Round frames to 256 levels, as recordings are: errors of less than half a level then don't add up over
            a long dream. Gradients pass as if nothing were rounded. Frames may differ by a level between batch sizes.

    Raises:
        ValueError: A setting is out of range.
    """

    sampler: str = "euler"
    num_steps: int = 1
    shift: float | None = None
    context_noise: float = 0.0
    action_guidance: float = 1.0
    history_guidance: float = 1.0
    history_noise: float = 0.0
    quantize: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        if self.num_steps < 1:
            raise ValueError(f"`num_steps` must be at least 1, got {self.num_steps}.")
        if self.num_steps > MAX_STEPS:
            raise ValueError(f"`num_steps` must be at most {MAX_STEPS:,}, got {self.num_steps}.")
        if self.shift is not None and not self.shift > 0:
            raise ValueError(f"`shift` must be positive, got {self.shift}.")
        for name in ("context_noise", "action_guidance", "history_guidance", "history_noise"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must not be negative, got {getattr(self, name)}.")


def check_sampling(
    sampling: Sampling, process: Process, shortcut_steps: int = 0, trained_without: tuple[str, ...] = ()
) -> None:
    """Make sure that a world admits these settings.

    Args:
        sampling: The settings.
        process: The diffusion process that the world was trained with.
        shortcut_steps: The step count from which no step is a shortcut; 0 for a world trained without shortcuts.
        trained_without: Which of "actions" and "history" were dropped in training.

    Raises:
        ValueError: The world does not admit them; the message says what to choose.
    """
    if sampling.sampler != CONSISTENCY:
        check_sampler(sampling.sampler, process)
    elif not shortcut_steps:
        raise ValueError(
            f"`sampler` must not be {CONSISTENCY!r} for a world that was trained without shortcuts. "
            "Choose sampler=euler, or train with trainer.shortcut.share=0.25."
        )
    if sampling.shift is not None and (shortcut_steps or not isinstance(process, RectifiedFlow)):
        kind = "a world trained with shortcuts" if shortcut_steps else f"a world trained with {type(process).__name__}"
        raise ValueError(f"`shift` must be None for {kind}, got {sampling.shift}.")
    if shortcut_steps and sampling.sampler not in ("euler", "ddim", CONSISTENCY):
        raise ValueError(
            f"`sampler` must be 'euler', 'ddim' or {CONSISTENCY!r} for a world trained with shortcuts, got "
            f"{sampling.sampler!r}. Choose one of these, or train with trainer.shortcut.share=0."
        )
    guidance = {"actions": ("action", sampling.action_guidance), "history": ("history", sampling.history_guidance)}
    for name, (setting, weight) in guidance.items():
        if weight != 1 and name not in trained_without:
            raise ValueError(
                f"`{setting}_guidance` must be 1 for a world trained without {setting} dropout, got {weight}. "
                f"Train with trainer.corruption.{setting}_dropout=0.1."
            )


def jump_length(num_steps: int, shortcut_steps: int, sampler: str = "euler") -> float:
    """Return the length of the first of `num_steps` steps as a shortcut network takes it; 0 where none is a shortcut.

    Args:
        num_steps: Steps from noise to a frame.
        shortcut_steps: The step count from which no step is a shortcut; 0 for a world trained without shortcuts.
        sampler: The sampler's name.

    Raises:
        ValueError: The world has no shortcuts of that length.
    """
    if sampler == CONSISTENCY:
        most = shortcut_steps.bit_length() - 2
        if not 1 <= num_steps <= most:
            raise ValueError(f"`num_sampling_steps` must lie in 1..{most} with sampler=consistency, got {num_steps}.")
        return 1.0
    if not shortcut_steps or num_steps >= shortcut_steps or num_steps < 1:
        return 0.0
    if num_steps & (num_steps - 1):
        raise ValueError(
            f"`num_sampling_steps` must be a power of two, or {shortcut_steps} and more, for a world trained with "
            f"shortcuts, got {num_steps}."
        )
    return 1 / num_steps
