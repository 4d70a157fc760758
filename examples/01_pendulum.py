"""Record an environment, learn to dream it, act in the dream, and measure how good it is: about two minutes.

Change the id to another one that Gymnasium knows, and it is your own environment.
"""

import gymnasium as gym

import vdworld

if __name__ == "__main__":  # recording starts processes, which import this file
    dataset = vdworld.record("Pendulum-v1", "runs/pendulum/data", num_steps=3_000, image_size=32)
    world = vdworld.train(dataset, preset="tiny", max_minutes=1, output="runs/pendulum/world")

    env = gym.make("vdworld/Dream-v0", world="runs/pendulum/world", max_episode_steps=50)
    observation, info = env.reset(seed=0)
    imagined_return, done = 0.0, False
    while not done:
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        imagined_return, done = imagined_return + float(reward), terminated or truncated
    print(f"The return of 50 random actions, as imagined: {imagined_return:.1f}")

    print(vdworld.evaluate(world, dataset, output="runs/pendulum/report"))
