"""Clips: short windows of recorded episodes, sampled from frames that are kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from vdworld.data.dataset import Dataset
from vdworld.data.frame_cache import check_memory, decode_into
from vdworld.data.windows import draw_evenly


@dataclass
class Clips:
    """A batch of b clips, each with K context frames followed by H target frames.

    A clip may reach beyond its episode. What lies outside is padding, from which nothing may be learnt.

    Args:
        frames: uint8 ``[b, K+H, c, h, w]``, c = 3 per camera. Padding repeats the episode's first or last frame.
        actions: float32 ``[b, K+H-1, n]``, flat, in the environment's units; ``actions[:, i]`` leads from
            ``frames[:, i]`` to ``frames[:, i+1]``. Zero outside the episode.
        action_mask: bool ``[b, K+H-1]``; False outside the episode.
        rewards: float32 ``[b, H]``, rewards of the transitions to the target frames; zero if the dataset has none.
        terminated: bool ``[b, H]``, whether these transitions terminated the episode.
        readings: float32 ``[b, H, d]``, readings at the target frames; NaN where there was no value.
        episodes: int64 ``[b]``, the number of the episode in the folder.
        steps: int64 ``[b]``, the index t of the last context frame in its episode.
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

    @property
    def target_mask(self) -> Tensor:
        """Which target frames belong to the episode, bool ``[b, H]``; the others are padding."""
        return self.action_mask[:, -self.rewards.shape[1] :]


@runtime_checkable
class ClipSource(Protocol):
    """A source of clips for training.

    Attributes:
        context_length: The number of context frames K.
    """

    context_length: int

    def sample(self, batch_size: int, rng: torch.Generator, place: int | Tensor = 0) -> Clips:
        """Return clips around random transitions, drawn uniformly; see ``ClipSampler.sample``."""
        ...


