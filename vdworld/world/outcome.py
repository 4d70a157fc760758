"""Results of imagining: one step, or many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from vdworld.argument_hints import FormerAttribute
from vdworld.types import (
    Features,
    Frame,
    Frames,
    LaneMask,
    PerLane,
    PerStep,
    Readings,
    StepFeatures,
    StepMask,
    StepReadings,
)
from vdworld.world.state import WorldState


@dataclass(frozen=True)
class Outcome:
    """One imagined step of every lane.

    Args:
        frame: The next frame ``[b, c, h, w]`` in [-1, 1]; several cameras are concatenated along c.
        reward: The expected reward of the step ``[b]``, in the environment's units; 0 in a world without rewards.
        continuation: The probability that the episode continues ``[b]``.
        terminated: Whether the episode ends ``[b]``, drawn with that probability from the lane's own stream.
        features: Features of the transition ``[b, f]``.
        uncertainty: The uncertainty of the dream so far ``[b]``: the root mean square difference of two draws of the
            frame, and those of the steps before, as the root of the sum of their squares; None unless requested.
        readings: Low-dimensional readings by name ``[b, d]``, in the environment's units.
    """

    frame: Frame
    reward: PerLane
    continuation: PerLane
    terminated: LaneMask
    features: Features
    uncertainty: PerLane | None
    readings: dict[str, Readings] = field(default_factory=dict)

    observation = FormerAttribute("is removed: take `frame` and `readings`")
    cameras = FormerAttribute("is removed: `world.cameras` names the cameras of `frame`")


@dataclass(frozen=True)
class Rollout:
    """An imagined future of every lane, over h steps.

    With ``frames_only``, rewards, continuations and ends have shape ``[b, 0]``.

    Args:
        frames: ``[b, h, c, h, w]`` in [-1, 1], without the context.
        rewards: Expected rewards ``[b, h]``.
        continuations: Probabilities that the episode continues ``[b, h]``.
        terminated: Drawn ends ``[b, h]``. Steps after an end are imagined all the same; ignore them.
        features: ``[b, h, f]``; None unless requested.
        uncertainty: The uncertainty of the dreams up to each step ``[b, h]``; None unless requested.
        state: The dreams after the last step.
        readings: Low-dimensional readings by name ``[b, h, d]``.
    """

    frames: Frames
    rewards: PerStep
    continuations: PerStep
    terminated: StepMask
    features: StepFeatures | None
    uncertainty: PerStep | None
    state: WorldState
    readings: dict[str, StepReadings] = field(default_factory=dict)

    @classmethod
    def stack(cls, outcomes: Sequence[Outcome], state: WorldState, with_features: bool) -> Rollout:
        """Stack single steps; `state` is the state after the last one."""
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
