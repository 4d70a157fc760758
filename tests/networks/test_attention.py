from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from vdworld.networks.attention import MapAttention, SpatialAttention, TemporalAttention, angles, places, rotate
from vdworld.networks.kv_cache import KVCacheWriter


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_places_are_counted_row_by_row_from_one() -> None:
    assert places(2, 3).tolist() == [[1, 1], [1, 2], [1, 3], [2, 1], [2, 2], [2, 3]]


def test_angles_by_hand() -> None:
    turns = angles(torch.tensor([[0, 0], [2, 30]]), 8)  # two angles per axis, of frequencies 1 and 1 / 10
    torch.testing.assert_close(turns, torch.tensor([[0.0, 0.0, 0.0, 0.0], [2.0, 0.2, 30.0, 3.0]]))


def test_a_quarter_turn_by_hand() -> None:
    turned = rotate(torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([math.pi / 2, 0.0]))
    torch.testing.assert_close(turned, torch.tensor([-3.0, 2.0, 1.0, 4.0]))


def test_products_of_rotated_heads_depend_on_their_distance_alone() -> None:
    query, key = drawn(16), drawn(16, seed=1)
    turns = angles(torch.tensor([[3], [8], [10], [15], [16]]), 16)
    products = [rotate(query, turns[i]) @ rotate(key, turns[j]) for i, j in ((0, 1), (2, 3), (0, 2))]
    torch.testing.assert_close(products[0], products[1], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(products[0], products[2], rtol=1e-2)


def test_frames_do_not_see_each_other_in_space() -> None:
    attention, tokens = SpatialAttention(16, 8, places(2, 3)), drawn(2, 4, 6, 16)
    changed = tokens.clone()
    changed[0, 2, 5] += 1
    different = (attention(changed) != attention(tokens)).any(dim=-1)
    assert different[0, 2].all()
    assert different.sum() == 6


def test_a_readout_reads_all_and_is_read_by_none() -> None:
    attention = SpatialAttention(16, 8, torch.cat([places(2, 3), torch.zeros(1, 2)]), with_readout=True)
    tokens = drawn(1, 1, 7, 16)
    for place in range(6):
        changed = tokens.clone()
        changed[0, 0, place] += 1
        assert (attention(changed) != attention(tokens)).any(dim=-1).all()
    changed = tokens.clone()
    changed[0, 0, 6] += 1
    assert (attention(changed) != attention(tokens)).any(dim=-1).tolist() == [[[False] * 6 + [True]]]


def test_attention_in_space_depends_on_positions() -> None:
    attention, tokens = SpatialAttention(16, 8, places(2, 3)), drawn(1, 1, 6, 16)
    order = [1, 0, 2, 3, 4, 5]
    assert not torch.allclose(attention(tokens[:, :, order]), attention(tokens)[:, :, order], atol=1e-3)


def alone(attention: TemporalAttention) -> Callable[[torch.Tensor], torch.Tensor]:
    """Attention along time that remembers nothing of earlier calls."""
    return lambda tokens: attention(tokens, KVCacheWriter())


def test_a_place_sees_itself_in_earlier_frames_alone() -> None:
    attention, tokens = alone(TemporalAttention(16, 8, 4)), drawn(2, 4, 6, 16)
    changed = tokens.clone()
    changed[0, 2, 5] += 1
    different = (attention(changed) != attention(tokens)).any(dim=-1)
    assert different.nonzero().tolist() == [[0, 2, 5], [0, 3, 5]]


def test_attention_along_time_depends_on_relative_times_alone() -> None:
    attention, tokens = alone(TemporalAttention(16, 8, 4)), drawn(1, 4, 1, 16)
    read = attention(tokens)
    assert not torch.allclose(attention(tokens[:, [1, 0, 2, 3]])[:, 3], read[:, 3], atol=1e-3)
    repeated = attention(tokens[:, :1].expand(-1, 5, -1, -1))
    torch.testing.assert_close(repeated, read[:, :1].expand(-1, 5, -1, -1), rtol=1e-4, atol=1e-5)


def test_one_frame_reads_itself_by_hand() -> None:
    attention, tokens = TemporalAttention(16, 8, 4), drawn(2, 1, 3, 16)
    values = tokens @ attention.to_qkv.weight[32:].T
    torch.testing.assert_close(alone(attention)(tokens), attention.to_out(values), rtol=1e-4, atol=1e-5)


def test_the_norm_of_tokens_does_not_sharpen_their_attention() -> None:
    attention, tokens = TemporalAttention(16, 8, 4), drawn(1, 4, 2, 16)
    with torch.no_grad():
        attention.to_out.bias.zero_()
    read = alone(attention)
    torch.testing.assert_close(read(10 * tokens), 10 * read(tokens), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("t", [3, 4, 7])
def test_no_frame_reaches_further_back_than_the_window(t: int) -> None:
    attention, tokens = alone(TemporalAttention(16, 8, 2)), drawn(1, t, 1, 16)
    for i in range(t):
        changed = tokens.clone()
        changed[:, i] += 1
        different = (attention(changed) != attention(tokens)).any(dim=-1)[0, :, 0]
        assert different.tolist() == [i <= j <= i + 2 for j in range(t)]


@pytest.mark.parametrize("pieces", [(1,) * 7, (3, 1, 1, 2), (1, 6)])
def test_a_clip_read_in_pieces_is_the_clip_read_whole(pieces: tuple[int, ...]) -> None:
    attention, tokens, cache = TemporalAttention(16, 8, 3), drawn(2, 7, 5, 16), None
    whole, read, begin = attention(tokens, KVCacheWriter()), [], 0
    for length in pieces:
        writer = KVCacheWriter(cache)
        read.append(attention(tokens[:, begin : begin + length], writer))
        cache, begin = writer.cache(3), begin + length
        assert cache.layers[0][0].shape[1] == min(begin, 3)
    torch.testing.assert_close(torch.cat(read, dim=1), whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["space", "time"])
def test_on_maps_attention_begins_as_the_identity_and_then_reads(kind: str) -> None:
    inner = SpatialAttention(16, 8, places(2, 3)) if kind == "space" else TemporalAttention(16, 8, 4)
    attention, maps = MapAttention(16, inner), drawn(8, 16, 2, 3)
    assert torch.equal(attention(maps, 4, KVCacheWriter()), maps)
    torch.nn.init.eye_(inner.to_out.weight)
    tokens = attention.norm(maps).flatten(2).transpose(1, 2).reshape(2, 4, 6, 16)
    read = inner(tokens) if kind == "space" else inner(tokens, KVCacheWriter())
    expected = maps + read.reshape(8, 6, 16).transpose(1, 2).reshape(8, 16, 2, 3)
    torch.testing.assert_close(attention(maps, 4, KVCacheWriter()), expected)


@pytest.mark.parametrize("head_dim", [12, 2])
def test_heads_must_divide_the_width_and_hold_pairs_for_two_axes(head_dim: int) -> None:
    rule = f"`head_dim` must divide `width` = 16 and be a multiple of 4, got {head_dim}."
    with pytest.raises(ValueError, match=rule):
        TemporalAttention(16, head_dim, 4)
