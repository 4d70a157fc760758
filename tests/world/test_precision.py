from __future__ import annotations

import pytest
import torch

from vdworld.world.precision import autocast, has_native_bfloat16

CPU = torch.device("cpu")


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_arithmetic_runs_in_the_requested_precision(precision: str, dtype: torch.dtype) -> None:
    with autocast(CPU, precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


@pytest.mark.parametrize("native", [True, False])
def test_auto_asks_the_processor(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    monkeypatch.setattr("vdworld.world.precision.has_native_bfloat16", lambda device: native)
    with autocast(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == (torch.bfloat16 if native else torch.float32)


def test_a_device_that_is_neither_cpu_nor_cuda_stays_with_float32() -> None:
    assert not has_native_bfloat16(torch.device("mps"))
    assert has_native_bfloat16(CPU) in (True, False)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match='`precision` must be "auto" or one of "float32", "bfloat16", "float16", got'):
        autocast(CPU, "half")
