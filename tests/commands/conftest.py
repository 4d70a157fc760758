"""A fake ``vdworld train``."""

from __future__ import annotations

import pytest

from vdworld.commands import train


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Replace ``vdworld train`` by a function that keeps its configurations, in an empty folder."""
    configs = []
    monkeypatch.setattr(train, "run", configs.append)
    monkeypatch.chdir(tmp_path)
    return configs
