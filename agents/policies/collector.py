"""Run a policy in a vector environment and collect its experience."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from torch import Tensor

from vdworld.agents.policies.distribution import ActionDistribution
from vdworld.agents.policies.policy import Policy
from vdworld.agents.policies.policy_network import PolicyNetwork
from vdworld.agents.policies.recurrent_state import RecurrentState
from vdworld.agents.policies.rollout import Rollout, stack_steps
from vdworld.envs.array_trees import stack_lanes

CONTEXT = ("context_frames", "context_actions", "context_action_mask")


class Collector:
    """Collect rollouts with a policy in training; episodes and recurrent states carry over between rollouts.

    At a reset the recurrent state is burnt in on the context in the info; without a context it is the initial one.
    With environments that return tensors, only the actions leave the device.

    Args:
        envs: Environments in mode SAME_STEP.
        policy: The policy that acts.
        prior: Another policy whose action distributions are collected too; None collects none.
        seed: Seeds the first reset and the sampled actions.

    Raises:
        ValueError: `envs` are in another mode.
    """

    def __init__(self, envs: VectorEnv, policy: Policy, *, prior: Policy | None = None, seed: int = 0) -> None:
        mode = envs.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.SAME_STEP:
            raise ValueError(
                f"`envs` must be in mode SAME_STEP, got {mode}. Make them with "
                "autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP."
            )
        self.envs, self.policy = envs, policy
        self.networks: list[PolicyNetwork] = [policy.network, *([] if prior is None else [prior.network])]
        self.rng = torch.Generator(policy.device).manual_seed(seed)
        observation, info = envs.reset(seed=seed)
        self.has_context = all(name in info for name in CONTEXT)
        self.observations = policy.observer.read(observation, policy.device)
        self.states = self._initial_states(info)  # one per network
        self.is_first = torch.ones(envs.num_envs, dtype=torch.bool, device=policy.device)
        self.running_returns, self.finished_returns = torch.zeros(2, envs.num_envs, device=policy.device)
        self.num_finished = torch.zeros(envs.num_envs, device=policy.device)

    @torch.no_grad()
    def collect(self, horizon: int) -> Rollout:
        """Take `horizon` steps in every lane."""
        steps = [self._step() for _ in range(horizon)]
        return stack_steps(steps, self.networks[0].step(self.observations, self.states[0])[1])

    def take_returns(self) -> tuple[Tensor, Tensor]:
        """Return the sum of the returns of the episodes that ended since the last call, and their number."""
        total, count = self.finished_returns.sum(), self.num_finished.sum()
        self.finished_returns.zero_()
        self.num_finished.zero_()
        return total, count

    def figures(self, rollout: Rollout, losses: dict[str, Tensor]) -> dict[str, float]:
        """Return the figures of an update as numbers; the return is that of the episodes that ended in its rollout."""
        means = {"reward": rollout.rewards.mean().item(), **{name: value.item() for name, value in losses.items()}}
        total, count = (value.item() for value in self.take_returns())
        return means | ({"return": total / count, "episodes": count} if count else {})

    def _step(self) -> dict[str, Tensor]:
        pairs = zip(self.networks, self.states, strict=True)
        results = [network.step(self.observations, state) for network, state in pairs]
        outputs, values, _ = results[0]
        distribution = ActionDistribution(self.policy.layout, outputs)
        noise = torch.randn(len(outputs), self.policy.layout.dim, generator=self.rng, device=self.rng.device)
        actions = distribution.sample(noise)
        step = {
            "frames": self.networks[0].stack(self.observations, self.states[0]).frames,
            "readings": self.observations.readings,
            "previous_actions": self.states[0].previous_actions,
            "hidden": self.states[0].hidden,
            "is_first": self.is_first,
            "actions": actions,
            "log_probs": distribution.log_prob(actions),
            "values": values,
            "prior_outputs": results[1][0] if len(results) > 1 else outputs[:, :0],
        }
        executed = self.policy.codec.project(actions)
        self.states = [state.after(executed) for _, _, state in results]
        return step | self._act(self.policy.codec.decode(executed))

    def _act(self, native: Any) -> dict[str, Tensor]:
        """Step the environments, reset the states of ended lanes, and return the outcome of the step."""
        observation, reward, terminated, truncated, info = self.envs.step(native)
        device = self.policy.device
        rewards = torch.as_tensor(reward, dtype=torch.float32, device=device)
        terminations = torch.as_tensor(terminated, device=device)
        ended = terminations | torch.as_tensor(truncated, device=device)
        self.observations = self.policy.observer.read(observation, device)
        final_values = torch.zeros_like(rewards)
        if info.get("final_info") if self.has_context else "final_obs" in info:
            final = self.policy.observer.read_final(info["final_obs"], self.observations)
            final_values = self.networks[0].step(final, self.states[0])[1]
            pairs = zip(self._initial_states(info), self.states, strict=True)
            self.states = [initial.where(ended, state) for initial, state in pairs]
        self.is_first = ended
        self._add_to_returns(rewards, ended)
        continuation = self._continuation(info, terminations, ended)
        result = {"rewards": rewards, "terminated": terminations, "ended": ended}
        return result | {"continuation": continuation, "next_values": final_values}

    def _initial_states(self, info: dict[str, Any]) -> list[RecurrentState]:
        """Return the states at the beginning of episodes; only those of lanes that do begin one are meaningful."""
        if not self.has_context:
            return [network.initial_state(self.envs.num_envs) for network in self.networks]
        policy = self.policy
        observations = policy.observer.read_pictures(info["context_frames"], policy.device)
        action_mask = torch.as_tensor(info["context_action_mask"], device=policy.device)
        native = info["context_actions"]
        lanes = stack_lanes(native) if isinstance(native, np.ndarray) and native.dtype == object else native
        flat = policy.codec.flatten(lanes).to(policy.device)
        actions = policy.codec.encode_flat(flat, action_mask)
        return [network.burn_in(observations, actions, action_mask) for network in self.networks]

    def _continuation(self, info: dict[str, Any], terminated: Tensor, ended: Tensor) -> Tensor:
        """Return the probability of not terminating in this step; 0 or 1 where the environment reports none."""
        newest, final = info.get("continuation"), info.get("final_info", {}).get("continuation")
        if newest is None and final is None:
            return (~terminated).float()
        device = terminated.device
        parts = [torch.as_tensor(part, device=device).float() for part in (newest, final) if part is not None]
        return parts[0] if len(parts) == 1 else torch.where(ended, parts[1], parts[0])

    def _add_to_returns(self, rewards: Tensor, ended: Tensor) -> None:
        self.running_returns += rewards
        zeros = torch.zeros_like(self.running_returns)
        self.finished_returns += torch.where(ended, self.running_returns, zeros)
        self.num_finished += ended
        self.running_returns = torch.where(ended, zeros, self.running_returns)
