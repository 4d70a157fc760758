"""Make episodes in several processes at once, handed on in the order of their numbers."""

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

from vdworld.envs.recording.episodes import EpisodeMaker, RecordedEpisode, Stopped
from vdworld.extras import require
from vdworld.spec import EnvironmentSpec

_AHEAD = 2  # episodes per process that may be finished or under way before their turn
_POLL = 0.2  # seconds between two looks at whether to stop


class WorkerError(RuntimeError):
    """A recording process failed; the message holds its traceback."""


def make_episodes(
    maker: EpisodeMaker, first_index: int, num_processes: int, should_stop: Callable[[], bool] = lambda: False
) -> Generator[RecordedEpisode, None, None]:
    """Yield the episodes from `first_index` on, without end; close the iterator to stop.

    They are the same whatever `num_processes` is. With 1 they are made in this process.

    Raises:
        Stopped: ``should_stop`` said so.
        WorkerError: The environment or the policy failed in a process of its own.
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
    """Processes, and one thread each that talks to it."""

    def __init__(self, maker: EpisodeMaker, size: int) -> None:
        cloudpickle: Any = require("cloudpickle", extra="data")
        maker.close()  # each process builds its own
        greeting = cloudpickle.dumps((_registered(maker), maker))
        self._workers = [_Worker(greeting) for _ in range(size)]
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

    def __init__(self, greeting: bytes) -> None:
        serve = "from vdworld.envs.recording.worker_process import serve; serve()"
        code = f"import sys; sys.path[:] = {sys.path!r}; {serve}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ},  # the processes share the cores
            start_new_session=True,  # Ctrl-C in the terminal reaches this process alone
        )
        self._greeting = greeting

    def make(self, index: int) -> RecordedEpisode:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(self._greeting + pickle.dumps(index))
            stdin.flush()
            self._greeting = b""
            done, answer = pickle.load(stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            raise WorkerError(
                f"The process that recorded episode {index} died (exit code {self.process.poll()}). "
                "Pass num_envs=1 to record in this process and see why."
            ) from error
        if not done:
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
    """Return what this process knows about the environment's id, which the user may have registered in a script."""
    return gym.registry.get(maker.env.id) if isinstance(maker.env, EnvironmentSpec) else None
