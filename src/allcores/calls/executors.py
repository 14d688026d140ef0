"""The executors behind the functions of this package: one for each number of workers, made when it is first needed.

Their workers leave after ten seconds without work. Called by the other modules of allcores.calls.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from allcores.pool.executor import Executor

_lock = threading.Lock()
_executors: dict[int | None, Executor] = {}


def executor(workers: int | None = None) -> Executor:
    """Return the executor with that many workers; None: as many as this process has cores."""
    found = _executors.get(workers)
    if found is None or not found.usable():
        with _lock:
            found = _executors.get(workers)
            if found is None or not found.usable():
                found = _executors[workers] = Executor(workers)
    return found


def is_warm(workers: int | None = None) -> bool:
    """Return whether that executor has workers now."""
    found = _executors.get(workers)
    return found is not None and found.has_workers()


@contextmanager
def executor_for(
    workers: int | None, initializer: Callable[..., object] | None, initargs: tuple[Any, ...]
) -> Iterator[Executor]:
    """Give an executor for one call: the common one, or one of its own for an initializer."""
    if initializer is None:
        yield executor(workers)
        return
    with Executor(workers, initializer, initargs) as found:
        yield found


def shutdown(wait: bool = True) -> None:
    """End the workers of `map` and its like, when what they were given is done. The next call starts new ones.

    Parameters
    ----------
    wait : bool, optional
        Return when they have ended.

    Notes
    -----
    They leave by themselves after ten seconds without work, and when the program ends.

    Examples
    --------
    >>> import allcores as ac
    >>> ac.shutdown()
    """
    with _lock:
        found = list(_executors.values())
        _executors.clear()
    for one in found:
        one.shutdown(wait)


def _in_forked_child() -> None:
    global _lock
    _lock = threading.Lock()
    _executors.clear()  # they are the parent's


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
