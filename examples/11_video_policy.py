"""Act by imagining a video to the goal and inferring its actions (UniPi, Du et al. 2023).

    pip install "vdworld[all]"
    python examples/11_video_policy.py [STEPS TO RECORD] [MINUTES TO TRAIN] [EPISODES TO PLAY]

PushT: move the T to its place in a goal image, which lies 8 steps ahead in a held-out recording. Two models are trained
on 6,000 recorded steps, for four minutes each: a video model, which imagines videos to a goal without actions, and a
world model. The video model and a small network that infers the action between two frames make a policy; the world
model serves a planner. Both are compared with random actions. All this takes ten to fifteen minutes on a laptop.
"""

import sys
import tempfile

import vdworld
from vdworld.agents import CrossEntropy, GoalImage, Planner, VideoPolicy
from vdworld.envs.tasks.pusht.contact_exploration import ContactExploration

GOAL_OFFSET, HORIZON = 8, 8


def compare(folder: str, num_steps: int, minutes: float, num_episodes: int) -> None:
    """Record, train, and evaluate all agents with the same goals."""
    dataset = vdworld.record(
        "gym_pusht/PushT-v0",
        f"{folder}/data",
        num_steps=num_steps,
        image_size=32,
        action_repeat=3,
        max_episode_steps=34,
        policy=ContactExploration(),
    )
    video = VideoPolicy.learn(
        dataset,
        goal_offset=GOAL_OFFSET,  # most steps from a frame to its goal in training
        horizon=HORIZON,  # frames of a video, half of which are executed before the next
        num_updates=1_000,  # of the network that infers actions
        max_minutes=minutes,
    )
    video.save_pretrained(f"{folder}/video_policy")  # VideoPolicy.from_pretrained loads it
    world = vdworld.train(dataset, max_minutes=minutes, output=f"{folder}/world")
    planner = Planner(world, CrossEntropy(horizon=HORIZON), GoalImage(background=world.background()))
    report = vdworld.evaluate(
        world,
        dataset,
        agents={"video": video, "planner": planner},
        num_episodes=num_episodes,
        goal_offset=GOAL_OFFSET,
        budget=2 * GOAL_OFFSET + 1,  # steps to reach a goal
    )
    print(report)


if __name__ == "__main__":  # recording starts processes that import this file
    values = [float(argument) for argument in sys.argv[1:]]
    num_steps, minutes, num_episodes = values + [6_000, 4, 30][len(values) :]
    with tempfile.TemporaryDirectory() as scratch:
        compare(scratch, int(num_steps), minutes, int(num_episodes))
