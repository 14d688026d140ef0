"""Ctrl-C is not to tear apart what must be done as a whole. Called by allcores.pool.assigning and .scheduler.

Python raises KeyboardInterrupt in the main thread, between any two of its instructions. A task that was taken out of
the queue and not yet given to a worker would be lost, and its future never end.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal.signal, but four times as fast
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_Handler = Callable[[int, FrameType | None], Any]
_main = threading.main_thread().ident
_shielded = False  # the main thread


def _after_fork() -> None:
    global _main
    _main = threading.get_ident()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Shield:
    """A context in which SIGINT is only noted, to be raised at its end. Does nothing outside of the main thread."""

    __slots__ = ("_before", "_noted")
    _before: _Handler | None

    def __enter__(self) -> None:
        global _shielded
        self._noted = False
        self._before = None
        if threading.get_ident() == _main and not _shielded:
            before = _signal.getsignal(signal.SIGINT)
            # Python's own numbers for "default" and "ignored", and None for a handler of C's, raise nothing.
            if callable(before):
                try:
                    _signal.signal(signal.SIGINT, self._note)
                except ValueError:  # a thread that only Python takes for the main one, as in a subinterpreter
                    return
                self._before = before
                _shielded = True

    def _note(self, *_: object) -> None:
        self._noted = True

    def __exit__(self, *_: object) -> None:
        global _shielded
        before = self._before
        if before is not None:
            _shielded = False
            _signal.signal(signal.SIGINT, before)
            if self._noted:
                signal.raise_signal(signal.SIGINT)


class ShieldedLock:
    """A lock whose holder is shielded."""

    __slots__ = ("_lock", "_shield")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shield: Shield | None = None  # its holder's

    def __enter__(self) -> None:
        shield = Shield()
        shield.__enter__()  # first: an interrupt between the two would leave the lock held
        self._lock.acquire()
        self._shield = shield

    def __exit__(self, *_: object) -> None:
        shield = self._shield
        self._lock.release()
        if shield is not None:
            shield.__exit__()
