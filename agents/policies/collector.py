"""Run a policy in a vector environment and collect its experience."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from vdworld.agents.policies.distribution import ActionDistribution
from vdworld.agents.policies.lane_steps import LaneSteps
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
        envs: Environments in any autoreset mode.
        policy: The policy that acts.
        prior: Another policy whose action distributions are collected too; None collects none.
        seed: Seeds the first reset and the sampled actions.

    Raises:
        ValueError: The metadata of `envs` name no autoreset mode.
    """

    def __init__(self, envs: VectorEnv, policy: Policy, *, prior: Policy | None = None, seed: int = 0) -> None:
        self.envs, self.policy, self.lanes = envs, policy, LaneSteps(envs)
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
        """Take `horizon` steps in every lane; in mode NEXT_STEP the resets of single lanes count among them."""
        steps: list[dict[str, Tensor]] = []
        while len(steps) < horizon:
            step = self._step()
            steps += [] if step is None else [step]
        return stack_steps(steps, self.networks[0].step(self.observations, self.states[0])[1])

    def take_returns(self) -> tuple[Tensor, Tensor]:
        """Return the sum of the returns of the episodes that ended since the last call, and their number."""
        total, count = self.finished_returns.sum(), self.num_finished.sum()
        self.finished_returns.zero_()
        self.num_finished.zero_()
        return total, count

    def figures(self, rollout: Rollout, losses: dict[str, Tensor]) -> dict[str, float]:
        """Return the figures of an update as numbers; the return is that of the episodes that ended in its rollout."""
        means = {
            "reward": rollout.rewards[rollout.is_step].mean().item(),
            **{name: value.item() for name, value in losses.items()},
        }
        total, count = (value.item() for value in self.take_returns())
        return means | ({"return": total / count, "episodes": count} if count else {})

    def _step(self) -> dict[str, Tensor] | None:
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
        outcome = self._act(self.policy.codec.decode(executed))
        return None if outcome is None else step | outcome

    def _act(self, native: Any) -> dict[str, Tensor] | None:
        """Step the environments, reset the states of lanes that begin an episode, and return the outcome of the step.

        It is None if no lane took a step.
        """
        step, device = self.lanes.step(native), self.policy.device
        rewards = torch.as_tensor(step.reward, dtype=torch.float32, device=device)
        masks = (step.terminated, step.ended, step.begun, step.is_step)
        terminated, ended, begun, is_step = (torch.as_tensor(mask, device=device) for mask in masks)
        self.observations = self.policy.observer.read(step.observation, device)
        final_values = torch.zeros_like(rewards)
        if step.final is not None:
            final = self.policy.observer.read_final(step.final, self.observations)
            final_values = self.networks[0].step(final, self.states[0])[1]
        if step.reset_info is not None:
            pairs = zip(self._initial_states(step.reset_info), self.states, strict=True)
            self.states = [initial.where(begun, state) for initial, state in pairs]
        self.is_first = begun
        self._add_to_returns(rewards, ended)
        reported = step.continuation  # 0 or 1 where the environment reports none
        continuation = (~terminated if reported is None else torch.as_tensor(reported, device=device)).float()
        result = {"rewards": rewards, "terminated": terminated, "ended": ended, "is_step": is_step}
        return result | {"continuation": continuation, "next_values": final_values} if step.any_step else None

    def _initial_states(self, info: dict[str, Any]) -> list[RecurrentState]:
        """Return the states at the beginning of episodes; only those of lanes that do begin one are meaningful."""
        if not self.has_context:
            return [network.initial_state(self.envs.num_envs) for network in self.networks]
        policy = self.policy
        observations = policy.observer.read_pictures(info["context_frames"], policy.device)
        action_mask = torch.as_tensor(info["context_action_mask"], device=policy.device)
        native = info["context_actions"]
        if isinstance(native, np.ndarray) and native.dtype == object:  # tuples; None for lanes that begin no episode
            known = next(lane for lane in native if lane is not None)
            native = stack_lanes([known if lane is None else lane for lane in native])
        flat = policy.codec.flatten(native).to(policy.device)
        actions = policy.codec.encode_flat(flat, action_mask)
        return [network.burn_in(observations, actions, action_mask) for network in self.networks]

    def _add_to_returns(self, rewards: Tensor, ended: Tensor) -> None:
        self.running_returns += rewards
        zeros = torch.zeros_like(self.running_returns)
        self.finished_returns += torch.where(ended, self.running_returns, zeros)
        self.num_finished += ended
        self.running_returns = torch.where(ended, zeros, self.running_returns)
