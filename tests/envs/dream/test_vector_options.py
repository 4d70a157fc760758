"""Claims about the options of a vector environment's reset."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vdworld.envs.dream.vector_options import split_options


@pytest.mark.parametrize("options", [None, {}, {"reset_mask": None, "frames": None}])
def test_without_options_every_lane_is_reset(options: dict | None) -> None:
    mask, others = split_options(options, 3)
    assert mask.tolist() == [True] * 3
    assert others == {}


def test_options_keep_the_rows_of_the_lanes_to_reset() -> None:
    mask = torch.tensor([True, False, True])
    mask, others = split_options({"reset_mask": mask, "frames": {"top": np.arange(3)}, "start_index": [4, 5, 6]}, 3)
    assert mask.tolist() == [True, False, True]
    assert others["frames"]["top"].tolist() == [0, 2]
    assert others["start_index"].tolist() == [4, 6]


@pytest.mark.parametrize("mask", [np.zeros(3, dtype=bool), np.ones(2, dtype=bool), np.ones(3), [True, True, True]])
def test_a_mask_is_bools_with_a_true_among_them(mask: object) -> None:
    with pytest.raises(ValueError, match="`reset_mask` must be a bool array of 3 lanes with a True among them"):
        split_options({"reset_mask": mask}, 3)


def test_an_option_holds_a_row_for_each_lane() -> None:
    with pytest.raises(ValueError, match=r"`options` must hold a row for each of 3 lanes, got shape \(2,\)"):
        split_options({"start_index": [0, 1]}, 3)
