"""What imagining gives back: one step, or many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from vdworld.types import Features, Frame, Frames, LaneMask, PerLane, PerStep, Readings, StepFeatures, StepMask
from vdworld.world.state import WorldState


@dataclass(frozen=True)
class Outcome:
    """One imagined step of every lane.

    Args:
        frame: The next frame ``[b, c, h, w]`` in [-1, 1]; several cameras lie behind one another on c.
        reward: The expected reward of the step ``[b]``, in the environment's units; 0 in a world without rewards.
        continuation: The probability that the episode goes on ``[b]``.
        terminated: Whether it ended ``[b]``, drawn with that probability from the lane's own stream.
        features: Features of the transition ``[b, f]``.
        uncertainty: How far the model disagrees with itself ``[b]``; None unless asked for.
        readings: Name to what can be read beside the frame ``[b, d]``, in the environment's units.
    """

    frame: Frame
    reward: PerLane
    continuation: PerLane
    terminated: LaneMask
    features: Features
    uncertainty: PerLane | None
    readings: dict[str, Readings] = field(default_factory=dict)


@dataclass(frozen=True)
class Rollout:
    """An imagined future of every lane, over h steps.

    With ``frames_only`` rewards, continuations and ends are ``[b, 0]``.

    Args:
        frames: ``[b, h, c, h, w]`` in [-1, 1], the context not included.
        rewards: Expected rewards ``[b, h]``.
        continuations: Probabilities that the episode goes on ``[b, h]``.
        terminated: Drawn ends ``[b, h]``; what follows an end is imagined all the same, and up to the user to ignore.
        features: ``[b, h, f]`` if asked for.
        uncertainty: ``[b, h]`` if asked for.
        state: Where the dreams stand after the last step.
        readings: Name to what can be read beside the frames ``[b, h, d]``.
    """

    frames: Frames
    rewards: PerStep
    continuations: PerStep
    terminated: StepMask
    features: StepFeatures | None
    uncertainty: PerStep | None
    state: WorldState
    readings: dict[str, StepFeatures] = field(default_factory=dict)

    @classmethod
    def stack(cls, outcomes: Sequence[Outcome], state: WorldState, with_features: bool) -> Rollout:
        """Put single steps together; `state` is the one after the last."""
        uncertainties = [o.uncertainty for o in outcomes if o.uncertainty is not None]
        return cls(
            frames=torch.stack([o.frame for o in outcomes], dim=1),
            rewards=torch.stack([o.reward for o in outcomes], dim=1),
            continuations=torch.stack([o.continuation for o in outcomes], dim=1),
            terminated=torch.stack([o.terminated for o in outcomes], dim=1),
            features=torch.stack([o.features for o in outcomes], dim=1) if with_features else None,
            uncertainty=torch.stack(uncertainties, dim=1) if uncertainties else None,
            state=state,
            readings={name: torch.stack([o.readings[name] for o in outcomes], dim=1) for name in outcomes[0].readings},
        )
