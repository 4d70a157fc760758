"""Short windows of recorded episodes, sampled from memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from vdworld.data.dataset import Dataset
from vdworld.data.frame_cache import check_memory, decode_into


@dataclass
class Clips:
    """A batch of b windows: K context frames, then H target frames.

    Args:
        frames: uint8 ``[b, K+H, c, h, w]``, c = 3 per camera; before an episode's start its first frame is repeated.
        actions: float32 ``[b, K+H-1, n]``, flat, in the environment's units; ``actions[:, i]`` leads from
            ``frames[:, i]`` to ``frames[:, i+1]``. Zero where there was no action.
        action_mask: bool ``[b, K+H-1]``; False where there was no action.
        rewards: float32 ``[b, H]``, of the transitions into the target frames; zero if the dataset has none.
        terminated: bool ``[b, H]``, likewise.
        readings: float32 ``[b, H, d]``, what was read beside the target frames; NaN where nothing was.
        episodes: int64 ``[b]``, the episode's number in the folder.
        steps: int64 ``[b]``, the place t of the last context frame in its episode.
    """

    frames: Tensor
    actions: Tensor
    action_mask: Tensor
    rewards: Tensor
    terminated: Tensor
    readings: Tensor
    episodes: Tensor
    steps: Tensor

    def __len__(self) -> int:
        return len(self.frames)


@runtime_checkable
class ClipSource(Protocol):
    """Where a trainer's clips come from.

    Attributes:
        context_length: Context frames K.
    """

    context_length: int

    def sample(self, batch_size: int, rng: torch.Generator) -> Clips:
        """Draw clips; the CPU generator decides which."""
        ...


class ClipSampler:
    """Sample clips from episodes that are decoded once and kept in memory as uint8.

    A clip lies within one episode. Its last context frame t runs over 0 to T - H, so the targets never pass the end;
    episodes with fewer than H transitions are left out.

    Args:
        dataset: The episodes, usually one split.
        context_length: Context frames K, at least 1.
        horizon: Target frames H, at least 1.
        image_size: Height and width to resize to, by area; the dataset's own by default.
        cameras: Which cameras, in the order in which their channels are stacked; all by default.
        readings: Which of ``dataset.readings``, one after the other.

    Attributes:
        frames: All frames of the episodes that are long enough, one after the other, uint8 ``[N, c, h, w]``.
        episodes: Their numbers in the folder.

    Raises:
        ValueError: No episode is long enough, or a camera or reading is unknown.
        MemoryError: The frames need more memory than is free; the message says which size would fit.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        context_length: int,
        horizon: int,
        image_size: tuple[int, int] | None = None,
        cameras: Sequence[str] | None = None,
        readings: Sequence[str] = (),
    ) -> None:
        for name, value in (("context_length", context_length), ("horizon", horizon)):
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1, got {value}.")
        self.context_length = context_length
        self.horizon = horizon
        self.cameras = tuple(dataset.cameras if cameras is None else cameras)
        self.readings = tuple(readings)
        self.image_size = dataset.image_size if image_size is None else image_size
        unknown = [camera for camera in self.cameras if camera not in dataset.cameras]
        if unknown or not self.cameras:
            raise ValueError(f"`cameras` must be among {list(dataset.cameras)}, got {list(self.cameras)}.")
        if missing := [name for name in self.readings if name not in dataset.readings]:
            raise ValueError(f"`readings` must be among {list(dataset.readings)}, got {missing}.")
        positions = [i for i, entry in enumerate(dataset.entries) if entry.length > horizon]
        if not positions:
            raise ValueError(
                f"`horizon` must be at most the longest episode's number of transitions, got {horizon} for {dataset}. "
                "Ask for a shorter horizon, or record longer episodes."
            )
        self._read_transitions(dataset, positions)
        self.frames = self._read_frames(dataset, positions)

    def __len__(self) -> int:
        """Return the number of different clips."""
        return len(self._windows)

    def sample(self, batch_size: int, rng: torch.Generator) -> Clips:
        """Draw clips, each of all windows with the same probability.

        Args:
            batch_size: How many.
            rng: The CPU generator that decides which.
        """
        return self._gather(self._windows[torch.randint(len(self), (batch_size,), generator=rng)])

    def windows(self) -> tuple[Tensor, Tensor]:
        """Return the episode number and the step t of every clip, int64 ``[len(self)]`` each."""
        owner = self._owner[self._windows]
        return self.episodes[owner], self._windows - self._first[owner]

    def at(self, episodes: Sequence[int] | Tensor, steps: Sequence[int] | Tensor) -> Clips:
        """Return chosen clips.

        Args:
            episodes: Numbers of the episodes in the folder.
            steps: Place t of the last context frame in each.

        Raises:
            ValueError: An episode is not here, or a step leaves no room for the targets.
        """
        wanted, times = torch.as_tensor(episodes), torch.as_tensor(steps)
        owner = torch.searchsorted(self.episodes, wanted).clamp(max=len(self.episodes) - 1)
        if not torch.equal(self.episodes[owner], wanted):
            raise ValueError(f"`episodes` must be among {self.episodes.tolist()}, got {wanted.tolist()}.")
        last = self._num_rows[owner] - 1 - self.horizon
        if ((times < 0) | (times > last)).any():
            raise ValueError(f"`steps` must lie in 0 to {last.tolist()} for these episodes, got {times.tolist()}.")
        return self._gather(self._first[owner] + times)

    def _gather(self, now: Tensor) -> Clips:
        """Cut out the windows whose last context frames are the rows ``now`` ``[b]``."""
        owner = self._owner[now]
        first = self._first[owner][:, None]
        rows = now[:, None] + torch.arange(1 - self.context_length, self.horizon + 1)  # [b, K+H]
        action_mask = rows[:, :-1] >= first
        rows = torch.maximum(rows, first)
        frames = self.frames.index_select(0, rows.ravel()).unflatten(0, rows.shape)
        leading = rows[:, :-1]
        targets = leading[:, self.context_length - 1 :]
        return Clips(
            frames=frames,
            actions=self._actions[leading] * action_mask[..., None],
            action_mask=action_mask,
            rewards=self._rewards[targets],
            terminated=self._terminated[targets],
            readings=self._readings[rows[:, self.context_length :]],
            episodes=self.episodes[owner],
            steps=now - first[:, 0],
        )

    def _read_transitions(self, dataset: Dataset, positions: Sequence[int]) -> None:
        """Lay all episodes out in rows, one per frame; the row after an episode's last action is zero."""
        parts = [dataset.transitions(i) for i in positions]
        num_rows = [len(part) + 1 for part in parts]
        self.episodes = torch.tensor([part.index for part in parts])
        self._num_rows = torch.tensor(num_rows)
        self._first = torch.tensor([0, *np.cumsum(num_rows)[:-1]])
        self._owner = torch.repeat_interleave(torch.arange(len(parts)), self._num_rows)
        rewards = [np.zeros(len(p), np.float32) if p.rewards is None else p.rewards for p in parts]
        self._actions = _rows([part.actions for part in parts])
        self._rewards = _rows(rewards)
        self._terminated = _rows([part.terminated for part in parts])
        lines = [[part.state[name] for name in self.readings] for part in parts]
        empty = np.zeros((len(self._owner), 0), np.float32)
        read = np.concatenate([np.concatenate(line, axis=1) for line in lines]) if self.readings else empty
        self._readings = torch.from_numpy(read.astype(np.float32))
        row = torch.arange(len(self._owner)) - self._first[self._owner]
        self._windows = torch.nonzero(row < self._num_rows[self._owner] - self.horizon)[:, 0]

    def _read_frames(self, dataset: Dataset, positions: Sequence[int]) -> Tensor:
        entries = [dataset.entries[i] for i in positions]
        shape = (len(self._owner), 3 * len(self.cameras), *self.image_size)
        check_memory(shape)
        frames = torch.empty(shape, dtype=torch.uint8)
        for i, camera in enumerate(self.cameras):
            decode_into(frames.numpy()[:, 3 * i : 3 * i + 3], dataset.layout, entries, dataset.layout.cameras[camera])
        return frames


def _rows(parts: Sequence[np.ndarray]) -> Tensor:
    """Join arrays ``[T, ...]`` of episodes, with a row of zeros after each."""
    return torch.from_numpy(np.concatenate([np.concatenate([part, np.zeros_like(part[:1])]) for part in parts]))
