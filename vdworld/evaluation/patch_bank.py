"""Patches of recorded motion, with which the moving patches of imagined frames are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from vdworld.data import ClipSampler, Dataset
from vdworld.data.windows import draw_evenly, usable_steps
from vdworld.evaluation.reference_clips import some_episodes
from vdworld.evaluation.world_protocol import World
from vdworld.metrics import cut_patches, draw_pixels, moving_pixels, nearest_distance
from vdworld.metrics.frame_metrics import DATA_RANGE

PATCHES_PER_FRAME = 32
"""The most patches of a frame of one camera that are compared."""

GREY_LEVEL = DATA_RANGE / 255
"""Distances below one grey level count as one: nobody sees them, and a ratio to a perfect copy would be infinite."""

_SPANS = (1, 5, 12)  # recorded steps within which the pixels of the bank moved
_BANK_SIZE = 30_000  # patches per camera: with fewer, even real frames are so far from them that smears look alike
_BANKED_PER_FRAME = 64
_MAX_FRAMES, _MAX_STARTS = 4_000, 256  # larger datasets are sampled
_BATCH_SIZE = 32


@dataclass(frozen=True)
class PatchBank:
    """Recorded patches around pixels that moved.

    Args:
        patches: The patches of each camera ``[k, d]``, floats in [-1, 1]; none where nothing moved.
        seed: Seeds the pixels at which imagined frames are compared.
    """

    patches: tuple[Tensor, ...]
    seed: int

    def score(self, predicted: Tensor, real: Tensor, last: Tensor, steps: Sequence[int]) -> dict[str, np.ndarray]:
        """Return the mean distance of moving patches to the nearest recorded ones, of imagined and of real frames.

        Both are cut at the same pixels: those where either frame differs from the last context frame.

        Args:
            predicted: Imagined frames ``[b, h, c, H, W]``, 3 channels per camera.
            real: The recorded frames of the same steps.
            last: The last context frame ``[b, 1, c, H, W]``.
            steps: The steps to score; 1 is the first.

        Returns:
            ``patch_distance`` and ``real_patch_distance`` ``[b, h]``, in the units of frames. NaN at other steps, where
            nothing moves, and if no recorded pixel moved.
        """
        shape = predicted.shape[:2]
        names = ("patch_distance", "real_patch_distance")
        scores = {name: torch.full(shape, torch.nan) for name in names}
        for step in steps:
            pair = predicted[:, step - 1].clamp(-1, 1), real[:, step - 1]
            distances, clips = self._distances(pair, last[:, 0])
            counts = torch.bincount(clips, minlength=shape[0])
            for name, values in zip(names, distances, strict=True):
                sums = torch.zeros(shape[0]).index_add(0, clips, values)
                scores[name][:, step - 1] = sums / counts  # 0 / 0 is the documented NaN
        return {name: values.numpy() for name, values in scores.items()}

    def _distances(self, pair: tuple[Tensor, Tensor], last: Tensor) -> tuple[Tensor, Tensor]:
        """Return the distances of both frames' patches ``[2, m]`` and the clip of each ``[m]``, over all cameras."""
        distances, clips = [torch.zeros(2, 0)], [torch.zeros(0, dtype=torch.int64)]
        cameras = (frames.chunk(len(self.patches), dim=1) for frames in (*pair, last))
        for bank, predicted, real, before in zip(self.patches, *cameras, strict=True):
            if not len(bank):
                continue  # nothing was recorded moving, so there is nothing to compare with
            moving = moving_pixels(predicted, before) | moving_pixels(real, before)
            # one seed for every frame, so that worlds are compared at the same places however clips are batched
            pixels = draw_pixels(moving, PATCHES_PER_FRAME, torch.Generator().manual_seed(self.seed))
            both = [nearest_distance(cut_patches(frames, pixels), bank) for frames in (predicted, real)]
            distances.append(torch.stack(both).clamp(min=GREY_LEVEL))
            clips.append(pixels[:, 0])
        return torch.cat(distances, dim=1), torch.cat(clips)


def record_patches(world: World, recorded: Dataset, excluded: Dataset, seed: int) -> PatchBank | None:
    """Return patches around pixels that moved within 1, 5 and 12 recorded steps; None if there is no recording.

    Args:
        world: Its cameras and image size are those of the patches.
        recorded: Episodes, of which a large dataset is sampled.
        excluded: Episodes from which no patch is taken, because the world is measured on them.
        seed: Seeds all sampling.
    """
    rng = np.random.default_rng(seed)
    episodes = some_episodes(_without(recorded, excluded), _MAX_FRAMES, rng)
    ranges = usable_steps(episodes, past=0, future=1)
    starts = np.array(list(islice(draw_evenly(ranges, rng), _MAX_STARTS)))
    if not len(starts):
        return None
    view = {"image_size": world.image_size, "cameras": world.cameras}
    sampler = ClipSampler(episodes, context_length=1, horizon=max(_SPANS), **view)
    generator = torch.Generator().manual_seed(seed)
    parts: list[list[Tensor]] = [[] for _ in world.cameras]
    for batch in torch.from_numpy(starts).split(_BATCH_SIZE):
        frames = sampler.at(*batch.T.contiguous(), padded=True).frames
        first, *later = (frames[:, step].float().div(127.5).sub(1.0) for step in (0, *_SPANS))
        for after in later:
            cameras = (part.chunk(len(parts), dim=1) for part in (after, first))
            for patches, now, before in zip(parts, *cameras, strict=True):
                pixels = draw_pixels(moving_pixels(now, before), _BANKED_PER_FRAME, generator)
                patches.append(cut_patches(now, pixels))
    return PatchBank(tuple(_some_rows(torch.cat(patches), generator) for patches in parts), seed)


def _without(dataset: Dataset, excluded: Dataset) -> Dataset:
    """Return the episodes of a dataset that another dataset does not hold."""
    if dataset.path.resolve() != excluded.path.resolve():
        return dataset
    held = {entry.index for entry in excluded.entries}
    return Dataset(dataset.layout, [entry for entry in dataset.entries if entry.index not in held])


def _some_rows(patches: Tensor, generator: torch.Generator) -> Tensor:
    return patches[torch.randperm(len(patches), generator=generator)[:_BANK_SIZE]]
