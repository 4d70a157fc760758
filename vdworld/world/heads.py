"""Reward, continuation and low-dimensional readings, predicted from the network's features of a transition."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from vdworld.types import Features, PerLane, Readings


class OutcomeHeads(nn.Module):
    """Predict the mean reward, the probability that the episode continues, and the environment's readings.

    Args:
        feature_dim: Length of the features.
        reward_offset: Mean reward of the data, in the environment's units.
        reward_scale: Standard deviation of the data's rewards; the head predicts standardised rewards.
        end_rate: Share of the data's transitions that end an episode, in (0, 1). Untrained heads predict it: training
            that began elsewhere would take long to forget it, above all for rare ends.
        hidden_dim: Width of the hidden layer.
        reading_offset: Means of the data's readings, in the environment's units, one per number.
        reading_scale: Their standard deviations.
    """

    def __init__(
        self,
        feature_dim: int,
        *,
        reward_offset: float = 0.0,
        reward_scale: float = 1.0,
        end_rate: float = 0.5,
        hidden_dim: int = 128,
        reading_offset: Sequence[float] = (),
        reading_scale: Sequence[float] = (),
    ) -> None:
        super().__init__()
        if reward_scale <= 0:
            raise ValueError(f"`reward_scale` must be positive, got {reward_scale}.")
        if not 0 < end_rate < 1:
            raise ValueError(f"`end_rate` must lie in (0, 1), got {end_rate}.")
        self.reward_offset, self.reward_scale = reward_offset, reward_scale
        self.reading_offset, self.reading_scale = tuple(reading_offset), tuple(reading_scale)
        self.trunk = nn.Sequential(nn.SiLU(), nn.Linear(feature_dim, hidden_dim), nn.SiLU())
        self.output = nn.Linear(hidden_dim, 2 + len(self.reading_offset))
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        nn.init.constant_(self.output.bias[1:2], math.log(1 / end_rate - 1))

    def forward(self, features: Features) -> tuple[PerLane, PerLane, Readings]:
        """Return standardised rewards ``[b]``, continuation logits ``[b]`` and standardised readings ``[b, d]``."""
        reward, continuation_logit, readings = self.output(self.trunk(features)).tensor_split([1, 2], dim=-1)
        return reward[..., 0], continuation_logit[..., 0], readings

    def predict(self, features: Features) -> tuple[PerLane, PerLane]:
        """Return the reward in the environment's units and the continuation in [0, 1], each ``[b]``, float32."""
        reward, continuation_logit, _ = self(features)
        return reward.float() * self.reward_scale + self.reward_offset, continuation_logit.float().sigmoid()

    def read(self, features: Features) -> Readings:
        """Return the readings in the environment's units ``[b, d]``, float32."""
        readings = self(features)[2].float()
        return readings * readings.new_tensor(self.reading_scale) + readings.new_tensor(self.reading_offset)
