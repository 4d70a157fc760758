"""Make episodes in several processes at once, and yield them in the order of their numbers."""

from __future__ import annotations

import itertools
import os
import pickle
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import closing, suppress
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from vdworld.envs.recording.episode_maker import EpisodeMaker, RecordedEpisode, Stopped
from vdworld.extras import require
from vdworld.spec import EnvironmentSpec

_AHEAD = 2  # episodes per process that may be started before their turn to be yielded
_POLL = 0.2  # seconds between two calls of `should_stop`


class WorkerError(RuntimeError):
    """A recording process failed; the message holds its traceback."""


def make_episodes(
    maker: EpisodeMaker, first_index: int, num_processes: int, should_stop: Callable[[], bool] = lambda: False
) -> Generator[RecordedEpisode, None, None]:
    """Yield the episodes from number `first_index` on, without end; close the iterator to stop.

    Args:
        maker: Makes the episodes; it is copied to the processes.
        first_index: The number of the first episode.
        num_processes: The number of processes; 1 uses this process. The episodes do not depend on it.
        should_stop: Called several times per second; ends the iteration if it returns True.

    Raises:
        Stopped: ``should_stop`` returned True.
        WorkerError: The environment or the policy failed in another process.
    """
    if num_processes == 1:
        for index in itertools.count(first_index):
            yield maker.make(index, should_stop)
    with closing(_Pool(maker, num_processes)) as pool:
        waiting: deque[Future[RecordedEpisode]] = deque()
        for index in itertools.count(first_index):
            waiting.append(pool.submit(index))
            if len(waiting) == _AHEAD * num_processes:
                yield _result(waiting.popleft(), should_stop)


def _result(future: Future[RecordedEpisode], should_stop: Callable[[], bool]) -> RecordedEpisode:
    while not should_stop():
        with suppress(NotYet):
            return future.result(timeout=_POLL)
    raise Stopped


class _Pool:
    """Processes, each with a thread that communicates with it."""

    def __init__(self, maker: EpisodeMaker, size: int) -> None:
        cloudpickle: Any = require("cloudpickle", extra="data")
        maker.close()  # each process builds an environment of its own
        first_message = cloudpickle.dumps((_registered(maker), maker))
        self._workers = [_Worker(first_message) for _ in range(size)]
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="record")

    def submit(self, index: int) -> Future[RecordedEpisode]:
        return self._threads.submit(self._make, index)

    def close(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.close()

    def _make(self, index: int) -> RecordedEpisode:
        worker = self._idle.get()
        try:
            return worker.make(index)
        finally:
            self._idle.put(worker)


class _Worker:
    """One process that runs ``vdworld.envs.recording.worker_process``."""

    def __init__(self, first_message: bytes) -> None:
        serve = "from vdworld.envs.recording.worker_process import serve; serve()"
        code = f"import sys; sys.path[:] = {sys.path!r}; {serve}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ},  # the processes share the cores
            start_new_session=True,  # so that Ctrl-C in the terminal interrupts only this process
        )
        self._first_message = first_message

    def make(self, index: int) -> RecordedEpisode:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(self._first_message + pickle.dumps(index))
            stdin.flush()
            self._first_message = b""
            succeeded, answer = pickle.load(stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            raise WorkerError(
                f"The process that recorded episode {index} died (exit code {self.process.poll()}). "
                "Pass num_envs=1 to record in this process and see the error."
            ) from error
        if not succeeded:
            raise WorkerError(f"Episode {index} failed in its process:\n{answer}")
        return answer

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _registered(maker: EpisodeMaker) -> EnvSpec | None:
    """Return Gymnasium's specification of the environment's id, which the user's script may have registered."""
    return gym.registry.get(maker.env.id) if isinstance(maker.env, EnvironmentSpec) else None
