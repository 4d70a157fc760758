"""Learn a game while playing it: act, record, train a world, learn in its dreams, and repeat.

    pip install "vdworld[all]"
    python examples/12_learn_online.py [FOLDER] [REAL STEPS]

The game is to keep a ball in play. Every round plays 1,000 steps, trains the world on all steps so far, trains the
policy on ten times as many dreamt steps, and evaluates it in 30 new games. A second call with the same folder resumes
an interrupted run. It takes half an hour on a laptop.
"""

import sys
import tempfile

import vdworld


def learn(folder: str, num_real_steps: int) -> None:
    """Learn, and print how the return grows with the number of real steps."""
    result = vdworld.online.learn_online(
        "vdworld/Bounce-v0",
        folder,
        rounds=vdworld.online.Rounds(
            num_real_steps=num_real_steps,
            num_first_real_steps=min(2_000, num_real_steps),
            num_first_world_steps=max(num_real_steps // 20, 10),
            num_round_world_steps=100,
            num_first_dream_steps=num_real_steps // 2,
        ),
        training={
            "decay_fraction": 0.0,  # no round knows whether it is the last
            "shortcut": vdworld.training.Shortcut(share=0.25),
            "sampling": {"num_steps": 1},
        },
        dreams={"num_envs": 16, "max_episode_steps": 50, "uncertainty_limit": 0.99},
        learning={"hidden_dim": 128, "recurrent": False, "learning_rate": 1e-3},
        playing={"num_episodes": 30, "max_steps": 200},
        on_round_end=lambda done: print(
            f"round {done.number}: {done.real_steps:,} real steps, return {done.real_return}"
        ),
    )
    print(result)


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()
    learn(folder, int(sys.argv[2]) if len(sys.argv) > 2 else 10_000)
