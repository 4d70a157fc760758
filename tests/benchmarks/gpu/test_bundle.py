"""The bundle holds a copy of DIAMOND with its licence and its commit."""

from __future__ import annotations

import pytest

from vdworld.benchmarks.gpu.bundle import copy_peer


def test_a_peer_s_sources_are_copied_with_their_licence_and_commit(tmp_path):
    with pytest.raises(ValueError, match="`peer` must be a folder with DIAMOND's own code"):
        copy_peer(tmp_path, tmp_path / "copy")
    (tmp_path / "src" / "models" / "diffusion").mkdir(parents=True)
    (tmp_path / "src" / "models" / "diffusion" / "denoiser.py").write_text("")
    (tmp_path / "LICENSE").write_text("MIT")
    copy_peer(tmp_path, tmp_path / "copy")
    assert (tmp_path / "copy" / "src" / "models" / "diffusion" / "denoiser.py").is_file()
    assert (tmp_path / "copy" / "LICENSE").is_file()
    assert (tmp_path / "copy" / "COMMIT").read_text() == "unknown\n"
