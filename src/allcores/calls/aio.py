"""`allcores.aio`: Python functions on worker processes, for asyncio. Called by users.

    async for <-- parts, in order <-- _Work <--(call_soon_threadsafe, once for all that came)-- the pool's thread
        taken --> _Work --(more items, as many as were taken)--> the pool's thread --> workers

The event loop waits for nothing but its own futures. What is sent is prepared, and large arrays are copied, in the
pool's thread. An async iterable is read by a task of its own, which refers to the work and not to who iterates over it:
so an iteration that is left ends at once.
"""

from __future__ import annotations

import asyncio
import itertools
import operator
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sized
from typing import Any, Self

from allcores.calls.executors import executor
from allcores.pool.executor import check_limits
from allcores.pool.results import Options, Results
from allcores.pool.tasks import PoolFuture

__all__ = ["Stream", "imap", "imap_unordered", "map", "starmap", "submit"]

_AHEAD = 4  # items a worker that are taken ahead of the results, of a source that may have no end


async def submit(
    f: Callable[..., Any], /, *args: Any, timeout: float | None = None, retries: int = 0, **kwargs: Any
) -> Any:
    """Return ``f(*args, **kwargs)``, called in a worker process.

    Parameters
    ----------
    f : callable
        The function; `args` and the other `kwargs` are its arguments.
    timeout : float, optional
        Seconds after the start of the call when its worker is ended; it then raises `TaskTimeout`.
    retries : int, optional
        How often it is called again after its worker died or it took too long.

    Returns
    -------
    object
        What `f` returns. If the awaiting task is cancelled, the call's worker is ended.

    Examples
    --------
    >>> import asyncio
    >>> from allcores import aio
    >>> asyncio.run(aio.submit(pow, 2, 10))
    1024
    """
    check_limits(timeout, retries)
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[None] = loop.create_future()

    def set_answer() -> None:
        if not answer.done():
            answer.set_result(None)

    def done(_: object) -> None:
        _tell(loop, set_answer)

    future: PoolFuture = executor()._submit(f, args, kwargs, timeout, retries, aside=True)
    future.add_done_callback(done)
    try:
        await answer
    except BaseException:
        future.kill()
        raise
    return future.result()


