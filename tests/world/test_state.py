from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch

from vdworld.world import WorldModel, WorldState


@pytest.fixture(params=["StackedUNet", "Transformer"])
def state(make_world: Callable[..., WorldModel], make_past: Callable, request: pytest.FixtureRequest) -> WorldState:
    """Four dreams with all fields different in every lane; of a video network with a cache too."""
    frames, actions = make_past(b=4)
    world = make_world(network=request.param)
    return world.step(world.start(frames, actions, seed=100), actions[:, 0], with_uncertainty=True)[0]


def test_repeat_puts_the_branches_of_a_lane_side_by_side(state: WorldState, assert_same_state: Callable) -> None:
    branched = state.repeat(3)
    assert len(branched) == 12
    assert branched.seed.tolist() == [100] * 3 + [101] * 3 + [102] * 3 + [103] * 3
    for branch in range(3):
        assert_same_state(branched[branch::3], state)


def test_the_branches_of_one_lane_share_its_memory(state: WorldState, assert_same_state: Callable) -> None:
    alone = state[2]
    branched = alone.repeat(64)
    assert {n: v.data_ptr() for n, v in branched.tensors().items()} == {
        name: value.data_ptr() for name, value in alone.tensors().items()
    }
    assert len(branched) == 64
    assert_same_state(branched[63], alone)
    assert_same_state(WorldState.from_bytes(branched.to_bytes()), branched)


def test_independent_branches_get_streams_of_their_own(state: WorldState) -> None:
    branched = state.repeat(50, noise="independent")
    assert torch.equal(branched.frames, state.repeat(50).frames)
    assert torch.equal(branched.seed[::50], state.seed)
    assert len(branched.seed.unique()) == 200
    assert torch.equal(branched.seed, state.repeat(50, noise="independent").seed)


def test_branches_of_lanes_at_different_counts_stay_apart(state: WorldState) -> None:
    lanes = WorldState(
        **{name: getattr(state, name) for name in ("frames", "actions", "action_mask", "features")},
        seed=torch.tensor([0, 3, 6, 9]),
        counter=torch.tensor([9, 6, 3, 0]),
    )
    assert len(lanes.repeat(2, noise="independent").seed.unique()) == 8


def test_branches_of_lanes_with_distant_seeds_stay_apart(state: WorldState) -> None:
    lanes = replace(state[:2], seed=torch.tensor([0, 2**32]))
    assert len(lanes.repeat(3, noise="independent").seed.unique()) == 6


def test_an_unknown_kind_of_noise_is_refused(state: WorldState) -> None:
    unchecked = inspect.unwrap(WorldState.repeat)  # beartype, at work in tests alone, would speak first
    with pytest.raises(ValueError, match='`noise` must be "shared" or "independent", got \'loud\''):
        unchecked(state, 2, "loud")


@pytest.mark.parametrize(
    ("lanes", "seeds"),
    [
        (2, [102]),
        (-1, [103]),
        (np.int64(1), [101]),
        (slice(1, 3), [101, 102]),
        ([3, 0, 0], [103, 100, 100]),
        (torch.tensor([1, 1]), [101, 101]),
        (torch.tensor([True, False, False, True]), [100, 103]),
        (np.array([False, True, False, False]), [101]),
    ],
)
def test_lanes_are_selected_as_in_a_tensor(state: WorldState, lanes: object, seeds: list[int]) -> None:
    selected = state[lanes]
    assert len(selected) == len(seeds)
    assert selected.seed.tolist() == seeds
    assert torch.equal(selected.frames, state.frames[[seed - 100 for seed in seeds]])
    assert torch.equal(selected.features, state.features[[seed - 100 for seed in seeds]])


def test_a_clone_shares_no_memory(state: WorldState, assert_same_state: Callable) -> None:
    copy = state.clone()
    assert_same_state(copy, state)
    for name, value in copy.tensors().items():
        value.zero_()
        assert state.tensors()[name].any(), name


def test_replace_takes_the_masked_lanes_from_the_other(state: WorldState, assert_same_state: Callable) -> None:
    kept = state.clone()
    other = state[[3, 2, 1, 0]]
    mixed = state.replace(torch.tensor([True, False, False, True]), other)
    assert mixed.seed.tolist() == [103, 101, 102, 100]
    assert_same_state(mixed[[0, 3]], other[[0, 3]])
    assert_same_state(mixed[[1, 2]], state[[1, 2]])
    assert_same_state(state, kept)
    with pytest.raises(ValueError, match="must have 4 lanes like this state, got 4 and 2"):
        state.replace(torch.zeros(4, dtype=torch.bool), other[:2])


def test_every_tensor_of_a_state_moves(state: WorldState) -> None:
    moved = state.to("meta")
    names = ("frames", "actions", "action_mask", "seed", "counter", "features")
    assert {getattr(moved, name).device.type for name in names} == {"meta"}
    assert {getattr(moved.to(torch.device("meta")), name).device.type for name in names} == {"meta"}
    if moved.cache is not None:
        assert {part.device.type for layer in moved.cache.layers for part in layer} == {"meta"}


def test_the_newest_frame_is_the_last(state: WorldState) -> None:
    assert torch.equal(state.frame, state.frames[:, -1])


def test_a_state_is_read_back_from_its_bytes(state: WorldState, assert_same_state: Callable) -> None:
    assert_same_state(WorldState.from_bytes(state.to_bytes()), state)
    assert_same_state(WorldState.from_bytes(state[1:2].to_bytes()), state[1:2])
    for wrong in (b"", b"nothing", state.to_bytes()[:-9]):
        with pytest.raises(ValueError, match="`data` must be what `WorldState.to_bytes` wrote"):
            WorldState.from_bytes(wrong)


def test_a_state_that_an_earlier_version_saved_is_read(state: WorldState, assert_same_state: Callable) -> None:
    tensors = {"known" if name == "action_mask" else name: value for name, value in state.tensors().items()}
    assert "known" in tensors
    saved = safetensors.torch.save({name: value.contiguous() for name, value in tensors.items()})
    assert_same_state(WorldState.from_bytes(saved), state)
