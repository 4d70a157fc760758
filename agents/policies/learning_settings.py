"""How an actor-critic learns."""

from __future__ import annotations

from dataclasses import dataclass

from vdworld.agents.policies.policy_losses import OBJECTIVES


@dataclass(frozen=True)
class LearningSettings:
    """Settings of ``ActorCritic``; the defaults are those of DIAMOND and DreamerV3.

    Args:
        objective: ``"reinforce"``, ``"ppo"`` or ``"pmpo"``; see ``vdworld.agents.policies.policy_losses``.
        horizon: Steps of every lane between two updates.
        discount: Per step.
        lambda_: Of the lambda-returns.
        entropy: Weight of the policy's entropy, in nats.
        prior_weight: Weight of the divergence from the prior, where pmpo is given one.
        learning_rate: Of Adam.
        adam_epsilon: Of Adam. Where it is small, small gradients become full steps, so that policies with nothing left
            to gain may forget at high learning rates; 1e-5 is usual for ppo (Huang et al. 2022, "The 37 implementation
            details of PPO"), and slower.
        max_gradient_norm: Beyond which gradients are scaled down.
        num_epochs: How often each rollout is gone through; None is 4 for ppo, else 1.
        num_minibatches: Gradient steps of each time, on as many lots of lanes; None is 4 for ppo, else 1, or the number
            of lanes where there are fewer.
        slow_decay: Of the averaged critic that holds the critic back.
        continuation_weighted: Whether returns count the probability that the environment gives to going on, where
            it tells one, instead of the drawn ends.
        hidden_dim: Width of the network.
        recurrent: Whether the policy has a recurrent memory.
        frame_stack: How many frames it sees at once, the newest included.

    Raises:
        ValueError: A value out of its range.
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
        if self.objective not in OBJECTIVES:
            raise ValueError(f"`objective` must be one of {', '.join(OBJECTIVES)}, got {self.objective!r}.")
        for name in ("horizon", "hidden_dim", "frame_stack", "num_epochs", "num_minibatches"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}.")
        for name in ("discount", "lambda_", "slow_decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"`{name}` must lie in [0, 1], got {getattr(self, name)}.")
        for name in ("entropy", "prior_weight", "learning_rate", "adam_epsilon", "max_gradient_norm"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must not be negative, got {getattr(self, name)}.")

    @property
    def epochs(self) -> int:
        """How often each rollout is gone through."""
        return self.num_epochs if self.num_epochs is not None else 4 if self.objective == "ppo" else 1

    @property
    def minibatches(self) -> int:
        """Lots of lanes that each rollout is cut into."""
        return self.num_minibatches if self.num_minibatches is not None else 4 if self.objective == "ppo" else 1
