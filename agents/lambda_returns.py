"""Lambda-returns of batches of lanes in which episodes end and others begin."""

from __future__ import annotations

import torch

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
    """Mix the returns over one step, two steps and so on (Sutton and Barto 2018, section 12.1).

    With the reward r, the value v' of the observation that the step led to and c, which is 0 where the episode
    terminated, else 1, the return is ``r + discount * c * ((1 - lambda_) * v' + lambda_ * R)`` with R that of the next
    step, and ``r + discount * c * v'`` in the last step of an episode or of the batch. So nothing counts after a
    termination, a truncation counts what would have followed, and nothing flows from one episode into another.

    Args:
        rewards: Of each step ``[b, t]``.
        next_values: Estimated values of the observations that the steps led to ``[b, t]``: where an episode ended, of
            its final observation, never of the first one of the next.
        terminated: Which steps ended their episode for good ``[b, t]``.
        ended: Which steps ended it in any way, terminations included ``[b, t]``.
        discount: Per step, in [0, 1].
        lambda_: 0 looks one step ahead and trusts the values, 1 sums all rewards there are.
        continuation: The probability that a step terminates nothing ``[b, t]``, to be used for c in place of the drawn
            end: the same on average and less noisy. Values of final observations then count after terminations too.

    Raises:
        ValueError: `discount` or `lambda_` lies outside [0, 1].
    """
    for name, value in (("discount", discount), ("lambda_", lambda_)):
        if not 0 <= value <= 1:
            raise ValueError(f"`{name}` must lie in [0, 1], got {value}.")
    going_on = (~terminated).to(rewards) if continuation is None else continuation
    found, after = [], next_values[:, -1:].squeeze(1)
    for t in range(rewards.shape[1] - 1, -1, -1):
        mixed = (1 - lambda_) * next_values[:, t] + lambda_ * after
        future = torch.where(ended[:, t], next_values[:, t], mixed)
        after = rewards[:, t] + discount * going_on[:, t] * future
        found.append(after)
    return torch.stack(found[::-1], dim=1)
