"""The targets of every round, worked out by hand."""

from __future__ import annotations

import pytest

from vdworld.online import Rounds


def test_targets_count_from_the_beginning() -> None:
    rounds = Rounds(
        num_real_steps=250,
        num_first_real_steps=100,
        num_round_real_steps=60,
        num_first_world_steps=10,
        num_round_world_steps=3,
        num_first_dream_steps=50,
        num_round_dream_steps=20,
        num_last_rounds=1,
    )
    assert len(rounds) == 5
    assert [target.real_steps for target in rounds] == [100, 160, 220, 250, 250]
    assert [target.world_steps for target in rounds] == [10, 13, 16, 19, 22]
    assert [target.dream_steps for target in rounds] == [50, 70, 90, 110, 130]


def test_the_atari_100k_protocol_has_diamonds_thousand_epochs() -> None:
    from vdworld.commands.config_search import compose_config

    config = compose_config("learn", ["protocol=atari100k", "real.env_kwargs.game=Breakout", "output=x"])
    *_, last = rounds = list(Rounds(**config.rounds))
    assert len(rounds) == 1 + 950 + 50
    assert (last.real_steps, last.world_steps) == (100_000, 10_000 + 400 * 1_000)
    assert last.dream_steps == 32 * 15 * (5_000 + 400 * 1_000)
    assert config.online
    assert (config.objective, config.horizon, config.max_episode_steps) == ("reinforce", 15, 15)
    other = compose_config(
        "learn", ["protocol=atari100k", "objective=ppo", "real.env_kwargs.game=Breakout", "output=x"]
    )
    assert other.objective == "ppo"
    assert config.real.env == "vdworld/Atari-v0"


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="`num_round_real_steps` must be at least 1"):
        Rounds(num_round_real_steps=0)
    with pytest.raises(ValueError, match="`num_first_real_steps` must be at most 100"):
        Rounds(num_real_steps=100, num_first_real_steps=200)
