"""The fake checkout's code, imported once."""

from __future__ import annotations

import pytest

from tests.benchmarks.peers.fake_diamond import write_checkout
from vdworld.benchmarks.peers import DiamondCode


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> DiamondCode:
    return DiamondCode.load(write_checkout(tmp_path_factory.mktemp("diamond")))
