"""Claims about the past that a dream begins from, by hand: frame t has level t, action t is t."""

from __future__ import annotations

import pytest
import torch

from vdworld.world.history import History, first_real_frames

LENGTH = 4
FRAMES = torch.arange(LENGTH, dtype=torch.float32)[None, :, None, None, None].expand(2, -1, 3, 1, 1)
ACTIONS = torch.arange(LENGTH - 1, dtype=torch.float32)[None, :, None].expand(2, -1, 1)


def shown(history: History) -> list[list[float]]:
    return history.frames[:, :, 0, 0, 0].tolist()


def test_without_padding_the_newest_frames_and_actions_are_kept() -> None:
    past = History(FRAMES, ACTIONS, torch.ones(2, LENGTH - 1, dtype=torch.bool)).newest(LENGTH)
    assert shown(past) == [[0, 1, 2, 3]] * 2
    assert past.actions[..., 0].tolist() == [[0, 1, 2]] * 2
    assert past.action_mask.all()
    past = History(FRAMES, ACTIONS, torch.ones(2, LENGTH - 1, dtype=torch.bool)).newest(2)
    assert shown(past) == [[2, 3]] * 2
    assert past.actions[..., 0].tolist() == [[2]] * 2


def test_what_lies_before_the_first_real_frame_is_hidden() -> None:
    first = torch.tensor([2, 0])
    past = History(FRAMES, ACTIONS, torch.ones(2, LENGTH - 1, dtype=torch.bool), first).newest(LENGTH)
    assert shown(past) == [[2, 2, 2, 3], [0, 1, 2, 3]]
    assert past.action_mask.tolist() == [[False, False, True], [True, True, True]]
    assert past.actions[..., 0].tolist() == [[0, 0, 2], [0, 1, 2]]


def test_a_past_that_is_too_short_is_padded_with_its_first_frame() -> None:
    mask = torch.tensor([[True, False, True]] * 2)
    past = History(FRAMES, ACTIONS, mask).newest(LENGTH + 2)
    assert shown(past) == [[0, 0, 0, 1, 2, 3]] * 2
    assert past.action_mask.tolist() == [[False, False, True, False, True]] * 2
    assert past.actions[..., 0].tolist() == [[0, 0, 0, 0, 2]] * 2


def test_the_first_real_frame_is_counted_from_the_newest() -> None:
    device = torch.device("cpu")
    assert first_real_frames(None, 2, LENGTH, device).tolist() == [0, 0]
    assert first_real_frames(torch.tensor([1, LENGTH]), 2, LENGTH, device).tolist() == [3, 0]
    for lengths in (torch.tensor([0, 1]), torch.tensor([1, LENGTH + 1]), torch.tensor([1])):
        with pytest.raises(ValueError, match=r"`lengths` must hold 2 numbers in 1\.\.4, one per lane"):
            first_real_frames(lengths, 2, LENGTH, device)