class ClipSampler:
    """Sample clips from episodes, which are decoded once and kept in memory as uint8.

    A clip is within one episode. There is one for every transition, which leads to its first target frame; later
    targets beyond the episode's end are padding (see ``Clips``).

    Args:
        dataset: The episodes, usually one split.
        context_length: The number of context frames K, at least 1.
        horizon: The number of target frames H, at least 1.
        image_size: Height and width of the frames, resized by area; by default the dataset's own.
        cameras: The cameras whose channels are stacked, in this order; by default all.
        readings: The readings to return, among ``dataset.readings``; they are concatenated in this order.

    Attributes:
        frames: All frames of the episodes, in their order, uint8 ``[N, c, h, w]``.
        episodes: The numbers of these episodes in the folder.

    Raises:
        ValueError: There is no transition, or a camera or reading is unknown.
        MemoryError: The frames need more memory than is free; the message gives a size that fits.
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
        positions = [i for i, entry in enumerate(dataset.entries) if entry.length > 1]
        if not positions:
            raise ValueError(f"`dataset` must hold a transition, got {dataset}. Record episodes.")
        self._read_transitions(dataset, positions)
        self.frames = self._read_frames(dataset, positions)

    def __len__(self) -> int:
        """Return the number of transitions, each of which is the first target of a clip."""
        return len(self._transitions)

    def sample(self, batch_size: int, rng: torch.Generator, place: int | Tensor = 0) -> Clips:
        """Return clips around random transitions, drawn uniformly.

        Whatever `place` is, every transition is equally likely there. So training counts the first and last ones of an
        episode as often as the others if it draws clips by the target that it trains.

        Args:
            batch_size: The number of clips.
            rng: A CPU generator.
            place: Which target of a clip the drawn transition leads to, one for all clips or one each ``[b]``. 0 is the
                first target; negative places are frames of the context, -1 its last.
        """
        transitions = self._transitions[torch.randint(len(self), (batch_size,), generator=rng)]
        return self._gather(self._owner[transitions], transitions - place)

    def spread(self, num_clips: int, rng: torch.Generator, *, whole: bool = False) -> Clips:
        """Return different clips, drawn evenly over episodes; fewer if there are fewer.

        Args:
            num_clips: The number of clips.
            rng: A CPU generator.
            whole: Whether all targets are in the episode.
        """
        num_inside = self._num_inside(padded=not whole)
        lengths = zip(self.episodes.tolist(), self._num_rows.tolist(), strict=True)
        ranges = {episode: range(num_rows - num_inside) for episode, num_rows in lengths}
        seed = int(torch.randint(2**62, (), generator=rng))
        pairs = list(islice(draw_evenly(ranges, np.random.default_rng(seed)), num_clips))
        return self.at(*torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T.contiguous(), padded=True)

    def windows(self, *, padded: bool = False) -> tuple[Tensor, Tensor]:
        """Return the episode number and the step t of every clip, int64 ``[n]`` each.

        Args:
            padded: Whether targets may lie beyond an episode's end. If not, clips are whole.
        """
        room = self._num_rows[self._owner] - 1 - self._num_inside(padded)
        rows = torch.arange(len(self._owner))
        steps = rows - self._first[self._owner]
        rows = rows[steps <= room]
        return self.episodes[self._owner[rows]], steps[rows]

    def at(self, episodes: Sequence[int] | Tensor, steps: Sequence[int] | Tensor, *, padded: bool = False) -> Clips:
        """Return the clips at these places.

        Args:
            episodes: Numbers of the episodes in the folder.
            steps: Index t of the last context frame in each.
            padded: Whether targets may lie beyond an episode's end. If not, clips are whole.

        Raises:
            ValueError: The sampler lacks an episode, or too few frames follow a step.
        """
        numbers, times = torch.as_tensor(episodes), torch.as_tensor(steps)
        owner = torch.searchsorted(self.episodes, numbers).clamp(max=len(self.episodes) - 1)
        if not torch.equal(self.episodes[owner], numbers):
            raise ValueError(f"`episodes` must be among {self.episodes.tolist()}, got {numbers.tolist()}.")
        last = self._num_rows[owner] - 1 - self._num_inside(padded)
        if ((times < 0) | (times > last)).any():
            raise ValueError(f"`steps` must be between 0 and {last.tolist()} in these episodes, got {times.tolist()}.")
        return self._gather(owner, self._first[owner] + times)

    def _num_inside(self, padded: bool) -> int:
        """Return how many targets of a clip must be in its episode."""
        return 1 if padded else self.horizon

    def _gather(self, owner: Tensor, now: Tensor) -> Clips:
        """Return clips of the episodes at positions `owner` whose last context frames are the rows `now`, ``[b]``."""
        k = self.context_length
        first = self._first[owner][:, None]
        last = first + self._num_rows[owner][:, None] - 1
        rows = now[:, None] + torch.arange(1 - k, self.horizon + 1)  # [b, K+H]
        action_mask = (rows[:, :-1] >= first) & (rows[:, :-1] < last)
        target_mask = action_mask[:, k - 1 :]
        rows = rows.maximum(first).minimum(last)
        frames = self.frames.index_select(0, rows.ravel()).unflatten(0, rows.shape)
        leading, targets = rows[:, :-1], rows[:, k - 1 : -1]
        return Clips(
            frames=frames,
            actions=self._actions[leading] * action_mask[..., None],
            action_mask=action_mask,
            rewards=self._rewards[targets] * target_mask,
            terminated=self._terminated[targets] & target_mask,
            readings=self._readings[rows[:, k:]].masked_fill(~target_mask[..., None], torch.nan),
            episodes=self.episodes[owner],
            steps=now - first[:, 0],
        )

    def _read_transitions(self, dataset: Dataset, positions: Sequence[int]) -> None:
        """Arrange all episodes in rows, one per frame; the row after an episode's last action is zero."""
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
        readings = [[part.state[name] for name in self.readings] for part in parts]
        empty = np.zeros((len(self._owner), 0), np.float32)
        columns = np.concatenate([np.concatenate(r, axis=1) for r in readings]) if self.readings else empty
        self._readings = torch.from_numpy(columns.astype(np.float32))
        row = torch.arange(len(self._owner)) - self._first[self._owner]
        self._transitions = torch.nonzero(row < self._num_rows[self._owner] - 1)[:, 0]

    def _read_frames(self, dataset: Dataset, positions: Sequence[int]) -> Tensor:
        entries = [dataset.entries[i] for i in positions]
        shape = (len(self._owner), 3 * len(self.cameras), *self.image_size)
        check_memory(shape)
        frames = torch.empty(shape, dtype=torch.uint8)
        for i, camera in enumerate(self.cameras):
            decode_into(frames.numpy()[:, 3 * i : 3 * i + 3], dataset.layout, entries, dataset.layout.cameras[camera])
        return frames


def _rows(parts: Sequence[np.ndarray]) -> Tensor:
    """Concatenate arrays ``[T, ...]`` of episodes, with a row of zeros after each."""
    return torch.from_numpy(np.concatenate([np.concatenate([part, np.zeros_like(part[:1])]) for part in parts]))
