"""Ctrl-C waits where something must not be cut short, and only there."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from vdworld.storage.interrupts import handled_signals, uninterrupted


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_block_ends_before_the_interrupt() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        steps.append("first")
        signal.raise_signal(signal.SIGINT)
        steps.append("second")
    assert steps == ["first", "second"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_blocks_may_lie_within_blocks() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():  # noqa: PT012
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
        steps.append("after the inner block")
    assert steps == ["after the inner block"]


def test_sigterm_waits_where_somebody_handles_it() -> None:
    assert signal.SIGTERM not in handled_signals(), "it ends the process at once"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    steps = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():  # noqa: PT012
        signal.raise_signal(signal.SIGTERM)
        steps.append("done")
    assert steps == ["done"]


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with uninterrupted():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_an_error_of_the_block_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt) as raised, uninterrupted():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        raise ValueError("wrong")
    assert isinstance(raised.value.__context__, ValueError)


def test_other_threads_need_nothing() -> None:
    seen = []

    def work() -> None:
        with uninterrupted():
            seen.append(handled_signals())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [{}]
