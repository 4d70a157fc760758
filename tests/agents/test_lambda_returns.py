"""Claims about lambda-returns, worked out by hand: discount and lambda are a half."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vdworld.agents.lambda_returns import lambda_returns

REWARDS = torch.tensor([[1.0, 2.0, 4.0]]).repeat(3, 1)
NEXT_VALUES = torch.tensor([[8.0, 6.0, 2.0]]).repeat(3, 1)
NEVER = torch.zeros(3, 3, dtype=torch.bool)
TERMINATED = torch.tensor([[0, 0, 0], [0, 1, 0], [0, 0, 0]], dtype=torch.bool)
ENDED = torch.tensor([[0, 0, 0], [0, 1, 0], [0, 1, 0]], dtype=torch.bool)  # goes on, terminates, is truncated
HALVES: dict[str, Any] = {"discount": 0.5, "lambda_": 0.5}


def test_continuing_terminated_and_truncated_lanes_in_one_batch():
    returns = lambda_returns(REWARDS, NEXT_VALUES, TERMINATED, ENDED, **HALVES)
    # last step: 4 + 2/2 = 5. Going on: 2 + (6 + 5)/4 = 4.75, 1 + (8 + 4.75)/4 = 4.1875.
    # Terminated: 2, 1 + (8 + 2)/4 = 3.5. Truncated: 2 + 6/2 = 5, 1 + (8 + 5)/4 = 4.25.
    expected = [[4.1875, 4.75, 5.0], [3.5, 2.0, 5.0], [4.25, 5.0, 5.0]]
    assert returns.tolist() == expected


def test_a_continuation_probability_replaces_the_sampled_end():
    continuation = torch.tensor([[1.0, 0.5, 1.0]]).repeat(3, 1)
    returns = lambda_returns(REWARDS, NEXT_VALUES, TERMINATED, ENDED, **HALVES, continuation=continuation)
    # Going on: 2 + 5.5/4 = 3.375, 1 + (8 + 3.375)/4. Ended, either way: 2 + 6/4 = 3.5, 1 + (8 + 3.5)/4.
    assert returns.tolist() == [[3.84375, 3.375, 5.0], [3.875, 3.5, 5.0], [3.875, 3.5, 5.0]]


def test_the_continuation_probability_is_the_mean_over_sampled_ends():
    """With a chance of .5, one half terminates and the other goes on; the values are right in this case."""
    settings: dict[str, Any] = {"discount": 0.9, "lambda_": 0.7}
    next_values = torch.tensor([[3.0, 2.0, 2.0]])
    rewards = torch.tensor([[0.0, 1.0, 2.0 * (1 - 0.9)]])  # the last value stays 2 for ever
    never, second = NEVER[:1], TERMINATED[1:2]
    survived = lambda_returns(rewards, next_values, never, never, **settings)[0, 1]
    died = lambda_returns(rewards, next_values, second, second, **settings)[0, 1]
    chance = torch.tensor([[1.0, 0.5, 1.0]])
    weighted = lambda_returns(rewards, next_values, never, never, **settings, continuation=chance)[0, 1]
    torch.testing.assert_close(weighted, (survived + died) / 2)


def test_no_episode_affects_another():
    changed = REWARDS.clone()
    changed[:, 2] = 100.0
    before = lambda_returns(REWARDS, NEXT_VALUES, TERMINATED, ENDED, **HALVES)
    after = lambda_returns(changed, NEXT_VALUES, TERMINATED, ENDED, **HALVES)
    assert torch.equal(before[1:, :2], after[1:, :2])
    assert (before[0] != after[0]).all()


def test_a_lambda_of_zero_bootstraps_after_one_step():
    returns = lambda_returns(REWARDS[:1], NEXT_VALUES[:1], NEVER[:1], NEVER[:1], discount=0.5, lambda_=0.0)
    assert returns.tolist() == [[5.0, 5.0, 5.0]]


def test_a_lambda_of_one_sums_all_rewards_and_one_value():
    returns = lambda_returns(REWARDS[:1], NEXT_VALUES[:1], NEVER[:1], NEVER[:1], discount=0.5, lambda_=1.0)
    assert returns.tolist() == [[1 + 2 / 2 + 4 / 4 + 2 / 8, 2 + 4 / 2 + 2 / 4, 5.0]]


@pytest.mark.parametrize("name", ["discount", "lambda_"])
def test_shares_outside_their_range_are_refused(name):
    with pytest.raises(ValueError, match=rf"`{name}` must lie in \[0, 1\], got 1.5."):
        lambda_returns(REWARDS, NEXT_VALUES, TERMINATED, ENDED, **{**HALVES, name: 1.5})
