"""Act by imagining: a video to the goal, and the actions read off it (UniPi, Du et al. 2023).

    pip install "vdworld[all]"
    python examples/11_video_policy.py [STEPS TO RECORD] [MINUTES TO TRAIN] [EPISODES TO PLAY]

PushT: bring the T to where it is in an image, 8 steps ahead in a held-out recording. Two models are learnt from 6,000
recorded steps, in four minutes each: one that imagines videos to a goal and knows no actions, and a world that knows
them. The first makes a policy, with a small network that tells which action led from one frame to the next; the second
is what a planner searches in. Both play beside random actions; the whole takes ten to fifteen minutes on a laptop.
"""

import sys
import tempfile

import vdworld
from vdworld.agents import CrossEntropy, GoalImage, Planner, VideoPolicy
from vdworld.envs.tasks.pusht.contact_exploration import ContactExploration

GOAL_OFFSET, HORIZON = 8, 8


def compare(folder: str, num_steps: int, minutes: float, num_episodes: int) -> None:
    """Record, learn, and let all agents reach for the same goals."""
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
        goal_offset=GOAL_OFFSET,  # how far apart frames and goals lie in training
        horizon=HORIZON,  # frames of a video, of which half are acted out before the next
        num_updates=1_000,  # of the network that reads actions off frames
        max_minutes=minutes,
    )
    video.save_pretrained(f"{folder}/video_policy")  # VideoPolicy.from_pretrained reads it back
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


if __name__ == "__main__":  # recording starts processes, which import this file
    given = [float(argument) for argument in sys.argv[1:]]
    num_steps, minutes, num_episodes = given + [6_000, 4, 30][len(given) :]
    with tempfile.TemporaryDirectory() as scratch:
        compare(scratch, int(num_steps), minutes, int(num_episodes))
