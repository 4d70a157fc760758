"""Claims about trees of arrays and tensors."""

from __future__ import annotations

import numpy as np
import torch

from vdworld.envs.array_trees import map_leaves, to_numpy


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
