"""Print digests of what vdworld computes: training, dreams, environments, plans, policies and reports.

A change that must not alter behaviour prints the same lines before and after it, on the same machine.
``make same-bytes BASE=REVISION`` runs this file with an earlier revision and with the working tree, and compares.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from safetensors.torch import load_file

import vdworld
from vdworld.training import TrainerSettings

SIZE, SQUARE = 16, 4
MOVES = np.array([(0, 2), (2, 0), (0, -2), (-2, 0)])
STACKED = {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, "feature_dim": 64}
NETWORKS: dict[str, dict[str, Any]] = {
    "StackedUNet": STACKED,
    "VideoUNet": {"widths": (16, 16), "depth": 1, "coarse_depth": 1, "head_dim": 8, "feature_dim": 64},
    "Transformer": {"width": 32, "depth": 3, "head_dim": 8, "feature_dim": 64},
    "DiamondUNet": {"width": 8, "num_levels": 2, "depth": 1, "condition_dim": 32, "feature_dim": 64},
}
EDM = {"_target_": "vdworld.diffusion.EDM", "prediction": "edm"}
# Names of settings, the present one first; older revisions know the others.
CORRUPTION = {"corruption": ("blob_noise", "clip_mixup"), "hiding": ("stains", "ghosts")}


def digest(*values: Any) -> str:
    """Return a short hash of tensors, arrays and plain values."""
    state = hashlib.sha256()
    for value in values:
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().numpy()
        state.update(np.ascontiguousarray(value).tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return state.hexdigest()[:16]


def digest_all(tensors: dict[str, torch.Tensor]) -> str:
    """Return a short hash of tensors, whatever their names."""
    return digest(*sorted(digest(value) for value in tensors.values()))


def picture(place: np.ndarray) -> np.ndarray:
    """Draw the square at a place."""
    pixels = np.full((SIZE, SIZE, 3), 40, np.uint8)
    row, column = place
    pixels[row : row + SQUARE, column : column + SQUARE] = (250, 120, 30)
    return pixels


def dataset(path: Path, space: gym.Space) -> vdworld.Dataset:
    """Write episodes of a square that actions push about."""
    rng = np.random.default_rng(0)
    with vdworld.EpisodeWriter(path, fps=5, action_space=space) as writer:
        for _ in range(10):
            place, choices = rng.integers(0, SIZE - SQUARE + 1, 2), rng.integers(0, 4, 24)
            frames, rewards = [picture(place)], []
            for choice in choices:
                place = np.clip(place + MOVES[choice], 0, SIZE - SQUARE)
                frames.append(picture(place))
                rewards.append(place[1] / (SIZE - SQUARE))
            actions = choices if isinstance(space, gym.spaces.Discrete) else MOVES[choices].astype(np.float32)
            writer.add(np.stack(frames), actions, np.array(rewards), terminated=bool(place[0] == 0))
    return vdworld.load_dataset(path)


def everything_on() -> dict[str, Any]:
    """Return training settings with every part of the loss and every stage switched on."""
    fields = {field.name: field for field in dataclasses.fields(TrainerSettings)}
    name = next(name for name in CORRUPTION if name in fields)
    corruption, weights = fields[name].default_factory(), fields["weights"].default_factory()  # pyright: ignore
    shortcut, forcing = (fields[part].default_factory() for part in ("shortcut", "self_forcing"))  # pyright: ignore
    strengths = dict(zip(CORRUPTION[name], (0.1, 0.5), strict=True))
    shares = {"context_noise": 0.3, "action_dropout": 0.1, "history_dropout": 0.1}
    static = "static_l1" if hasattr(weights, "static_l1") else "still"
    return {
        name: dataclasses.replace(corruption, **shares, **strengths),
        "weights": dataclasses.replace(weights, **{static: 0.05}),
        "shortcut": dataclasses.replace(shortcut, share=0.25, after=0.2, finest=8),
        "self_forcing": dataclasses.replace(forcing, after=0.7, horizon=2),
        "unroll_after": 0.4,
    }


def trained(data: vdworld.Dataset, output: Path, network: str, **settings: Any) -> vdworld.WorldModel:
    """Train a small world for 20 steps."""
    description = {"_target_": f"vdworld.networks.{network}", "context_length": 2, **NETWORKS[network]}
    fixed: dict[str, Any] = {"max_steps": 20, "batch_size": 4, "precision": "float32", "num_rollout_gifs": 1}
    return vdworld.train(data, network=description, device="cpu", output=output, validate_every=10, **fixed | settings)


def show_world(name: str, world: vdworld.WorldModel, folder: Path) -> None:
    """Print what the checkpoint holds and what a dream shows."""
    for file in ("model", "starts"):
        tensors = load_file(folder / f"{file}.safetensors")
        print(f"{name} {file}", digest_all(tensors))
    state = world.sample_start(num_lanes=3, seed=7)
    actions = world.action_codec.decode(torch.linspace(-1, 1, 3 * 6 * world.action_codec.dim).reshape(3, 6, -1))
    for steps in (1, 2):
        rollout = world.rollout(state, actions, num_sampling_steps=steps, with_uncertainty=True)
        tensors = (rollout.frames, rollout.rewards, rollout.continuations, rollout.terminated, rollout.uncertainty)
        print(f"{name} dream in {steps}", digest(*tensors), digest_all(rollout.state.tensors()))
    again = vdworld.WorldModel.from_pretrained(folder)
    print(f"{name} loaded", digest(again.rollout(again.sample_start(2, seed=1), actions[:2]).frames))


def show_environments(folder: Path) -> None:
    """Print what the environments return."""
    env = gym.make("vdworld/Dream-v0", world=str(folder), max_episode_steps=8)
    env.action_space.seed(3)
    returned: list[Any] = [env.reset(seed=3)[0]]
    for _ in range(8):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        returned += [observation, reward, terminated, truncated]
        if terminated or truncated:
            returned.append(env.reset()[0])
    print("environment", digest(*returned))
    envs = gym.make_vec("vdworld/Dream-v0", num_envs=3, world=str(folder), max_episode_steps=5)
    envs.action_space.seed(3)
    returned = [envs.reset(seed=3)[0]]
    for _ in range(12):
        returned += list(envs.step(envs.action_space.sample())[:4])
    print("vector environment", digest(*returned))


def show_agents(data: vdworld.Dataset, world: vdworld.WorldModel, folder: Path) -> None:
    """Print what planners choose, and what policies learn."""
    agents, lanes = vdworld.agents, 2
    frames = world.sample_start(lanes, seed=2).frames
    context = (frames, torch.zeros(lanes, frames.shape[1] - 1, 2))
    for method in (agents.CrossEntropy, agents.ICEM, agents.MPPI, agents.RandomShooting):
        planner = agents.Planner(world, method(horizon=3, num_candidates=16), agents.Return())
        planner.reset(seed=5, context=context)
        print(f"planner {method.__name__}", digest(planner.act(frames[:, -1])))
    mode = gym.vector.AutoresetMode.SAME_STEP
    settings = {"world": str(folder), "max_episode_steps": 6, "output": "torch", "autoreset_mode": mode}
    envs = gym.make_vec("vdworld/Dream-v0", num_envs=4, **settings)
    learnt = agents.ActorCritic.learn(envs, num_steps=256, hidden_dim=32, device="cpu", seed=1)
    print("actor-critic", digest_all(learnt.network.state_dict()))
    cloned = agents.BehaviourCloning.learn(data, num_updates=5, horizon=6, hidden_dim=32, device="cpu", seed=1)
    print("clone", digest_all(cloned.network.state_dict()))


def show_recording(folder: Path) -> None:
    """Print what is recorded of a real environment."""
    data = vdworld.record("vdworld/Bounce-v0", folder, num_steps=120, num_envs=1, seed=4)
    episodes = [data[i] for i in range(len(data))]
    for name in ("frames", "actions", "rewards"):
        values = [getattr(episode, name) for episode in episodes]
        parts = [part for value in values for part in (value.values() if isinstance(value, dict) else [value])]
        print(f"recorded {name}", digest(*parts))


def main(folder: Path) -> None:
    """Print one line per digest."""
    torch.set_num_threads(1)
    choices = dataset(folder / "choices", gym.spaces.Discrete(4))
    moves = dataset(folder / "moves", gym.spaces.Box(-2, 2, (2,), np.float32))
    worlds = {}
    for network in NETWORKS:
        process = {"process": EDM} if network == "DiamondUNet" else {}
        worlds[network] = trained(choices, folder / network, network, **process)
        show_world(network, worlds[network], folder / network)
    full = trained(choices, folder / "full", "StackedUNet", **everything_on())
    show_world("all settings", full, folder / "full")
    stages = {name: value for name, value in everything_on().items() if name != "shortcut"}
    video = trained(moves, folder / "video", "VideoUNet", **stages)
    show_world("all settings, video", video, folder / "video")
    box = trained(moves, folder / "box", "StackedUNet")
    show_world("Box actions", box, folder / "box")
    show_environments(folder / "StackedUNet")
    show_environments(folder / "box")
    report = vdworld.evaluate(worlds["StackedUNet"], choices, steps=[1, 5], num_clips=8, drift_steps=16, progress=False)
    assert report.drift is not None
    intervals = [report.prediction.interval(name, 5) for name in ("psnr", "moving_psnr", "copy_psnr")]
    print("report", digest(report.prediction.windows, intervals), digest(*report.drift.statistics.values()))
    show_agents(moves, box, folder / "box")
    show_recording(folder / "bounce")


def digests_of(source: Path) -> list[str]:
    """Return the lines that this file prints with the package below `source`, in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve())]
    environment = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, env=environment, cwd=source, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"{source} failed:\n{run.stderr[-2_000:]}")
    return run.stdout.splitlines()


def compare(revision: str) -> int:
    """Compare the working tree with an earlier revision, print the lines that differ, and return the exit code."""
    here = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as scratch:
        before = Path(scratch) / "before"
        git = ["git", "-C", str(here), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(before), revision], check=True)
        try:
            old, new = digests_of(before), digests_of(here)
        finally:
            subprocess.run([*git, "remove", "--force", str(before)], check=True)
    differences = list(difflib.unified_diff(old, new, revision, "working tree", lineterm="", n=0))
    print("\n".join(differences) or f"{len(new)} digests, all as at {revision}.")
    return 1 if differences else 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(compare(sys.argv[1]))
    with tempfile.TemporaryDirectory() as scratch:
        main(Path(scratch))
