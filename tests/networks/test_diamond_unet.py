from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from vdworld.networks import Context, DiamondUNet


def inputs(b: int, size: tuple[int, int] = (16, 16)) -> tuple[torch.Tensor, torch.Tensor, Context, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    actions = torch.nn.functional.one_hot(torch.randint(4, (b, 4), generator=rng), 4).float()
    frames = torch.rand(b, 4, 3, *size, generator=rng)
    context = Context(frames, actions, torch.ones(b, 4, dtype=torch.bool), torch.zeros(b, 4))
    return torch.randn(b, 3, *size, generator=rng), torch.randn(b, generator=rng), context, torch.zeros(b)


def test_it_has_as_many_parameters_as_diamond() -> None:
    network = DiamondUNet(frame_channels=3, image_size=(64, 64), action_dim=4)
    added = sum(p.numel() for p in network.pool.parameters())
    assert sum(p.numel() for p in network.parameters()) - added == 4_405_955


def test_untrained_it_returns_its_last_bias() -> None:
    network = DiamondUNet(frame_channels=3, image_size=(16, 16), action_dim=4)
    frame = network(*inputs(2)).frame
    torch.testing.assert_close(frame, network.get_parameter("conv_out.bias")[None, :, None, None].expand(2, 3, 16, 16))
    assert not network.predicts_clean


def test_context_frames_are_divided_by_the_standard_deviation_of_the_data() -> None:
    noisy, level, context, step_size = inputs(2)
    networks = [DiamondUNet(frame_channels=3, image_size=(16, 16), action_dim=4, sigma_data=s) for s in (0.5, 0.25)]
    networks[1].load_state_dict(networks[0].state_dict())
    darker = replace(context, frames=context.frames / 2)
    torch.testing.assert_close(
        networks[0].commit(noisy, level, context, step_size)[0], networks[1].commit(noisy, level, darker, step_size)[0]
    )


def test_the_condition_by_hand() -> None:
    network = DiamondUNet(frame_channels=3, image_size=(16, 16), action_dim=4)
    noisy, level, context, _ = inputs(1)
    conditions = {}
    network.embed.register_forward_pre_hook(lambda _, arguments: conditions.update(first=arguments[0]))
    network.commit(noisy, level, context, level)
    embeddings = network.embed_action.weight.T[context.actions[0].argmax(dim=-1)].flatten()  # as nn.Embedding's rows
    phases = 2 * math.pi * level * network.frequencies
    expected = torch.cat([phases.cos(), phases.sin()]) + embeddings
    torch.testing.assert_close(conditions["first"][0], expected)


@pytest.mark.parametrize("size", [(20, 12), (9, 16)])
def test_maps_are_padded_inside(size: tuple[int, int]) -> None:
    network = DiamondUNet(frame_channels=3, image_size=size, action_dim=4)
    assert network(*inputs(2, size))[0].shape == (2, 3, *size)


def test_actions_must_share_the_condition_evenly(make_network: Callable) -> None:
    rule = "`condition_dim` must be even and a multiple of `context_length` = 3, got 256."
    with pytest.raises(ValueError, match=rule):
        make_network(name="DiamondUNet", condition_dim=256)
