"""Learn a policy and its critic together, in dreams or in real environments."""

from __future__ import annotations

import copy
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from vdworld.agents.lambda_returns import lambda_returns
from vdworld.agents.policies import two_hot
from vdworld.agents.policies.collector import Collector
from vdworld.agents.policies.collector_state import collector_tensors, restore_collector
from vdworld.agents.policies.distribution import ActionDistribution
from vdworld.agents.policies.learner_checkpoint import resume_learner, run_settings, save_learner
from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.agents.policies.new_policy import new_policy
from vdworld.agents.policies.policy import Policy
from vdworld.agents.policies.policy_losses import OBJECTIVES
from vdworld.agents.policies.return_normalizer import ReturnNormalizer
from vdworld.agents.policies.rollout import Rollout
from vdworld.agents.progress import Report
from vdworld.argument_hints import refuse_single_env
from vdworld.finite_tensors import check_finite_tensors
from vdworld.memory_errors import out_of_memory
from vdworld.networks import ExponentialMovingAverage
from vdworld.seeds import as_seed
from vdworld.setting_types import check_type
from vdworld.spaces import ActionCodec
from vdworld.storage.folder_lock import alone_in_output
from vdworld.storage.interrupts import StopRequest
from vdworld.training.checkpoint import has_checkpoint
from vdworld.training.gradient_step import gradient_step, keep_failed_batch

CHECKPOINT_EVERY = 60.0  # seconds


