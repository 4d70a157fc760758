from __future__ import annotations

import math

import pytest
import torch

from vdworld.evaluation.frame_statistics import NearestFrames, frame_statistics, gradient_energy

BLACK, WHITE, GREY = (torch.full((4, 4, 3), value, dtype=torch.uint8) for value in (0, 255, 100))


def video(*frames: torch.Tensor) -> torch.Tensor:
    """One lane that shows these frames."""
    return torch.stack(frames)[None]


def dotted(value: int) -> torch.Tensor:
    """Grey with one pixel of the sixteen at a value, in the upper left corner."""
    frame = GREY.clone()
    frame[0, 0] = value
    return frame


def test_a_grey_frame_has_its_level_and_nothing_else() -> None:
    statistics = frame_statistics(video(GREY, GREY))
    assert {name: values.tolist() for name, values in statistics.items()} == {
        "brightness": [[100]],
        "contrast": [[0]],
        "sharpness": [[0]],
        "motion": [[0]],
        "saturation": [[0]],
    }


def test_the_statistics_of_one_bright_pixel_are_worked_out_by_hand() -> None:
    statistics = {name: float(values) for name, values in frame_statistics(video(GREY, dotted(180))).items()}
    assert statistics["brightness"] == pytest.approx(100 + 80 / 16)
    assert statistics["contrast"] == pytest.approx(80 * (1 / 16 * 15 / 16) ** 0.5)
    assert statistics["sharpness"] == pytest.approx(2 * 80**2 / 12), (
        "one of twelve differences down, one of twelve across"
    )
    assert statistics["motion"] == pytest.approx(80 / 16)


def test_motion_is_the_change_since_the_previous_frame() -> None:
    assert frame_statistics(video(GREY, dotted(180), dotted(180), GREY))["motion"].tolist() == [[5, 0, 5]]


@pytest.mark.parametrize(("value", "motion"), [(108, 0.0), (92, 0.0), (109, 9 / 16), (91, 9 / 16)])
def test_flicker_is_not_motion(value: int, motion: float) -> None:
    assert float(frame_statistics(video(GREY, dotted(value)))["motion"]) == pytest.approx(motion)


@pytest.mark.parametrize(("value", "share"), [(0, 1.0), (5, 1.0), (6, 0.0), (249, 0.0), (250, 1.0), (255, 1.0)])
def test_values_near_black_or_white_are_saturated(value: int, share: float) -> None:
    frame = torch.full_like(GREY, value)
    assert float(frame_statistics(video(frame, frame))["saturation"]) == share


def test_gradient_energy_of_a_ramp_is_its_squared_slope() -> None:
    ramp = 3.0 * torch.arange(5.0).expand(2, 4, 5)
    assert float(gradient_energy(ramp)) == pytest.approx(9)


def test_the_nearest_frame_is_found_in_another_episode() -> None:
    nearest = NearestFrames(torch.stack([BLACK, GREY, WHITE]), torch.tensor([0, 1, 2]))
    lanes = torch.stack([torch.stack([BLACK, GREY])] * 3)
    assert nearest.distances(lanes, torch.tensor([0, 1, 9])).tolist() == [[100, 0], [0, 100], [0, 0]]


def test_without_other_episodes_the_distance_is_infinite() -> None:
    alone = NearestFrames(torch.stack([BLACK, WHITE]), torch.tensor([4, 4]))
    assert alone.distances(video(GREY), torch.tensor([4])).tolist() == [[math.inf]]


def test_the_scale_is_the_distance_of_two_frames_drawn_at_random() -> None:
    """Of the four pairs of black and white, two are 255 apart and two 0."""
    nearest = NearestFrames(torch.stack([BLACK, WHITE]), torch.tensor([0, 1]))
    assert nearest.scale() == pytest.approx((255**2 / 2) ** 0.5)


def test_detail_finer_than_a_sixteenth_of_the_frame_does_not_count() -> None:
    checks = torch.zeros(32, 32, 3, dtype=torch.uint8)
    checks[::2, ::2] = checks[1::2, 1::2] = 200
    nearest = NearestFrames(torch.full((1, 32, 32, 3), 100, dtype=torch.uint8), torch.tensor([0]))
    assert float(nearest.distances(video(checks), torch.tensor([1]))) == pytest.approx(0)
