from __future__ import annotations

from typing import Any

import pytest
import torch

from vdworld import networks
from vdworld.networks.cost import Cost, count_flops
from vdworld.networks.sizes import SIZES

SIZE = (64, 64)


def cost_of(name: str, **settings: Any) -> Cost:
    with torch.device("meta"):  # weights without values
        network = getattr(networks, name)(frame_channels=3, image_size=SIZE, action_dim=4, **settings)
    return count_flops(network, SIZE, 4)


def test_diamond_costs_what_its_authors_say() -> None:
    cost = cost_of("DiamondUNet")
    assert cost.evaluation == pytest.approx(6.1, abs=0.05)
    assert cost.clip_frame is None


def test_a_convolution_by_hand() -> None:
    thin = cost_of("StackedUNet", thin_width=16).evaluation - cost_of("StackedUNet", thin_width=0).evaluation
    inputs = 15 + 2 + 8  # five frames, two coordinates, eight planes of actions
    convolutions = 9 * (16 * inputs + 16 * 16 + 4 * 16) * 64**2
    readouts = 64 * (16 - 4) * 4 * 32**2
    assert thin == pytest.approx(2 * (convolutions + readouts) / 1e9)


def test_attention_counts() -> None:
    shallow, deep = (cost_of("Transformer", patch=8, width=128, depth=d, temporal_every=9, reach=0) for d in (3, 4))
    tokens, width = 64 + 5, 128
    matrices = tokens * (4 * width**2 + 3 * width * 320) + 6 * width * 128
    attention = 2 * width * (68 * 68 + 69)  # all but the readout among themselves, and the readout to all
    assert deep.clip_frame is not None
    assert shallow.clip_frame is not None
    assert deep.clip_frame - shallow.clip_frame == pytest.approx(2 * (matrices + attention) / 1e9)


slow = pytest.mark.slow
PRESETS = [("tiny", 0.1, 0.3), pytest.param("small", 2, 4, marks=slow), pytest.param("base", 9, 30, marks=slow)]


@pytest.mark.parametrize(("name", "least", "most"), PRESETS)
def test_networks_of_a_preset_cost_about_the_same_per_frame(name: str, least: float, most: float) -> None:
    assert SIZES[name].keys() == SIZES["tiny"].keys()
    for network in ("StackedUNet", "VideoUNet", "Transformer"):
        cost = cost_of(network, **SIZES[name][network])
        assert least < (cost.clip_frame or cost.evaluation) < most, network
        assert 0 < cost.features < cost.evaluation, network


def test_a_longer_context_costs_its_frames() -> None:
    network = networks.VideoUNet(frame_channels=3, image_size=SIZE, action_dim=4, reach=0)
    short, long = (count_flops(network, SIZE, 4, context_length=k) for k in (4, 9))
    assert short.parameters == long.parameters == sum(p.numel() for p in network.parameters())
    assert long.features == pytest.approx(2 * short.features, rel=0.01)


def test_counting_leaves_the_network_as_it_was() -> None:
    network = networks.Transformer(frame_channels=3, image_size=(16, 16), action_dim=4, reach=0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    count_flops(network, (16, 16), 4)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
