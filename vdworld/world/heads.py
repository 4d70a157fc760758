"""Reward and continuation, read off the features of the network that imagines the frames."""

from __future__ import annotations

from torch import nn

from vdworld.types import Features, PerLane


class OutcomeHeads(nn.Module):
    """Predict the mean reward and the probability that the episode goes on.

    Args:
        feature_dim: Length of the features.
        reward_offset: Mean reward of the data, in the environment's units.
        reward_scale: Standard deviation of the data's rewards; the head learns in units of it.
        hidden_dim: Width of the hidden layer.
    """

    def __init__(
        self, feature_dim: int, *, reward_offset: float = 0.0, reward_scale: float = 1.0, hidden_dim: int = 128
    ) -> None:
        super().__init__()
        if reward_scale <= 0:
            raise ValueError(f"`reward_scale` must be positive, got {reward_scale}.")
        self.reward_offset, self.reward_scale = reward_offset, reward_scale
        self.trunk = nn.Sequential(nn.SiLU(), nn.Linear(feature_dim, hidden_dim), nn.SiLU())
        self.output = nn.Linear(hidden_dim, 2)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, features: Features) -> tuple[PerLane, PerLane]:
        """Return the standardised reward ``[b]`` and the logit of the continuation ``[b]``."""
        reward, continuation_logit = self.output(self.trunk(features)).unbind(dim=-1)
        return reward, continuation_logit

    def predict(self, features: Features) -> tuple[PerLane, PerLane]:
        """Return the reward in the environment's units and the continuation in [0, 1], each ``[b]``, float32."""
        reward, continuation_logit = self(features)
        return reward.float() * self.reward_scale + self.reward_offset, continuation_logit.float().sigmoid()
