from __future__ import annotations

import pytest
import torch

from vdworld.world.device import pick_device


@pytest.mark.parametrize("has_gpu", [True, False])
def test_auto_is_the_gpu_if_there_is_one(monkeypatch: pytest.MonkeyPatch, has_gpu: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    assert pick_device("auto") == torch.device("cuda" if has_gpu else "cpu")


def test_a_device_is_picked_by_name() -> None:
    assert pick_device("cpu") == torch.device("cpu")


def test_a_device_that_this_machine_lacks_is_refused() -> None:
    for name in ("toaster", "xla:3"):
        with pytest.raises(ValueError, match=f"`device` must be auto, cpu or a device of this machine, got '{name}'"):
            pick_device(name)
