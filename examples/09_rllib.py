"""Learn a policy with RLlib's PPO, entirely in dreams; no adapter is needed.

    pip install vdworld "ray[rllib]"
    python examples/09_rllib.py [FOLDER OF A WORLD] [NUMBER OF ITERATIONS]

Without a folder, a small world is trained first, on 300 steps of Pendulum, in half a minute.

While it runs, Ray listens on every address of the machine, even with ``_node_ip_address="127.0.0.1"``. If others can
reach it, use a network namespace: ``unshare --map-root-user --net sh -c "ip link set lo up; python ..."``.
"""

# pyright: reportMissingImports=false
import sys
import tempfile

import gymnasium as gym
import numpy as np
import ray
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.connectors.env_to_module.observation_preprocessor import SingleAgentObservationPreprocessor
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

import vdworld


def train_small_world(folder: str) -> str:
    """Record and train just enough for a demonstration."""
    dataset = vdworld.record("Pendulum-v1", f"{folder}/data", num_steps=300, image_size=64)
    vdworld.train(dataset, max_minutes=0.5, output=f"{folder}/world")
    return f"{folder}/world"


class PixelsToFloats(SingleAgentObservationPreprocessor):
    """Convert uint8 pixels to the floats that RLlib's networks require."""

    def recompute_output_observation_space(
        self, input_observation_space: gym.Space, input_action_space: gym.Space
    ) -> gym.Space:
        """Return the space of preprocessed observations."""
        return gym.spaces.Box(0.0, 1.0, input_observation_space.shape, np.float32)

    def preprocess(self, observation: np.ndarray, episode: object = None) -> np.ndarray:
        """Scale one picture."""
        return observation.astype(np.float32) / 255


def make_config(world: str) -> PPOConfig:
    """Configure a small PPO on 64x64 pictures; the learner's process steps a batch of dreams."""
    config = PPOConfig()
    config.environment("vdworld:vdworld/Dream-v0", env_config={"world": world, "max_episode_steps": 50})
    config.env_runners(
        num_env_runners=0,
        num_envs_per_env_runner=8,
        gym_env_vectorize_mode="vector_entry_point",
        env_to_module_connector=lambda env, spaces=None, device=None: PixelsToFloats(),
    )
    config.training(train_batch_size_per_learner=512, minibatch_size=128, num_epochs=2)
    config.rl_module(
        model_config=DefaultModelConfig(
            conv_filters=[(16, 4, 2), (32, 4, 2), (64, 4, 2)], head_fcnet_hiddens=[64], vf_share_layers=True
        )
    )
    return config


if __name__ == "__main__":
    num_iterations = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as scratch:
        world = sys.argv[1] if len(sys.argv) > 1 else train_small_world(scratch)
        ray.init(num_cpus=1, include_dashboard=False)
        try:
            algorithm = make_config(world).build_algo()
            for iteration in range(num_iterations):
                runs = algorithm.train()["env_runners"]
                print(f"{iteration + 1}: {runs['num_env_steps_sampled_lifetime']:.0f} dreamt steps,", end=" ")
                print(f"{runs['num_episodes']:.0f} episodes of return {runs['episode_return_mean']:.1f}")
            algorithm.stop()
        finally:
            ray.shutdown()
