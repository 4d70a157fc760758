"""Settings of actor-critic learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vdworld.agents.checks import check_counts, check_not_negative, check_shares
from vdworld.agents.policies.policy_losses import OBJECTIVES
from vdworld.setting_types import check_types


@dataclass(frozen=True)
class LearningSettings:
    """Settings of ``ActorCritic``; the defaults are those of DIAMOND and DreamerV3.

    Args:
        objective: ``"reinforce"``, ``"ppo"`` or ``"pmpo"``; see ``vdworld.agents.policies.policy_losses``.
        horizon: Steps of every lane between two updates.
        discount: Discount factor per step.
        lambda_: The lambda of the returns, in [0, 1].
        entropy: Weight of the policy's entropy, in nats.
        prior_weight: Weight of the divergence from the prior, in pmpo with a prior.
        learning_rate: Learning rate of Adam.
        adam_epsilon: Epsilon of Adam. With a small one, tiny gradients become full steps, so that a policy that has
            converged may forget at high learning rates; 1e-5 is usual for ppo (Huang et al. 2022, "The 37
            implementation details of PPO"), and slower.
        max_gradient_norm: Largest norm of the gradient, which is scaled down beyond it.
        num_epochs: Number of passes over each rollout; None means 4 for ppo, else 1.
        num_minibatches: Gradient steps per pass, each on a share of the lanes; None means 4 for ppo, else 1. There are
            never more than lanes.
        slow_decay: Decay of the critic's moving average.
        continuation_weighted: Whether returns weight the future by the environment's probability of continuing, where
            it reports one, instead of by the sampled ends.
        hidden_dim: Width of the network.
        recurrent: Whether the policy has a recurrent cell.
        frame_stack: Number of frames that it observes at once, the newest included.

    Raises:
        ValueError: A value is out of range.
    """

    objective: str = "ppo"
    horizon: int = 15
    discount: float = 0.985
    lambda_: float = 0.95
    entropy: float = 0.001
    prior_weight: float = 0.3
    learning_rate: float = 3e-4
    adam_epsilon: float = 1e-8
    max_gradient_norm: float = 1.0
    num_epochs: int | None = None
    num_minibatches: int | None = None
    slow_decay: float = 0.98
    continuation_weighted: bool = True
    hidden_dim: int = 256
    recurrent: bool = True
    frame_stack: int = 1

    def __post_init__(self) -> None:
        check_types(self)
        if self.objective not in OBJECTIVES:
            raise ValueError(f"`objective` must be one of {', '.join(OBJECTIVES)}, got {self.objective!r}.")
        check_counts(**self._values("horizon", "hidden_dim", "frame_stack", "num_epochs", "num_minibatches"))
        check_shares(**self._values("discount", "lambda_", "slow_decay"))
        weights = self._values("entropy", "prior_weight")
        check_not_negative(**weights, **self._values("learning_rate", "adam_epsilon", "max_gradient_norm"))

    def _values(self, *names: str) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names}

    @property
    def epochs(self) -> int:
        """Number of passes over each rollout."""
        return self.num_epochs if self.num_epochs is not None else 4 if self.objective == "ppo" else 1

    @property
    def minibatches(self) -> int:
        """Number of minibatches per pass."""
        return self.num_minibatches if self.num_minibatches is not None else 4 if self.objective == "ppo" else 1
