"""Learn a policy and its critic together, in dreams or in real environments."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from vdworld.agents.lambda_returns import lambda_returns
from vdworld.agents.policies import two_hot
from vdworld.agents.policies.collector import Collector
from vdworld.agents.policies.distribution import ActionDistribution
from vdworld.agents.policies.learner_checkpoint import resume_learner, save_learner
from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.agents.policies.policy import Policy
from vdworld.agents.policies.policy_losses import OBJECTIVES
from vdworld.agents.policies.return_normalizer import ReturnSpread
from vdworld.agents.policies.rollout import Rollout
from vdworld.networks import ExponentialMovingAverage
from vdworld.spaces import ActionCodec
from vdworld.training.checkpoint import has_checkpoint

Report = Callable[[int, dict[str, float]], None]
"""Is told, after every update, the number of steps so far and some figures."""

CHECKPOINT_EVERY = 60.0  # seconds


class ActorCritic:
    """Improve a policy by what happens when it acts; ``ActorCritic.learn`` is all that most people need.

    The critic learns lambda-returns as distributions over bins, held back by its own running average; advantages are
    divided by the spread of the returns, as in DreamerV3 (Hafner et al. 2023).

    Args:
        policy: The policy to improve; its weights change.
        prior: A policy that pmpo stays near; None for none.
        seed: Of the lots of lanes that gradient steps are taken on.
        settings: See ``LearningSettings``.

    Attributes:
        num_steps: Steps learnt from so far.
    """

    def __init__(self, policy: Policy, *, prior: Policy | None = None, seed: int = 0, **settings: Any) -> None:
        self.policy, self.prior, self.settings = policy, prior, LearningSettings(**settings)
        self.network = policy.network.train().requires_grad_(True)
        self.slow_critic = ExponentialMovingAverage(self.network.critic, self.settings.slow_decay)
        rate, epsilon = self.settings.learning_rate, self.settings.adam_epsilon
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=rate, eps=epsilon)
        self.spread = ReturnSpread(policy.device)
        self.rng = torch.Generator().manual_seed(seed)
        self.num_steps = 0

    @classmethod
    def learn(
        cls,
        envs: VectorEnv,
        *,
        num_steps: int,
        objective: str = "ppo",
        prior: Policy | None = None,
        action_codec: ActionCodec | None = None,
        device: str | torch.device | None = None,
        seed: int = 0,
        output: str | Path | None = None,
        resume: bool = False,
        report: Report | None = None,
        **settings: Any,
    ) -> Policy:
        """Learn a policy in a vector environment: dreams, whose tensors stay on their device, or anything else.

        Dreams are best made with ``uncertainty_limit=0.99``, as ``vdworld learn`` does, so that the policy cannot feed
        on what the world gets wrong; and with ``output="torch"``.

        Args:
            envs: Environments in mode SAME_STEP that observe uint8 pictures ``[h, w, 3]``, or a Dict of such and of
                vectors.
            num_steps: Steps to take, all lanes together, those before an interruption included; the last rollout is
                finished.
            objective: ``"ppo"``, which makes the most of each step; ``"reinforce"``, as DIAMOND and DreamerV3 do, for
                whom steps are cheap; or ``"pmpo"``.
            prior: A policy to begin from, for example a clone; pmpo also stays near it.
            action_codec: How actions are encoded; None takes that of the prior, of the dreams' world, or of the bounds.
            device: Where to learn; None learns where the dreams' world lies, else on the CPU.
            seed: Of everything random in learning, the first reset included.
            output: A folder for a checkpoint, written every minute, on Ctrl-C and at the end; None keeps none.
            resume: Go on from the checkpoint in `output` with new episodes; starts anew where there is none.
            report: Is told the figures of each update.
            settings: Other fields of ``LearningSettings``.

        Raises:
            ValueError: A mode, space or setting that doesn't fit, or a prior with other spaces.
        """
        if num_steps < 1:
            raise ValueError(f"`num_steps` must be at least 1, got {num_steps}.")
        chosen = LearningSettings(objective=objective, **settings)
        world = getattr(envs.unwrapped, "world", None)
        place = torch.device(device or getattr(world, "device", "cpu"))
        policy = _new_policy(envs, world, chosen, prior, action_codec, seed).to(place)
        kept = None if prior is None or objective != "pmpo" else copy.deepcopy(prior).to(place)
        learner = cls(policy, prior=kept, seed=seed, **asdict(chosen))
        folder = None if output is None else Path(output)
        if resume and folder is not None and has_checkpoint(folder):
            learner.resume(folder)
        learner._train_loop(envs, num_steps, seed, folder, report)
        policy.network.eval().requires_grad_(False)
        policy.reset(seed=seed)
        policy.training_info = {
            **asdict(chosen),
            "num_steps": learner.num_steps,
            "num_envs": envs.num_envs,
            "seed": seed,
        }
        return policy

    def _train_loop(
        self, envs: VectorEnv, num_steps: int, seed: int, folder: Path | None, report: Report | None
    ) -> None:
        """Act and learn until `num_steps` steps were learnt from."""
        if self.num_steps >= num_steps:
            return
        collector, saved = Collector(envs, self.policy, prior=self.prior, seed=seed + self.num_steps), time.monotonic()
        try:
            while self.num_steps < num_steps:
                rollout = collector.collect(self.settings.horizon)
                figures = self.update(rollout)
                self.num_steps += rollout.rewards.numel()
                if report is not None:
                    report(self.num_steps, _figures(collector, rollout, figures))
                if folder is not None and time.monotonic() - saved > CHECKPOINT_EVERY:
                    self.save(folder)
                    saved = time.monotonic()
        finally:
            if folder is not None:
                self.save(folder)

    def save(self, folder: Path) -> None:
        """Write a checkpoint into a folder: weights, optimiser and everything that runs along."""
        save_learner(self, folder)

    def resume(self, folder: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            FileNotFoundError: There is none.
            ValueError: It belongs to another policy.
        """
        resume_learner(self, folder)

    def update(self, rollout: Rollout) -> dict[str, Tensor]:
        """Take the gradient steps of one rollout, and return figures about the last."""
        settings = self.settings
        returns = lambda_returns(
            rollout.rewards,
            rollout.next_values,
            rollout.terminated,
            rollout.ended,
            discount=settings.discount,
            lambda_=settings.lambda_,
            continuation=rollout.continuation if settings.continuation_weighted else None,
        )
        advantages = (returns - rollout.values) / self.spread.update(returns)
        losses: dict[str, Tensor] = {}
        for _ in range(settings.epochs):
            for lanes in self._lots(len(returns)):
                losses = self._losses(rollout[lanes], returns[lanes], advantages[lanes])
                self.optimizer.zero_grad(set_to_none=True)
                losses["loss"].backward()
                nn.utils.clip_grad_norm_(self.network.parameters(), settings.max_gradient_norm)
                self.optimizer.step()
                self.slow_critic.update(self.network.critic)
        self.network.scale.update(rollout.readings)
        return {name: value.detach() for name, value in losses.items()} | {"lambda_return": returns.mean()}

    def _lots(self, num_lanes: int) -> tuple[Tensor, ...]:
        """Return the lanes of each gradient step of one time through a rollout, drawn at random."""
        lanes = torch.arange(num_lanes, device=self.policy.device)
        if self.settings.minibatches == 1:
            return (lanes,)
        return lanes[torch.randperm(num_lanes, generator=self.rng).to(lanes.device)].tensor_split(
            min(self.settings.minibatches, num_lanes)
        )

    def _losses(self, rollout: Rollout, returns: Tensor, advantages: Tensor) -> dict[str, Tensor]:
        settings = self.settings
        outputs, features = self.network.unroll(rollout.seen, rollout.previous, rollout.hidden, rollout.begins)
        distribution = ActionDistribution(self.policy.layout, outputs)
        climb = OBJECTIVES[settings.objective]
        actor = climb(distribution.log_prob(rollout.actions), rollout.log_probs, advantages)
        entropy = distribution.entropy().mean()
        logits = self.network.critic(features)
        with torch.no_grad():
            slow = two_hot.mean(self.slow_critic.average(features))
        critic = (two_hot.loss(logits, returns) + two_hot.loss(logits, slow)).mean()
        loss = actor + critic - settings.entropy * entropy
        figures = {"actor": actor, "critic": critic, "entropy": entropy}
        if self.prior is not None:
            figures["prior_divergence"] = distribution.kl(
                ActionDistribution(self.policy.layout, rollout.prior_outputs)
            ).mean()
            loss = loss + settings.prior_weight * figures["prior_divergence"]
        return {"loss": loss, **figures}


