from __future__ import annotations

import json
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from vdworld.spaces import (
    ActionCodec,
    flat_action_size,
    flatten_action,
    frames_to_float,
    frames_to_pixels,
    leaves,
    space_from_json,
    space_to_json,
    unflatten_action,
)

PAIR = spaces.Dict([("turn", spaces.Box(-2, 2, (2,))), ("button", spaces.Discrete(3))])  # not in the alphabet's order
SPACES = [
    pytest.param(space, id=name)
    for name, space in {
        "box": spaces.Box(-1, 1, (2,)),
        "uneven box": spaces.Box(np.array([-3.1, 0.1], np.float32), np.array([0.3, 5.7], np.float32)),
        "double box": spaces.Box(np.array([-0.1, 0.1]), np.array([0.3, 1e6 + 0.1]), dtype=np.float64),
        "one number": spaces.Box(-0.1, 0.3, ()),
        "matrix": spaces.Box(-1, 1, (2, 3)),
        "bytes": spaces.Box(0, 255, (3,), np.uint8),
        "integers": spaces.Box(-5, 7, (2,), np.int32),
        "discrete": spaces.Discrete(4),
        "short discrete": spaces.Discrete(4, start=2, dtype=np.int32),
        "short multi-discrete": spaces.MultiDiscrete([2, 5], dtype=np.uint8),
        "shifted discrete": spaces.Discrete(3, start=-1),
        "multi-discrete": spaces.MultiDiscrete([2, 5]),
        "shifted multi-discrete": spaces.MultiDiscrete([2, 5], start=[-3, 10]),
        "table of choices": spaces.MultiDiscrete(np.array([[2, 3], [4, 2]])),
        "switches": spaces.MultiBinary(3),
        "table of switches": spaces.MultiBinary([2, 2]),
        "dict": PAIR,
        "tuple": spaces.Tuple([spaces.Discrete(2), spaces.Box(0, 1, (1,)), spaces.MultiBinary(2)]),
        "nested": spaces.Dict(
            {"arms": spaces.Tuple([PAIR, spaces.Box(-1, 0, (2, 2))]), "mode": spaces.MultiDiscrete([3, 2])}
        ),
    }.items()
]


def assert_same(left: Any, right: Any, tolerance: float = 0.0) -> None:
    """Compare two trees of arrays."""
    if isinstance(left, dict):
        assert list(left) == list(right)
        left, right = tuple(left.values()), tuple(right.values())
    if isinstance(left, tuple):
        for a, b in zip(left, right, strict=True):
            assert_same(a, b, tolerance)
        return
    assert np.asarray(left).dtype == np.asarray(right).dtype
    np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)


