"""A process that records episodes for another one: numbers come in on standard input, episodes go out.

``worker_pool.py`` starts it as a fresh interpreter, rather than by forking or by re-running the user's script: threads
and devices of the parent can't be inherited half-alive, and scripts need no ``if __name__ == "__main__"``.
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


def serve() -> None:
    """Read an ``EpisodeMaker`` and then episode numbers; answer each with ``(True, episode)`` or ``(False, text)``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what environments print must not get between the answers
    import torch

    torch.set_num_threads(1)  # the processes share the cores already
    try:
        registered, maker = pickle.load(requests)
        if registered is not None:
            for package in package_of(registered):
                importlib.import_module(package)  # it may register the id itself, and only once without a warning
            gym.registry.setdefault(registered.id, registered)
        while True:
            index = pickle.load(requests)
            _answer(answers, (True, maker.make(index)))
    except (EOFError, BrokenPipeError):
        pass  # the parent is done, or gone
    except Exception:
        _answer(answers, (False, traceback.format_exc()))


def _answer(answers: BinaryIO, message: tuple[bool, object]) -> None:
    pickle.dump(message, answers, protocol=pickle.HIGHEST_PROTOCOL)
    answers.flush()
