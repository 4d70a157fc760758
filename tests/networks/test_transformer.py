from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from vdworld.networks.attention import SpatialAttention, TemporalAttention
from vdworld.networks.kv_cache import KVCacheWriter
from vdworld.networks.transformer import Layer


def test_nothing_reads_the_readout_but_the_features(make_network: Callable, make_clip: Callable) -> None:
    network, clip = make_network(name="Transformer"), make_clip()
    frames, features, *_ = network.clip(**clip)
    with torch.no_grad():
        network.readout.add_(torch.linspace(-1, 1, 16))
    other_frames, other_features, *_ = network.clip(**clip)
    assert torch.equal(frames, other_frames)
    assert not torch.isclose(features, other_features).any(dim=-1).all()


def test_registers_are_read_by_all(make_network: Callable, make_clip: Callable) -> None:
    network, clip = make_network(name="Transformer"), make_clip()
    frames, features, *_ = network.clip(**clip)
    with torch.no_grad():
        network.registers.add_(torch.linspace(-1, 1, 16))
    other_frames, other_features, *_ = network.clip(**clip)
    assert not torch.allclose(frames, other_frames, atol=1e-6)
    assert not torch.allclose(features, other_features, atol=1e-6)


def test_the_features_see_every_patch_of_every_frame_so_far(make_network: Callable, make_clip: Callable) -> None:
    network, clip = make_network(name="Transformer"), make_clip(t=3, b=1)
    noisy = clip.pop("noisy").requires_grad_()
    features = network.clip(noisy, **clip).features
    features[:, -1].square().sum().backward()
    assert noisy.grad is not None
    patches = torch.nn.functional.max_pool2d(noisy.grad.abs().flatten(0, 1), 4)
    assert (patches > 0).all()


def test_one_layer_of_several_attends_along_time(make_network: Callable) -> None:
    layers = make_network(name="Transformer", depth=8, temporal_every=3).layers
    kinds = [SpatialAttention, TemporalAttention, SpatialAttention]
    assert [type(layer.attention) for layer in layers] == (3 * kinds)[:8]


def test_a_layer_begins_as_the_identity_and_its_condition_steers_it() -> None:
    layer = Layer(16, TemporalAttention(16, 8, 4), 24, 4)
    tokens, condition = torch.randn(2, 3, 5, 16), torch.randn(2, 3, 4)
    assert torch.equal(layer(tokens, condition, KVCacheWriter()), tokens)
    torch.nn.init.normal_(layer.modulation.weight)
    changed = condition.clone()
    changed[0, 1] += 1
    different = (
        (layer(tokens, changed, KVCacheWriter()) != layer(tokens, condition, KVCacheWriter())).any(dim=-1).any(dim=-1)
    )
    assert different.tolist() == [[False, True, True], [False] * 3]


def test_learned_tokens_begin_far_from_zero(make_network: Callable) -> None:
    network = make_network(name="Transformer", width=64, head_dim=16, disturbed=False)
    for tokens in (network.registers, network.readout):
        assert 0.5 < tokens.square().mean().sqrt() < 2


def test_gradients_are_tame_at_the_start(make_network: Callable, make_clip: Callable) -> None:
    network, clip = make_network(name="Transformer", disturbed=False), make_clip()
    frames, features, *_ = network.clip(**clip)
    (frames.square().mean() + features.square().mean()).backward()
    assert all(p.grad is None or p.grad.norm() < 10 for p in network.parameters())


def test_sizes_that_do_not_divide_are_refused(make_network: Callable) -> None:
    with pytest.raises(ValueError, match=r"`image_size` must be a multiple of 8 in height and width, got \(16, 20\)"):
        make_network((16, 20), name="Transformer", patch=8)
    with pytest.raises(ValueError, match="`patch` must be even, got 3"):
        make_network((15, 15), name="Transformer", patch=3)
    with pytest.raises(ValueError, match="`temporal_every` and `depth` must be at least 2, got 1 and 3."):
        make_network(name="Transformer", temporal_every=1)


def test_hidden_layers_are_those_of_attention_and_of_the_gated_parts(make_network: Callable) -> None:
    network = make_network(name="Transformer")
    layers = network.hidden_layers
    assert len(layers) == 3 * 4  # queries, keys and values in one, out; hidden, out
    assert sum(layer.weight.numel() for layer in layers) == 3 * (4 * 16**2 + 3 * 16 * 40)
