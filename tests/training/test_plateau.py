"""Smaller steps once training gets no better."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from vdworld.data import Dataset
from vdworld.training import MotionCurriculum, SelfForcing, Shortcut
from vdworld.training import plateau as plateau_module
from vdworld.training.plateau import Plateau
from vdworld.training.trainer import Trainer
from vdworld.training.trainer_settings import TrainerSettings
from vdworld.training.validation import Validation
from vdworld.world import WorldModel


def cuts(plateau: Plateau, measures: list[float], every: int = 100) -> list[int]:
    """Return the steps at which the learning rate is halved."""
    steps = []
    for i, measure in enumerate(measures, start=1):
        before = plateau.num_cuts
        plateau.step(i * every, measure)
        steps += [i * every] * (plateau.num_cuts - before)
    return steps


def test_progress_leaves_the_rate_alone() -> None:
    assert cuts(Plateau(), [20 + 0.3 * i for i in range(50)]) == []


def test_it_halves_after_300_steps_or_a_third_of_all_without_progress() -> None:
    plateau = Plateau()
    assert cuts(plateau, [20.0] * 5) == [400]  # the best came at 100
    assert plateau.factor == 0.5
    assert cuts(Plateau(), [20 + 0.3 * i for i in range(20)] + [25.0] * 20) == [3000]  # the best came at 2,000


def test_less_than_a_quarter_of_a_decibel_is_no_progress_and_nan_is_none() -> None:
    assert cuts(Plateau(), [20.0, 20.2, 20.1, 20.25, 20.2]) == [400]
    assert cuts(Plateau(), [20.0, math.nan, math.nan, math.nan]) == [400]


def test_it_halves_only_so_often() -> None:
    plateau = Plateau(max_cuts=2)
    assert cuts(plateau, [20.0] * 100) == [400, 700]
    assert plateau.factor == 0.25
    assert cuts(Plateau(max_cuts=0), [20.0] * 100) == []


def test_a_stage_that_begins_may_fall_behind_the_one_before() -> None:
    """Rising measurements, then a stage that falls by 10 dB over 400 steps and rises again."""
    before = [(100 * i, 20 + 0.5 * i) for i in range(1, 11)]
    after = [(1000 + 100 * i, max(25.0 - 2.5 * i, 13.8 + 0.3 * i)) for i in range(1, 30)]
    with_stages, without = Plateau(), Plateau()
    for step, measure in before + after:
        with_stages.step(step, measure, "shortcut" if step > 1000 else "")
        without.step(step, measure)
    assert (with_stages.num_cuts, without.num_cuts) == (0, 3)
    assert with_stages.best == after[-1][1]


def test_a_stage_without_progress_is_cut_once_it_has_settled() -> None:
    plateau, cuts = Plateau(), []
    for step in range(100, 1000, 100):
        plateau.step(step, 20.0, "shortcut")
        cuts.append(plateau.num_cuts)
    assert cuts == [0] * 5 + [1, 1, 1, 2]  # it settles at 400, and 300 steps without progress end at 600


def test_the_trainer_names_its_stages(squares: Dataset, train_small: Callable[..., WorldModel], monkeypatch) -> None:
    stages: list[str] = []
    monkeypatch.setattr(Plateau, "step", lambda self, step, measure, stage: stages.append(stage))
    shortcut, forcing = Shortcut(0.5, after=0.3, finest=4), SelfForcing(after=0.8)
    settings = {"max_steps": 10, "validate_every": 1, "unroll_after": 0.6}
    train_small(squares, shortcut=shortcut, self_forcing=forcing, **settings)
    unrolled = "unrolling + shortcut"
    begin = ["changes first"] * 3 + ["changes first + shortcut"] * 3
    assert stages == begin + [unrolled] * 2 + ["shortcut + self forcing"] * 2


def test_the_trainer_follows_the_plateau_and_a_resumed_run_restores_it(
    squares: Dataset, train_small: Callable[..., WorldModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = {"psnr": 9.0, "psnr_copy": 9.0, "moving_psnr": 9.0, "moving_psnr_copy": 9.0}
    monkeypatch.setattr(Validation, "measure", lambda self, world: flat)
    monkeypatch.setattr(plateau_module, "MIN_PATIENCE", 2)
    rates: dict[int, float] = {}
    update = Trainer._update

    def noted(self: Trainer, batch: object) -> dict:
        result = update(self, batch)  # pyright: ignore[reportArgumentType]
        rates[self.step] = self.optimizers[1].param_groups[0]["lr"]
        return result

    monkeypatch.setattr(Trainer, "_update", noted)
    settings = {"warmup_steps": 0, "decay_fraction": 0.0, "validate_every": 1, "plateau_cuts": 1}
    settings["motion_curriculum"] = MotionCurriculum(until=0.0, after=0.0)  # whose end would be a stage
    train_small(squares, output=tmp_path, max_steps=4, **settings)
    peak = TrainerSettings(max_steps=1).muon_learning_rate
    assert rates == {1: peak, 2: peak, 3: peak, 4: peak / 2}  # the best came at step 1, the cut after step 3
    rates.clear()
    train_small(squares, output=tmp_path, max_steps=6, resume=True, **settings)
    assert rates == {5: peak / 2, 6: peak / 2}


def test_a_negative_number_of_cuts_is_refused() -> None:
    with pytest.raises(ValueError, match="`plateau_cuts` must not be negative, got -1"):
        TrainerSettings(max_steps=1, plateau_cuts=-1)