class ActorCritic:
    """Improve a policy from its own experience; most users need only ``ActorCritic.learn``.

    The critic learns lambda-returns as distributions over bins and is regularised towards its own moving average;
    advantages are divided by the range of the returns, as in DreamerV3 (Hafner et al. 2023).

    Args:
        policy: The policy to improve; its weights change.
        prior: A policy that pmpo stays close to; None for none.
        seed: Seeds the minibatches.
        settings: Fields of ``LearningSettings``.

    Attributes:
        num_steps: Number of environment steps learnt from so far.
    """

    def __init__(self, policy: Policy, *, prior: Policy | None = None, seed: int = 0, **settings: Any) -> None:
        self.policy, self.prior, self.settings = policy, prior, LearningSettings(**settings)
        self.network = policy.network.train().requires_grad_(True)
        self.slow_critic = ExponentialMovingAverage(self.network.critic, self.settings.slow_decay)
        rate, epsilon = self.settings.learning_rate, self.settings.adam_epsilon
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=rate, eps=epsilon)
        self.return_normalizer = ReturnNormalizer(policy.device)
        self.rng = torch.Generator().manual_seed(seed)
        self.num_steps = 0
        self.run = run_settings(policy, self.settings, seed)
        self._collected: dict[str, Tensor] = {}  # where a resumed run was

    @classmethod
    @alone_in_output
    @out_of_memory("Lower the number of lanes (`num_envs`), `horizon` or `hidden_dim`.")
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
        """Learn a policy in a vector environment: dreams, whose tensors stay on their device, or any other.

        Make dreams with ``output="torch"``, and with ``uncertainty_limit=0.99`` as ``vdworld learn`` does, so that the
        policy does not exploit the errors of the world model.

        Args:
            envs: Environments in any autoreset mode, of which SAME_STEP costs least, that observe uint8 pictures
                ``[h, w, 3]``, or a Dict of such pictures and of vectors.
            num_steps: Steps to take, summed over lanes, those before an interruption included (``total_timesteps`` in
                Stable-Baselines3); the last rollout is completed.
            objective: ``"ppo"``, which makes the most of each step; ``"reinforce"``, as in DIAMOND and DreamerV3, for
                cheap steps; or ``"pmpo"``.
            prior: A policy to start from, for example a clone; pmpo also stays close to it.
            action_codec: Encodes the actions; None takes that of the prior, of the dreams' world, or of the bounds.
            device: Device to train on; None takes that of the dreams' world, else the CPU.
            seed: Seeds everything random in learning, the first reset included.
            output: A folder for a checkpoint, written every minute, on Ctrl-C and at the end; None writes none.
            resume: Continue from the checkpoint in `output`; starts from scratch if there is none. An interrupted run
                in dreams goes on in the middle of their episodes, and one in other environments with new episodes.
            report: Called with the figures of each update.
            settings: Other fields of ``LearningSettings``.

        Raises:
            BlockingIOError: Another process writes into `output`.
            TypeError: `envs` is no vector environment.
            ValueError: A mode, space or setting that is not supported, or a prior with other spaces.
            FloatingPointError: A reward, a loss or a gradient is NaN or infinite. The last checkpoint stays.
        """
        refuse_single_env(envs)
        seed = as_seed(seed)
        check_type("num_steps", num_steps, int)
        if num_steps < 1:
            raise ValueError(f"`num_steps` must be at least 1, got {num_steps}.")
        learning = LearningSettings(objective=objective, **settings)
        world = getattr(envs.unwrapped, "world", None)
        device = torch.device(device or getattr(world, "device", "cpu"))
        policy = new_policy(envs, world, learning, prior, action_codec, seed).to(device)
        fixed_prior = None if prior is None or objective != "pmpo" else copy.deepcopy(prior).to(device)
        learner = cls(policy, prior=fixed_prior, seed=seed, **asdict(learning))
        learner.run.free["num_steps"] = num_steps
        folder = None if output is None else Path(output)
        if resume and folder is not None and has_checkpoint(folder):
            learner.resume(folder)
        learner._train_loop(envs, num_steps, seed, folder, report)
        policy.network.eval().requires_grad_(False)
        policy.reset(seed=seed)
        run = {"num_steps": learner.num_steps, "num_envs": envs.num_envs, "seed": seed}
        changes = {"changes": learner.run.changes} if learner.run.changes else {}
        policy.training_info = {**asdict(learning), **run, **changes}
        return policy

    def _train_loop(
        self, envs: VectorEnv, num_steps: int, seed: int, folder: Path | None, report: Report | None
    ) -> None:
        """Collect rollouts and learn from them until `num_steps` steps are reached."""
        if self.num_steps >= num_steps:
            return
        collector = Collector(envs, self.policy, prior=self.prior, seed=seed + self.num_steps)
        if self._collected:
            restore_collector(collector, self._collected)
        saved_at = time.monotonic()
        with StopRequest() as stop:
            while self.num_steps < num_steps:
                rollout = collector.collect(self.settings.horizon)
                losses = self._update_or_keep(rollout, folder)
                self.num_steps += int(rollout.is_step.sum())
                if report is not None:
                    report(self.num_steps, collector.figures(rollout, losses))
                if folder is not None and (stop.is_set() or time.monotonic() - saved_at > CHECKPOINT_EVERY):
                    self.save(folder, collector)
                    saved_at = time.monotonic()
                if stop.is_set():
                    raise KeyboardInterrupt
        if folder is not None:
            self.save(folder)

    def save(self, folder: Path, collector: Collector | None = None) -> None:
        """Write a checkpoint: the weights, the optimiser, all running statistics, and where the collector is."""
        save_learner(self, folder, {} if collector is None else collector_tensors(collector))

    def resume(self, folder: Path) -> None:
        """Restore a checkpoint.

        Raises:
            FileNotFoundError: There is none.
            ValueError: It belongs to another policy.
        """
        self._collected = resume_learner(self, folder)

    def _update_or_keep(self, rollout: Rollout, folder: Path | None) -> dict[str, Tensor]:
        """Update on a rollout; keep it in the folder if that fails."""
        try:
            return self.update(rollout)
        except FloatingPointError as error:
            kept = keep_failed_batch(folder, vars(rollout))
            raise FloatingPointError(f"Learning stopped at step {self.num_steps}: {error} {kept}") from error

    def update(self, rollout: Rollout) -> dict[str, Tensor]:
        """Take the gradient steps of one rollout, and return the losses of the last step."""
        settings = self.settings
        check_finite_tensors({"rewards": rollout.rewards}, "What `envs` return", "Check the environments.")
        returns = lambda_returns(
            rollout.rewards,
            rollout.next_values,
            rollout.terminated,
            rollout.ended,
            discount=settings.discount,
            lambda_=settings.lambda_,
            continuation=rollout.continuation if settings.continuation_weighted else None,
        )
        counted = returns[rollout.is_step]
        advantages = (returns - rollout.values) / self.return_normalizer.update(counted)
        losses, parameters = dict[str, Tensor](), list(self.network.parameters())
        lanes_with_steps = rollout.is_step.any(dim=1).nonzero().flatten()
        for _ in range(settings.epochs):
            for part in self._minibatches(len(lanes_with_steps)):
                lanes = lanes_with_steps[part]
                losses = self._losses(rollout[lanes], returns[lanes], advantages[lanes])
                gradient_step(losses, parameters, [self.optimizer], settings.max_gradient_norm)
                self.slow_critic.update(self.network.critic)
        self.network.scale.update(rollout.readings)
        return {name: value.detach() for name, value in losses.items()} | {"lambda_return": counted.mean()}

    def _minibatches(self, num_lanes: int) -> tuple[Tensor, ...]:
        """Return the lanes of each minibatch of one epoch, in random order."""
        lanes = torch.arange(num_lanes, device=self.policy.device)
        if self.settings.minibatches == 1:
            return (lanes,)
        return lanes[torch.randperm(num_lanes, generator=self.rng).to(lanes.device)].tensor_split(
            min(self.settings.minibatches, num_lanes)
        )

    def _losses(self, rollout: Rollout, returns: Tensor, advantages: Tensor) -> dict[str, Tensor]:
        settings = self.settings
        outputs, features = self.network.unroll(
            rollout.observations, rollout.previous_actions, rollout.hidden, rollout.is_first
        )
        distribution = ActionDistribution(self.policy.layout, outputs)
        policy_loss = OBJECTIVES[settings.objective]
        real = rollout.is_step
        log_probs = distribution.log_prob(rollout.actions)
        actor = policy_loss(log_probs[real], rollout.log_probs[real], advantages[real])
        entropy = distribution.entropy()[real].mean()
        logits = self.network.critic(features)
        with torch.no_grad():
            slow = two_hot.mean(self.slow_critic.average(features))
        critic = (two_hot.loss(logits, returns) + two_hot.loss(logits, slow))[real].mean()
        loss = actor + critic - settings.entropy * entropy
        figures = {"actor": actor, "critic": critic, "entropy": entropy}
        if self.prior is not None:
            prior = ActionDistribution(self.policy.layout, rollout.prior_outputs)
            figures["prior_divergence"] = distribution.kl(prior)[real].mean()
            loss = loss + settings.prior_weight * figures["prior_divergence"]
        return {"loss": loss, **figures}
