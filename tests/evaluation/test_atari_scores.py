"""Scores between random play and a human's."""

from __future__ import annotations

import numpy as np
import pytest

from vdworld.evaluation.atari_scores import SCORES, game_of, human_normalized
from vdworld.evaluation.report.tables import returns_table
from vdworld.evaluation.returns import Play, Returns

PLAYS = {"random": Play(np.array([-20.7, -20.7]), np.array([9, 9]), 0, 0.0)}


def test_random_play_is_0_and_the_human_is_1() -> None:
    assert len(SCORES) == 26
    for game, (random, human) in SCORES.items():
        assert human > random
        assert human_normalized(random, game) == 0
        assert human_normalized(human, game) == 1


def test_scores_worked_out_by_hand() -> None:
    assert human_normalized(16.1, "Breakout") == pytest.approx(0.5)  # half way from 1.7 to 30.5


@pytest.mark.parametrize(
    ("environment", "game"),
    [
        ("ALE/Pong-v5", "Pong"),
        ("ale_py:ALE/Pong-v5", "Pong"),
        ("ALE/Tetris-v5", None),
        ("ALE/Pong-ram-v5", None),
        ("Pong-v4", None),
        ("", None),
    ],
)
def test_only_known_games_of_the_ale_have_scores(environment: str, game: str | None) -> None:
    assert game_of(environment) == game


def test_an_unknown_game_is_refused() -> None:
    with pytest.raises(ValueError, match="`game` must be one of Alien, .*, got 'Tetris'"):
        human_normalized(1.0, "Tetris")


def test_the_returns_table_has_a_column_for_known_scores() -> None:
    table = returns_table(Returns(PLAYS, (0, 1), 10, 0, environment="ALE/Pong-v5"))
    assert (table.columns[-1], table.rows[0][-1]) == ("human-normalised", "0.00 [0.00, 0.00]")
    assert "Wang et al. 2016" in table.note
    unknown = returns_table(Returns(PLAYS, (0, 1), 10, 0, environment="CartPole-v1"))
    assert unknown.columns == ("", "return", "minus random's", "steps")
