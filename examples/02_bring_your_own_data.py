"""Write your own recordings as a dataset, with one call of ``add`` per episode. Runs offline, in seconds."""

import tempfile
from pathlib import Path

import numpy as np

import vdworld

folder = Path(tempfile.mkdtemp()) / "my_robot"
rng = np.random.default_rng(0)

with vdworld.EpisodeWriter(folder, fps=10, task="move the square") as writer:
    for _ in range(20):
        # Put your own recording here. T actions need T + 1 frames: one before each action and one after the last.
        actions = rng.uniform(-3, 3, size=(50, 2))
        path = np.clip(np.cumsum(np.vstack([[24, 24], actions]), axis=0), 0, 55).astype(int)
        frames = np.full((51, 64, 64, 3), 255, dtype=np.uint8)
        for frame, (x, y) in zip(frames, path, strict=True):
            frame[y : y + 9, x : x + 9] = (200, 60, 40)
        writer.add(frames, actions, rewards=-np.abs(path[1:] - 24).sum(axis=1), state={"position": path})

dataset = vdworld.load_dataset(folder)
print(dataset)
print("train:", len(dataset.split("train")), "episodes, held out:", len(dataset.split("test")))
episode = dataset[0]
print("frames", episode.frames["image"].shape, "actions", episode.actions.shape, "state", list(episode.state))
