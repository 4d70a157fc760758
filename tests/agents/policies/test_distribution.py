"""Claims about distributions over encoded actions, held against torch's own and against sums."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch.distributions import Categorical, Independent, Normal, kl_divergence

from vdworld.agents.policies.distribution import ActionDistribution, ActionLayout
from vdworld.spaces import ActionCodec

EVERYTHING = spaces.Dict(
    {
        "box": spaces.Box(-2.0, 4.0, (2,), np.float32),
        "buttons": spaces.MultiBinary(2),
        "choice": spaces.Discrete(3, start=5),
        "grid": spaces.Tuple((spaces.MultiDiscrete([2, 4]), spaces.Box(0, 9, (1,), np.int64))),
    }
)
SPACES = [EVERYTHING, *EVERYTHING.spaces.values()]


def distribution(space, num_rows=4, seed=0, spread=1.0):
    layout = ActionLayout.of(ActionCodec(space))
    rng = torch.Generator().manual_seed(seed)
    return ActionDistribution(layout, spread * torch.randn(num_rows, layout.num_outputs, generator=rng))


def noise(policy, *shape, seed=1):
    return torch.randn(*shape, policy.layout.dim, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_samples_and_modes_decode_to_actions_of_the_space(space):
    policy, codec = distribution(space), ActionCodec(space)
    for encoded in (policy.sample(noise(policy, 4)), policy.mode()):
        assert all(space.contains(codec.decode(row)) for row in encoded)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_the_mode_is_at_least_as_likely_as_any_sample(space):
    policy = distribution(space, num_rows=1)
    samples = policy.sample(noise(policy, 200))
    assert (policy.log_prob(samples) <= policy.log_prob(policy.mode()) + 1e-5).all()


def test_the_mode_of_a_switch_is_its_likelier_side():
    layout = ActionLayout.of(ActionCodec(spaces.MultiBinary(4)))
    logits = torch.tensor([[-2.0, -0.5, 0.5, 2.0]])
    assert ActionDistribution(layout, logits).mode().tolist() == [[-1, -1, 1, 1]]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_steps_of_a_rollout_are_as_if_alone(space):
    flat, other = distribution(space, num_rows=6), distribution(space, num_rows=6, seed=1)
    layout, actions = flat.layout, flat.sample(noise(flat, 6))
    steps, others = (ActionDistribution(layout, d.outputs.unflatten(0, (2, 3))) for d in (flat, other))
    for alone, together in (
        (flat.entropy(), steps.entropy()),
        (flat.kl(other), steps.kl(others)),
        (flat.log_prob(actions), steps.log_prob(actions.unflatten(0, (2, 3)))),
    ):
        torch.testing.assert_close(together, alone.unflatten(0, (2, 3)))


def test_gaussians_equal_torchs():
    ours, others = (distribution(spaces.Box(-1, 1, (3,)), seed=seed) for seed in (0, 1))
    theirs, their_others = (Independent(Normal(d.mean, d.std), 1) for d in (ours, others))
    samples = ours.sample(noise(ours, 4))
    torch.testing.assert_close(ours.log_prob(samples), theirs.log_prob(samples))
    torch.testing.assert_close(ours.entropy(), theirs.entropy())
    torch.testing.assert_close(ours.kl(others), kl_divergence(theirs, their_others))


def test_choices_equal_torchs():
    ours, others = (distribution(spaces.Discrete(5), seed=seed) for seed in (0, 1))
    theirs, their_others = (Categorical(logits=d.outputs) for d in (ours, others))
    samples = ours.sample(noise(ours, 4))
    torch.testing.assert_close(ours.log_prob(samples), theirs.log_prob(samples.argmax(dim=-1)))
    torch.testing.assert_close(ours.entropy(), theirs.entropy())
    torch.testing.assert_close(ours.kl(others), kl_divergence(theirs, their_others))


@pytest.mark.parametrize("space", [spaces.Discrete(3), spaces.MultiBinary(2), spaces.MultiDiscrete([2, 3])], ids=str)
def test_probabilities_of_all_actions_sum_to_one_and_give_entropy_and_divergence(space):
    ours, others = (distribution(space, num_rows=1, seed=seed) for seed in (0, 1))
    codec = ActionCodec(space)
    values = [range(count or 2) for count in codec.num_choices]
    every = codec.encode_flat(torch.tensor(list(itertools.product(*values))).float())
    log_probs, theirs = ours.log_prob(every), others.log_prob(every)
    torch.testing.assert_close(log_probs.exp().sum(), torch.tensor(1.0))
    torch.testing.assert_close(-(log_probs.exp() * log_probs).sum(), ours.entropy()[0])
    torch.testing.assert_close((log_probs.exp() * (log_probs - theirs)).sum(), ours.kl(others)[0])


@pytest.mark.parametrize("space", [spaces.Discrete(3), spaces.MultiBinary(2)], ids=str)
def test_samples_are_as_frequent_as_likely(space):
    policy = distribution(space, num_rows=1)
    samples = policy.sample(noise(policy, 20_000))
    for action in samples.unique(dim=0):
        share = (samples == action).all(dim=-1).float().mean()
        torch.testing.assert_close(share, policy.log_prob(action[None]).exp()[0], atol=0.015, rtol=0)


def test_log_densities_and_entropies_add_up_over_the_parts():
    whole = distribution(EVERYTHING, num_rows=1)
    n, m = len(whole.layout.numbers), len(whole.layout.binaries)
    assert (n, m, [count for _, count in whole.layout.choices]) == (3, 2, [3, 2, 4])
    box = ActionDistribution(ActionLayout.of(ActionCodec(spaces.Box(-1, 1, (n,)))), whole.outputs[:, : 2 * n])
    coins = ActionDistribution(ActionLayout.of(ActionCodec(spaces.MultiBinary(m))), whole.outputs[:, 2 * n : 2 * n + m])
    grid = spaces.MultiDiscrete([3, 2, 4])
    choices = ActionDistribution(ActionLayout.of(ActionCodec(grid)), whole.outputs[:, 2 * n + m :])
    torch.testing.assert_close(whole.entropy(), box.entropy() + coins.entropy() + choices.entropy())
