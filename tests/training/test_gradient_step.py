"""A loss or a gradient that is not finite stops a run, and changes neither the weights nor the last checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from vdworld.data import Dataset
from vdworld.training import Trainer
from vdworld.training import trainer as trainer_module
from vdworld.training.checkpoint import load_checkpoint, save_checkpoint
from vdworld.training.gradient_step import FAILED_BATCH, gradient_step
from vdworld.world import WorldModel


class Squares(nn.Module):
    """A loss with the gradient 2 w."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([3.0, 4.0]))

    def step(self, change: Callable[[Tensor], Tensor], norm: float = float("inf")) -> None:
        loss = change(self.weight.square().sum())
        gradient_step({"loss": loss}, [self.weight], [torch.optim.SGD([self.weight], lr=0.1)], norm)


def test_a_finite_step_follows_the_clipped_gradient() -> None:
    model = Squares()
    model.step(lambda loss: loss, norm=1.0)
    torch.testing.assert_close(model.weight.data, torch.tensor([3.0 - 0.06, 4.0 - 0.08]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda loss: loss * float("nan"), "got loss nan"),
        (lambda loss: loss / 0, "got loss inf"),
        (lambda loss: (loss - 25).sqrt(), "got gradient norm inf"),  # the root of 0 has no slope
    ],
)
def test_a_step_that_is_not_finite_changes_nothing(change: Callable[[Tensor], Tensor], message: str) -> None:
    model = Squares()
    with pytest.raises(FloatingPointError, match=message):
        model.step(change)
    assert model.weight.tolist() == [3.0, 4.0]


def test_a_checkpoint_that_is_not_finite_leaves_the_one_before(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"weight": torch.ones(2)}, {"step": 1})
    with pytest.raises(FloatingPointError, match=r"got NaN or infinity in `weight`. An earlier checkpoint stays"):
        save_checkpoint(tmp_path, {"weight": torch.tensor([1.0, float("nan")])}, {"step": 2})
    tensors, progress = load_checkpoint(tmp_path)
    assert (tensors["weight"].tolist(), progress["step"]) == ([1.0, 1.0], 1)


def test_training_stops_keeps_the_batch_and_the_last_checkpoint(
    train_small: Callable[..., WorldModel], squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = Trainer._losses

    def spoiled(self: Trainer, *inputs: Any) -> dict[str, Tensor]:
        parts = losses(self, *inputs)
        return {**parts, "loss": parts["loss"] * (float("nan") if self.step == 3 else 1.0)}

    monkeypatch.setattr(trainer_module.Trainer, "_losses", spoiled)
    with pytest.raises(FloatingPointError, match=r"Training stopped in step 4: .* got loss nan.*episodes \["):
        train_small(squares, max_steps=6, checkpoint_every=2, output=tmp_path)
    assert load_checkpoint(tmp_path)[1]["step"] == 2
    assert not (tmp_path / "config.json").exists()
    batch = safetensors.torch.load_file(tmp_path / FAILED_BATCH)
    assert batch["frames"].shape[0] == 4
    assert set(batch["episodes"].tolist()) <= set(range(8))


def test_an_absurd_learning_rate_leaves_no_weights_that_are_not_finite(
    train_small: Callable[..., WorldModel], squares: Dataset, tmp_path: Path
) -> None:
    rates = {"learning_rate": 1e3, "muon_learning_rate": 1e3, "warmup_steps": 1, "max_gradient_norm": 1e9}
    with pytest.raises(FloatingPointError, match=r"(Training stopped in step|The checkpoint for)"):
        train_small(squares, max_steps=30, checkpoint_every=1, output=tmp_path, **rates)
    for file in tmp_path.rglob("tensors"):
        assert all(v.isfinite().all() for v in safetensors.torch.load_file(file).values() if v.is_floating_point())
