"""Claims about how a vector environment hands over infos."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vdworld.envs.dream.vector_output import VectorOutput

CPU = torch.device("cpu")
MASK = np.array([False, True, True])


def test_infos_have_a_mask_and_zeros_elsewhere() -> None:
    infos = VectorOutput("numpy", 3, CPU).info({"a": torch.tensor([5.0, 6.0])}, MASK)
    assert infos.keys() == {"a", "_a"}
    assert infos["a"].tolist() == [0.0, 5.0, 6.0]
    assert infos["_a"].tolist() == MASK.tolist()


def test_nested_infos_have_masks_of_their_own_as_in_gymnasium() -> None:
    infos = VectorOutput("numpy", 3, CPU).info({"a": {"b": np.array([[1], [2]])}}, MASK)
    assert infos["a"]["b"].tolist() == [[0], [1], [2]]
    assert infos["_a"].tolist() == infos["a"]["_b"].tolist() == MASK.tolist()


def test_tuples_are_one_per_lane_as_in_gymnasium() -> None:
    for kind in ("numpy", "torch"):
        infos = VectorOutput(kind, 3, CPU).info({"a": (np.array([1, 2]), np.array([3, 4]))}, MASK)
        assert infos["a"][0] is None
        assert [tuple(map(int, lane)) for lane in infos["a"][1:]] == [(1, 3), (2, 4)]


def test_no_lane_means_no_entry() -> None:
    assert VectorOutput("numpy", 3, CPU).info({"a": torch.zeros(0)}, np.zeros(3, dtype=bool)) == {}


def test_tensors_are_returned_as_copies() -> None:
    output = VectorOutput("torch", 3, CPU)
    pixels = torch.zeros(3, 2, 2, 3, dtype=torch.uint8)
    infos = output.final({"top": pixels}, {"a": torch.tensor([5.0, 6.0])}, MASK)
    assert torch.equal(infos["final_obs"]["top"], pixels)
    assert infos["final_obs"]["top"].data_ptr() != pixels.data_ptr()
    assert torch.equal(infos["_final_obs"], torch.from_numpy(MASK))
    assert infos["final_info"]["a"].tolist() == [0.0, 5.0, 6.0]


def test_final_observations_are_single_ones() -> None:
    pixels = torch.arange(3, dtype=torch.uint8).reshape(3, 1, 1, 1)
    infos = VectorOutput("numpy", 3, CPU).final({"top": pixels}, {}, MASK)
    assert infos["final_obs"][0] is None
    assert infos["final_obs"][2]["top"].tolist() == [[[2]]]


def test_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match='`output` must be "numpy" or "torch", got \'jax\''):
        VectorOutput("jax", 3, CPU)
