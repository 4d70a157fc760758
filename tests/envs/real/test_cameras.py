from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from vdworld.envs.real.cameras import find_cameras, to_rgb


def box(*shape: int, dtype: Any = np.uint8) -> spaces.Box:
    return spaces.Box(0, 255, shape, dtype)


def env(space: gym.Space, render_mode: str | None = None, rendered: Any = None) -> Any:
    made = gym.Env()
    made.observation_space = space
    made.render_mode = render_mode
    made.render = lambda: rendered
    return made


@pytest.mark.parametrize(
    ("space", "names"),
    [
        (box(64, 48, 3), ["pixels"]),
        (box(3, 64, 48), ["pixels"]),
        (box(64, 48, 1), ["pixels"]),
        (box(64, 48), ["pixels"]),
        (spaces.Dict({"top": box(32, 32, 3), "arm": spaces.Dict({"eye.left": box(9, 9, 4)})}), ["arm_eye_left", "top"]),
        (spaces.Dict({"image": box(8, 8, 3), "ram": box(128), "small": box(3, 3, 3)}), ["image"]),
    ],
)
def test_pictures_are_found_wherever_they_are(space: gym.Space, names: list[str]) -> None:
    assert [camera.name for camera in find_cameras(env(space))] == names


def test_without_pictures_in_the_observation_the_rendering_is_taken() -> None:
    picture = np.arange(8 * 9 * 3, dtype=np.uint8).reshape(8, 9, 3)
    rendering = env(box(4, dtype=np.float32), "rgb_array", picture)
    (camera,) = find_cameras(rendering)
    assert camera.name == "render"
    np.testing.assert_array_equal(camera.observe(rendering, np.zeros(4)), picture)


def test_one_camera_can_be_chosen() -> None:
    space = spaces.Dict({"top": box(32, 32, 3), "side": box(16, 16, 3)})
    assert [camera.name for camera in find_cameras(env(space), "top")] == ["top"]
    assert [camera.name for camera in find_cameras(env(space, "rgb_array"), "render")] == ["render"]
    with pytest.raises(ValueError, match=r"`camera` must be one of \['side', 'top'\], got 'front'"):
        find_cameras(env(space), "front")


@pytest.mark.parametrize("space", [box(4, dtype=np.float32), box(64, 48, 3, dtype=np.float32), box(84, 84, 12)])
def test_an_environment_without_pictures_is_refused_with_advice(space: gym.Space) -> None:
    with pytest.raises(ValueError, match=r"`env` must show pictures: a uint8 Box .* or render_mode 'rgb_array'"):
        find_cameras(env(space))


def test_what_is_not_a_picture_can_not_be_rendered() -> None:
    rendering = env(box(4, dtype=np.float32), "rgb_array", [1, 2])
    with pytest.raises(ValueError, match=r"`render\(\)` must return a uint8 picture \[h, w, 3\], got list"):
        find_cameras(rendering)[0].observe(rendering, None)


def test_an_observation_of_another_type_than_its_space_is_refused() -> None:
    """Resizing would turn NaN into black."""
    observing = env(box(10, 12, 3))
    with pytest.raises(ValueError, match=r"observation of camera 'pixels' must be a uint8 picture .*, got float32 \["):
        find_cameras(observing)[0].observe(observing, np.full((10, 12, 3), np.nan, np.float32))


def test_every_kind_of_picture_becomes_rgb() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    np.testing.assert_array_equal(to_rgb(rgb), rgb)
    np.testing.assert_array_equal(to_rgb(rgb.transpose(2, 0, 1)), rgb)
    np.testing.assert_array_equal(to_rgb(np.concatenate([rgb, rgb[..., :1]], axis=-1)), rgb)
    grey = np.repeat(rgb[..., :1], 3, axis=-1)
    for picture in (rgb[..., 0], rgb[..., :1], rgb[..., :1].transpose(2, 0, 1)):
        np.testing.assert_array_equal(to_rgb(picture), grey)
