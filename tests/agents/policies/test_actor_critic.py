"""Claims about learning in a batch of dreams and of real environments."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from tests.agents.policies.guessing import BOX, DISCRETE, HORIZON, LANES, QUICK, guessing, learn
from tests.agents.policies.recalling import recalling
from tests.envs.guessing_world import GuessingWorld
from vdworld.agents import ActorCritic, Policy
from vdworld.agents.policies import two_hot
from vdworld.agents.policies.collector import Collector
from vdworld.agents.policies.policy_losses import OBJECTIVES, pmpo, ppo, reinforce
from vdworld.agents.policies.return_normalizer import ReturnNormalizer
from vdworld.envs import DreamEnv
from vdworld.spaces import ActionCodec

DICT = spaces.Dict({"guess": DISCRETE, "idle": BOX})
QUICKEST = ["reinforce", *(pytest.param(name, marks=pytest.mark.slow) for name in ("ppo", "pmpo"))]


def played(policy, envs, num_steps=24):
    """Return the mean reward of the most likely actions, in episodes that were not learnt from."""
    policy.deterministic = True
    observation, _ = envs.reset(seed=1_000)
    earned = []
    for _ in range(num_steps):
        observation, reward, terminated, truncated, _ = envs.step(policy.act(observation))
        earned.append(np.asarray(reward).mean())
        policy.reset(mask=torch.as_tensor(terminated | truncated))
    return np.mean(earned)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_objective_learns_the_rewarded_action(objective):
    policy, updates = learn(guessing(), 10 if objective == "ppo" else 28, objective=objective)
    assert updates[0]["reward"] < 0.7
    assert played(policy, guessing()) > 0.95


@pytest.mark.parametrize("space", [BOX, DICT], ids=["Box", "Dict"])
@pytest.mark.parametrize("objective", QUICKEST)
def test_continuous_and_mixed_actions_are_learnt(space, objective):
    policy, _ = learn(guessing(space), 16 if objective == "ppo" else 45, objective=objective, adam_epsilon=1e-5)
    assert played(policy, guessing(space)) > 0.95


@pytest.mark.slow
def test_a_converged_policy_does_not_forget_with_a_larger_epsilon():
    _, updates = learn(guessing(DICT), 40, objective="ppo", adam_epsilon=1e-5)  # not so with 1e-8
    assert min(figures["reward"] for figures in updates[10:]) > 0.8


@pytest.mark.slow
@pytest.mark.parametrize(("recurrent", "frame_stack"), [(True, 1), (False, 2), (False, 1)])
def test_a_task_of_memory_is_learnt_with_a_recurrent_cell_or_a_frame_stack(recurrent, frame_stack):
    """The first of ten steps earns nothing: guessing 0.45, remembering 0.9."""
    settings = {"objective": "ppo", "horizon": 10, "seed": 0, "recurrent": recurrent, "frame_stack": frame_stack}
    earned = played(learn(recalling(16), 40, **settings)[0], recalling(16), 40)
    assert earned > 0.85 if recurrent or frame_stack > 1 else earned < 0.6


@pytest.mark.parametrize("objective", QUICKEST)
def test_tensors_and_arrays_give_the_same_learning_run(objective):
    runs = [learn(guessing(DICT, output), 4, objective=objective, horizon=15) for output in ("torch", "numpy")]
    (first, updates), (second, updates_too) = runs
    assert updates == updates_too
    weights = second.network.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in first.network.state_dict().items())


@pytest.mark.parametrize("output", ["torch", "numpy"])
def test_lanes_that_the_learner_resets_give_the_run_of_lanes_that_reset_themselves(output):
    runs = [learn(guessing(DICT, output, mode), 4)[1] for mode in (AutoresetMode.SAME_STEP, AutoresetMode.DISABLED)]
    assert runs[0] == runs[1]


def test_steps_that_only_reset_teach_nothing_and_are_not_counted():
    """Only the colour before an action earns; a reset shows the last colour of the episode before, and earns 0."""
    world, counts = GuessingWorld(DISCRETE, size=16), [0]
    make = [lambda limit=5 + lane: gym.wrappers.TimeLimit(DreamEnv(world), limit) for lane in range(LANES)]
    envs = gym.vector.SyncVectorEnv(make, autoreset_mode=AutoresetMode.NEXT_STEP)
    policy = ActorCritic.learn(envs, num_steps=28 * 40, report=lambda step, figures: counts.append(step), **QUICK)
    assert 28 * 40 <= policy.training_info["num_steps"] < 28 * 40 + LANES * HORIZON
    taken = np.diff(counts)  # of 40 a rollout, resets included
    assert taken.max() == 40
    assert 30 < taken.mean() < 38
    assert played(policy, guessing()) > 0.9


def test_the_seed_decides_everything():
    before = torch.get_rng_state()
    runs = [learn(guessing(), 2, seed=seed)[1] for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]
    assert torch.equal(before, torch.get_rng_state()), "the global stream is left alone"


def test_learning_starts_from_a_prior_and_pmpo_stays_close_to_it():
    prior, _ = learn(guessing(), 28)
    prior.deterministic = False
    _, updates = learn(guessing(), 2, objective="pmpo", prior=prior)
    assert updates[0]["reward"] > 0.9
    assert updates[0]["prior_divergence"] == pytest.approx(0, abs=1e-6)
    distance = {}
    for weight in (0.0, 30.0):
        blank = Policy(prior.observation_space, prior.codec, hidden_dim=32)
        distance[weight] = learn(guessing(), 12, objective="pmpo", prior=blank, prior_weight=weight)[1][-1]
    assert distance[30.0]["prior_divergence"] < 0.1 * distance[0.0]["prior_divergence"]


def test_progress_is_reported_and_settings_are_kept():
    policy, updates = learn(guessing(), 3)
    assert {"reward", "loss", "actor", "critic", "entropy", "lambda_return"} <= updates[0].keys()
    assert "return" not in updates[0], "no episode has ended"
    assert updates[2]["episodes"] == LANES
    assert updates[2]["return"] == pytest.approx(12 * np.mean([t["reward"] for t in updates]), abs=3)
    assert (policy.training_info["objective"], policy.training_info["num_envs"]) == ("reinforce", LANES)
    assert not any(weight.requires_grad for weight in policy.network.parameters())


def test_the_critic_learns_the_discounted_return():
    """Ones for ever, cut off after ten steps: bootstrapped there, the value is 1 / (1 - discount) everywhere."""

    class Ones(gym.Env):
        observation_space, action_space = spaces.Box(0, 255, (8, 8, 3), np.uint8), DISCRETE

        def reset(self, *, seed=None, options=None):
            return np.zeros((8, 8, 3), np.uint8), {}

        def step(self, action):
            return np.zeros((8, 8, 3), np.uint8), 1.0, False, False, {}

    make = [lambda: gym.wrappers.TimeLimit(Ones(), 10)] * 4
    envs = gym.vector.SyncVectorEnv(make, autoreset_mode=AutoresetMode.SAME_STEP)
    _, updates = learn(envs, 100, discount=0.8, recurrent=False, horizon=8)
    assert updates[-1]["lambda_return"] == pytest.approx(5.0, rel=0.1)


def test_losses_worked_out_by_hand():
    advantages = torch.tensor([[2.0, -1.0, 1.0]])
    old = torch.zeros(1, 3)
    log_probs = torch.tensor([[0.5, 0.5, -0.5]])  # ratios 1.65, 1.65 and 0.61; the first is clipped at 1.2
    assert reinforce(log_probs, old, advantages).item() == pytest.approx(-(1.0 - 0.5 - 0.5) / 3)
    expected = -(1.2 * 2 - np.exp(0.5) + np.exp(-0.5)) / 3
    assert ppo(log_probs, old, advantages).item() == pytest.approx(expected)
    assert ppo(log_probs - 3, old - 3, advantages).item() == pytest.approx(expected)
    assert pmpo(log_probs, old, advantages).item() == pytest.approx(0.5 * 0.5 - 0.5 * 0.0)
    assert pmpo(log_probs, old, 1e3 * advantages) == pmpo(log_probs, old, advantages), "signs alone count"


def test_the_critic_is_drawn_towards_its_slow_average_by_hand():
    learner = ActorCritic(Policy(guessing().single_observation_space, ActionCodec(DISCRETE), hidden_dim=8))
    rollout = Collector(guessing(), learner.policy).collect(HORIZON)
    returns = torch.full_like(rollout.rewards, 2.0)
    with torch.no_grad():
        learner.network.critic.bias[:] = logits = torch.linspace(-1, 1, two_hot.NUM_BINS)
        learner.slow_critic.average.bias[200] += 20.0  # the average is sure of the 201st bin
        loss = learner._losses(rollout, returns, torch.zeros_like(returns))["critic"]
    slow, logits = two_hot.bins(returns)[200].expand_as(returns), logits.expand(*returns.shape, -1)
    expected = two_hot.loss(logits, returns) + two_hot.loss(logits, slow)
    assert loss.item() == pytest.approx(expected.mean().item(), rel=1e-3)


def test_returns_are_normalised_by_a_running_range_of_percentiles():
    normalizer = ReturnNormalizer(torch.device("cpu"), decay=0.5)
    assert normalizer.update(torch.linspace(0, 100, 101)[None]).item() == pytest.approx(90.0)
    assert normalizer.update(torch.zeros(1, 10)).item() == pytest.approx(30.0)  # (90 / 4 + 0) / (1 - 1/4)
    assert ReturnNormalizer(torch.device("cpu")).update(torch.linspace(0, 0.1, 11)[None]).item() == 1.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": "sac"}, "`objective` must be one of reinforce, ppo, pmpo, got 'sac'."),
        ({"horizon": 0}, "`horizon` must be at least 1, got 0."),
        ({"discount": 1.5}, r"`discount` must lie in \[0, 1\], got 1.5."),
        ({"entropy": -1.0}, "`entropy` must not be negative, got -1.0."),
        ({"num_epochs": 0}, "`num_epochs` must be at least 1, got 0."),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ActorCritic.learn(guessing(), num_steps=1, **settings)


def test_no_steps_and_foreign_priors_are_refused():
    with pytest.raises(ValueError, match="`num_steps` must be at least 1, got 0."):
        ActorCritic.learn(guessing(), num_steps=0)
    foreign = Policy(guessing().single_observation_space, ActionCodec(BOX))
    with pytest.raises(ValueError, match=r"`prior` must have the action_space of `envs`, Discrete\(2\)"):
        ActorCritic.learn(guessing(), num_steps=1, prior=foreign)


def test_minibatches_cover_all_lanes():
    space = guessing().single_observation_space
    learner = ActorCritic(Policy(space, ActionCodec(DISCRETE), hidden_dim=8), objective="ppo")
    minibatches = learner._minibatches(10)
    assert [len(lot) for lot in minibatches] == [3, 3, 2, 2]
    assert sorted(torch.cat(minibatches).tolist()) == list(range(10))
    assert not torch.equal(torch.cat(minibatches), torch.cat(learner._minibatches(10)))
    assert len(learner._minibatches(3)) == 3
    (whole,) = ActorCritic(learner.policy, objective="reinforce")._minibatches(4)
    assert whole.tolist() == [0, 1, 2, 3]
