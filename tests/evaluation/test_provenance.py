from __future__ import annotations

import sys

import numpy as np
import torch

from vdworld.evaluation.provenance import machine, provenance


def test_the_command_can_be_pasted_into_a_shell(monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/vdworld", "evaluate", "world=my runs/a", "seed=3"])
    assert provenance()["command"] == "vdworld evaluate 'world=my runs/a' seed=3"


def test_versions_and_machine_are_named() -> None:
    facts = provenance(torch.device("cpu"))
    assert f"torch {torch.__version__}" in facts["versions"]
    assert f"numpy {np.__version__}" in facts["versions"]
    assert facts["device"] == "cpu"
    assert facts["date"].endswith("UTC")
    assert " core" in machine()
