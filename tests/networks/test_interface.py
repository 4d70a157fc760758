"""What holds for every network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from vdworld.networks.network import Network, VideoNetwork

NAMES = ["StackedUNet", "VideoUNet", "Transformer", "DiamondUNet"]
each = pytest.mark.parametrize("name", NAMES)


@each
@pytest.mark.parametrize("size", [(16, 16), (32, 24), (8, 40)])
@pytest.mark.parametrize("channels", [3, 6])
def test_a_frame_and_features_come_out_for_any_size_and_number_of_cameras(
    make_network: Callable, make_inputs: Callable, name: str, size: tuple[int, int], channels: int
) -> None:
    network = make_network(size, channels, name=name)
    frame, features, *_ = network(*make_inputs(size, channels))
    assert frame.shape == (2, channels, *size)
    assert features.shape == (2, 32)
    assert torch.isfinite(frame).all()
    assert (network.frame_channels, network.context_length, network.feature_dim) == (channels, 3, 32)


@each
def test_it_is_a_network_and_says_whether_it_sees_clips(make_network: Callable, name: str) -> None:
    network = make_network(name=name)
    assert isinstance(network, Network)
    assert isinstance(network, VideoNetwork) == (name in ("VideoUNet", "Transformer"))


@each
def test_a_null_action_hides_its_values(make_network: Callable, make_inputs: Callable, name: str) -> None:
    network, (noisy, level, context, step_size) = make_network(name=name), make_inputs()
    other = context.actions.clone()
    other[:, 1] = 0.77
    unknown = context.action_mask.clone()
    unknown[:, 1] = False
    frames = [
        network(noisy, level, replace(context, actions=actions, action_mask=action_mask), step_size)[0]
        for actions in (context.actions, other)
        for action_mask in (context.action_mask, unknown)
    ]
    assert torch.equal(frames[1], frames[3])
    assert not torch.equal(frames[0], frames[2])
    assert not torch.equal(frames[0], frames[1])


@pytest.mark.parametrize("name", NAMES[:3])
def test_a_null_action_differs_from_the_action_zero(make_network: Callable, make_inputs: Callable, name: str) -> None:
    network, (noisy, level, context, step_size) = make_network(name=name), make_inputs()
    zero = replace(context, actions=torch.zeros_like(context.actions))
    null = replace(zero, action_mask=torch.zeros_like(zero.action_mask))
    assert not torch.equal(network(noisy, level, zero, step_size)[0], network(noisy, level, null, step_size)[0])


@each
def test_every_input_of_the_network_matters(make_network: Callable, make_inputs: Callable, name: str) -> None:
    network, (noisy, level, context, step_size) = make_network(name=name), make_inputs()
    frame, features, *_ = network(noisy, level, context, step_size)
    last, first = torch.tensor([1, 1, -1])[:, None], torch.tensor([-1, 1, 1])[:, None]
    pasts = {
        "one context level": replace(context, level=context.level * torch.tensor([1, 0.5, 1])),
        "last action": replace(context, actions=context.actions * last),
        "first action": replace(context, actions=context.actions * first),
        "order of the past": replace(context, frames=context.frames[:, [1, 0, 2]]),
    }
    changed = {
        "noisy": (noisy.flip(-1), level, context, step_size),
        "level": (noisy, level / 2, context, step_size),
        "step size": (noisy, level, context, step_size / 2),
        **{past: (noisy, level, other, step_size) for past, other in pasts.items()},
    }
    ignored = {"one context level", "step size"} if name == "DiamondUNet" else set()
    for what, inputs in changed.items():
        other_frame, other_features, *_ = network(*inputs)
        assert torch.allclose(frame, other_frame, atol=1e-6) == (what in ignored), what
        assert torch.allclose(features, other_features, atol=1e-6) == (what in ignored), what


@each
def test_features_alone_are_those_of_the_whole_network(
    make_network: Callable, make_inputs: Callable, name: str
) -> None:
    network, inputs = make_network(name=name), make_inputs()
    assert torch.equal(network.commit(*inputs)[0], network(*inputs)[1])


@each
def test_rows_do_not_see_each_other(make_network: Callable, make_inputs: Callable, name: str) -> None:
    network, (noisy, level, context, step_size) = make_network(name=name), make_inputs(b=4)
    frame, features, *_ = network(noisy, level, context, step_size)
    alone = replace(
        context,
        frames=context.frames[2:3],
        actions=context.actions[2:3],
        action_mask=context.action_mask[2:3],
        level=context.level[2:3],
    )
    one_frame, one_features, *_ = network(noisy[2:3], level[2:3], alone, step_size[2:3])
    torch.testing.assert_close(one_frame, frame[2:3], rtol=0, atol=1e-4)
    torch.testing.assert_close(one_features, features[2:3], rtol=0, atol=1e-4)


@each
def test_every_parameter_learns(make_network: Callable, make_inputs: Callable, name: str) -> None:
    network = make_network(name=name)
    frame, features, _, spread = network(*make_inputs())
    (frame.square().mean() + features.square().mean() + (0.0 if spread is None else spread.mean())).backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


@each
def test_edge_layers_are_the_first_and_the_last_to_touch_pixels(make_network: Callable, name: str) -> None:
    network = make_network(name=name)
    layers = network.edge_layers
    assert layers[-1].out_channels == 3 + 2 * network.predicts_clean  # beside the colours, a mask and a spread
    assert layers[0].in_channels > 6
    inside = {id(p) for p in network.parameters()}
    assert all(id(p) in inside for layer in layers for p in layer.parameters())


@each
def test_half_precision_gives_about_the_same(make_network: Callable, make_inputs: Callable, name: str) -> None:
    network, inputs = make_network(name=name), make_inputs()
    with torch.no_grad():
        exact = network(*inputs).frame
        with torch.autocast("cpu", torch.bfloat16):
            rounded = network(*inputs).frame
    assert (rounded.float() - exact).abs().mean() < 0.15 * exact.std()  # displaced noise is sensitive to rounding


@pytest.mark.parametrize("name", ["StackedUNet", "VideoUNet", "DiamondUNet"])
def test_pooled_features_come_in_sixteens(make_network: Callable, name: str) -> None:
    with pytest.raises(ValueError, match="`feature_dim` must be a multiple of 16, got 40"):
        make_network(name=name, feature_dim=40)


@pytest.mark.parametrize("name", NAMES[:3])
def test_cameras_have_three_channels_each(make_network: Callable, name: str) -> None:
    with pytest.raises(ValueError, match="`frame_channels` must be a multiple of 3, 3 per camera, got 4"):
        make_network(channels=4, name=name)


@each
def test_the_moved_share_is_predicted_in_training_where_pixels_are_copied(
    make_network: Callable, make_inputs: Callable, make_clip: Callable, name: str
) -> None:
    network, inputs = make_network(name=name), make_inputs()
    assert network.eval()(*inputs).moved_share is None
    frame, _, moved_share, spread = network.train()(*inputs)
    if not network.predicts_clean:
        assert moved_share is None
        assert spread is None
        return
    assert spread.shape == (len(frame), 1, *frame.shape[-2:])
    assert moved_share.shape == (len(frame),)
    assert ((moved_share > 0) & (moved_share < 1)).all()
    if name in ("VideoUNet", "Transformer"):
        clip = make_clip()
        prediction = network.clip(**clip)
        assert prediction.moved_share.shape == clip["noisy"].shape[:2]
        assert prediction.spread.shape == (*clip["noisy"].shape[:2], 1, *clip["noisy"].shape[-2:])
        assert network.eval().clip(**clip).moved_share is None
