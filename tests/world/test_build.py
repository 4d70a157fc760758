from __future__ import annotations

import json

import pytest

from vdworld.diffusion import RectifiedFlow
from vdworld.networks import StackedUNet
from vdworld.world import PRESETS, build, preset

FLOW = "vdworld.diffusion.RectifiedFlow"


def test_a_description_becomes_an_object_and_is_remembered() -> None:
    flow = build({"_target_": FLOW, "ramp": 0.5})
    assert isinstance(flow, RectifiedFlow)
    assert (flow.ramp, flow.pure_noise) == (0.5, RectifiedFlow().pure_noise)
    assert vars(flow)["description"] == {"_target_": FLOW, "ramp": 0.5}


def test_sizes_that_depend_on_the_data_come_on_top_and_none_is_left_to_the_class() -> None:
    description = {"_target_": "vdworld.networks.StackedUNet", "width": 16, "context_length": None, "action_dim": 9}
    network = build(description, frame_channels=3, image_size=(16, 16), action_dim=2)
    assert network.context_length == 4
    again = build(json.loads(json.dumps(network.description)))
    assert isinstance(again, StackedUNet)
    assert {n: p.shape for n, p in again.named_parameters()} == {n: p.shape for n, p in network.named_parameters()}


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "vdworld.networks.count_flops",
        "vdworld.diffusion.sample_euler",
        "vdworld.cli.main",
        "vdworld.networks.stacked_unet.StackedUNet",
        "vdworld.networks.torch",
        "Sneaky",
        "",
    ],
)
def test_only_classes_that_vdworld_exports_can_be_named(target: str) -> None:
    with pytest.raises(ValueError, match=rf"`_target_` must name a class of vdworld.networks.*, got '{target}'"):
        build({"_target_": target, "command": "true"})


def test_an_unknown_argument_is_named_beside_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"`RectifiedFlow` has no argument rampe. It takes prediction, pure_noise"):
        build({"_target_": FLOW, "rampe": 0.5})


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_preset_can_be_built(name: str) -> None:
    sizes = preset(name)
    build(sizes.network_for((32, 32)), frame_channels=3, image_size=(32, 32), action_dim=2)
    build(sizes.process_for())


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="`preset` must be one of tiny.*, got 'huge'"):
        preset("huge")
