"""Train TorchRL's PPO to push a T, in the real environment or in dreams of it.

    python examples/05_torchrl.py --env real
    python examples/05_torchrl.py --env FOLDER_OF_A_WORLD

Nothing else changes. Without --env, a small world is trained first, on 300 steps, in half a minute. Dreams
return tensors, which stay on their device. Needs torchrl and gym-pusht.
"""

import argparse
import tempfile
from typing import Any

import gymnasium as gym
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from tensordict.nn import TensorDictModule
from torch import Tensor, nn
from torchrl.modules import NormalParamExtractor, ProbabilisticActor, TanhNormal, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

import vdworld
from vdworld.envs.integrations.torchrl import TorchRLEnv

PUSHT, SIZE = "gym_pusht/PushT-v0", 64
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def make_envs(choice: str, num_envs: int, max_episode_steps: int) -> VectorEnv:
    """Make real environments or dreams; the code that uses them is the same. TorchRL resets them itself."""
    if choice != "real":
        limits: dict[str, Any] = {"max_episode_steps": max_episode_steps, "autoreset_mode": AutoresetMode.DISABLED}
        dreams: dict[str, Any] = {"world": choice, "output": "torch", "device": DEVICE}
        return gym.make_vec("vdworld/Dream-v0", num_envs=num_envs, **limits, **dreams)

    def make() -> gym.Env:
        env = vdworld.envs.FrameObservation(vdworld.envs.make_real(PUSHT, image_size=(SIZE, SIZE)))
        return gym.wrappers.TimeLimit(env, max_episode_steps)

    return SyncVectorEnv([make] * num_envs, autoreset_mode=AutoresetMode.DISABLED)


def train_small_world(folder: str) -> str:
    """Record and train just enough for a demonstration."""
    dataset = vdworld.record(PUSHT, f"{folder}/data", num_steps=300, image_size=SIZE)
    vdworld.train(dataset, max_minutes=0.5, output=f"{folder}/world")
    return f"{folder}/world"


class ImageEncoder(nn.Module):
    """Map uint8 pixels ``[..., h, w, 3]`` of any size to 128 features."""

    def __init__(self) -> None:
        super().__init__()
        convolutions = (nn.Conv2d(3, 32, 4, stride=2), nn.ReLU(), nn.Conv2d(32, 32, 3, stride=2), nn.ReLU())
        self.layers = nn.Sequential(
            *convolutions, nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, 128), nn.ReLU()
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the features ``[..., 128]``."""
        pictures = pixels.flatten(0, -4).movedim(-1, -3).float() / 255
        return self.layers(pictures).unflatten(0, pixels.shape[:-3])


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
    assert isinstance(envs.action_space, gym.spaces.Box)
    env = TorchRLEnv(envs, device=DEVICE)
    env.set_seed(0)

    low, high = (torch.as_tensor(end, device=DEVICE) for end in (envs.action_space.low[0], envs.action_space.high[0]))
    head = nn.Sequential(ImageEncoder(), nn.Linear(128, 2 * len(low)), NormalParamExtractor())
    actor = ProbabilisticActor(
        TensorDictModule(head, in_keys=["observation"], out_keys=["loc", "scale"]),
        spec=env.action_spec,
        in_keys=["loc", "scale"],
        distribution_class=TanhNormal,
        distribution_kwargs={"low": low, "high": high},
        return_log_prob=True,
    ).to(DEVICE)
    critic = ValueOperator(nn.Sequential(ImageEncoder(), nn.Linear(128, 1)), in_keys=["observation"]).to(DEVICE)
    advantage = GAE(gamma=0.99, lmbda=0.95, value_network=critic, average_gae=True)  # bootstraps truncated episodes
    loss = ClipPPOLoss(actor, critic, entropy_bonus=False)  # type: ignore[arg-type]
    optimizer = torch.optim.Adam(loss.parameters(), lr=3e-4)

    for update in range(arguments.num_updates):
        with torch.no_grad():
            rollout = env.rollout(arguments.rollout, actor, break_when_any_done=False)
        for _ in range(4):
            advantage(rollout)
            for batch in rollout.flatten()[torch.randperm(rollout.numel())].split(128):
                losses = loss(batch)
                optimizer.zero_grad()
                (losses["loss_objective"] + losses["loss_critic"]).backward()
                nn.utils.clip_grad_norm_(loss.parameters(), 0.5)
                optimizer.step()
        print(f"update {update:4d}   mean reward {rollout['next', 'reward'].mean().item():.4f}", flush=True)
