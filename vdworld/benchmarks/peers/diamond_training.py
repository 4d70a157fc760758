"""Train DIAMOND's denoiser on our clips with its own loss, optimiser and warm-up, for a given time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from vdworld.benchmarks.peers.diamond import DiamondWorld
from vdworld.benchmarks.peers.diamond_code import CONTEXT_LENGTH
from vdworld.benchmarks.peers.foreign import random_stream
from vdworld.data import Clips, ClipSampler, Dataset
from vdworld.extras import require
from vdworld.training.calibration import longest_episode

# As in the section `denoiser` of its config/trainer.yaml; a test compares them with a checkout's.
OPTIMIZER = {"lr": 1e-4, "weight_decay": 1e-2, "eps": 1e-8}
BATCH_SIZE, NUM_AUTOREGRESSIVE_STEPS, WARMUP_STEPS, MAX_GRADIENT_NORM = 32, 1, 100, 1.0
HORIZON = 1 + NUM_AUTOREGRESSIVE_STEPS


def train_diamond(
    world: DiamondWorld, dataset: Dataset, *, minutes: float, seed: int = 0, progress: bool = True
) -> None:
    """Train on the dataset's ``train`` split for some minutes of wall-clock time, and fill ``world.training_info``.

    Every clip has two target frames; the second is predicted from the denoiser's own estimate of the first.

    Args:
        world: The world in training.
        dataset: Recorded episodes. Decoding them does not count as training time.
        minutes: Training ends with the first step that finishes after this time.
        seed: Decides clips and noise.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: `minutes` is not positive, or the episodes are too short.
    """
    if minutes <= 0:
        raise ValueError(f"`minutes` must be positive, got {minutes}.")
    train_split = dataset.split("train")
    if (longest := longest_episode(train_split)) < HORIZON:
        raise ValueError(f"`dataset` must hold a training episode of {HORIZON} steps, the longest has {longest}.")
    clips = ClipSampler(train_split, context_length=CONTEXT_LENGTH, horizon=HORIZON, cameras=world.cameras)
    rng, steps, passed = torch.Generator().manual_seed(seed), 0, 0.0
    update = _updates(world)
    bar = require("tqdm", "all").tqdm(total=100.0, desc="train DIAMOND", disable=not progress)
    with random_stream(seed, world.device), bar:
        began = time.monotonic()
        while passed < 60 * minutes:
            update(clips.sample(BATCH_SIZE, rng))
            steps, passed = steps + 1, time.monotonic() - began
            bar.update(min(100 * passed / (60 * minutes), 100) - bar.n)
    world.denoiser.eval()
    world.training_info = {
        "model": "DIAMOND",
        "commit": world.code.commit,
        "dataset": {"episodes": len(train_split), "steps": train_split.num_steps},
        "steps": steps,
        "minutes": round(passed / 60, 2),
        "frames_per_second": steps * BATCH_SIZE * HORIZON / passed,
        "seed": seed,
        "settings": {"max_minutes": minutes, "batch_size": BATCH_SIZE, "horizon": HORIZON, **OPTIMIZER},
    }


def training_batch(world: DiamondWorld, clips: Clips) -> Any:
    """Return clips as the checkout's own ``Batch``; frames outside an episode are zeros, as in its padding."""
    frames = clips.frames.to(world.device).float().div(127.5).sub(1.0)
    targets = clips.target_mask
    before = clips.action_mask[:, : -targets.shape[1]]
    real = torch.cat([before, torch.ones_like(targets[:, :1]), targets], dim=1).to(world.device)
    return world.code.batch(
        obs=frames * real[..., None, None, None],
        act=world.network_actions(clips.actions, clips.action_mask),
        rew=clips.rewards,
        end=clips.terminated,
        trunc=torch.zeros_like(clips.terminated),
        mask_padding=real,
        info=[],
        segment_ids=[],
    )


def _updates(world: DiamondWorld) -> Callable[[Clips], None]:
    """Return a function that takes one optimiser step on clips."""
    denoiser, utils = world.denoiser.train(), world.code.utils
    optimizer = utils.configure_opt(denoiser, **OPTIMIZER)
    schedule = utils.get_lr_sched(optimizer, WARMUP_STEPS)

    def update(clips: Clips) -> None:
        loss, _ = denoiser(training_batch(world, clips))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(denoiser.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()

    return update
