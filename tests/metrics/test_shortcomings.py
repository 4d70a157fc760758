"""A world that is no better than repeating the last frame is described in words."""

from __future__ import annotations

import math

from vdworld.metrics import optimizer_steps, shortcomings

ADVICE = "Train longer, or on more data."


def test_a_good_world_has_none() -> None:
    assert shortcomings({1: (38.0, 32.7), 20: (24.4, 23.6)}, (24.5, 12.8), 2_000) == ""
    assert shortcomings({1: (40.0, 40.0)}, (math.nan, math.nan), 2_000) == "", "nothing moves, and nothing is worse"


def test_a_world_that_hardly_beats_the_last_frame_where_something_moves_is_hardly_trained() -> None:
    assert shortcomings({1: (32.7, 32.7)}, (13.4, 12.8), 2_000) == (
        "The world is hardly trained: one step ahead it has 13.4 dB on moving pixels, and repeating the last frame "
        f"12.8 dB. {ADVICE}"
    )


def test_few_steps_are_hardly_training_whatever_the_figures_say() -> None:
    assert shortcomings({}, (math.nan, math.nan), 99) == (
        f"The world is hardly trained, with 99 optimiser steps. {ADVICE}"
    )
    assert shortcomings({}, (20.0, 12.0), 100) == ""
    assert shortcomings({}, (20.0, 12.0), None) == ""


def test_what_is_worse_than_the_last_frame_over_all_pixels_is_named_with_its_steps() -> None:
    worse = "Over all pixels it is worse than repeating the last frame"
    assert shortcomings({1: (30.0, 32.7)}, (20.0, 12.8)) == f"{worse} 1 step ahead: 30.0 dB against 32.7 dB. {ADVICE}"
    assert shortcomings({1: (33.0, 32.7), 5: (24.0, 26.0), 10: (22.0, 25.0)}, (20.0, 12.8)) == (
        f"{worse} 5 and 10 steps ahead: 22.0 dB against 25.0 dB at 10. {ADVICE}"
    )
    assert shortcomings({1: (32.68, 32.7)}, (20.0, 12.8)) == "", "rounding"


def test_both_are_said_together() -> None:
    text = shortcomings({1: (12.0, 32.7)}, (9.0, 12.8))
    assert text.startswith("The world is hardly trained: ")
    assert "worse than repeating the last frame 1 step ahead" in text
    assert text.endswith(ADVICE)


def test_steps_before_further_training_count() -> None:
    assert optimizer_steps({"steps": 5, "before": {"steps": 70, "before": {"steps": 25}}}) == 100
    assert optimizer_steps({"steps": 5, "before": None}) == 5
    assert optimizer_steps({}) is None
