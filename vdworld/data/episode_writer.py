"""Write recordings of any origin to a dataset folder, episode by episode."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import gymnasium as gym
import numpy as np

from vdworld.data.dataset_store import DatasetStore
from vdworld.data.episode import DEFAULT_TEST_FRACTION, Episode, choose_split
from vdworld.data.episode_input import make_episode
from vdworld.data.episode_rows import features_of
from vdworld.data.layout import Layout
from vdworld.data.writable_folder import agreed_value, open_folder
from vdworld.space_json import space_from_json, space_to_json
from vdworld.spec import EnvironmentSpec
from vdworld.storage.folder_lock import FolderLock


class EpisodeWriter:
    """Write a dataset in the LeRobot v3 layout.

    Episodes are written in sets of files, which are completed every ``steps_per_file`` steps or ``seconds_per_file``
    seconds. A process that dies loses at most the incomplete set; open the folder with ``append=True`` to continue.
    Use the writer as a context manager, or call ``close``. A folder has one writer at a time.

    Args:
        path: The dataset folder: a new one or, with ``append``, one that holds a dataset.
        fps: Frames per second.
        action_space: The environment's action space; None makes readers use a Box around all actions.
        spec: How to rebuild the environment, if there is one.
        task: A description of the task in words; by default the environment's id.
        seed: Decides, with an episode's number, whether it is held out; by default 0.
        test_fraction: Share of the episodes to hold out, in [0, 1); by default 0.2.
        append: Whether to add to the episodes in the folder, which keep their numbers and splits. The other arguments
            must agree with the folder.
        steps_per_file: Transitions after which a set of files is completed.
        seconds_per_file: Age in seconds at which a set is completed when an episode is added.

    Raises:
        FileExistsError: The folder holds a dataset and `append` is False, or it holds other files.
        BlockingIOError: Another writer has opened the folder; the message gives its process id.
        ValueError: `fps` or `test_fraction` is out of range, or an argument disagrees with the folder.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        fps: float,
        action_space: gym.Space | None = None,
        spec: EnvironmentSpec | None = None,
        task: str | None = None,
        seed: int | None = None,
        test_fraction: float | None = None,
        append: bool = False,
        steps_per_file: int = 2_000,
        seconds_per_file: float = 60.0,
    ) -> None:
        if fps <= 0:
            raise ValueError(f"`fps` must be positive, got {fps}.")
        choose_split(0, test_fraction=test_fraction or 0.0)  # raises if it is out of range
        self.path = Path(path)
        self.steps_per_file = steps_per_file
        self.seconds_per_file = seconds_per_file
        if self.path.exists() and not self.path.is_dir():
            raise FileExistsError(f"`path` must be a folder, got the file {path}. Choose another name.")
        arguments = {
            "action_space": None if action_space is None else space_to_json(action_space),
            "spec": None if spec is None else spec.to_json(),
            "task": task,
            "seed": seed,
            "test_fraction": test_fraction,
        }
        self._lock = FolderLock(self.path)
        try:
            layout = open_folder(self.path, append=append)
            notes = self._agreed_notes(layout, arguments, float(fps))
            self._store = DatasetStore(self.path, layout, fps=float(fps), notes=notes)
        except BaseException:
            self._lock.release()
            raise
        stored = notes["action_space"]
        self.action_space = None if stored is None else space_from_json(stored)

    @property
    def num_episodes(self) -> int:
        """The number of episodes in the folder, those not flushed yet included."""
        return self._store.num_episodes

    @property
    def num_steps(self) -> int:
        """The number of transitions in the folder, those not flushed yet included."""
        return self._store.num_rows - self._store.num_episodes

    @property
    def num_safe_episodes(self) -> int:
        """The number of flushed episodes, which a crash cannot lose."""
        return self._store.num_safe_episodes

    @property
    def num_safe_steps(self) -> int:
        """The number of transitions of flushed episodes."""
        return self._store.num_safe_rows - self._store.num_safe_episodes

    @property
    def state_sizes(self) -> dict[str, int] | None:
        """The number of values per frame of each entry of ``state``; None before the first episode."""
        names = [name for name in self._store.features if name.startswith(("observation.", "info."))]
        sizes = {n: self._store.features[n]["shape"][0] for n in names if self._store.features[n]["dtype"] != "video"}
        return sizes if self._store.features else None

    def add(
        self,
        frames: np.ndarray | Mapping[str, np.ndarray],
        actions: Any,
        rewards: Any = None,
        terminated: Any = None,
        truncated: Any = None,
        state: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        """Add an episode of T transitions. All episodes must have the same cameras, image sizes and entries.

        Args:
            frames: uint8 RGB ``[T+1, h, w, 3]``, or one such array per camera name. Frame t precedes action t; the last
                frame follows the last action.
            actions: ``[T, n]`` or ``[T]`` in the environment's units, or a list of T actions of ``action_space``.
            rewards: ``[T]``; None if the dataset has no rewards.
            terminated: Whether the environment ended the episode: flags ``[T]``, or one flag for the last transition.
            truncated: Whether the episode was cut off, in the same form. If neither is passed, the episode counts as
                truncated after the last transition.
            state: Further numbers per frame, ``[T+1, ...]`` by name: ``observation.<name>`` or ``info.<name>``; a name
                without a prefix becomes an observation.
            seed: The seed that the environment was reset with.

        Raises:
            ValueError: The arrays do not fit together, differ from earlier episodes, or hold an action outside the
                space or a number that is not finite; nothing is written. Readings may be NaN where there is no value.
            OSError: The disk is full or failed; the message gives the number of episodes that are safe.
        """
        if not self._lock.held:
            raise ValueError(f"The writer of {self.path} is closed. Open the folder again with append=True.")
        store = self._store
        where = f"episode {store.num_episodes} of {self.path}"
        episode = make_episode(frames, actions, rewards, terminated, truncated, state, self.action_space, where)
        self._check_features(episode)
        episode.index, episode.seed = store.num_episodes, seed
        notes = store.notes
        episode.split = choose_split(episode.index, test_fraction=notes["test_fraction"], seed=notes["seed"])
        store.add(episode)
        if store.num_unsafe_rows >= self.steps_per_file or store.seconds_open > self.seconds_per_file:
            store.flush()

    def flush(self) -> None:
        """Complete the files under construction, so that a crash cannot lose the episodes added so far.

        Raises:
            OSError: The disk is full or failed; the message gives the number of episodes that are safe.
        """
        self._store.flush()

    def close(self) -> None:
        """Flush, remove unfinished files, and let others write into the folder."""
        try:
            self._store.flush()
            self._store.discard()
        finally:
            self._lock.release()

    def __enter__(self) -> EpisodeWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _agreed_notes(self, layout: Layout | None, arguments: dict[str, Any], fps: float) -> dict[str, Any]:
        """Return the folder's entries for vdworld alone, with which the arguments must agree."""
        if layout is None:
            defaults = {
                "task": (arguments["spec"] or {}).get("id", ""),
                "seed": 0,
                "test_fraction": DEFAULT_TEST_FRACTION,
            }
            return {name: defaults.get(name) if value is None else value for name, value in arguments.items()}
        agreed_value(self.path, "fps", fps, layout.info["fps"])
        return {name: agreed_value(self.path, name, value, layout.own.get(name)) for name, value in arguments.items()}

    def _check_features(self, episode: Episode) -> None:
        stored = {name: (f["dtype"], list(f["shape"])) for name, f in self._store.features.items()}
        new = {name: (f["dtype"], f["shape"]) for name, f in features_of(episode, self._store.fps).items()}
        if not stored or new == stored:
            return
        name = next(name for name in [*stored, *new] if stored.get(name) != new.get(name))
        raise ValueError(
            f"Every episode must have the same entries: {name!r} must be {_describe(stored.get(name))}, "
            f"got {_describe(new.get(name))}."
        )


def _describe(feature: tuple[str, list[int]] | None) -> str:
    return "absent" if feature is None else f"{feature[0]} {feature[1]}"