async def map(
    f: Callable[..., Any],
    *iterables: Iterable[Any] | AsyncIterable[Any],
    workers: int | None = None,
    chunksize: int | None = None,
    timeout: float | None = None,
    retries: int = 0,
    errors: str = "raise",
    buffersize: int | None = None,
) -> list[Any]:
    """Call `f` with the items of the iterables, in worker processes; a list of the results, in order.

    Parameters
    ----------
    f : callable
        Takes as many arguments as there are iterables.
    *iterables : iterable, or one async iterable
        Items; the shortest counts.
    workers : int, optional
        The most processes at a time; as many as this process has cores by default.
    chunksize : int, optional
        Items sent at a time; by default as many as take some hundredths of a second, as measured.
    timeout : float, optional
        Seconds of each item, after which its worker is ended and its error is a `TaskTimeout`.
    retries : int, optional
        How often an item is tried again after its worker died or it took too long.
    errors : {"raise", "return"}, optional
        Raise the error of the first item that has one and end all others, or put errors in the results' places.
    buffersize : int, optional
        Take items only as far as that many are ahead of the results. By default an async iterable is taken four items
        a worker ahead, others as a whole.

    Returns
    -------
    list
        If the awaiting task is cancelled, the workers that have items are ended and no more are handed out.

    Examples
    --------
    >>> import asyncio
    >>> from allcores import aio
    >>> asyncio.run(aio.map(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    work = _Work(f, iterables, workers, Options(chunksize, buffersize, None, timeout, retries), errors)
    return await work.all()


async def starmap(
    f: Callable[..., Any],
    iterable: Iterable[Any] | AsyncIterable[Any],
    *,
    workers: int | None = None,
    chunksize: int | None = None,
    timeout: float | None = None,
    retries: int = 0,
    errors: str = "raise",
    buffersize: int | None = None,
) -> list[Any]:
    """As `map`, of items that are tuples of arguments.

    Parameters
    ----------
    f : callable
        Called as ``f(*item)``.
    iterable : iterable or async iterable
        Tuples.
    workers, chunksize, timeout, retries, errors, buffersize : optional
        As of `map`.

    Returns
    -------
    list
        As of `map`.

    Examples
    --------
    >>> import asyncio
    >>> from allcores import aio
    >>> asyncio.run(aio.starmap(pow, [(2, 3), (3, 2)]))
    [8, 9]
    """
    options = Options(chunksize, buffersize, None, timeout, retries, spread=True)
    return await _Work(f, (iterable,), workers, options, errors).all()


def imap(
    f: Callable[..., Any],
    *iterables: Iterable[Any] | AsyncIterable[Any],
    workers: int | None = None,
    chunksize: int | None = None,
    timeout: float | None = None,
    retries: int = 0,
    errors: str = "raise",
    buffersize: int | None = None,
    ordered: bool = True,
) -> Stream:
    """Call `f` with the items of the iterables, in worker processes; for ``async for`` over the results as they come.

    Parameters
    ----------
    f : callable
        Takes as many arguments as there are iterables.
    *iterables : iterable, or one async iterable
        Items; the shortest counts. Those that are not async are iterated over in the event loop's thread.
    workers, chunksize, timeout, retries : optional
        As of `map`.
    errors : {"raise", "return"}, optional
        Raise the error of an item at its place, or return it there.
    buffersize : int, optional
        Take items only as far as that many are ahead of the results that were taken. Four a worker by default, or all
        if one of the iterables has a length.
    ordered : bool, optional
        Results in the order of the items, or else as they are there.

    Returns
    -------
    Stream
        An asynchronous iterator. The work starts with its first result asked for, and ends when it is left: by
        `break`, an exception, the cancellation of the task, or `aclose()`; workers that have items of it are ended.

    Examples
    --------
    >>> import asyncio
    >>> from allcores import aio
    >>> async def main():
    ...     async for result in aio.imap(abs, [-1, 2, -3]):
    ...         print(result)
    >>> asyncio.run(main())
    1
    2
    3
    """
    options = Options(chunksize, buffersize, None, timeout, retries, ordered)
    return Stream(_Work(f, iterables, workers, options, errors, stream=True))


def imap_unordered(
    f: Callable[..., Any],
    *iterables: Iterable[Any] | AsyncIterable[Any],
    workers: int | None = None,
    chunksize: int | None = None,
    timeout: float | None = None,
    retries: int = 0,
    errors: str = "raise",
    buffersize: int | None = None,
) -> Stream:
    """As `imap` with ``ordered=False``.

    Parameters
    ----------
    f : callable
        Takes as many arguments as there are iterables.
    *iterables : iterable, or one async iterable
        Items.
    workers, chunksize, timeout, retries, errors, buffersize : optional
        As of `imap`.

    Returns
    -------
    Stream
        As of `imap`.

    Examples
    --------
    >>> import asyncio
    >>> from allcores import aio
    >>> async def main():
    ...     return {result async for result in aio.imap_unordered(abs, [-1, 2, -3])} == {1, 2, 3}
    >>> asyncio.run(main())
    True
    """
    options = Options(chunksize, buffersize, None, timeout, retries, ordered=False)
    return Stream(_Work(f, iterables, workers, options, errors, stream=True))


class Stream(AsyncIterator[Any]):
    """The results of `imap`. After an item's error the next ``anext()`` goes on behind it."""

    def __init__(self, work: _Work) -> None:
        self._results = work.each()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        value, error = await self._results.__anext__()
        if error is None:
            return value
        try:
            raise error
        finally:
            del error  # its traceback refers to this frame

    async def aclose(self) -> None:
        """End the work."""
        await self._results.aclose()


