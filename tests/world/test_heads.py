from __future__ import annotations

import pytest
import torch

from vdworld.world import OutcomeHeads


def test_untrained_heads_say_the_mean_reward_and_nothing_about_the_end() -> None:
    reward, continuation = OutcomeHeads(8, reward_offset=-3.0, reward_scale=2.0).predict(torch.randn(5, 8))
    assert reward.tolist() == [-3] * 5
    assert continuation.tolist() == [0.5] * 5
    rare = OutcomeHeads(8, end_rate=0.02, reading_offset=[3.0], reading_scale=[2.0])
    assert rare.predict(torch.randn(5, 8))[1].tolist() == pytest.approx([0.98] * 5)
    assert rare.read(torch.randn(5, 8)).tolist() == [[3.0]] * 5


def test_rewards_come_in_the_environment_s_units() -> None:
    heads = OutcomeHeads(8, reward_offset=10.0, reward_scale=4.0)
    torch.nn.init.normal_(heads.output.weight)
    features = torch.randn(5, 8)
    standardised, logit, readings = heads(features)
    assert readings.shape == (5, 0)
    reward, continuation = heads.predict(features)
    torch.testing.assert_close(reward, 10 + 4 * standardised)
    torch.testing.assert_close(continuation, 1 / (1 + torch.exp(-logit)))


def test_low_precision_features_give_float32_outcomes() -> None:
    heads = OutcomeHeads(8).bfloat16()
    assert {value.dtype for value in heads.predict(torch.randn(2, 8).bfloat16())} == {torch.float32}


def test_a_scale_of_0_is_refused() -> None:
    with pytest.raises(ValueError, match="`reward_scale` must be positive, got 0"):
        OutcomeHeads(8, reward_scale=0)
    with pytest.raises(ValueError, match=r"`end_rate` must lie in \(0, 1\), got 1"):
        OutcomeHeads(8, end_rate=1)
