from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from vdworld.seeds import stream_seed
from vdworld.world import noise
from vdworld.world.noise import (
    hashed_normal,
    lane_key,
    lane_normal,
    lane_seeds,
    lane_uniform,
    mix,
    reseeded_normal,
)

SHAPE = (3, 5, 7)


def hashed(seed: torch.Tensor, counter: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """What ``lane_normal`` draws on devices other than the CPU."""
    return hashed_normal(lane_key(seed, counter), shape)


both_paths = pytest.mark.parametrize("draw", [lane_normal, hashed], ids=["cpu", "elsewhere"])


def lanes(count: int, first: int = 0) -> torch.Tensor:
    return torch.arange(first, first + count)


def test_mixing_is_splitmix64() -> None:
    """Its published outputs for seed 0: the state grows by 2^64 / golden ratio and is mixed."""
    golden = -7046029254386353131
    states = torch.tensor([golden, 2 * golden + 2**64, 3 * golden + 2**64])
    published = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F)
    assert [value % 2**64 for value in mix(states).tolist()] == list(published)


def test_no_two_seeds_and_counters_share_a_key() -> None:
    seeds, counters = lanes(50, -25).repeat(50), lanes(50).repeat_interleave(50)
    assert len(lane_key(seeds, counters).unique()) == 2500


def test_the_cpu_reseeds_a_generator_per_lane() -> None:
    keys = lane_key(lanes(2), lanes(2))
    assert torch.equal(lane_normal(lanes(2), lanes(2), SHAPE), reseeded_normal(keys, SHAPE))


@both_paths
def test_a_lane_s_noise_depends_on_its_seed_and_counter_alone(draw: Callable) -> None:
    seed, counter = torch.tensor([5, -9, 2**62, 5]), torch.tensor([0, 7, 3, 1])
    together = draw(seed, counter, SHAPE)
    assert (together.shape, together.dtype) == ((4, *SHAPE), torch.float32)
    for lane in range(4):
        assert torch.equal(draw(seed[lane : lane + 1], counter[lane : lane + 1], SHAPE)[0], together[lane])
    torch.manual_seed(99)
    assert torch.equal(draw(seed, counter, SHAPE), together)


@both_paths
def test_drawing_leaves_the_global_stream_alone(draw: Callable) -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    draw(lanes(3), lanes(3), SHAPE)
    assert torch.equal(torch.rand(1), expected)


@both_paths
def test_neighbouring_seeds_and_counters_share_nothing(draw: Callable) -> None:
    by_seed = draw(lanes(40), torch.zeros(40, dtype=torch.int64), (2000,))
    by_count = draw(torch.zeros(40, dtype=torch.int64), lanes(40), (2000,))
    for rows in (by_seed, by_count):
        correlation = torch.corrcoef(rows) - torch.eye(40)
        assert correlation.abs().max() < 5 / math.sqrt(2000)


def with_flipped_bits(value: int) -> torch.Tensor:
    """An int64, and the 64 that differ from it in one bit."""
    masks = torch.tensor([0, *(1 << bit for bit in range(63)), -(2**63)])
    return torch.tensor(value) ^ masks


@both_paths
def test_every_bit_of_a_seed_and_of_a_counter_counts(draw: Callable) -> None:
    values = with_flipped_bits(12345)
    same = torch.full_like(values, 12345)
    for rows in (draw(values, same, (2,)), draw(same, values, (2,))):
        assert len(rows[:, 0].unique()) == len(rows[:, 1].unique()) == 65


@pytest.mark.parametrize("draw", [reseeded_normal, hashed_normal])
def test_every_bit_of_a_mixed_key_counts(draw: Callable) -> None:
    """Among thousands of frames some keys agree in half of their bits."""
    rows = draw(with_flipped_bits(98765), (2,))
    assert len(rows[:, 0].unique()) == len(rows[:, 1].unique()) == 65


@both_paths
@pytest.mark.parametrize("shape", [(3, 64, 64), (3, 5, 5)], ids=["even", "odd"])
def test_noise_is_standard_normal(draw: Callable, shape: tuple[int, ...]) -> None:
    values = draw(lanes(20), lanes(20, 3), shape).double().ravel()
    n = len(values)
    assert abs(values.mean()) < 4 / math.sqrt(n)
    assert abs(values.var() - 1) < 4 * math.sqrt(2 / n)
    assert abs((values**3).mean()) < 4 * math.sqrt(15 / n)
    assert abs((values**4).mean() - 3) < 4 * math.sqrt(96 / n)
    below = torch.special.ndtr(values).sort().values  # uniform if the whole distribution is right
    assert (below - torch.linspace(0, 1, n)).abs().max() < 2 / math.sqrt(n)


@both_paths
def test_pixels_of_one_lane_are_uncorrelated(draw: Callable) -> None:
    rows = draw(lanes(4000), torch.zeros(4000, dtype=torch.int64), (10,))
    correlation = torch.corrcoef(rows.T) - torch.eye(10)
    assert correlation.abs().max() < 5 / math.sqrt(4000)


def test_one_number_per_lane_is_uniform() -> None:
    values = lane_uniform(lanes(20_000), torch.zeros(20_000, dtype=torch.int64))
    assert ((values > 0) & (values < 1)).all()
    assert (values.sort().values - torch.linspace(0, 1, 20_000)).abs().max() < 2 / math.sqrt(20_000)
    again = lane_uniform(lanes(20_000), torch.ones(20_000, dtype=torch.int64))
    assert abs(torch.corrcoef(torch.stack([values, again]))[0, 1]) < 0.03


@pytest.mark.parametrize("bits", [0, -1])
def test_a_uniform_number_is_never_0_or_1(monkeypatch: pytest.MonkeyPatch, bits: int) -> None:
    monkeypatch.setattr(noise, "mix", lambda values: torch.full_like(values, bits))
    assert 0 < lane_uniform(lanes(1), lanes(1)).item() < 1
    assert torch.isfinite(hashed(lanes(1), lanes(1), SHAPE)).all()


def test_the_draw_of_an_end_is_not_the_noise_s() -> None:
    seed, counter = lanes(5000), torch.zeros(5000, dtype=torch.int64)
    ends, pixels = lane_uniform(seed, counter), hashed(seed, counter, (2,))
    correlation = torch.corrcoef(torch.stack([ends, pixels[:, 0], pixels[:, 1]])) - torch.eye(3)
    assert correlation.abs().max() < 5 / math.sqrt(5000)


def test_a_lane_takes_a_seed_of_any_size() -> None:
    large = [2**63 - 1, 2**63, 2**127]
    assert [stream_seed(seed) for seed in (0, 7, 2**63 - 1)] == [0, 7, 2**63 - 1]
    assert lane_seeds(large, 3, "cpu").tolist() == [stream_seed(seed) for seed in large]
    assert lane_seeds(2**63 - 1, 2, "cpu").tolist() == lane_seeds(large[:2], 2, "cpu").tolist()
    assert len({stream_seed(2**63 + i) for i in range(1_000)}) == 1_000
    assert lane_seeds(5, 3, "cpu").tolist() == lane_seeds(torch.tensor(5), 3, "cpu").tolist() == [5, 6, 7]
