"""A step that can't fit is refused before training, and running out of memory names what to lower."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vdworld.data import Dataset
from vdworld.memory_errors import out_of_memory
from vdworld.training.memory_estimate import bytes_kept
from vdworld.world import WorldModel


def test_what_a_backward_pass_keeps_is_counted_once() -> None:
    weight = torch.nn.Parameter(torch.ones(10, 10))
    rows = torch.ones(50, 10)

    def loss() -> torch.Tensor:
        hidden = rows @ weight  # keeps the rows, and the weight, which costs nothing more
        return (hidden.sigmoid() * 2).sum() + (rows @ weight).sum()  # keeps the result of sigmoid, and the rows again

    assert bytes_kept(loss) == 4 * (50 * 10 + 50 * 10)


def test_a_batch_that_does_not_fit_is_refused_before_training(
    train_small: Callable[..., WorldModel], squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vdworld.training.memory_estimate.free_memory", lambda: 2**24)
    with pytest.raises(MemoryError, match=r"`batch_size` must be at most about \d+ .* Lower `batch_size`"):
        train_small(squares, batch_size=10_000, output=tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint").exists()
    train_small(squares, batch_size=2)


def test_the_weights_their_gradient_and_the_optimiser_are_counted_beside_the_clips(
    train_small: Callable[..., WorldModel], squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = 3 * sum(parameter.nbytes for parameter in train_small(squares).parameters())
    monkeypatch.setattr("vdworld.training.memory_estimate._one_clip_loss", lambda trainer: torch.ones(()))
    monkeypatch.setattr("vdworld.training.memory_estimate.bytes_kept", lambda loss: 1_000)
    monkeypatch.setattr("vdworld.training.memory_estimate.free_memory", lambda: weights + 4_000)
    train_small(squares, batch_size=4)
    with pytest.raises(MemoryError, match="`batch_size` must be at most about 4 "):
        train_small(squares, batch_size=5)
    monkeypatch.setattr("vdworld.training.memory_estimate.free_memory", lambda: weights + 999)
    with pytest.raises(MemoryError, match="The network must be smaller "):
        train_small(squares, batch_size=4)


def test_the_estimate_leaves_the_run_as_it_is(
    train_small: Callable[..., WorldModel], squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_estimate = train_small(squares)
    monkeypatch.setattr("vdworld.training.memory_estimate.free_memory", lambda: None)
    without = train_small(squares)
    assert all(torch.equal(a, b) for a, b in zip(with_estimate.parameters(), without.parameters(), strict=True))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee documentation"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_running_out_of_memory_is_one_line_that_names_what_to_lower(error: Exception) -> None:
    @out_of_memory("Lower `batch_size`.")
    def work() -> None:
        raise error

    with pytest.raises(MemoryError, match=r"^The memory is full: [^\n]+ Lower `batch_size`\.$"):
        work()


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), MemoryError("`image_size` must be at most 64")])
def test_other_errors_and_those_that_say_it_already_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, out_of_memory("Lower `batch_size`."):
        raise error
    assert caught.value is error
