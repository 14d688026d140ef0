"""`Pool`: the interface of multiprocessing.pool.Pool on an `Executor`. Called by users."""

from __future__ import annotations

import atexit
import operator
import os
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from allcores.calls.async_results import AsyncResult, async_call, async_map, callbacks_of
from allcores.calls.mp_iterators import IMapIterator
from allcores.pool.executor import Executor
from allcores.pool.results import Options
from allcores.pool.workers import METHODS

__all__ = ["AsyncResult", "Pool"]

RUN, CLOSE, TERMINATE = "RUN", "CLOSE", "TERMINATE"
_Callback = Callable[[Any], object]

_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


class Pool:
    """Processes that run Python functions; `multiprocessing.Pool` that a dying worker cannot block.

    Parameters
    ----------
    processes : int, optional
        The most processes at a time; the cores that this process may use by default.
    initializer : callable, optional
        Called in each worker before its first task, with `initargs`.
    initargs : tuple, optional
        Arguments of `initializer`.
    maxtasksperchild : int, optional
        A worker is replaced after that many calls; a chunk counts as one.
    context : {"forkserver", "spawn", "fork"} or context of multiprocessing, optional
        How workers start, as `start_method` of `Executor`; "forkserver" by default.

    Raises
    ------
    ValueError
        For numbers below 1, and a start method that there is not.

    Notes
    -----
    Methods, results and exceptions are as in multiprocessing.pool, but:

    - An item whose worker dies fails with `WorkerDied`, where multiprocessing waits for ever. All others go on.
    - What `terminate` ends fails with `TaskKilled` or `concurrent.futures.CancelledError`, and so does not block `get`.
    - What cannot be pickled fails with `UnpicklableTask` or `UnpicklableResult`.
    - `imap` with chunks raises an error at its item, not at its chunk.

    Workers start when tasks need them, and do not import the program's `__main__`. See `Executor`.

    Examples
    --------
    >>> from allcores.calls.mp_pool import Pool
    >>> with Pool(2) as pool:
    ...     pool.map(abs, [-1, 2, -3])
    ...     pool.starmap(pow, [(2, 3), (3, 2)])
    [1, 2, 3]
    [8, 9]
    """

    _state = ""  # until it is made

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: Any = None,
    ) -> None:
        if processes is not None and operator.index(processes) < 1:
            raise ValueError(f"processes must be 1 or more, got {processes!r}")
        given: Any = maxtasksperchild
        if given is not None and (not isinstance(given, int) or given < 1):
            raise ValueError(f"maxtasksperchild must be an int of 1 or more or None, got {maxtasksperchild!r}")
        self._executor = Executor(
            processes, initializer, tuple(initargs), maxtasksperchild, start_method=_start_method(context)
        )
        self._processes = self._executor._max_workers
        self._changed = threading.Condition()
        self._feeders = 0  # threads that take items for imap
        self._iterators: weakref.WeakSet[IMapIterator] = weakref.WeakSet()
        self._executor._abandoned.detach()  # this one ends what runs, too
        self._abandoned = weakref.finalize(self, self._executor._scheduler.abandon, True)
        self._abandoned.atexit = False
        self._state = RUN
        _pools.add(self)

    def apply(self, func: Callable[..., Any], args: Iterable[Any] = (), kwds: Mapping[str, Any] | None = None) -> Any:
        """Return ``func(*args, **kwds)``, called in a worker."""
        self._check_running()
        return self._executor.submit(func, *args, **(kwds or {}))._result_or_end()

    def apply_async(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] | None = None,
        callback: _Callback | None = None,
        error_callback: _Callback | None = None,
    ) -> AsyncResult:
        """Start ``func(*args, **kwds)`` in a worker.

        Parameters
        ----------
        func : callable
            The function.
        args, kwds : iterable, mapping
            Its arguments.
        callback, error_callback : callable, optional
            Called with the result, or with the error, in a thread of the pool.

        Returns
        -------
        AsyncResult
        """
        self._check_running()
        return async_call(self._executor, func, args, kwds, callback, error_callback, owner=self)

    def map(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = None) -> list[Any]:
        """Return the list of ``func(item)`` for all items. Raises the first item's error, when all have run."""
        found: list[Any] = self.map_async(func, iterable, chunksize)._get_or_end()
        return found

    def map_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: _Callback | None = None,
        error_callback: _Callback | None = None,
    ) -> AsyncResult:
        """Start what `map` does.

        Parameters
        ----------
        func : callable
            Takes an item.
        iterable : iterable
            The items, all of which are taken now.
        chunksize : int, optional
            Items sent at a time; by default as many as take some hundredths of a second, as measured.
        callback, error_callback : callable, optional
            Called with the list of results, or with the error, in a thread of the pool.

        Returns
        -------
        AsyncResult
        """
        return self._map_async(func, iterable, chunksize, False, callback, error_callback)

    def starmap(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = None) -> list[Any]:
        """Return the list of ``func(*item)`` for all items; otherwise as `map`."""
        found: list[Any] = self.starmap_async(func, iterable, chunksize)._get_or_end()
        return found

    def starmap_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: _Callback | None = None,
        error_callback: _Callback | None = None,
    ) -> AsyncResult:
        """Start what `starmap` does; parameters as of `map_async`."""
        return self._map_async(func, iterable, chunksize, True, callback, error_callback)

    def imap(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1) -> IMapIterator:
        """Start ``func(item)`` for all items; an iterator over the results, in order.

        Parameters
        ----------
        func : callable
            Takes an item.
        iterable : iterable
            The items. Those of a list, a tuple or a range are taken now, others by a thread, as workers need them.
        chunksize : int, optional
            Items sent at a time.

        Returns
        -------
        iterator
            Also with a method ``next(timeout=None)``.
        """
        return self._imap(func, iterable, chunksize, True)

    def imap_unordered(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int = 1) -> IMapIterator:
        """Start what `imap` does; results come in the order in which they are there."""
        return self._imap(func, iterable, chunksize, False)

    def close(self) -> None:
        """Take no more tasks; workers leave when those there are have run."""
        with self._changed:
            if self._state != RUN:
                return
            self._state = CLOSE
            if self._feeders:
                return  # the last of them does the rest
        self._executor.shutdown(wait=False)

    def terminate(self) -> None:
        """End the workers at once, whatever they do, and return when they have ended."""
        with self._changed:
            self._state = TERMINATE
            self._changed.notify_all()
        scheduler = self._executor._scheduler
        if scheduler.forked:
            return
        self._executor.shutdown(wait=False)
        for iterator in list(self._iterators):
            iterator.cancel()
        scheduler.cancel_all(running=True)
        scheduler.join()

    def join(self) -> None:
        """Wait until the workers have left and callbacks have returned; after `close` or `terminate`."""
        if self._state == RUN:
            raise ValueError("Pool is still running: close() or terminate() must be called before join()")
        if self._executor._scheduler.forked:
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._feeders or self._state == TERMINATE)
        self._executor._scheduler.join()
        callbacks_of(self._executor).join()

    def __enter__(self) -> Self:
        self._check_running()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()

    def __del__(self, _warn: Callable[..., None] = warnings.warn) -> None:
        if self._state == RUN and not self._executor._scheduler.forked:
            # The text that filters for multiprocessing's know.
            _warn(f"unclosed running multiprocessing pool {self!r}", ResourceWarning, source=self)

    def __repr__(self) -> str:
        kind = type(self)
        return f"<{kind.__module__}.{kind.__qualname__} state={self._state} pool_size={self._processes}>"

    def __reduce__(self) -> Any:
        raise NotImplementedError("a Pool cannot be pickled; make one where it is needed")

    def _check_running(self) -> None:
        if self._state != RUN:
            raise ValueError("Pool not running")

    def _map_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int | None,
        spread: bool,
        callback: _Callback | None,
        error_callback: _Callback | None,
    ) -> AsyncResult:
        self._check_running()
        if chunksize is not None:
            chunksize = _chunksize(chunksize)
        options = Options(chunksize, spread=spread)
        return async_map(self._executor, func, [iterable], options, callback, error_callback, owner=self)

    def _imap(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int, ordered: bool) -> IMapIterator:
        self._check_running()
        found = IMapIterator(self._executor, func, iterable, _chunksize(chunksize), ordered, self)
        with self._changed:
            self._iterators.add(found)
            if self._state == TERMINATE:  # meanwhile
                found.cancel()
            if found.fed:
                threading.Thread(target=self._feed, args=(found,), name="allcores-imap", daemon=True).start()
                self._feeders += 1
        return found

    def _feed(self, iterator: IMapIterator) -> None:
        """Take the items of one `imap`: a thread's work."""
        try:
            iterator.feed()
        finally:
            with self._changed:
                self._feeders -= 1
                last = not self._feeders and self._state == CLOSE
                self._changed.notify_all()
            if last:
                self._executor.shutdown(wait=False)


def _chunksize(value: int) -> int:
    if operator.index(value) < 1:
        raise ValueError(f"chunksize must be 1 or more, got {value!r}")
    return operator.index(value)


def _start_method(context: Any) -> str:
    """Return the start method that a name or a context stands for."""
    if context is None:
        return "forkserver"
    if not isinstance(context, str):
        if not hasattr(context, "get_start_method"):
            raise TypeError(
                f"context must be one of {', '.join(METHODS)} or a context of multiprocessing, got {context!r}"
            )
        context = context.get_start_method()
    if context not in METHODS:
        raise ValueError(f"context must be one of {', '.join(METHODS)}, got {context!r}")
    return str(context)


def _at_exit() -> None:
    """End the pools that are left, as multiprocessing does; before executors wait for their tasks."""
    for pool in list(_pools):
        pool.terminate()


def _in_forked_child() -> None:
    for pool in list(_pools):
        pool._changed = threading.Condition()  # whoever held it does not exist here


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
