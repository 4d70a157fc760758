"""A stand-in for ``vdworld train``."""

from __future__ import annotations

import pytest

from vdworld.commands import train


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Stand in for ``vdworld train``: keep the configurations that it was run with, in an empty folder."""
    configs = []
    monkeypatch.setattr(train, "run", configs.append)
    monkeypatch.chdir(tmp_path)
    return configs
