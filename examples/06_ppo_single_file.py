"""Proximal policy optimisation in one file, for any vector environment of Gymnasium whose observations are pictures.

    python examples/06_ppo_single_file.py --env real
    python examples/06_ppo_single_file.py --env FOLDER_OF_A_WORLD

The first command learns to push a T in the real environment, the second in dreams of that or any other; the code is the
same. Without --env, a small world is trained first, on 300 steps, in half a minute. Actions may be discrete or
continuous. The algorithm is that of Schulman et al. 2017, with the details of CleanRL.
"""

import argparse
import tempfile
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal

import vdworld

PUSHT, SIZE = "gym_pusht/PushT-v0", 64
LAMBDA, CLIP, EPOCHS, BATCH = 0.95, 0.2, 4, 128


def make_envs(choice: str, num_envs: int, max_episode_steps: int) -> VectorEnv:
    """Make real environments or dreams; the code that uses them is the same."""
    if choice != "real":
        settings = {"max_episode_steps": max_episode_steps, "autoreset_mode": AutoresetMode.SAME_STEP}
        return gym.make_vec("vdworld/Dream-v0", num_envs=num_envs, world=choice, **settings)

    def make() -> gym.Env:
        env = vdworld.envs.FrameObservation(vdworld.envs.make_real(PUSHT, image_size=(SIZE, SIZE)))
        return gym.wrappers.TimeLimit(env, max_episode_steps)

    return SyncVectorEnv([make] * num_envs, autoreset_mode=AutoresetMode.SAME_STEP)


def train_small_world(folder: str) -> str:
    """Record and train just enough for a demonstration."""
    dataset = vdworld.record(PUSHT, f"{folder}/data", num_steps=300, image_size=SIZE)
    vdworld.train(dataset, max_minutes=0.5, output=f"{folder}/world")
    return f"{folder}/world"


def convolutions(outputs: int) -> nn.Sequential:
    """Build a small network whose outputs are nearly zero at first."""
    layers = (nn.Conv2d(3, 32, 4, stride=2), nn.ReLU(), nn.Conv2d(32, 32, 3, stride=2), nn.ReLU())
    last = nn.Linear(128, outputs)
    nn.init.orthogonal_(last.weight, 0.01)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, 128), nn.ReLU(), last)


class ActorCritic(nn.Module):
    """A policy and a value for uint8 pictures ``[b, h, w, 3]`` of any size, in separate networks."""

    def __init__(self, action_space: gym.Space) -> None:
        super().__init__()
        self.box = action_space if isinstance(action_space, spaces.Box) else None
        outputs = int(np.prod(action_space.shape)) if self.box else int(action_space.n)  # type: ignore[attr-defined]
        self.policy, self.value = convolutions(outputs), convolutions(1)
        self.log_std = nn.Parameter(torch.full((outputs,), -0.5))

    def forward(self, pixels: Any) -> tuple[Distribution, Tensor]:
        """Return the distribution of actions, continuous ones scaled to [-1, 1], and the values ``[b]``."""
        pictures = torch.as_tensor(pixels).movedim(-1, 1).float() / 255
        outputs, value = self.policy(pictures), self.value(pictures)[:, 0]
        if self.box is None:
            return Categorical(logits=outputs), value
        return Independent(Normal(outputs, self.log_std.exp()), 1), value

    def native(self, actions: Tensor) -> np.ndarray:
        """Return the actions in the environment's units."""
        if self.box is None:
            return actions.numpy()
        low, high = self.box.low, self.box.high
        scaled = actions.clamp(-1, 1).numpy().reshape(-1, *low.shape)
        return np.clip(low + (scaled + 1) / 2 * (high - low), low, high)


def collect(
    envs: VectorEnv, learner: ActorCritic, observations: np.ndarray, num_steps: int, gamma: float
) -> tuple[dict[str, Tensor], np.ndarray]:
    """Act from the given observations; return the transitions ``[t, b, ...]`` and the last observations."""
    rows = []
    for _ in range(num_steps):
        policy, value = learner(observations)
        action = policy.sample()
        after, reward, terminated, truncated, info = envs.step(learner.native(action))
        reward, ended = torch.as_tensor(reward, dtype=torch.float32), torch.as_tensor(terminated | truncated)
        target = reward.clone()
        if len(cut := np.flatnonzero(truncated & ~terminated)):  # bootstrap truncated episodes
            target[cut] += gamma * learner(np.stack(info["final_obs"][cut]))[1]
        row = {"observation": torch.as_tensor(observations), "action": action, "log_prob": policy.log_prob(action)}
        rows.append({**row, "value": value, "reward": reward, "target": target, "ended": ended})
        observations = after
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}, observations


def advantages(rollout: dict[str, Tensor], next_value: Tensor, gamma: float) -> Tensor:
    """Estimate advantages ``[t, b]``; no episode affects another (Schulman et al. 2016, equation 16)."""
    estimates, advantage = [], torch.zeros_like(next_value)
    for target, value, ended in zip(*(rollout[name].flip(0) for name in ("target", "value", "ended")), strict=True):
        delta = target + gamma * next_value * ~ended - value
        advantage = delta + gamma * LAMBDA * advantage * ~ended
        estimates.append(advantage)
        next_value = value
    return torch.stack(estimates[::-1])


def improve(learner: ActorCritic, optimizer: torch.optim.Optimizer, rollout: dict[str, Tensor]) -> None:
    """Take the clipped policy gradient steps of one rollout."""
    flat = {name: rows.flatten(0, 1) for name, rows in rollout.items()}
    for indices in (part for _ in range(EPOCHS) for part in torch.randperm(len(flat["value"])).split(BATCH)):
        batch = {name: rows[indices] for name, rows in flat.items()}
        policy, value = learner(batch["observation"])
        advantage = batch["advantage"]
        advantage = (advantage - advantage.mean()) / (advantage.std(correction=0) + 1e-8)
        ratio = (policy.log_prob(batch["action"]) - batch["log_prob"]).exp()
        gain = torch.minimum(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage).mean()
        error = (value - batch["advantage"] - batch["value"]).square().mean()
        optimizer.zero_grad()
        (0.5 * error - gain - 0.001 * policy.entropy().mean()).backward()
        nn.utils.clip_grad_norm_(learner.parameters(), 0.5)
        optimizer.step()


def learn(
    envs: VectorEnv, *, num_updates: int, num_steps: int, gamma: float = 0.99, learning_rate: float = 3e-4
) -> ActorCritic:
    """Alternate between collecting rollouts and learning from them."""
    learner = ActorCritic(envs.single_action_space)
    optimizer = torch.optim.Adam(learner.parameters(), lr=learning_rate)
    observations, _ = envs.reset(seed=0)
    for update in range(num_updates):
        with torch.no_grad():
            rollout, observations = collect(envs, learner, observations, num_steps, gamma)
            rollout["advantage"] = advantages(rollout, learner(observations)[1], gamma)
        improve(learner, optimizer, rollout)
        print(f"update {update:4d}   mean reward {rollout['reward'].mean().item():.4f}", flush=True)
    return learner


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", help='"real", or the folder of a world')
    parser.add_argument("--num-envs", type=int, default=8)
    parser.add_argument("--num-updates", type=int, default=50)
    parser.add_argument("--rollout", type=int, default=64, help="steps of each environment between two updates")
    arguments = parser.parse_args()

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        envs = make_envs(arguments.env or train_small_world(scratch), arguments.num_envs, max_episode_steps=50)
    learn(envs, num_updates=arguments.num_updates, num_steps=arguments.rollout)
