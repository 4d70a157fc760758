from __future__ import annotations

from typing import Any

import pytest
import torch

from vdworld import networks
from vdworld.networks.cost import Cost, count_flops
from vdworld.networks.network_sizes import SIZES

SIZE = (64, 64)


def cost_of(name: str, **settings: Any) -> Cost:
    with torch.device("meta"):  # weights without values
        network = getattr(networks, name)(frame_channels=3, image_size=SIZE, action_dim=4, **settings)
    return count_flops(network, SIZE, 4)


def test_diamond_costs_what_its_authors_say() -> None:
    cost = cost_of("DiamondUNet")
    assert cost.evaluation == pytest.approx(6.1, abs=0.05)


def test_a_convolution_by_hand() -> None:
    thin = cost_of("StackedUNet", thin_width=16).evaluation - cost_of("StackedUNet", thin_width=0).evaluation
    inputs = 15 + 2 + 8  # five frames, two coordinates, eight planes of actions
    convolutions = 9 * (16 * inputs + 16 * 16 + 5 * 16) * 64**2
    readouts = 64 * (16 - 5) * 4 * 32**2
    assert thin == pytest.approx(2 * (convolutions + readouts) / 1e9)


def test_attention_counts() -> None:
    shallow, deep = (cost_of("Transformer", patch=8, width=128, depth=d, temporal_every=9, reach=0) for d in (3, 4))
    tokens, width = 64 + 5, 128
    matrices = tokens * (4 * width**2 + 3 * width * 320) + 6 * width * 128
    attention = 2 * width * (68 * 68 + 69)  # all but the readout among themselves, and the readout to all
    assert deep.evaluation - shallow.evaluation == pytest.approx(2 * (matrices + attention) / 1e9)


slow = pytest.mark.slow
PRESETS = [("tiny", 0.1, 0.3), pytest.param("small", 2, 4, marks=slow), pytest.param("base", 9, 30, marks=slow)]


@pytest.mark.parametrize(("name", "least", "most"), PRESETS)
def test_networks_of_a_preset_cost_about_the_same_per_frame(name: str, least: float, most: float) -> None:
    assert SIZES[name].keys() == SIZES["tiny"].keys()
    for network in ("StackedUNet", "VideoUNet", "Transformer"):
        cost = cost_of(network, **SIZES[name][network])
        assert least < cost.evaluation < most, network
        assert 0 < cost.commit < cost.evaluation, network


def test_a_cached_past_costs_next_to_nothing() -> None:
    short, long = (cost_of("VideoUNet", context_length=k, reach=0) for k in (4, 16))
    assert short.parameters == long.parameters
    assert short.evaluation < long.evaluation < 1.05 * short.evaluation


def test_counting_leaves_the_network_as_it_was() -> None:
    network = networks.Transformer(frame_channels=3, image_size=(16, 16), action_dim=4, reach=0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    count_flops(network, (16, 16), 4)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
