"""A dream may last as long as anyone likes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from vdworld.benchmarks.peak_memory import peak_memory
from vdworld.world import WorldModel


@pytest.mark.slow
@pytest.mark.parametrize("network", ["StackedUNet", "Transformer"])
def test_ten_thousand_steps_with_resets_take_no_more_memory(
    make_world: Callable[..., WorldModel], make_past: Callable, network: str
) -> None:
    world, (frames, actions) = make_world(network=network), make_past(b=64)
    state = begun = world.start(frames, actions, seed=0)
    rng, peak = torch.Generator().manual_seed(0), 0
    with torch.no_grad():
        for step in range(10_000):
            state, _ = world.step(state, torch.rand(64, 2, generator=rng) * 4 - 2)
            state = state.replace(torch.rand(64, generator=rng) < 0.05, begun)
            if step == 200:
                peak = peak_memory()
    assert peak_memory() < 1.01 * peak
