from __future__ import annotations

import pytest
import torch

from vdworld.networks.blocks import ResidualBlock, SelfAttention, attend, level_embedding


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_blocks_start_as_the_identity() -> None:
    features = drawn(2, 16, 4, 6)
    assert torch.equal(ResidualBlock(16, 8)(features, drawn(2, 8)), features)
    assert torch.equal(SelfAttention(16)(features), features)


def test_a_residual_block_is_steered_by_its_condition() -> None:
    block = ResidualBlock(16, 8)
    torch.nn.init.normal_(block.conv2.weight, generator=torch.Generator().manual_seed(0))
    features = drawn(1, 16, 4, 4)
    assert not torch.allclose(block(features, drawn(1, 8)), block(features, -drawn(1, 8)))


def test_attention_has_no_order_of_places() -> None:
    attention = SelfAttention(16)
    torch.nn.init.normal_(attention.to_out.weight, generator=torch.Generator().manual_seed(0))
    features, order = drawn(2, 16, 3, 4), torch.randperm(12, generator=torch.Generator().manual_seed(0))

    def shuffled(maps: torch.Tensor) -> torch.Tensor:
        return maps.flatten(2)[..., order].reshape(maps.shape)

    torch.testing.assert_close(attention(shuffled(features)), shuffled(attention(features)), rtol=1e-4, atol=1e-4)
    changed = features.clone()
    changed[:, :, 0, 0] += 1
    assert not torch.allclose(attention(changed)[:, :, 2, 3], attention(features)[:, :, 2, 3])


def test_heads_must_divide_the_channels() -> None:
    with pytest.raises(ValueError, match="`channels` must be a multiple of `num_heads` = 4, got 18"):
        SelfAttention(18)


def test_nearby_levels_have_distinct_embeddings() -> None:
    levels = torch.linspace(0, 1, 101)
    embedded = level_embedding(levels, 32)
    assert embedded.shape == (101, 32)
    assert embedded.abs().max() <= 1
    distances = torch.cdist(embedded, embedded) + torch.eye(101) * 9
    assert distances.min() > 0.5
    torch.testing.assert_close(embedded.square().sum(dim=1), torch.full((101,), 16.0))  # cosines and sines in pairs


def test_attention_in_bfloat16_is_computed_in_float32_on_a_cpu() -> None:
    query, key, value = torch.randn(3, 2, 4, 16, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        attended = attend(query, key, value)
    exact = torch.nn.functional.scaled_dot_product_attention(query.float(), key.float(), value.float())
    assert attended.dtype == torch.bfloat16
    assert torch.equal(attended, exact.bfloat16())
