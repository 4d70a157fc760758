"""Claims about the pixels and pictures of dreams."""

from __future__ import annotations

import torch

from tests.envs.fake_world import HEIGHT, WIDTH, FakeWorld
from vdworld.envs.dream.dream_observations import camera_pixels, observation_space
from vdworld.envs.frame_spaces import side_by_side


def test_pixels_of_every_grey_level_come_back_exactly() -> None:
    world = FakeWorld()
    levels = torch.arange(256).repeat(3)[: 3 * HEIGHT * WIDTH].reshape(1, 3, HEIGHT, WIDTH)
    pixels = camera_pixels(world, levels / 127.5 - 1)
    assert pixels[0].numpy() in observation_space(world)
    assert torch.equal(pixels, levels.movedim(1, -1).to(torch.uint8))


def test_cameras_are_concatenated_on_the_channels() -> None:
    world = FakeWorld(cameras=("top", "wrist"))
    frames = torch.cat([torch.full((2, 3, HEIGHT, WIDTH), value) for value in (-1.0, 1.0)], dim=1)
    pixels = camera_pixels(world, frames)
    assert (pixels["top"] == 0).all()
    assert (pixels["wrist"] == 255).all()
    picture = side_by_side(pixels, world.cameras)
    assert picture.shape == (2, HEIGHT, 2 * WIDTH, 3)
    assert not picture[:, :, :WIDTH].any()