def stack(space: gym.Space, actions: list[Any]) -> Any:
    if isinstance(space, spaces.Dict):
        return {key: stack(part, [action[key] for action in actions]) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(stack(part, [action[i] for action in actions]) for i, part in enumerate(space.spaces))
    return np.stack([np.asarray(action, dtype=space.dtype) for action in actions])


def row(actions: Any, index: int) -> Any:
    if isinstance(actions, dict):
        return {key: row(value, index) for key, value in actions.items()}
    return tuple(row(value, index) for value in actions) if isinstance(actions, tuple) else actions[index, ...]


def sampled(space: gym.Space, count: int = 20) -> list[Any]:
    space.seed(0)
    return [space.sample() for _ in range(count)]


@pytest.mark.parametrize("space", SPACES)
def test_an_action_is_its_flat_numbers(space: gym.Space) -> None:
    for action in sampled(space):
        flat = flatten_action(space, action)
        assert flat.shape == (flat_action_size(space),)
        back = unflatten_action(space, flat)
        assert_same(action, back)
        assert space.contains(back)


@pytest.mark.parametrize("space", SPACES)
def test_leading_axes_pass_through(space: gym.Space) -> None:
    actions = sampled(space, 6)
    flat = np.stack([flatten_action(space, action) for action in actions])
    np.testing.assert_array_equal(flatten_action(space, stack(space, actions)), flat)
    assert_same(unflatten_action(space, flat), stack(space, actions))
    codec = ActionCodec(space)
    encoded = codec.encode(stack(space, actions))
    assert encoded.shape == (6, codec.dim)
    two_by_three = torch.from_numpy(flat).float().reshape(2, 3, -1)
    torch.testing.assert_close(codec.encode_flat(two_by_three), encoded.reshape(2, 3, -1))
    torch.testing.assert_close(codec.decode_flat(encoded).double(), torch.from_numpy(flat), rtol=1e-5, atol=1e-5)
    for i in range(6):
        assert_same(row(codec.decode(encoded.reshape(2, 3, -1)[1]), i % 3), actions[3 + i % 3], 1e-5)


@pytest.mark.parametrize("space", SPACES)
def test_decoding_undoes_encoding(space: gym.Space) -> None:
    codec = ActionCodec(space)
    for action in sampled(space):
        encoded = codec.encode(action)
        assert (encoded.dtype, encoded.shape) == (torch.float32, (codec.dim,))
        assert encoded.abs().max() <= 1
        assert_same(codec.decode(encoded), action, 1e-5)


@pytest.mark.parametrize("space", SPACES)
def test_whatever_is_decoded_lies_in_the_space(space: gym.Space) -> None:
    codec = ActionCodec(space)
    anything = torch.randn(200, codec.dim, generator=torch.Generator().manual_seed(0)) * 2  # mostly at the bounds
    native = codec.decode(anything)
    assert all(space.contains(row(native, i)) for i in range(200))


@pytest.mark.parametrize("space", SPACES)
def test_projection_gives_what_the_environment_would_be_told(space: gym.Space) -> None:
    codec = ActionCodec(space)
    anything = torch.randn(3, 4, codec.dim, generator=torch.Generator().manual_seed(0))
    legal = codec.project(anything)
    torch.testing.assert_close(legal, codec.encode(codec.decode(anything)), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(codec.encode_flat(codec.decode_flat(anything)), legal, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(codec.project(legal), legal, rtol=0, atol=0)


def test_whole_numbers_are_rounded_by_hand() -> None:
    codec = ActionCodec(spaces.Tuple([spaces.MultiBinary(2), spaces.Box(0, 4, (2,), np.int64)]))
    encoded = torch.tensor([0.3, -0.1, 0.1, 0.9])
    assert codec.project(encoded).tolist() == [1, -1, 0, 1]
    assert codec.decode_flat(encoded).tolist() == [1, 0, 2, 4]


def test_gradients_pass_a_projection_straight_through() -> None:
    codec = ActionCodec(spaces.Tuple([spaces.MultiBinary(1), spaces.Box(0, 4, (1,), np.int64), spaces.Discrete(2)]))
    encoded = torch.tensor([0.3, 0.1, 0.2, 0.4], requires_grad=True)
    legal = codec.project(encoded)
    assert legal.tolist() == [1, 0, 0, 1]
    (legal * torch.arange(4.0)).sum().backward()
    assert encoded.grad is not None
    assert encoded.grad.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("space", SPACES)
def test_spaces_and_codecs_survive_json(space: gym.Space) -> None:
    codec = ActionCodec(space)
    again = ActionCodec.from_json(json.loads(json.dumps(codec.to_json())))
    assert again.space == space
    assert [str(leaf) for leaf in leaves(again.space)] == [str(leaf) for leaf in leaves(space)]
    flat = np.stack([flatten_action(space, action) for action in sampled(space)])
    vectors = torch.from_numpy(flat).float()
    assert torch.equal(again.encode_flat(vectors), codec.encode_flat(vectors))


def test_a_dict_keeps_its_order_through_json() -> None:
    again = space_from_json(json.loads(json.dumps(space_to_json(PAIR))))
    assert isinstance(again, spaces.Dict)
    assert list(again.spaces) == ["turn", "button"]


def test_an_encoded_action_by_hand() -> None:
    space = spaces.Tuple([spaces.Box(0, 10, (2,)), spaces.Discrete(3, start=5), spaces.MultiBinary(2)])
    encoded = ActionCodec(space).encode((np.array([2.5, 10]), 6, np.array([0, 1])))
    assert encoded.tolist() == [-0.5, 1, 0, 1, 0, -1, 1]


def test_numbers_beyond_the_bounds_are_clamped() -> None:
    codec = ActionCodec(spaces.Box(-1, 1, (1,)))
    assert codec.encode(np.array([7.0])).item() == 1
    assert codec.decode(torch.tensor([-7.0])).item() == -1


def test_encoding_passes_gradients_on_to_bounded_numbers() -> None:
    action = torch.tensor([[1.0, 2.0]], requires_grad=True)
    ActionCodec(spaces.Box(0, 4, (2,))).encode(action).sum().backward()
    assert action.grad is not None
    assert action.grad.tolist() == [[0.5, 0.5]]


def test_unbounded_numbers_are_scaled_by_low_and_high() -> None:
    space = spaces.Box(np.array([-np.inf, 0, -1], np.float32), np.array([np.inf, np.inf, 1], np.float32))
    with pytest.raises(ValueError, match=r"`low` and `high` must bound the unbounded parts"):
        ActionCodec(space)
    codec = ActionCodec(space, low=[-4, 3, -9], high=[4, 10, 9])
    assert codec.encode(np.array([2.0, 5.0, 0.5])).tolist() == [0.5, 0, 0.5]  # known bounds, 0 and -1..1, win
    assert codec.decode(torch.tensor([0.5, 0.0, 0.5])).tolist() == [2, 5, 0.5]
    again = ActionCodec.from_json(json.loads(json.dumps(codec.to_json())))
    assert again.space == space
    assert again.encode(np.array([2.0, 5.0, 0.5])).tolist() == [0.5, 0, 0.5]


def test_what_can_not_be_an_action_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`space` must consist of .*got Text.* Wrap the environment"):
        ActionCodec(spaces.Dict(word=spaces.Text(5)))
    with pytest.raises(ValueError, match=r"`space` must be made of .*got Text"):
        space_to_json(spaces.Text(5))
    with pytest.raises(ValueError, match=r"`type` must be Box, .*got 'Torus'"):
        space_from_json({"type": "Torus"})
    codec = ActionCodec(spaces.Discrete(3))
    with pytest.raises(ValueError, match=r"`flat` must end in 1 numbers"):
        codec.encode_flat(torch.zeros(4, 2))
    with pytest.raises(ValueError, match=r"`actions` must lie in Discrete\(3\), got choice \[3\] of 3"):
        codec.encode(np.array([3]))
    with pytest.raises(ValueError, match=r"`low` must hold 2 numbers"):
        ActionCodec(spaces.Box(-np.inf, np.inf, (2,)), low=[0], high=[1])


def test_all_grey_levels_survive_the_trip_through_floats() -> None:
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).expand(2, 16, 16, 3)
    frames = frames_to_float(pixels)
    assert (frames.shape, frames.dtype) == ((2, 3, 16, 16), torch.float32)
    assert (frames.min(), frames.max()) == (-1, 1)
    assert torch.equal(frames_to_pixels(frames), pixels)
    assert torch.equal(frames_to_pixels(frames.double()), pixels)


def test_frames_become_the_nearest_pixels() -> None:
    frames = torch.tensor([-3.0, 3.0, 0.9 / 127.5 - 1]).reshape(3, 1, 1)
    assert frames_to_pixels(frames).tolist() == [[[0, 255, 1]]]
