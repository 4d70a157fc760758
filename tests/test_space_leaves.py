"""Claims about the parts of an action space, and about the bounds that scale them."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from vdworld.space_leaves import flat_action_size, leaf_size, leaves
from vdworld.spaces import ActionCodec


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        (np.float32, -np.finfo(np.float32).max, np.finfo(np.float32).max),
        (np.float64, -np.finfo(np.float64).max, np.finfo(np.float64).max),
        (np.float16, -np.finfo(np.float16).max, np.finfo(np.float16).max),
        (np.float32, -1e30, 1e30),
        (np.int64, np.iinfo(np.int64).min, np.iinfo(np.int64).max),
    ],
)
def test_bounds_that_say_nothing_count_as_none(dtype: type, low: float, high: float) -> None:
    space = spaces.Dict(push=spaces.Box(low, high, (2,), dtype))
    with pytest.raises(ValueError, match=r"`low` and `high` must bound the unbounded parts"):
        ActionCodec(space)
    codec = ActionCodec(space, low=[-4, 0], high=[4, 20])
    assert codec.encode({"push": np.array([2, 5], dtype)}).tolist() == [0.5, -0.5]
    assert codec.decode(torch.tensor([0.5, -0.5]))["push"].tolist() == [2, 5]


def test_the_near_end_of_a_half_open_range_is_kept() -> None:
    space = spaces.Box(0, np.finfo(np.float32).max, (1,))
    assert ActionCodec(space, low=[1], high=[4]).encode(np.array([3.0])).tolist() == [0.5]


def test_data_beyond_the_range_of_float32_can_not_bound_actions() -> None:
    with pytest.raises(ValueError, match=r"`low` and `high` must bound the unbounded parts of .*, within \+-1e\+30"):
        ActionCodec(spaces.Box(-np.inf, np.inf, (1,)), low=[-3e38], high=[3e38])


def test_an_end_that_equals_the_other_divides_nothing_by_zero() -> None:
    codec = ActionCodec(spaces.Box(-np.inf, np.inf, (1,)), low=[3], high=[3])
    assert torch.isfinite(codec.encode(np.array([3.0]))).all()
    fixed = spaces.Box(2, 2, (1,))
    assert fixed.contains(ActionCodec(fixed).decode(torch.ones(1)))


@pytest.mark.parametrize(
    "space",
    [
        spaces.Dict({}),
        spaces.Tuple([]),
        spaces.Dict({"a": spaces.Discrete(2), "b": spaces.Dict({})}),
        spaces.Tuple([spaces.Discrete(2), spaces.Box(-1, 1, (0,))]),
    ],
)
def test_an_empty_part_of_a_space_is_refused(space: gym.Space) -> None:
    for make in (ActionCodec, flat_action_size, leaves):
        with pytest.raises(ValueError, match=r"`space` must not have an empty part, got .* Wrap the environment"):
            make(space)


def test_a_leaf_says_how_many_numbers_it_takes() -> None:
    pair = spaces.Dict([("turn", spaces.Box(-2, 2, (2,))), ("button", spaces.Discrete(3))])
    assert [leaf_size(leaf) for leaf in leaves(pair)] == [2, 1]
    assert flat_action_size(spaces.MultiDiscrete(np.array([[2, 3], [4, 2]]))) == 4
