"""Act in a vector environment and note what happens."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from torch import Tensor

from vdworld.agents.policies.distribution import ActionDistribution
from vdworld.agents.policies.observation_batch import ObservationBatch
from vdworld.agents.policies.policy import Policy
from vdworld.agents.policies.policy_network import Memory, PolicyNetwork
from vdworld.agents.policies.rollout import Rollout, stacked

CONTEXT = ("context_frames", "context_actions", "context_action_mask")


class Collector:
    """Let a policy in training act, with what it remembers going on from rollout to rollout.

    At every reset the memory is burnt in on the context that the info holds, if it holds one, else it begins empty.
    Where the environments hand over tensors, nothing here waits for the device but the actions on their way out.

    Args:
        envs: Environments in mode SAME_STEP.
        policy: Who acts.
        prior: Another policy that is asked what it would do; None asks nobody.
        seed: Of the first episodes and of the actions.

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
        self.seen = policy.observer.read(observation, policy.device)
        self.memories = self._begun(info)
        self.begins = torch.ones(envs.num_envs, dtype=torch.bool, device=policy.device)
        self.earned, self.finished = torch.zeros(2, envs.num_envs, device=policy.device)  # returns so far, and of ended
        self.num_finished = torch.zeros(envs.num_envs, device=policy.device)

    @torch.no_grad()
    def collect(self, horizon: int) -> Rollout:
        """Take so many steps in every lane."""
        steps = [self._step() for _ in range(horizon)]
        return stacked(steps, self.networks[0].step(self.seen, self.memories[0])[1])

    def take_returns(self) -> tuple[Tensor, Tensor]:
        """Return the sum of the returns of the episodes that ended since the last call, and their number."""
        total, count = self.finished.sum(), self.num_finished.sum()
        self.finished.zero_()
        self.num_finished.zero_()
        return total, count

    def _step(self) -> dict[str, Tensor]:
        judged = [network.step(self.seen, memory) for network, memory in zip(self.networks, self.memories, strict=True)]
        outputs, values, _ = judged[0]
        distribution = ActionDistribution(self.policy.layout, outputs)
        noise = torch.randn(len(outputs), self.policy.layout.dim, generator=self.rng, device=self.rng.device)
        actions = distribution.sample(noise)
        step = {
            "frames": self.networks[0].stack(self.seen, self.memories[0]).frames,
            "readings": self.seen.readings,
            "previous": self.memories[0].previous,
            "hidden": self.memories[0].hidden,
            "begins": self.begins,
            "actions": actions,
            "log_probs": distribution.log_prob(actions),
            "values": values,
            "prior_outputs": judged[1][0] if len(judged) > 1 else outputs[:, :0],
        }
        self.memories = [memory.after(actions.clamp(-1, 1)) for _, _, memory in judged]
        return step | self._act(self.policy.codec.decode(actions))

    def _act(self, native: Any) -> dict[str, Tensor]:
        """Step the environments, and begin anew where they did; return what the step earned and how it ended."""
        observation, reward, terminated, truncated, info = self.envs.step(native)
        device = self.policy.device
        rewards = torch.as_tensor(reward, dtype=torch.float32, device=device)
        over = torch.as_tensor(terminated, device=device)
        ended = over | torch.as_tensor(truncated, device=device)
        self.seen = self.policy.observer.read(observation, device)
        final_values = torch.zeros_like(rewards)
        if "context_frames" in info if self.has_context else "final_obs" in info:
            final = self.policy.observer.read_final(info["final_obs"], self.seen)
            final_values = self.networks[0].step(final, self.memories[0])[1]
            fresh = zip(self._begun(info), self.memories, strict=True)
            self.memories = [begun.where(ended, memory) for begun, memory in fresh]
        self.begins = ended
        self._count(rewards, ended)
        continuation = self._continuation(info, over, ended)
        result = {"rewards": rewards, "terminated": over, "ended": ended}
        return result | {"continuation": continuation, "next_values": final_values}

    def _begun(self, info: dict[str, Any]) -> list[Memory]:
        """Return memories of episodes that begin, of which the lanes that do begin count."""
        if not self.has_context:
            return [network.blank(self.envs.num_envs) for network in self.networks]
        policy = self.policy
        seen: ObservationBatch = policy.observer.read_pictures(info["context_frames"], policy.device)
        action_mask = torch.as_tensor(info["context_action_mask"], device=policy.device)
        flat = policy.codec.flatten(info["context_actions"]).to(policy.device)
        actions = policy.codec.encode_flat(flat, action_mask)
        return [network.burn_in(seen, actions, action_mask) for network in self.networks]

    def _continuation(self, info: dict[str, Any], terminated: Tensor, ended: Tensor) -> Tensor:
        """Return the probability that a step terminates nothing; 0 or 1 where the environment does not tell it."""
        told, final = info.get("continuation"), info.get("final_info", {}).get("continuation")
        if told is None and final is None:
            return (~terminated).float()
        device = terminated.device
        parts = [torch.as_tensor(part, device=device).float() for part in (told, final) if part is not None]
        return parts[0] if len(parts) == 1 else torch.where(ended, parts[1], parts[0])

    def _count(self, rewards: Tensor, ended: Tensor) -> None:
        self.earned += rewards
        self.finished += torch.where(ended, self.earned, torch.zeros_like(self.earned))
        self.num_finished += ended
        self.earned = torch.where(ended, torch.zeros_like(self.earned), self.earned)
