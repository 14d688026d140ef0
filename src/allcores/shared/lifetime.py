"""What shared memory there is, and giving it back. Public as allcores.shared.*."""

from __future__ import annotations

import atexit
import sys
import time
from typing import Any

from allcores import _shared
from allcores._shared import SharedArray

LINGER = 1.0  # seconds after the latest handle was made that a process, at its end, waits for it to be loaded


def wait_for_receivers() -> None:
    """Wait until others have loaded what this process has sent, or for a second after it has.

    A process that puts an array into a queue and ends would take it along otherwise.
    """
    while 0 <= _shared.newest_pin() < LINGER:
        time.sleep(0.002)


class _Waiter:
    """What multiprocessing asks for in each of its children: they end without what atexit knows."""

    def register(self) -> None:
        from multiprocessing import util

        util.Finalize(None, wait_for_receivers, exitpriority=-100)  # last of all: queues are flushed before


_waiter = _Waiter()


def _by_handle(array: SharedArray) -> None:
    """Tell Dask that it is not to send the contents, so that it pickles the array."""
    raise NotImplementedError


def _when_used() -> None:
    from multiprocessing import util

    dask = sys.modules.get("distributed.protocol")
    if dask is not None:
        dask.dask_serialize.register(SharedArray)(_by_handle)
    atexit.register(wait_for_receivers)
    util.register_after_fork(_waiter, _Waiter.register)
    _waiter.register()


_shared.on_first_block(_when_used)


def is_shared(array: Any) -> bool:
    """Return whether an array's memory is shared, so that it, or `numpy.asarray` of it, is seen by other processes."""
    return _shared.block_of(array) is not None


def usage() -> dict[str, int]:
    """Return how much shared memory this process has mapped, its own and what others sent.

    Returns
    -------
    dict
        ``arrays`` in use by any process, and their ``bytes``; ``kept``: bytes of arrays that are gone, for the next;
        ``in_flight``: handles that were made and not yet loaded, each of which keeps its array; ``arenas``: the
        mappings that all this lies in, ``reserved``: their addresses; ``processes`` that have arrays there, once an
        arena; ``recovered``: how often a process died while it changed the tables.

    Examples
    --------
    >>> import allcores as ac
    >>> a = ac.shared.zeros(1000)
    >>> ac.shared.usage()["arrays"] >= 1
    True
    """
    return _shared.usage()


def forget(older_than: float = 0.0) -> int:
    """Take back handles of this process that nobody has loaded, and return how many there were.

    Pickling a shared array keeps its memory until the pickle is loaded, or this process ends. Call this where pickles
    are made that nobody loads. One that is loaded later all the same finds the array if somebody else still has it, and
    raises SharedArrayGone otherwise.

    Parameters
    ----------
    older_than : float
        Seconds since they were made.
    """
    return _shared.forget(older_than)


def reclaim() -> None:
    """Drop now what processes that have died held; otherwise the next use of shared memory does, twice a second."""
    _shared.reclaim()


def release() -> None:
    """Give the memory that is kept for later shared arrays back to the system."""
    _shared.release()
