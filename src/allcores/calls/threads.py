"""Threads for calls that leave Python's lock. Called by allcores.calls.probing.

Not a ThreadPoolExecutor: the interpreter's end waits for its threads, also for a call that Ctrl-C has given up on and
that never returns.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class Threads:
    """Some threads, and what they still are to call."""

    def __init__(self, number: int) -> None:
        self._due: queue.SimpleQueue[tuple[Future[Any], Callable[[int], Any], int] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"allcores-map_{i}", daemon=True) for i in range(number)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[[int], Any], argument: int) -> Future[Any]:
        """Call it in one of the threads."""
        future: Future[Any] = Future()
        self._due.put((future, function, argument))
        return future

    def shutdown(self, wait: bool) -> None:
        """Call nothing more, and return when the threads have ended, or with what they are at still going on."""
        try:
            while (one := self._due.get_nowait()) is not None:
                one[0].cancel()
        except queue.Empty:
            pass
        for _ in self._threads:
            self._due.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _run(self) -> None:
        while (one := self._due.get()) is not None:
            future, function, argument = one
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(argument))
                except BaseException as error:  # noqa: BLE001  whatever the user's function raises
                    future.set_exception(error)
                    del error
            del future, one
