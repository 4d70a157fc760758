from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from vdworld.networks.copy_head import CopyHead, coordinates

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
    frame, _ = copy_head(hidden, drawn(1, 5, side, side), before)
    torch.testing.assert_close(frame, before, rtol=0, atol=2e-3)  # biases begin a little apart
    (frame - 0.5).square().mean().backward()
    assert (copy_head.to_motion.bias.grad != 0).all()
    assert (copy_head.to_pixels.bias.grad.view(4, -1)[3] != 0).all()  # of the mask


def test_the_moved_share_is_what_is_not_copied_in_place() -> None:
    copy_head = CopyHead(3, 4, 5, 2, thin_width=0, copy=True, reach=1)
    with torch.no_grad():
        for parameter in copy_head.parameters():
            parameter.zero_()
        mask, motion = (copy_head.get_parameter(name) for name in ("to_pixels.bias", "to_motion.bias"))
        mask.view(4, 4)[3] = 50.0
        motion[4] = 50.0  # in place
    inputs = drawn(1, 4, 2, 3), drawn(1, 5, 4, 6), drawn(1, 3, 4, 6)
    assert copy_head.eval()(*inputs)[1] is None
    for opened, elsewhere, expected in [
        (0, 0.0, 0.0),
        (1, 0.0, 0.25),
        (4, 0.0, 1.0),
        (0, 50.0, 0.5),
        (0, 100.0, 1.0),
    ]:
        mask.data.view(4, 4)[3, :opened] = -50.0  # one pixel in four is painted
        motion.data[0] = elsewhere  # 50: as much as in place, 100: all
        moved_share = copy_head.train()(*inputs)[1]
        assert moved_share is not None
        assert moved_share.tolist() == pytest.approx([expected], abs=1e-6)
        mask.data.view(4, 4)[3] = 50.0


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
    frame, features, _ = network(*make_inputs())
    (frame.square().mean() + features.square().mean()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_where_the_mask_is_open_the_frame_is_what_moved_there() -> None:
    copy_head = CopyHead(6, 4, 5, 2, thin_width=0, copy=True, reach=1)
    with torch.no_grad():
        for parameter in copy_head.parameters():
            parameter.zero_()
        copy_head.get_parameter("to_pixels.bias")[6 * 4 :] = 50.0  # copy everywhere, in both cameras
        copy_head.get_parameter("to_motion.bias").view(2, 3, 3)[0, 1, 2] = 50.0  # from the right in the first
        copy_head.get_parameter("to_motion.bias").view(2, 3, 3)[1, 0, 1] = 50.0  # from above in the second
    before = drawn(1, 6, 4, 6)
    painted, _ = copy_head(drawn(1, 4, 2, 3), drawn(1, 5, 4, 6), before)
    torch.testing.assert_close(painted[:, :3, :, :-1], before[:, :3, :, 1:])
    torch.testing.assert_close(painted[:, 3:, 1:], before[:, 3:, :-1])


def test_where_the_mask_is_shut_the_frame_is_the_new_colour() -> None:
    copy_head = CopyHead(3, 4, 5, 2, thin_width=0, copy=True, reach=1)
    with torch.no_grad():
        for parameter in copy_head.parameters():
            parameter.zero_()
        copy_head.get_parameter("to_pixels.bias").view(4, 4)[:3] = torch.tensor([0.1, 0.2, 0.3])[:, None]
        copy_head.get_parameter("to_pixels.bias").view(4, 4)[3] = -50.0
    painted, _ = copy_head(drawn(1, 4, 2, 3), drawn(1, 5, 4, 6), drawn(1, 3, 4, 6))
    torch.testing.assert_close(painted.amax(dim=(0, 2, 3)), torch.tensor([0.1, 0.2, 0.3]))
    torch.testing.assert_close(painted.amin(dim=(0, 2, 3)), torch.tensor([0.1, 0.2, 0.3]))


def test_coordinates_run_from_one_edge_to_the_other() -> None:
    grid = coordinates((3, 5))
    assert grid[0].tolist() == [[-1] * 5, [0] * 5, [1] * 5]
    assert grid[1].tolist() == [[-1, -0.5, 0, 0.5, 1]] * 3
