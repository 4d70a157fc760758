"""A process that records episodes for another one: it reads their numbers from standard input and writes the episodes.

``worker_pool.py`` starts it as a new interpreter instead of forking or re-running the user's script. So it inherits no
threads or devices in an undefined state, and scripts need no ``if __name__ == "__main__"``.
"""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import traceback
from typing import BinaryIO

import gymnasium as gym

from vdworld.envs.real.registry import package_of
from vdworld.storage.interrupts import SIGNALS


def serve() -> None:
    """Read an ``EpisodeMaker`` and then episode numbers; answer each with ``(True, episode)`` or ``(False, text)``."""
    for number in SIGNALS:  # the parent process handles them, and its death closes the pipe
        signal.signal(number, signal.SIG_IGN)
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of environments must not mix with the answers
    import torch

    torch.set_num_threads(1)  # the processes share the cores
    try:
        registered, maker = pickle.load(requests)
        if registered is not None:
            for package in package_of(registered):
                importlib.import_module(package)  # it may register the id, and a second registration would warn
            gym.registry.setdefault(registered.id, registered)
        while True:
            index = pickle.load(requests)
            _answer(answers, (True, maker.make(index)))
    except (EOFError, BrokenPipeError):
        pass  # the parent process closed the pipe or died
    except Exception:
        _answer(answers, (False, traceback.format_exc()))


def _answer(answers: BinaryIO, message: tuple[bool, object]) -> None:
    pickle.dump(message, answers, protocol=pickle.HIGHEST_PROTOCOL)
    answers.flush()
