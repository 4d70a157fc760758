from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from vdworld.networks.copy_head import MAX_SPREAD, CopyHead, coordinates
from vdworld.networks.motion import MOTIONS

PAINTING = ["StackedUNet", "VideoUNet", "Transformer"]


def drawn(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("name", PAINTING)
@pytest.mark.parametrize("channels", [3, 6])
@pytest.mark.parametrize("thin_width", [0, 16])
def test_an_untrained_network_nearly_copies_the_last_frame(
    make_network: Callable, make_inputs: Callable, name: str, channels: int, thin_width: int
) -> None:
    noisy, level, context, step_size = make_inputs(channels=channels)
    network = make_network(channels=channels, disturbed=False, name=name, thin_width=thin_width)
    frame = network(noisy, level, context, step_size).frame
    error = (frame - context.frames[:, -1]).abs().mean()
    others = [(frame - context.frames[:, i]).abs().mean() for i in (0, 1)]
    assert error < 0.12 * min(others)
    assert network.predicts_clean


@pytest.mark.parametrize("name", PAINTING)
def test_exact_copies_still_learn(make_network: Callable, name: str) -> None:
    copy_head = make_network(disturbed=False, name=name, thin_width=0).copy_head
    for weight in (copy_head.to_motion.weight, copy_head.to_pixels.weight):
        weight.data.zero_()  # the biases alone copy in place, everywhere
    side = 4 * copy_head.patch
    hidden, before = drawn(1, copy_head.to_motion.in_channels, 4, 4), drawn(1, 3, side, side)
    frame = copy_head(hidden, drawn(1, 5, side, side), before).frame
    torch.testing.assert_close(frame, before, rtol=0, atol=2e-3)  # biases begin a little apart
    (frame - 0.5).square().mean().backward()
    assert (copy_head.to_motion.bias.grad != 0).all()
    assert (copy_head.to_pixels.bias.grad.view(5, -1)[3] != 0).all()  # of the mask


def zeroed(frame_channels: int, motion: str) -> CopyHead:
    """A copy head whose layers give their biases alone, which are 0; without a thin path."""
    copy_head = CopyHead(frame_channels, 4, 5, 2, thin_width=0, copy=True, reach=1, motion=motion)
    with torch.no_grad():
        for parameter in copy_head.parameters():
            parameter.zero_()
    return copy_head


def pixel_bias(copy_head: CopyHead) -> torch.Tensor:
    """The bias of colours, masks and spreads, a row each, a column for each pixel of a patch."""
    return copy_head.get_parameter("to_pixels.bias").data.view(-1, 4)


def test_the_moved_share_is_what_is_not_copied_in_place() -> None:
    copy_head = zeroed(3, "kernel")
    mask, motion = pixel_bias(copy_head)[3], copy_head.get_parameter("to_motion.bias").data
    inputs = drawn(1, 4, 2, 3), drawn(1, 5, 4, 6), drawn(1, 3, 4, 6)
    motion[4] = 50.0  # in place
    assert copy_head.eval()(*inputs).moved_share is None
    for opened, elsewhere, expected in [
        (0, 0.0, 0.0),
        (1, 0.0, 0.25),
        (4, 0.0, 1.0),
        (0, 50.0, 0.5),
        (0, 100.0, 1.0),
    ]:
        mask[:] = 50.0
        mask[:opened] = -50.0  # one pixel in four is painted
        motion[0] = elsewhere  # 50: as much as in place, 100: all
        assert copy_head.train()(*inputs).moved_share.tolist() == pytest.approx([expected], abs=1e-6)


def test_what_flows_from_elsewhere_is_not_copied_in_place() -> None:
    copy_head = zeroed(3, "flow").train()
    pixel_bias(copy_head)[3] = 50.0
    for displacement in (0.0, 0.25, 0.5):
        copy_head.get_parameter("to_motion.bias").data[0] = math.atanh(displacement)  # of a reach of one pixel
        share = copy_head(drawn(1, 4, 2, 3), drawn(1, 5, 4, 6), drawn(1, 3, 4, 6)).moved_share
        assert share.item() == pytest.approx(1 - math.exp(-4 * displacement**2), abs=1e-6)


def test_spread_is_positive_and_bounded_and_older_heads_have_none() -> None:
    inputs = drawn(1, 4, 2, 3), drawn(1, 5, 4, 6), drawn(1, 3, 4, 6)
    assert zeroed(3, "kernel")(*inputs).spread is None
    copy_head = zeroed(6, "flow")
    pixel_bias(copy_head)[8] = torch.tensor([0.0, 50.0, -5.0, 0.0])
    spread = copy_head(inputs[0], inputs[1], drawn(1, 6, 4, 6)).spread
    assert spread.shape == (1, 2, 4, 6)
    assert spread[0, 0, :2, :2].flatten().tolist() == pytest.approx(
        [MAX_SPREAD / 2, MAX_SPREAD, MAX_SPREAD / (1 + math.exp(5)), MAX_SPREAD / 2]
    )


def test_another_motion_is_refused() -> None:
    with pytest.raises(ValueError, match="`motion` must be flow or kernel, got 'warp'"):
        CopyHead(3, 4, 5, 2, thin_width=0, copy=True, reach=1, motion="warp")


@pytest.mark.parametrize("name", PAINTING)
def test_kernels_stay_small_whatever_the_frame(make_network: Callable, name: str) -> None:
    """By default 7 x 7 places; a displacement has two numbers, whatever its reach."""
    assert make_network(name=name, motion="kernel").copy_head.to_motion.out_channels == 49
    assert make_network(name=name, motion="flow").copy_head.to_motion.out_channels == 2


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_reach_of_zero_copies_in_place(motion: str) -> None:
    copy_head = CopyHead(3, 4, 5, 2, thin_width=0, copy=True, reach=0, motion=motion)
    pixel_bias(copy_head)[:] = 0.0
    copy_head.get_parameter("to_pixels.weight").data.zero_()
    pixel_bias(copy_head)[3] = 50.0
    before = drawn(1, 3, 4, 6)
    torch.testing.assert_close(copy_head(drawn(1, 4, 2, 3), drawn(1, 5, 4, 6), before).frame, before)


@pytest.mark.parametrize("name", PAINTING)
@pytest.mark.parametrize("thin_width", [0, 16])
def test_without_copies_an_untrained_network_returns_zero_and_may_predict_anything(
    make_network: Callable, make_inputs: Callable, name: str, thin_width: int
) -> None:
    network = make_network(disturbed=False, copy=False, name=name, thin_width=thin_width)
    assert not network(*make_inputs())[0].any()
    assert not network.predicts_clean


@pytest.mark.parametrize("name", PAINTING)
@pytest.mark.parametrize("thin_width", [0, 16])
def test_without_copies_every_parameter_learns_too(
    make_network: Callable, make_inputs: Callable, name: str, thin_width: int
) -> None:
    network = make_network(copy=False, name=name, thin_width=thin_width)
    frame, features, *_ = network(*make_inputs())
    (frame.square().mean() + features.square().mean()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("motion", MOTIONS)
def test_where_the_mask_is_open_the_frame_is_what_moved_there(motion: str) -> None:
    copy_head = zeroed(6, motion)
    pixel_bias(copy_head)[6:] = 50.0  # copy everywhere, in both cameras
    bias = copy_head.get_parameter("to_motion.bias").data
    if motion == "kernel":
        bias.view(2, 3, 3)[0, 1, 2] = 50.0  # from the right in the first
        bias.view(2, 3, 3)[1, 0, 1] = 50.0  # from above in the second
    else:
        bias.view(2, 2)[0, 0], bias.view(2, 2)[1, 1] = 50.0, -50.0
    before = drawn(1, 6, 4, 6)
    frame = copy_head(drawn(1, 4, 2, 3), drawn(1, 5, 4, 6), before).frame
    torch.testing.assert_close(frame[:, :3, :, :-1], before[:, :3, :, 1:])
    torch.testing.assert_close(frame[:, 3:, 1:], before[:, 3:, :-1])


@pytest.mark.parametrize("motion", MOTIONS)
def test_where_the_mask_is_shut_the_frame_is_the_new_colour(motion: str) -> None:
    copy_head = zeroed(3, motion)
    pixel_bias(copy_head)[:3] = torch.tensor([0.1, 0.2, 0.3])[:, None]
    pixel_bias(copy_head)[3] = -50.0
    frame = copy_head(drawn(1, 4, 2, 3), drawn(1, 5, 4, 6), drawn(1, 3, 4, 6)).frame
    torch.testing.assert_close(frame.amax(dim=(0, 2, 3)), torch.tensor([0.1, 0.2, 0.3]))
    torch.testing.assert_close(frame.amin(dim=(0, 2, 3)), torch.tensor([0.1, 0.2, 0.3]))


def test_coordinates_run_from_one_edge_to_the_other() -> None:
    grid = coordinates((3, 5))
    assert grid[0].tolist() == [[-1] * 5, [0] * 5, [1] * 5]
    assert grid[1].tolist() == [[-1, -0.5, 0, 0.5, 1]] * 3
