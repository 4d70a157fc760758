from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch


@pytest.mark.parametrize("size", [(16, 16), (32, 24), (8, 40)])
@pytest.mark.parametrize("channels", [3, 6])
@pytest.mark.parametrize("patch", [2, 4])
def test_a_frame_and_features_come_out_for_any_size_and_number_of_cameras(
    make_network: Callable, make_inputs: Callable, size: tuple[int, int], channels: int, patch: int
) -> None:
    frame, features = make_network(size, channels, patch=patch)(*make_inputs(size, channels))
    assert frame.shape == (2, channels, *size)
    assert features.shape == (2, 32)
    assert torch.isfinite(frame).all()


def test_sizes_that_do_not_divide_are_refused(make_network: Callable) -> None:
    with pytest.raises(ValueError, match=r"`image_size` must be a multiple of 8 in height and width, got \(16, 20\)"):
        make_network((16, 20), patch=4)
    with pytest.raises(ValueError, match="`feature_dim` must be a multiple of 16, got 40"):
        make_network(feature_dim=40)


@pytest.mark.parametrize("channels", [3, 6])
def test_an_untrained_network_nearly_copies_the_last_frame(
    make_network: Callable, make_inputs: Callable, channels: int
) -> None:
    noisy, level, context = make_inputs(channels=channels)
    frame, _ = make_network(channels=channels, disturbed=False)(noisy, level, context)
    error = (frame - context.frames[:, -1]).abs().mean()
    others = [(frame - context.frames[:, i]).abs().mean() for i in (0, 1)]
    assert error < 0.3 * min(others)


def test_a_null_action_hides_its_values(make_network: Callable, make_inputs: Callable) -> None:
    network, (noisy, level, context) = make_network(), make_inputs()
    other = context.actions.clone()
    other[:, 1] = 0.77
    unknown = context.known.clone()
    unknown[:, 1] = False
    frames = [
        network(noisy, level, replace(context, actions=actions, known=known))[0]
        for actions in (context.actions, other)
        for known in (context.known, unknown)
    ]
    assert torch.equal(frames[1], frames[3])
    assert not torch.equal(frames[0], frames[2])
    assert not torch.equal(frames[0], frames[1])


def test_a_null_action_differs_from_the_action_zero(make_network: Callable, make_inputs: Callable) -> None:
    network, (noisy, level, context) = make_network(), make_inputs()
    zero = replace(context, actions=torch.zeros_like(context.actions))
    null = replace(zero, known=torch.zeros_like(zero.known))
    assert not torch.equal(network(noisy, level, zero)[0], network(noisy, level, null)[0])


def test_everything_the_network_is_told_matters(make_network: Callable, make_inputs: Callable) -> None:
    network, (noisy, level, context) = make_network(), make_inputs()
    frame, features = network(noisy, level, context)
    changed = {
        "noisy": (noisy.flip(-1), level, context),
        "level": (noisy, level / 2, context),
        "context level": (noisy, level, replace(context, level=context.level / 2)),
        "last action": (noisy, level, replace(context, actions=context.actions * torch.tensor([1, 1, -1])[:, None])),
        "first action": (noisy, level, replace(context, actions=context.actions * torch.tensor([-1, 1, 1])[:, None])),
        "order of the past": (noisy, level, replace(context, frames=context.frames[:, [1, 0, 2]])),
    }
    for name, inputs in changed.items():
        other_frame, other_features = network(*inputs)
        assert not torch.allclose(frame, other_frame, atol=1e-6), name
        assert not torch.allclose(features, other_features, atol=1e-6), name


def test_features_alone_are_those_of_the_whole_network(make_network: Callable, make_inputs: Callable) -> None:
    network, inputs = make_network(), make_inputs()
    assert torch.equal(network.features(*inputs), network(*inputs)[1])


def test_rows_do_not_see_each_other(make_network: Callable, make_inputs: Callable) -> None:
    network, (noisy, level, context) = make_network(), make_inputs(b=4)
    frame, features = network(noisy, level, context)
    alone = replace(
        context,
        frames=context.frames[2:3],
        actions=context.actions[2:3],
        known=context.known[2:3],
        level=context.level[2:3],
    )
    one_frame, one_features = network(noisy[2:3], level[2:3], alone)
    torch.testing.assert_close(one_frame, frame[2:3], rtol=0, atol=1e-4)
    torch.testing.assert_close(one_features, features[2:3], rtol=0, atol=1e-4)


def test_every_parameter_learns(make_network: Callable, make_inputs: Callable) -> None:
    network = make_network()
    frame, features = network(*make_inputs())
    (frame.square().mean() + features.square().mean()).backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []
