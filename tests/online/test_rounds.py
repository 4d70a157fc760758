"""How much of everything happens when, worked out by hand."""

from __future__ import annotations

import pytest

from vdworld.metrics import Interval
from vdworld.online import OnlineResult, Round, Rounds


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


def test_it_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="`num_round_real_steps` must be at least 1"):
        Rounds(num_round_real_steps=0)
    with pytest.raises(ValueError, match="`num_first_real_steps` must be at most 100"):
        Rounds(num_real_steps=100, num_first_real_steps=200)


def test_results_come_back_from_disk(tmp_path) -> None:
    assert OnlineResult.load(tmp_path).rounds == []
    earned = Interval(1.5, 1.0, 2.0, 30)
    result = OnlineResult([Round(1, 10, 2, 3, 0.5), Round(2, 20, 3, 6, 0.5, earned)], {"random": earned}, {"env": "x"})
    result.save(tmp_path)
    again = OnlineResult.load(tmp_path)
    assert again == result
    rows = [" ".join(line.split()) for line in str(again).splitlines()]
    assert "20 1.50 [1.00, 2.00] 6 0.5" in rows
    assert not any(row.startswith("10 ") for row in rows), "the first round was not played"
