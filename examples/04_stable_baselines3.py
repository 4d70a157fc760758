"""Train PPO of Stable-Baselines3 to push a T, in the real environment or in dreams of it.

    python examples/04_stable_baselines3.py --env real
    python examples/04_stable_baselines3.py --env FOLDER_OF_A_WORLD

Nothing else changes. Without --env, a small world is trained first, on 300 steps, in half a minute. SB3's CnnPolicy
requires frames of at least 36x36 pixels. Needs stable-baselines3 and gym-pusht.
"""

import argparse
import sys
import tempfile

import gymnasium as gym
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecMonitor

import vdworld
from vdworld.envs.integrations.stable_baselines3 import VecEnvAdapter

PUSHT, SIZE, SMALLEST = "gym_pusht/PushT-v0", 64, 36


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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", help='"real", or the folder of a world')
    parser.add_argument("--num-envs", type=int, default=8)
    parser.add_argument("--num-steps", type=int, default=20_000, help="steps, summed over the environments")
    parser.add_argument("--rollout", type=int, default=32, help="steps of each environment between two updates")
    parser.add_argument("--output", default="ppo.zip")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        envs = make_envs(arguments.env or train_small_world(scratch), arguments.num_envs, max_episode_steps=50)
        space = envs.single_observation_space
        if min((space.shape or (0,))[:2]) < SMALLEST:
            sys.exit(f"CnnPolicy requires frames of at least {SMALLEST}x{SMALLEST} pixels, got {space}.")
        vec_env = VecMonitor(VecEnvAdapter(envs))
        model = PPO("CnnPolicy", vec_env, n_steps=arguments.rollout, batch_size=64, verbose=1, seed=0)
        model.learn(arguments.num_steps)
    model.save(arguments.output)
    print(f"Saved the policy as {arguments.output}. vdworld.evaluate takes PPO.load({arguments.output!r}) as an agent.")
