"""Learn a policy with Tianshou's PPO, entirely in dreams.

    pip install "vdworld[tianshou]"
    python examples/07_tianshou.py [FOLDER OF A WORLD] [NUMBER OF STEPS]

Without a folder, a small world is trained first, on 300 steps of Pendulum, in half a minute. The world's action
space must be a Box; Tianshou has other actors for discrete actions.
"""

# pyright: reportMissingImports=false
import sys
import tempfile

import gymnasium as gym
import torch
from tianshou.algorithm.modelfree.ppo import PPO
from tianshou.algorithm.modelfree.reinforce import ProbabilisticActorPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, CollectStats, VectorReplayBuffer
from tianshou.trainer import OnPolicyTrainerParams
from tianshou.utils.net.common import ModuleWithVectorOutput
from tianshou.utils.net.continuous import ContinuousActorProbabilistic, ContinuousCritic
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

import vdworld
from vdworld.envs.integrations.tianshou import tianshou_vector_env

NUM_ENVS = 8


def train_small_world(folder: str) -> str:
    """Record and train just enough for a demonstration."""
    dataset = vdworld.record("Pendulum-v1", f"{folder}/data", num_steps=300, image_size=32)
    vdworld.train(dataset, max_minutes=0.5, output=f"{folder}/world")
    return f"{folder}/world"


class PixelNetwork(ModuleWithVectorOutput):
    """Features of uint8 pictures ``[b, h, w, 3]``; actor and critic share it."""

    def __init__(self, num_features: int = 64) -> None:
        super().__init__(num_features)
        self.layers = nn.Sequential(
            *(nn.LazyConv2d(16, 3, stride=2, padding=1), nn.ReLU(), nn.LazyConv2d(32, 3, stride=2, padding=1)),
            *(nn.ReLU(), nn.Flatten(), nn.LazyLinear(num_features), nn.ReLU()),
        )

    def forward(self, obs: object, state: object = None, info: object = None) -> tuple[Tensor, object]:
        """Return the features ``[b, f]``, and the recurrent state, which is unused."""
        pixels = torch.as_tensor(obs).movedim(-1, 1)
        return self.layers(pixels.float() / 255), state


def normal(mean_and_std: tuple[Tensor, Tensor]) -> Distribution:
    """Return the distribution of a Box's actions."""
    return Independent(Normal(*mean_and_std), 1)


def make_algorithm(space: gym.spaces.Box, observation: object) -> PPO:
    """Build PPO; a first forward pass determines the sizes of the layers."""
    network = PixelNetwork()
    network(observation)
    actor = ContinuousActorProbabilistic(preprocess_net=network, action_shape=space.shape, unbounded=True)
    policy = ProbabilisticActorPolicy(actor=actor, dist_fn=normal, action_space=space)
    critic = ContinuousCritic(preprocess_net=network, apply_preprocess_net_to_obs_only=True)
    return PPO(policy=policy, critic=critic, optim=AdamOptimizerFactory(lr=3e-4))


if __name__ == "__main__":
    num_steps = int(sys.argv[2]) if len(sys.argv) > 2 else 4_096
    with tempfile.TemporaryDirectory() as scratch:
        world = sys.argv[1] if len(sys.argv) > 1 else train_small_world(scratch)
        envs = tianshou_vector_env(
            gym.make_vec(
                "vdworld/Dream-v0",
                num_envs=NUM_ENVS,
                world=world,
                max_episode_steps=50,
                autoreset_mode=gym.vector.AutoresetMode.DISABLED,
            )
        )
        envs.seed(0)
        algorithm = make_algorithm(envs.action_space[0], envs.reset()[0])
        collector = Collector[CollectStats](algorithm, envs, VectorReplayBuffer(1_024, NUM_ENVS))
        result = algorithm.run_training(
            OnPolicyTrainerParams(
                training_collector=collector,
                max_epochs=1,
                epoch_num_steps=num_steps,
                collection_step_num_env_steps=min(num_steps, 1_024),
                update_step_num_repetitions=4,
                show_progress=False,
                verbose=False,
            )
        )
        print(f"{result.timing.update_speed:.0f} dreamt steps per second, learning included")
        stats = collector.collect(n_episode=NUM_ENVS, reset_before_collect=True)
        print(f"The return of {stats.n_collected_episodes} dreamt episodes: {stats.returns.mean():.1f}")