class _Work:
    """One map, in one event loop."""

    def __init__(
        self,
        f: Callable[..., Any],
        iterables: tuple[Any, ...],
        workers: int | None,
        options: Options,
        errors: str,
        stream: bool = False,
    ) -> None:
        if not callable(f):
            raise TypeError(f"f must be callable, got {f!r}")
        if not iterables:
            raise TypeError("iterables must be at least one, got none")
        for name, value in (("workers", workers), ("chunksize", options.chunksize), ("buffersize", options.buffersize)):
            if value is not None and operator.index(value) < 1:
                raise ValueError(f"{name} must be 1 or more, got {value!r}")
        check_limits(options.timeout, options.retries)
        if errors not in {"raise", "return"}:
            raise ValueError(f"errors must be 'raise' or 'return', got {errors!r}")
        asynchronous = [one for one in iterables if isinstance(one, AsyncIterable)]
        if asynchronous and len(iterables) > 1:
            raise TypeError(f"iterables must be one if it is an async iterable, got {len(iterables)}")
        self._f = f
        self._workers = workers
        self._lazy = options.buffersize is not None or bool(asynchronous)
        if stream and not any(isinstance(one, Sized) for one in iterables):
            self._lazy = True
        several = len(iterables) > 1
        self._options = options._replace(spread=options.spread or several, heard=self._heard, aside=True)
        self._return_errors = errors == "return"
        self._async_source: AsyncIterator[Any] | None = None
        self._source: Iterator[Any] = iter(())
        self._whole: Any = iterables[0]
        if asynchronous:
            self._async_source = aiter(asynchronous[0])
        elif self._lazy or several:
            self._source = zip(*iterables, strict=False) if several else iter(iterables[0])
            self._whole = self._source
        elif not isinstance(self._whole, range):
            self._whole = iter(self._whole)  # what is no iterable is refused here
        self._loop: asyncio.AbstractEventLoop
        self._results: Results
        self._room = 0  # how many more items may be taken from the source
        self._given = 0  # items that were
        self._taken = 0  # results
        self._next = 0  # the item whose result comes next
        self._parts: dict[int, tuple[list[Any], dict[int, BaseException]]] = {}
        self._exhausted = False
        self._source_error: BaseException | None = None
        self._told = False  # the loop is to look at what has come
        self._waiter: asyncio.Future[None] | None = None
        self._pump: asyncio.Task[None] | None = None
        self._room_made = asyncio.Event()

    # ---- results ---------------------------------------------------------------------------------------------------

    async def all(self) -> list[Any]:
        """Return all results in order; raise the error of the first that has one."""
        found: list[Any] = []
        try:
            self._start()
            while (part := await self._part()) is not None:
                first, values, errors = part
                if errors and not self._return_errors:
                    error = errors[min(errors)]
                    errors.clear()
                    try:
                        raise error
                    finally:
                        del error  # its traceback refers to this frame
                for item, error in errors.items():
                    values[item - first] = error
                found += values
                self._took(len(values))
            return found
        finally:
            self._end()

    async def each(self) -> AsyncGenerator[tuple[Any, BaseException | None], None]:
        """Yield results, each with its error."""
        try:
            self._start()
            while (part := await self._part()) is not None:
                first, values, errors = part
                values.reverse()
                while values:  # keeps no result that was taken
                    error = errors.pop(first, None) if errors else None
                    value = values.pop()
                    first += 1
                    if error is not None and self._return_errors:
                        value, error = error, None
                    self._took(1)
                    yield value, error
                    del value, error
        finally:
            self._end()

    async def _part(self) -> tuple[int, list[Any], dict[int, BaseException]] | None:
        """Wait for the next results; None behind the last one."""
        while True:
            self._told = False  # first: what comes from here on is told anew
            self._parts.update(self._results.arrived())
            first = self._next if self._options.ordered else next(iter(self._parts), -1)
            if first in self._parts:
                values, errors = self._parts.pop(first)
                self._next = first + len(values)
                return first, values, errors
            if self._exhausted and self._taken >= self._given:
                if self._source_error is not None:
                    raise self._source_error
                return None
            ended = self._results.ended()
            if ended is not None:
                raise ended
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _heard(self, count: int) -> None:  # noqa: ARG002
        """Have the loop look at what has come. Any thread's."""
        if not self._told:
            self._told = True
            if not _tell(self._loop, self._wake):
                self._results.stop()  # nobody takes them any more

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # ---- items -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Hand out the first items."""
        self._loop = asyncio.get_running_loop()
        pool = executor(self._workers)
        whole: Any = self._whole
        self._whole = None
        if self._lazy:
            self._room = self._options.buffersize or _AHEAD * pool._max_workers
            self._options = self._options._replace(buffersize=self._room)
            self._results = pool.start_map(self._f, [()], self._options)
            if self._async_source is not None:
                self._pump = self._loop.create_task(self._read(self._async_source))
            else:
                self._refill()
            return
        if not isinstance(whole, range):
            whole = list(whole)
        self._given = len(whole)
        self._exhausted = True
        self._results = pool.start_map(self._f, [whole], self._options)

    def _took(self, count: int) -> None:
        """Note that results were taken, and take as many items."""
        self._taken += count
        if self._exhausted:
            return
        self._room += count
        if self._async_source is not None:
            self._room_made.set()
        elif self._options.buffersize is not None and self._room * 4 >= self._options.buffersize:
            self._refill()  # several at a time: each handing out costs

    def _refill(self) -> None:
        """Take items from the source, as many as there is room for."""
        items: list[Any] = []
        try:
            for item in itertools.islice(self._source, self._room):
                items.append(item)  # noqa: PERF402  those before an error count
        except Exception as error:  # noqa: BLE001  anybody's; it is raised behind the results of those before
            self._source_error = error
        if len(items) < self._room:
            self._exhausted = True
        self._give(items)

    async def _read(self, source: AsyncIterator[Any]) -> None:
        """Take items from an async iterable, as there is room."""
        try:
            while True:
                while not self._room:
                    self._room_made.clear()
                    await self._room_made.wait()
                try:
                    item = await source.__anext__()
                except StopAsyncIteration:
                    break
                self._give([item])
                del item
        except asyncio.CancelledError:
            self._source_error = asyncio.CancelledError()
        except Exception as error:  # noqa: BLE001  as in _refill
            self._source_error = error
        self._exhausted = True
        self._wake()

    def _give(self, items: list[Any]) -> None:
        if items:
            self._results.add(items)
        self._room -= len(items)
        self._given += len(items)

    def _end(self) -> None:
        """Stop whatever still goes on."""
        if self._pump is not None:
            self._pump.cancel()
        if hasattr(self, "_results") and not (self._exhausted and self._taken >= self._given):
            self._results.stop()
        self._source = iter(())
        self._source_error = None  # its traceback refers to frames that refer to this
        self._parts.clear()


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> bool:
    """Have a loop call something soon; False when it is closed. Any thread's."""
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        return False
    return True
