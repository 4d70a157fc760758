"""What a folder says about a world is checked before anything of that size is allocated, and named if it is wrong."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from vdworld.world import StartClips, WorldModel

CONFIG, WEIGHTS, STARTS = "config.json", "model.safetensors", "starts.safetensors"
HUGE = (10**5, 10**9, 10**18)


@pytest.fixture
def folder(make_world: Callable[..., WorldModel], tmp_path: Path) -> Path:
    frames = torch.zeros(2, 5, 3, 16, 16, dtype=torch.uint8)
    starts = StartClips(frames, torch.zeros(2, 4, 2), torch.ones(2, 4, dtype=torch.bool))
    return make_world(starts=starts).save_pretrained(tmp_path / "world")


def put(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        for name in path[:-1]:
            config = config[name]
        config[path[-1]] = value

    return change


SIZES = [
    *[("network", name) for name in ("width", "depth", "coarse_depth", "context_length", "action_dim", "reach")],
    ("heads", "hidden_dim"),
    ("world", "sampling", "num_steps"),
]


@pytest.mark.parametrize("size", HUGE)
@pytest.mark.parametrize("path", SIZES)
def test_a_huge_size_is_refused_at_once(
    folder: Path, edit_json: Callable[..., None], path: tuple[str, ...], size: int
) -> None:
    edit_json(folder / CONFIG, put(*path, value=size))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=rf"^{folder / CONFIG} is damaged: [^\n]+$"):
        WorldModel.from_pretrained(folder)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    assert grown < 2**19, f"{grown} KiB more"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("network", "_target_"), "os.system", "`_target_` must name a class of vdworld.networks"),
        (("network", "_target_"), ["vdworld.networks.StackedUNet"], "`_target_` must name"),
        (("network", "_target_"), "vdworld.networks.Context", "has no argument"),
        (("network", "_target_"), "vdworld.networks.Network", ""),
        (("process", "_target_"), "vdworld.networks.StackedUNet", ""),
        (("network", "width"), "16", "`width` must be int, got '16'"),
        (("network", "image_size"), [16], r"`image_size` must be tuple\[int, int\], got \[16\]"),
        (("network",), None, ""),
        (("heads",), [], "must be an object"),
        (("heads", "reward_scale"), float("nan"), "`reward_scale` must be float, got nan"),
        (("heads", "reading_offset"), [1.0], "`reading"),
        (("action_codec", "space"), {"type": "Discrete", "n": 10**12, "start": 0}, "must have 1 to 1,048,576 choices"),
        (("action_codec", "space"), {"type": "MultiBinary", "shape": [10**12]}, "must have 1 to 1,048,576 choices"),
        (("action_codec", "space"), {"type": "Discrete", "n": 3, "start": 0}, "`low`"),
        (("action_codec", "space", "dtype"), "object", "`dtype` must be a type of numbers"),
        (("action_codec", "space", "shape"), [10**9], "must have 1000000000 numbers"),
        (("action_codec", "low"), [0.0], "`low` must hold 2 numbers"),
        (("world", "image_size"), [10**5, 10**5], "`image_size` must be the same in all parts"),
        (("world", "cameras"), ["a", "b"], "`frame_channels` must be the same"),
        (("world", "readings"), {"state": 10**9}, "`readings` must be the same"),
        (("world", "fps"), 0, "`fps` must be between"),
        (("world", "fps"), "10", "`fps` must be float"),
        (("world", "has_reward"), "no", "`has_reward` must be bool"),
        (("world", "sampling"), {"sampler": "euler", "steps": 1}, "has no argument steps"),
        (("world", "sampling", "sampler"), "nothing", "`sampler`"),
        (("world", "speed"), 1, "has no argument speed"),
        (("spec",), {"id": 7}, "`id` must be str, got 7"),
        (("spec",), {"id": "A-v0", "trusted": True}, "`trusted`"),
        (("spec",), {"id": "A-v0", "packages": "os"}, "`packages` must be"),
    ],
)
def test_a_wrong_value_is_one_line_with_the_files_name(
    folder: Path, edit_json: Callable[..., None], path: tuple[str, ...], value: Any, message: str
) -> None:
    edit_json(folder / CONFIG, put(*path, value=value))
    with pytest.raises(ValueError, match=rf"^{folder / CONFIG} is damaged: [^\n]*{message}[^\n]*$"):
        WorldModel.from_pretrained(folder)


@pytest.mark.parametrize("name", ["network", "process", "heads", "action_codec", "spec", "world"])
def test_a_missing_part_is_named(folder: Path, edit_json: Callable[..., None], name: str) -> None:
    edit_json(folder / CONFIG, lambda config: config.pop(name))
    with pytest.raises(ValueError, match=rf"^{folder / CONFIG} is damaged: it lacks '{name}'"):
        WorldModel.from_pretrained(folder)


def change_tensors(folder: Path, file: str, edit_json: Callable[..., None], **changes: torch.Tensor) -> None:
    """Replace tensors of a file, whose checksum is then gone."""
    edit_json(folder / CONFIG, lambda config: None)
    safetensors.torch.save_file(safetensors.torch.load_file(folder / file) | changes, folder / file)


def test_weights_that_are_not_finite_are_refused(folder: Path, edit_json: Callable[..., None]) -> None:
    weights = safetensors.torch.load_file(folder / WEIGHTS)["heads.output.weight"]
    weights.view(-1)[3] = float("nan")
    change_tensors(folder, WEIGHTS, edit_json, **{"heads.output.weight": weights})
    with pytest.raises(ValueError, match=r"numbers in .*model.safetensors must be finite, .* in `heads.output.weight`"):
        WorldModel.from_pretrained(folder)


def test_weights_of_another_type_are_refused(folder: Path, edit_json: Callable[..., None]) -> None:
    weights = safetensors.torch.load_file(folder / WEIGHTS)["heads.output.weight"]
    change_tensors(folder, WEIGHTS, edit_json, **{"heads.output.weight": weights.to(torch.int32)})
    with pytest.raises(ValueError, match=r"`heads.output.weight` must be floating point \[.*\], got int32 \["):
        WorldModel.from_pretrained(folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frames", torch.zeros(2, 5, 3, 16, 15, dtype=torch.uint8)),
        ("frames", torch.zeros(2, 5, 3, 16, 16)),
        ("frames", torch.zeros(0, 5, 3, 16, 16, dtype=torch.uint8)),
        ("frames", torch.zeros(2, dtype=torch.uint8)),
        ("actions", torch.zeros(2, 4, 3)),
        ("actions", torch.tensor([0.0] * 15 + [float("nan")]).reshape(2, 4, 2)),
        ("action_mask", torch.ones(2, 4)),
        ("extra", torch.ones(1)),
    ],
)
def test_start_clips_that_do_not_fit_are_refused(
    folder: Path, edit_json: Callable[..., None], name: str, value: torch.Tensor
) -> None:
    change_tensors(folder, STARTS, edit_json, **{name: value})
    with pytest.raises(ValueError, match=rf"^{folder / STARTS} is damaged: [^\n]+$"):
        WorldModel.from_pretrained(folder)
