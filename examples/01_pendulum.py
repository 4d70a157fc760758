"""Record an environment, train a world model on it, act in the model, and evaluate it, in about two minutes.

Replace the id by that of any other Gymnasium environment to use your own.
"""

import gymnasium as gym

import vdworld

if __name__ == "__main__":  # recording starts processes that import this file
    dataset = vdworld.record("Pendulum-v1", "runs/pendulum/data", num_steps=3_000, image_size=32)
    world = vdworld.train(dataset, preset="tiny", max_minutes=1, output="runs/pendulum/world")

    env = gym.make("vdworld/Dream-v0", world="runs/pendulum/world", max_episode_steps=50)
    observation, info = env.reset(seed=0)
    imagined_return, done = 0.0, False
    while not done:
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        imagined_return, done = imagined_return + float(reward), terminated or truncated
    print(f"The imagined return of 50 random actions: {imagined_return:.1f}")

    print(vdworld.evaluate(world, dataset, output="runs/pendulum/report"))
