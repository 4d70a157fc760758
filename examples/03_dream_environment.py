"""Take random actions in a dream, and save its frames as dream.gif.

    python examples/03_dream_environment.py [FOLDER OF A WORLD]

Without a folder, a small world is trained first, on 300 steps of Pendulum, in half a minute.
"""

import sys
import tempfile

import gymnasium as gym
import imageio
import numpy as np

import vdworld


def train_small_world(folder: str) -> str:
    """Record and train just enough for a demonstration."""
    dataset = vdworld.record("Pendulum-v1", f"{folder}/data", num_steps=300, image_size=32)
    vdworld.train(dataset, max_minutes=0.5, output=f"{folder}/world")
    return f"{folder}/world"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        world = sys.argv[1] if len(sys.argv) > 1 else train_small_world(scratch)
        env = gym.make("vdworld/Dream-v0", world=world, max_episode_steps=50, render_mode="rgb_array")
        env.action_space.seed(0)
        env.reset(seed=0)
        frames, done = [env.render()], False
        while not done:
            observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
            print(f"reward {reward:8.3f}   continues with probability {info['continuation']:.3f}")
            frames, done = [*frames, env.render()], terminated or truncated
    enlarged = np.array(frames).repeat(6, axis=1).repeat(6, axis=2)
    imageio.mimsave("dream.gif", list(enlarged), duration=1000 / env.metadata["render_fps"], loop=0)
    print(f"dream.gif holds the {len(frames)} frames.")
