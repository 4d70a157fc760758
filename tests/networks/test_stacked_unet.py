from __future__ import annotations

from collections.abc import Callable

import pytest
import torch


@pytest.mark.parametrize("size", [(16, 16), (32, 24), (8, 40)])
@pytest.mark.parametrize("channels", [3, 6])
@pytest.mark.parametrize("patch", [2, 4])
@pytest.mark.parametrize("thin_width", [0, 8])
def test_a_frame_comes_out_whatever_the_patch(
    make_network: Callable, make_inputs: Callable, size: tuple[int, int], channels: int, patch: int, thin_width: int
) -> None:
    frame = make_network(size, channels, patch=patch, thin_width=thin_width)(*make_inputs(size, channels)).frame
    assert frame.shape == (2, channels, *size)
    assert torch.isfinite(frame).all()


def test_sizes_that_do_not_divide_are_refused(make_network: Callable) -> None:
    with pytest.raises(
        ValueError,
        match=r"`image_size` must be a multiple of 8 in height and width, got \(16, 20\).* image_size=\[16, 24\]",
    ):
        make_network((16, 20), patch=4)


def test_without_a_thin_path_the_patches_are_read_at_the_edge(make_network: Callable) -> None:
    network = make_network(thin_width=0)
    assert network.edge_layers == [network.down_in, network.copy_head.to_pixels]
    assert make_network().edge_layers[0].kernel_size == (3, 3)
