"""What `Pool.imap` returns, and the thread that takes its items. Called by allcores.calls.mp_pool.

The items of lists, tuples and ranges are taken at once. Those of other iterables are taken by a thread of the map, as
they come, some chunks ahead of the workers: an iterable may be endless, or wait for what happens elsewhere.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import Any

from allcores.calls.async_results import timeout_error
from allcores.pool.assigning import forked_error
from allcores.pool.executor import Executor
from allcores.pool.results import Options

_CHUNKS_AHEAD = 4  # of each worker: one runs, one was sent ahead


class IMapIterator(Iterator[Any]):
    """The results of `Pool.imap` or `imap_unordered`, as they come.

    Notes
    -----
    An item's error is raised at its place, one of the iterable behind all results before it; `next` then goes on. Items
    run whether results are taken or not. Any number of threads may take results.

    Examples
    --------
    >>> from allcores.calls.mp_pool import Pool
    >>> with Pool(2) as pool:
    ...     results = pool.imap(abs, [-1, 2])
    ...     results.next(timeout=60), next(results)
    (1, 2)
    """

    def __init__(
        self,
        executor: Executor,
        fn: Callable[..., Any],
        items: Any,
        chunksize: int,
        ordered: bool,
        owner: object,
    ) -> None:
        self._pid = os.getpid()
        self._owner = owner  # lives until all results are there
        self._ordered = ordered
        self._counted = threading.Condition()
        self._arrived = 0
        self._next = 0  # the item whose result comes next
        self._taken = 0
        self._values: list[Any] = []  # results that are here, the next one last
        self._errors: dict[int, BaseException] = {}
        self._source_error: BaseException | None = None
        source = None if type(items) in (list, tuple, range) else iter(items)
        self._open = True  # items may still come
        options = Options(chunksize, heard=self._heard)
        if source is None:
            self._job = executor.start_map(fn, [items], options).job
            self._close(None)
        else:
            self._job = executor.start_map(fn, [[]], options._replace(buffersize=1)).job
            self._scheduler = executor._scheduler
            self._chunksize = chunksize
            self._room = _CHUNKS_AHEAD * chunksize * executor._max_workers
            self._source: Iterator[Any] = source

    def __iter__(self) -> IMapIterator:
        return self

    def __next__(self) -> Any:
        return self.next()

    def next(self, timeout: float | None = None) -> Any:
        """Return the next result.

        Parameters
        ----------
        timeout : float, optional
            Seconds after which `multiprocessing.TimeoutError` is raised; a later `next` may have the result.
        """
        if os.getpid() != self._pid:
            raise forked_error()
        end = None if timeout is None else time.monotonic() + timeout
        job = self._job
        with job.arrived:
            while not self._values:
                first = self._next if self._ordered else next(iter(job.parts), -1)
                if first in job.parts:
                    values, self._errors = job.parts.pop(first)
                    self._next = first
                    self._values = values[::-1]
                    continue
                if self._taken >= len(job.items) and not self._open:
                    error, self._source_error = self._source_error, None
                    if error is None:
                        raise StopIteration
                    break
                if job.cancelled:
                    raise job.error or CancelledError
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise timeout_error()
                job.arrived.wait(left)
            else:
                value = self._values.pop()
                error = self._errors.pop(self._next, None)
                self._next += 1
                self._taken += 1
        if error is None:
            return value
        try:
            raise error
        finally:
            del error, self  # its traceback refers to this frame

    # ---- for the pool ------------------------------------------------------------------------------------------------

    @property
    def fed(self) -> bool:
        """Whether `feed` is to be called, in a thread of its own."""
        return self._open

    def feed(self) -> None:
        """Take the items, until there are no more or the map is cancelled."""
        job = self._job
        error: BaseException | None = None
        try:
            while not job.cancelled:
                # A chunk of which an item cannot be had does not run: as multiprocessing does.
                items = list(itertools.islice(self._source, self._chunksize))
                if not items:
                    break
                with self._counted:
                    self._counted.wait_for(lambda: len(job.items) - self._arrived < self._room or job.cancelled)
                with job.arrived:
                    job.items.extend(items)  # type: ignore[union-attr]
                del items
                self._scheduler.submit(job)
        except BaseException as problem:  # noqa: BLE001  of anybody's iterable; raised by next()
            error = problem
        finally:
            self._close(error)

    def cancel(self) -> None:
        """Let nobody wait for what will not come."""
        self._job.cancel()

    def _close(self, error: BaseException | None) -> None:
        """Note that no items will come any more."""
        job = self._job
        with job.arrived:
            self._source_error = error
            self._open = False
            job.arrived.notify_all()
        self._heard(0)

    def _heard(self, count: int) -> None:
        """Note that so many results have come, or with 0 that the map may be over. Any thread's."""
        with self._counted:
            self._arrived += count
            self._counted.notify_all()
            job = getattr(self, "_job", None)  # the first results come before it is known here
            if job is not None and (job.cancelled or (not self._open and self._arrived >= len(job.items))):
                self._owner = None
