"""Claims about elites."""

from __future__ import annotations

import pytest
import torch

from vdworld.agents.planning.elites import check_elites, select_elites


def test_elites_are_the_best_plans_of_each_lane_best_first() -> None:
    plans = torch.arange(8.0).reshape(2, 4, 1, 1)
    elites, scores = select_elites(plans, torch.tensor([[0.0, 3.0, 1.0, 2.0], [5.0, -1.0, 4.0, 6.0]]), 2)
    assert elites[..., 0, 0].tolist() == [[1, 3], [7, 4]]
    assert scores.tolist() == [[3, 2], [6, 5]]


def test_there_are_no_more_elites_than_candidates_and_no_fewer_than_needed() -> None:
    check_elites(4, 4)
    check_elites(1, 4)
    for num_elites, least in ((5, 1), (0, 1), (1, 2)):
        with pytest.raises(ValueError, match=rf"`num_elites` must lie in {least}\.\.4 \(`num_candidates`\), got"):
            check_elites(num_elites, 4, least=least)
