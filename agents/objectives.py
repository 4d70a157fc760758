"""Objectives: functions of an imagined rollout that score a plan; higher is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from vdworld.agents.checks import check_shares
from vdworld.data import Dataset
from vdworld.envs.tasks import find_task
from vdworld.types import Features, Frame, PerLane
from vdworld.world import Rollout, WorldModel, WorldState

Objective = Callable[[Rollout, Frame | None], PerLane]
"""Maps a rollout of b lanes, and their goal frames if there are any, to one score per lane.

It may have attributes: ``frames_only`` means that it reads neither rewards nor features, ``needs_rewards`` that it
requires a world with rewards, ``needs_goal`` that it requires goal frames, and ``num_evaluations`` is the number of its
own network evaluations so far.
"""


def check_objective(objective: Objective, world: WorldModel) -> None:
    """Check that a world predicts the rewards that an objective needs.

    Raises:
        ValueError: It has none.
    """
    if getattr(objective, "needs_rewards", False) and not world.has_reward:
        raise ValueError(
            "`objective` must not need rewards in a world that was trained without any, as Return does. "
            "Pass another objective: any function of a Rollout and the goal frames."
        )


class Return:
    """The expected discounted sum of rewards, each weighted by the probability that the episode has not ended yet.

    Args:
        discount: Discount factor per step, in [0, 1].
        value: Maps the last state of a rollout to the expected return after it ``[b]``, such as ``policy.value``; None
            means 0.

    Attributes:
        needs_rewards: True: it requires a world with rewards.
    """

    needs_rewards = True

    def __init__(self, discount: float = 1.0, value: Callable[[WorldState], PerLane] | None = None) -> None:
        check_shares(discount=discount)
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
    """The similarity of the imagined frames to a goal image, at several scales.

    Pixel error is flat where shapes do not overlap; blurring both images gives the search a gradient. The score is the
    cosine similarity of the two images' differences from the background, averaged over the scales: unlike a squared
    error, it does not reward dreams in which objects fade.

    Args:
        blur: Standard deviations of the blurs, as shares of the frame's height; 0 does not blur.
        last: Weight of the last frame, in [0, 1]; the rest is that of the mean over all frames.
        background: A frame without objects ``[c, h, w]``, such as ``world.background()``; None takes each frame's mean
            colour.

    Attributes:
        frames_only: True: it reads neither rewards nor features.
        needs_goal: True: it requires goal frames.
    """

    frames_only = needs_goal = True

    def __init__(
        self, blur: tuple[float, ...] = (0.05, 0.15), last: float = 0.5, background: Tensor | None = None
    ) -> None:
        if not blur or min(blur) < 0:
            raise ValueError(f"`blur` must hold numbers of at least 0, got {blur}.")
        check_shares(last=last)
        self.blur, self.last, self.background = tuple(blur), last, background

    def __call__(self, rollout: Rollout, goal: Frame | None = None) -> PerLane:
        """Return one score per lane ``[b]``, in [-1, 1]; 1 is the goal itself.

        Raises:
            ValueError: No goal was given.
        """
        if goal is None:
            raise ValueError("`goal` must be given for a GoalImage objective: reset the agent with `goal=frames`.")
        similarity = self.similarity(rollout.frames, goal[:, None])
        return self.last * similarity[:, -1] + (1 - self.last) * similarity.mean(dim=1)

    def similarity(self, frames: Tensor, goal: Tensor) -> Tensor:
        """Return the similarity ``[...]`` of frames and goals ``[..., c, h, w]`` that broadcast, in [-1, 1]."""
        x, y = self._foreground(frames), self._foreground(goal)
        blurred = [(blur(x, std).flatten(-3), blur(y, std).flatten(-3)) for std in self.blur]
        return torch.stack([F.cosine_similarity(x, y, dim=-1) for x, y in blurred]).mean(dim=0)

    def _foreground(self, frames: Tensor) -> Tensor:
        if self.background is None:
            return frames - frames.mean(dim=(-2, -1), keepdim=True)
        return frames - self.background.to(frames)


class GoalFeatures:
    """The similarity of the imagined frames to a goal image in the world's own features.

    The score is the cosine similarity of the features of each imagined frame and of the goal. Each is encoded as a
    single frame, because the features of a rollout also describe motion, which a goal has not. If the world knows its
    background, the background's features are subtracted first, since they dominate those of any frame.

    Args:
        world: The world whose features are compared.
        last: Weight of the last frame, in [0, 1]; the rest is that of the mean over all frames.

    Attributes:
        frames_only: True: it reads neither rewards nor features of the rollout.
        needs_goal: True: it requires goal frames.
        num_evaluations: Frames encoded so far, each by one network evaluation.
    """

    frames_only = needs_goal = True

    def __init__(self, world: WorldModel, last: float = 0.5) -> None:
        check_shares(last=last)
        self.world, self.last, self.num_evaluations = world, last, 0
        self._background_features: Features | float = 0.0
        if world.starts is not None:
            with torch.no_grad():
                self._background_features = self._features(world.background()[None])

    def __call__(self, rollout: Rollout, goal: Frame | None = None) -> PerLane:
        """Return one score per lane ``[b]``, in [-1, 1]; 1 is the goal itself.

        Raises:
            ValueError: No goal was given.
        """
        if goal is None:
            raise ValueError("`goal` must be given for a GoalFeatures objective: reset the agent with `goal=frames`.")
        goals, owner = goal.unique_consecutive(dim=0, return_inverse=True)  # plans of a lane share theirs
        goal_features = self._features(goals)[owner]
        features = self._features(rollout.frames.flatten(0, 1)).unflatten(0, rollout.frames.shape[:2])
        similarity = F.cosine_similarity(features, goal_features[:, None], dim=-1)
        return self.last * similarity[:, -1] + (1 - self.last) * similarity.mean(dim=1)

    def _features(self, frames: Frame) -> Features:
        self.num_evaluations += len(frames)
        return self.world.start(frames[:, None]).features - self._background_features


class Sum:
    """A weighted sum of objectives, as in ``Sum([GoalImage(), Return()], weights=[1.0, 0.1])``.

    Args:
        objectives: Any objectives.
        weights: One per objective; None means 1 for all.

    Attributes:
        frames_only: Whether all of them read frames only.
        needs_rewards: Whether one of them requires rewards.
        needs_goal: Whether one of them requires goal frames.
    """

    def __init__(self, objectives: Sequence[Objective], weights: Sequence[float] | None = None) -> None:
        self.weights = [1.0] * len(objectives) if weights is None else list(weights)
        if not objectives or len(self.weights) != len(objectives):
            raise ValueError(f"`weights` must hold one per objective, {len(objectives)} and at least 1, got {weights}.")
        self.objectives = list(objectives)
        self.frames_only = all(getattr(part, "frames_only", False) for part in objectives)
        self.needs_rewards = any(getattr(part, "needs_rewards", False) for part in objectives)
        self.needs_goal = any(getattr(part, "needs_goal", False) for part in objectives)

    @property
    def num_evaluations(self) -> int:
        """The network evaluations of all parts so far."""
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
    """Blur frames ``[..., c, h, w]`` with a Gaussian of `std` frame heights; edge pixels are repeated.

    Rows and columns are mixed by matrices: convolutions of single channels are slow on CPUs.
    """
    height, width = frames.shape[-2:]
    sigma = std * height
    if sigma == 0:
        return frames
    radius = max(int(2.5 * sigma + 0.5), 1)
    taps = torch.arange(-radius, radius + 1, device=frames.device)
    kernel = torch.exp(-0.5 * (taps / sigma).square())
    kernel = (kernel / kernel.sum()).to(frames.dtype)
    rows, columns = (_mixing_matrix(kernel, taps, size) for size in (height, width))
    return rows @ frames @ columns.mT


def _mixing_matrix(kernel: Tensor, taps: Tensor, size: int) -> Tensor:
    """Return the matrix ``[size, size]`` of a convolution along one axis with repeated edges."""
    places = torch.arange(size, device=taps.device)
    sources = (places[:, None] + taps).clamp(0, size - 1)
    return kernel.new_zeros(size, size).scatter_add_(1, sources, kernel.expand(size, -1))
