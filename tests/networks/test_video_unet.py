from __future__ import annotations

from collections.abc import Callable

import pytest
import torch


@pytest.mark.parametrize("temporal_levels", [(0,), (1,), (2,), (-3, -1), (0, 1, 2)])
def test_any_level_can_connect_the_frames(
    make_network: Callable, make_clip: Callable, temporal_levels: tuple[int, ...]
) -> None:
    settings = {"widths": (16, 24, 32), "temporal_levels": temporal_levels}
    network, clip = make_network(name="VideoUNet", **settings), make_clip()
    frames = network.clip(**clip).frames
    changed = clip["noisy"].clone()
    changed[:, 0] *= 0.3
    others = network.clip(**{**clip, "noisy": changed}).frames
    assert not torch.allclose(frames[:, 3], others[:, 3], rtol=0, atol=1e-6)


def test_without_temporal_levels_a_frame_sees_the_one_before_alone(make_network: Callable, make_clip: Callable) -> None:
    network, clip = make_network(name="VideoUNet", temporal_levels=()), make_clip()
    frames = network.clip(**clip).frames
    changed = clip["noisy"].clone()
    changed[:, 0] *= 0.3
    others = network.clip(**{**clip, "noisy": changed}).frames
    different = [(frames[:, j] != others[:, j]).any().item() for j in range(4)]
    assert different == [True, True, False, False]


def test_sizes_that_do_not_divide_are_refused(make_network: Callable) -> None:
    with pytest.raises(ValueError, match=r"`image_size` must be a multiple of 8 in height and width, got \(16, 20\)"):
        make_network((16, 20), name="VideoUNet", patch=4)
    rule = r"`temporal_levels` must lie in -2..1, since `widths` has 2 entries, got \(2,\)."
    with pytest.raises(ValueError, match=rule):
        make_network(name="VideoUNet", temporal_levels=(2,))
