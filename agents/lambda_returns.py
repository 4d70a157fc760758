"""Lambda-returns of lanes in which one episode follows another."""

from __future__ import annotations

import torch

from vdworld.agents.checks import check_shares
from vdworld.types import PerStep, StepMask


def lambda_returns(
    rewards: PerStep,
    next_values: PerStep,
    terminated: StepMask,
    ended: StepMask,
    *,
    discount: float,
    lambda_: float,
    continuation: PerStep | None = None,
) -> PerStep:
    """Average the returns over one step, two steps and so on (Sutton and Barto 2018, section 12.1).

    Let r be the reward, v' the value of the next observation, R the return of the next step, and c 0 where the episode
    terminated, else 1. The return is ``r + discount * c * ((1 - lambda_) * v' + lambda_ * R)``, and
    ``r + discount * c * v'`` in the last step of an episode or of the batch. Hence nothing counts after a termination,
    a truncation is bootstrapped from v', and no episode affects another.

    Args:
        rewards: Rewards ``[b, t]``.
        next_values: Estimated values of the next observations ``[b, t]``: where an episode ended, of its final
            observation, not of the first one of the next episode.
        terminated: Which steps terminated their episode ``[b, t]``.
        ended: Which steps terminated or truncated it ``[b, t]``.
        discount: Discount factor per step, in [0, 1].
        lambda_: In [0, 1]: 0 bootstraps after one step, 1 sums all rewards of the batch.
        continuation: The probability of not terminating ``[b, t]``, used for c in place of the sampled end: the same on
            average and less noisy. Values of final observations then count after terminations too.

    Returns:
        Returns ``[b, t]``.

    Raises:
        ValueError: `discount` or `lambda_` lies outside [0, 1].
    """
    check_shares(discount=discount, lambda_=lambda_)
    continues = (~terminated).to(rewards) if continuation is None else continuation
    returns, after = [], next_values[:, -1:].squeeze(1)
    for t in range(rewards.shape[1] - 1, -1, -1):
        mixed = (1 - lambda_) * next_values[:, t] + lambda_ * after
        future = torch.where(ended[:, t], next_values[:, t], mixed)
        after = rewards[:, t] + discount * continues[:, t] * future
        returns.append(after)
    return torch.stack(returns[::-1], dim=1)
