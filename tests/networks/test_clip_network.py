"""What holds for the networks that see whole clips."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from vdworld.networks import Context

K = 3  # frames that the fixtures' networks look back
NAMES = ["VideoUNet", "Transformer"]
each = pytest.mark.parametrize("name", NAMES)


@each
@pytest.mark.parametrize("what", ["noisy", "level", "actions", "step_size", "action_mask"])
@pytest.mark.parametrize("i", [1, 2, 4])
def test_a_frame_changes_itself_and_what_follows_but_nothing_before(
    make_network: Callable, make_clip: Callable, name: str, what: str, i: int
) -> None:
    network, clip = make_network(name=name), make_clip(t=6)
    frames, features, *_ = network.clip(**clip)
    other = clip[what].clone()
    other[:, i] = ~other[:, i] if what == "action_mask" else other[:, i] * 0.3
    changed_frames, changed_features, *_ = network.clip(**{**clip, what: other})
    for before, after in ((frames, changed_frames), (features, changed_features)):
        assert torch.equal(before[:, :i], after[:, :i])
        for j in range(i, min(i + K + 1, 6)):  # as far as the window reaches
            assert not torch.allclose(before[:, j], after[:, j], rtol=0, atol=1e-6), j


@each
def test_the_next_frame_is_the_last_one_of_a_clip(make_network: Callable, make_inputs: Callable, name: str) -> None:
    network, (noisy, level, context, step_size) = make_network(name=name), make_inputs()
    frame, features, *_ = network(noisy, level, context, step_size)
    clip_frames, clip_features, *_ = network.clip(
        torch.cat([context.frames, noisy[:, None]], dim=1),
        torch.cat([context.level, level[:, None]], dim=1),
        torch.cat([torch.full((2, 1, 2), 0.5), context.actions], dim=1),
        torch.tensor([[False, True, True, True]] * 2),
        torch.cat([torch.zeros(2, 3), step_size[:, None]], dim=1),
    )
    torch.testing.assert_close(frame, clip_frames[:, -1], rtol=0, atol=1e-5)
    torch.testing.assert_close(features, clip_features[:, -1], rtol=0, atol=1e-5)


@each
@pytest.mark.parametrize("t", [1, 2, 9])
def test_clips_have_any_length(make_network: Callable, make_clip: Callable, name: str, t: int) -> None:
    frames, features, *_ = make_network(name=name).clip(**make_clip(t=t))
    assert frames.shape == (2, t, 3, 16, 16)
    assert features.shape == (2, t, 32)


@each
def test_a_clip_goes_on_as_it_began(make_network: Callable, make_clip: Callable, name: str) -> None:
    network, clip = make_network(name=name), make_clip(t=9)
    frames = network.clip(**clip).frames
    shorter = network.clip(**{key: value[:, :4] for key, value in clip.items()}).frames
    torch.testing.assert_close(frames[:, :4], shorter, rtol=0, atol=1e-5)


@each
def test_a_context_may_have_any_length(make_network: Callable, make_inputs: Callable, name: str) -> None:
    network, (noisy, level, context, step_size) = make_network(name=name), make_inputs()
    one = Context(context.frames[:, -1:], context.actions[:, -1:], context.action_mask[:, -1:], context.level[:, -1:])
    assert not torch.allclose(network(noisy, level, context, step_size)[0], network(noisy, level, one, step_size)[0])


@each
def test_frame_by_frame_with_a_cache_equals_the_whole_clip(
    make_network: Callable, make_clip: Callable, name: str
) -> None:
    """Also after more frames than the cache holds; noisy frames never enter it."""
    network, clip = make_network(name=name), make_clip(t=4 * K)
    clip["step_size"].zero_()
    frames, actions, action_mask, level = (clip[part] for part in ("noisy", "actions", "action_mask", "level"))
    noisy = frames.flip(1)
    cache = None
    for t in range(1, 4 * K):
        first = 0 if cache is None else t - 1
        past = slice(first, t)
        context = Context(
            frames[:, past], actions[:, first + 1 : t + 1], action_mask[:, first + 1 : t + 1], level[:, past], cache
        )
        step_size = torch.full((2,), 0.5)
        frame = network(noisy[:, t], level[:, t] * 0.5, context, step_size).frame
        features, cache = network.commit(frames[:, t], level[:, t], context, torch.zeros(2))
        whole = {key: value[:, : t + 1].clone() for key, value in clip.items()}
        whole["actions"][:, 0], whole["action_mask"][:, 0] = 0.0, False
        expected_features = network.clip(**whole)[1][:, t]
        whole["noisy"][:, t], whole["level"][:, t], whole["step_size"][:, t] = noisy[:, t], level[:, t] * 0.5, 0.5
        torch.testing.assert_close(frame, network.clip(**whole)[0][:, t], rtol=0, atol=1e-4)
        torch.testing.assert_close(features, expected_features, rtol=0, atol=1e-4)
    assert cache is not None
    assert {len(part[0]) for part in cache.layers} == {2}
    assert {part.shape[1] for layer in cache.layers for part in layer} == {K}


@each
def test_untrained_each_frame_nearly_copies_the_one_before(
    make_network: Callable, make_clip: Callable, name: str
) -> None:
    network, clip = make_network(name=name, disturbed=False), make_clip()
    frames = network.clip(**clip).frames
    before = torch.cat([clip["noisy"][:, :1], clip["noisy"][:, :-1]], dim=1)
    assert (frames - before).abs().mean() < 0.3 * (frames - clip["noisy"])[:, 1:].abs().mean()


@each
def test_a_clip_trains_every_parameter(make_network: Callable, make_clip: Callable, name: str) -> None:
    network = make_network(name=name)
    frames, features, *_ = network.clip(**make_clip())
    (frames.square().mean() + features.square().mean()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []
