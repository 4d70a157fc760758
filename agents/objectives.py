"""What a plan is worth: functions of an imagined rollout, higher is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.data import Dataset
from vdworld.envs.tasks import find_task
from vdworld.types import Features, Frame, PerLane
from vdworld.world import Rollout, WorldModel, WorldState

Objective = Callable[[Rollout, Frame | None], PerLane]
"""Maps a rollout of b lanes, and their goal frames if there are any, to one score per lane.

It may say more by attributes: ``frames_only``, that rewards and features need not be imagined; ``needs_rewards``, that
it has no meaning in a world without; ``num_evaluations``, its own passes through a network so far.
"""


class Return:
    """The expected discounted sum of rewards, each weighted by the probability that the episode is still going on.

    Args:
        discount: Per step, in [0, 1].
        value: What the future after the rollout is worth, a function of its last state to ``[b]``, such as
            ``policy.value``; None is nothing.

    Attributes:
        needs_rewards: Tells planners that a world without rewards will not do.
    """

    needs_rewards = True

    def __init__(self, discount: float = 1.0, value: Callable[[WorldState], PerLane] | None = None) -> None:
        if not 0 <= discount <= 1:
            raise ValueError(f"`discount` must lie in [0, 1], got {discount}.")
        self.discount, self.value = discount, value

    def __call__(self, rollout: Rollout, goal: Frame | None = None) -> PerLane:
        """Return one score per lane ``[b]``, in units of reward."""
        alive = torch.cat([torch.ones_like(rollout.continuations[:, :1]), rollout.continuations], dim=1).cumprod(dim=1)
        horizon = rollout.rewards.shape[1]
        steps = torch.arange(horizon, device=rollout.rewards.device)
        score = (rollout.rewards * alive[:, :-1] * self.discount**steps).sum(dim=1)
        if self.value is None:
            return score
        return score + self.discount**horizon * alive[:, -1] * self.value(rollout.state)


class GoalImage:
    """How much the imagined frames look like a goal image, at several scales.

    Plain pixel error is flat wherever shapes don't overlap; blurring both images gives the search a slope. The score
    is the cosine between what stands out from the background in either, averaged over the scales: unlike a squared
    error it is not won by dreams in which things fade.

    Args:
        blur: Standard deviations of the blurs, as shares of the frame's height; 0 leaves the pixels as they are.
        last: How much the last frame counts against the mean over all frames, in [0, 1].
        background: What a frame holds when nothing stands out ``[c, h, w]``, such as ``world.background()``; None
            takes each frame's mean colour.

    Attributes:
        frames_only: Tells planners that rewards need not be imagined.
    """

    frames_only = True

    def __init__(
        self, blur: tuple[float, ...] = (0.05, 0.15), last: float = 0.5, background: Tensor | None = None
    ) -> None:
        if not blur or min(blur) < 0:
            raise ValueError(f"`blur` must hold numbers from 0, got {blur}.")
        if not 0 <= last <= 1:
            raise ValueError(f"`last` must lie in [0, 1], got {last}.")
        self.blur, self.last, self.background = tuple(blur), last, background

    def __call__(self, rollout: Rollout, goal: Frame | None = None) -> PerLane:
        """Return one score per lane ``[b]``, in [-1, 1]; 1 is the goal itself.

        Raises:
            ValueError: No goal was given.
        """
        if goal is None:
            raise ValueError("`goal` must be given for a GoalImage objective: reset the agent with `goal=frames`.")
        likeness = self.likeness(rollout.frames, goal[:, None])
        return self.last * likeness[:, -1] + (1 - self.last) * likeness.mean(dim=1)

    def likeness(self, frames: Tensor, goal: Tensor) -> Tensor:
        """Return the mean cosine between frames that broadcast, ``[..., c, h, w]`` -> ``[...]``."""
        pairs = [(self._standing_out(frames), self._standing_out(goal))]
        blurred = [(blur(x, std).flatten(-3), blur(y, std).flatten(-3)) for x, y in pairs for std in self.blur]
        return torch.stack([F.cosine_similarity(x, y, dim=-1) for x, y in blurred]).mean(dim=0)

    def _standing_out(self, frames: Tensor) -> Tensor:
        if self.background is None:
            return frames - frames.mean(dim=(-2, -1), keepdim=True)
        return frames - self.background.to(frames)


class GoalFeatures:
    """How much the imagined frames are like a goal in the eyes of the world itself.

    The score is the cosine between the world's features of each imagined frame and of the goal, each seen as the only
    frame there is: the features of a rollout tell of motion too, of which a goal has none. Where the world knows its
    background, the features of that are taken off first, since they make up most of any frame's.

    Args:
        world: Whose features are compared.
        last: How much the last frame counts against the mean over all frames, in [0, 1].

    Attributes:
        frames_only: Tells planners that rewards need not be imagined.
        num_evaluations: Frames that features were read from so far, each by one pass through the network.
    """

    frames_only = True

    def __init__(self, world: WorldModel, last: float = 0.5) -> None:
        if not 0 <= last <= 1:
            raise ValueError(f"`last` must lie in [0, 1], got {last}.")
        self.world, self.last, self.num_evaluations = world, last, 0
        self._usual: Features | float = 0.0
        if world.starts is not None:
            with torch.no_grad():
                self._usual = self._features(world.background()[None])

    def __call__(self, rollout: Rollout, goal: Frame | None = None) -> PerLane:
        """Return one score per lane ``[b]``, in [-1, 1]; 1 is the goal itself.

        Raises:
            ValueError: No goal was given.
        """
        if goal is None:
            raise ValueError("`goal` must be given for a GoalFeatures objective: reset the agent with `goal=frames`.")
        goals, owner = goal.unique_consecutive(dim=0, return_inverse=True)  # plans of a lane have the same
        wanted = self._features(goals)[owner]
        features = self._features(rollout.frames.flatten(0, 1)).unflatten(0, rollout.frames.shape[:2])
        likeness = F.cosine_similarity(features, wanted[:, None], dim=-1)
        return self.last * likeness[:, -1] + (1 - self.last) * likeness.mean(dim=1)

    def _features(self, frames: Frame) -> Features:
        self.num_evaluations += len(frames)
        return self.world.start(frames[:, None]).features - self._usual


class Sum:
    """Several objectives at once, as in ``Sum([GoalImage(), Return()], weights=[1.0, 0.1])``.

    Args:
        objectives: Any objectives.
        weights: One each; None is 1 for all.

    Attributes:
        frames_only: Whether none of them looks at anything but frames.
        needs_rewards: Whether one of them has no meaning without rewards.
    """

    def __init__(self, objectives: Sequence[Objective], weights: Sequence[float] | None = None) -> None:
        self.weights = [1.0] * len(objectives) if weights is None else list(weights)
        if not objectives or len(self.weights) != len(objectives):
            raise ValueError(f"`weights` must hold one per objective, {len(objectives)} and at least 1, got {weights}.")
        self.objectives = list(objectives)
        self.frames_only = all(getattr(part, "frames_only", False) for part in objectives)
        self.needs_rewards = any(getattr(part, "needs_rewards", False) for part in objectives)

    @property
    def num_evaluations(self) -> int:
        """The parts' own passes through a network so far."""
        return sum(getattr(part, "num_evaluations", 0) for part in self.objectives)

    def __call__(self, rollout: Rollout, goal: Frame | None = None) -> PerLane:
        """Return one score per lane ``[b]``."""
        scores = [weight * part(rollout, goal) for weight, part in zip(self.weights, self.objectives, strict=True)]
        return torch.stack(scores).sum(dim=0)