def _new_policy(
    envs: VectorEnv,
    world: Any,
    settings: LearningSettings,
    prior: Policy | None,
    codec: ActionCodec | None,
    seed: int,
) -> Policy:
    """Build the policy to learn, with the prior's weights if there is one."""
    observed, acted = envs.single_observation_space, envs.single_action_space
    if prior is None:
        known = codec or getattr(world, "action_codec", None)
        return Policy(
            observed,
            ActionCodec(acted) if known is None else known,
            cameras=getattr(world, "cameras", None),
            hidden_dim=settings.hidden_dim,
            recurrent=settings.recurrent,
            frame_stack=settings.frame_stack,
            seed=seed,
        )
    if prior.goals:
        raise ValueError(
            "`prior` must be learnt without goals, which no environment shows: clone with goal_offset=null."
        )
    for name, space in (("observation_space", observed), ("action_space", acted)):
        if getattr(prior, name) != space:
            raise ValueError(f"`prior` must have the {name} of `envs`, {space}, got {getattr(prior, name)}.")
    return copy.deepcopy(prior)


def _figures(collector: Collector, rollout: Rollout, figures: dict[str, Tensor]) -> dict[str, float]:
    """Return the figures of an update as numbers; the return is of episodes that ended in its rollout, if any did."""
    told = {"reward": rollout.rewards.mean().item(), **{name: value.item() for name, value in figures.items()}}
    total, count = (value.item() for value in collector.take_returns())
    return told | ({"return": total / count, "episodes": count} if count else {})
