"""Claims about trees of arrays and tensors."""

from __future__ import annotations

import numpy as np
import torch

from vdworld.envs.array_trees import lanes_of, map_leaves, stack_lanes, to_numpy


def test_a_function_reaches_every_leaf_and_the_structure_stays() -> None:
    tree = {"a": (1, {"b": 2}), "c": 3}
    assert map_leaves(lambda leaf: leaf + 1, tree) == {"a": (2, {"b": 3}), "c": 4}


def test_lists_are_leaves() -> None:
    assert map_leaves(len, {"a": [1, 2, 3]}) == {"a": 3}


def test_a_tensor_becomes_an_array_in_memory_of_its_own() -> None:
    tensor = torch.zeros(2, requires_grad=True)
    array = to_numpy(tensor)
    with torch.no_grad():
        tensor += 1
    np.testing.assert_array_equal(array, [0, 0])


def test_other_values_pass_unchanged() -> None:
    value = np.zeros(2)
    assert to_numpy(value) is value


def test_lanes_of_a_tree_stack_to_the_tree_again() -> None:
    tree = {"a": (np.arange(3), np.ones((3, 2))), "b": torch.arange(3.0)}
    lanes = lanes_of(tree, np.ones(3, dtype=bool))
    assert (lanes[1]["a"][0], lanes[1]["b"].item()) == (1, 1.0)
    again = stack_lanes(lanes)
    np.testing.assert_array_equal(again["a"][1], tree["a"][1])
    assert torch.equal(again["b"], tree["b"])
    assert lanes_of(tree, np.array([False, True, False]))[0] is None