def default_objective(
    world: WorldModel,
    dataset: Dataset,
    *,
    env: str | None = None,
    discount: float = 1.0,
    value: Callable[[WorldState], PerLane] | None = None,
) -> Objective:
    """Return the objective of an environment: goal images if it has a goal-reaching task, else the return.

    Args:
        world: The world to plan in; provides the background of goal images.
        dataset: Names the recorded environment.
        env: Gymnasium id of the real environment; None takes the recorded one.
        discount: Discount of the return, per step.
        value: Value of the future after the plan; see ``Return``.
    """
    recorded = "" if dataset.spec is None else dataset.spec.id
    name = recorded if env is None else env
    if find_task(name.split(":")[-1]) is None:
        return Return(discount, value)
    return GoalImage(background=world.background())


def blur(frames: Tensor, std: float) -> Tensor:
    """Blur frames ``[..., c, h, w]`` with a Gaussian of `std` frame heights; edges are repeated."""
    height, width = frames.shape[-2:]
    sigma = std * height
    if sigma == 0:
        return frames
    radius = max(int(2.5 * sigma + 0.5), 1)
    taps = torch.arange(-radius, radius + 1, device=frames.device, dtype=frames.dtype)
    kernel = torch.exp(-0.5 * (taps / sigma).square())
    kernel = (kernel / kernel.sum())[None, None]
    flat = frames.reshape(-1, 1, height, width)
    flat = F.conv2d(F.pad(flat, (radius, radius, 0, 0), mode="replicate"), kernel[:, :, None])
    flat = F.conv2d(F.pad(flat, (0, 0, radius, radius), mode="replicate"), kernel[..., None])
    return flat.reshape(frames.shape)
