"""`map` and its like: a Python function on many items, in worker processes, or here where that is faster.

Public as allcores.map, starmap, imap, imap_unordered, submit, apply, map_async, starmap_async, apply_async.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from allcores.calls.async_results import AsyncResult, async_call, async_map
from allcores.calls.executors import executor, executor_for
from allcores.calls.probing import Probe
from allcores.limits import engine_here
from allcores.pool.executor import Executor, check_limits
from allcores.pool.results import Options, Results
from allcores.pool.tasks import PoolFuture

__all__ = [
    "apply",
    "apply_async",
    "imap",
    "imap_unordered",
    "map",
    "map_async",
    "starmap",
    "starmap_async",
    "submit",
]

_Function = Callable[..., Any]


class _Settings(NamedTuple):
    """The options of `map`, checked."""

    workers: int | None = None
    chunksize: int | None = None
    timeout: float | None = None
    retries: int = 0
    errors: str = "raise"
    progress: bool = False
    buffersize: int | None = None
    seed: Any = None
    initializer: _Function | None = None
    initargs: tuple[Any, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether nothing is asked for that only worker processes do."""
        return self == _Settings(workers=self.workers, seed=self.seed)

    def options(self, spread: bool, ordered: bool = True, heard: Callable[[int], object] | None = None) -> Options:
        """Return what the pool is told."""
        return Options(
            chunksize=self.chunksize,
            buffersize=self.buffersize,
            timeout=self.timeout,
            retries=self.retries,
            ordered=ordered,
            keep_errors=self.errors == "return",
            spread=spread,
            heard=heard,
        )


def _at_least_one(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}")
    return number


def _checked(**given: Any) -> _Settings:
    """Return the options, or raise what is wrong with one."""
    wrong = given.keys() - set(_Settings._fields)
    if wrong:
        raise TypeError(f"there is no option {min(wrong)!r}; there are {', '.join(_Settings._fields)}")
    for name in ("workers", "chunksize", "buffersize"):
        if given.get(name) is not None:
            given[name] = _at_least_one(name, given[name])
    settings = _Settings(**given)
    settings = settings._replace(initargs=tuple(settings.initargs))
    check_limits(settings.timeout, settings.retries)
    if settings.errors not in ("raise", "return"):
        raise ValueError(f"errors must be 'raise' or 'return', got {settings.errors!r}")
    if settings.initializer is not None and not callable(settings.initializer):
        raise TypeError(f"initializer must be callable, got {settings.initializer!r}")
    return settings


class _Seeded:
    """A function that is given a random generator of the item's own."""

    def __init__(self, function: _Function, seed: Any) -> None:
        self.function = function
        self.seed = seed
        functools.update_wrapper(self, function, updated=())

    def __call__(self, index: int, arguments: tuple[Any, ...]) -> Any:
        sequence = np.random.SeedSequence(self.seed, spawn_key=(index,))
        return self.function(*arguments, rng=np.random.default_rng(sequence))


def _prepared(
    function: _Function, iterables: tuple[Iterable[Any], ...], spread: bool, settings: _Settings
) -> tuple[_Function, Iterable[Any], bool]:
    """Return the function, its items, and whether these are tuples of arguments."""
    if not callable(function):
        raise TypeError(f"function must be callable, got {function!r}")
    if not iterables:
        raise TypeError("there must be at least one iterable of items")
    several = len(iterables) > 1
    items: Iterable[Any] = zip(*iterables, strict=False) if several else iterables[0]
    spread = spread or several
    if settings.seed is None:
        return function, items, spread
    arguments = items if spread else ((item,) for item in items)
    return _Seeded(function, settings.seed), enumerate(arguments), True


def _bar(settings: _Settings, items: Iterable[Any]) -> Any:
    """Return a progress bar, or None."""
    if not settings.progress:
        return None
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError("progress=True needs tqdm: pip install tqdm") from error
    return tqdm(total=operator.length_hint(items) or None)


def map(function: _Function, /, *iterables: Iterable[Any], **options: Any) -> list[Any]:
    """
    Call a function with each of many items, in parallel where that is faster, and return the results.

    Parameters
    ----------
    function : callable
        Takes as many arguments as there are iterables.
    *iterables : iterable
        Items; the shortest counts.
    workers : int, optional
        Processes, or threads, to use at most; as many as this process has cores by default.
    chunksize : int, optional
        Items that are sent at a time; by default as many as take some hundredths of a second, as measured.
    timeout : float, optional
        Seconds of one item, after which its worker is ended and the item fails with `TaskTimeout`.
    retries : int, optional
        How often an item is run again after its worker died or it took too long.
    errors : {"raise", "return"}, optional
        "raise": the first error, in the order of the items, is raised, and what still runs is ended. "return": errors
        stand among the results.
    progress : bool, optional
        Show a bar; needs tqdm.
    buffersize : int, optional
        Take items from the iterables only as far as so many are ahead of the results. By default all are taken first.
    seed : int or sequence of int, optional
        Give each call a `numpy.random.Generator` as the keyword argument `rng`. It depends on the seed and on the
        item's place, not on workers or chunks.
    initializer, initargs : callable and tuple, optional
        Called in each worker before its first item. The workers are then this call's own.

    Returns
    -------
    list
        The results, in the order of the items.

    Raises
    ------
    PoolError
        Of the kinds that docs/process-pool.md lists, where a worker dies or something cannot be pickled.

    Notes
    -----
    The first items are run in the caller, and their results used. Where what is left is worth it, worker processes do
    it, or threads where calls were seen to leave Python's lock; a long first call does not keep workers from beginning
    with the rest. `using` forces an engine, `explain` tells what was chosen. With any option but `workers` and `seed`
    all is done by worker processes.

    Functions should not depend on side effects: it is not said where they run.

    Examples
    --------
    >>> import allcores as ac
    >>> ac.map(pow, [2, 3, 4], [10, 10, 10])
    [1024, 59049, 1048576]
    """
    return _run(function, iterables, False, options)


def starmap(function: _Function, iterable: Iterable[Iterable[Any]], /, **options: Any) -> list[Any]:
    """
    As `map`, of items that are tuples of arguments.

    Parameters
    ----------
    function : callable
        The function.
    iterable : iterable of tuple
        Arguments of each call.
    **options
        As of `map`.

    Returns
    -------
    list
        The results, in order.

    Examples
    --------
    >>> import allcores as ac
    >>> ac.starmap(pow, [(2, 10), (3, 2)])
    [1024, 9]
    """
    return _run(function, (iterable,), True, options)


def _run(function: _Function, iterables: tuple[Iterable[Any], ...], spread: bool, given: dict[str, Any]) -> list[Any]:
    settings = _checked(**given) if given else _Settings()
    if settings.seed is not None or len(iterables) != 1 or not callable(function):
        function, items, spread = _prepared(function, iterables, spread, settings)
    else:
        items = iterables[0]
    if settings.buffersize is None and type(items) not in (list, range):
        items = list(items)
    engine, cores = engine_here()
    if engine != "processes" and settings.plain:
        workers = 1 if engine == "serial" else (settings.workers or cores)
        assert isinstance(items, (list, range))
        return Probe(function, items, spread, workers, settings.workers, engine == "threads").run()
    bar = _bar(settings, items)
    heard = None if bar is None else bar.update
    try:
        with executor_for(settings.workers, settings.initializer, settings.initargs) as pool:
            found = pool.start_map(function, (items,), settings.options(spread, heard=heard))
            try:
                return list(found)
            except BaseException:
                found.cancel(running=True)
                raise
    finally:
        if bar is not None:
            bar.close()


def imap(function: _Function, /, *iterables: Iterable[Any], **options: Any) -> Iterator[Any]:
    """
    As `map`, but an iterator over the results, in order, each as soon as it is there.

    Parameters
    ----------
    function : callable
        Takes as many arguments as there are iterables.
    *iterables : iterable
        Items; endless ones need `buffersize`.
    **options
        As of `map`.

    Returns
    -------
    iterator
        Raises the error of an item at its place; the next `next()` goes on behind it. An error of the iterable comes
        behind the results of the items before it. When the iterator is dropped, nothing more is handed out.

    Notes
    -----
    All is done by worker processes. It starts now, not with the first `next()`.

    Examples
    --------
    >>> import itertools
    >>> import allcores as ac
    >>> squares = ac.imap(pow, itertools.count(), itertools.repeat(2), buffersize=10)
    >>> next(squares), next(squares), next(squares)
    (0, 1, 4)
    """
    return _iterate(function, iterables, options, ordered=True)


def imap_unordered(function: _Function, /, *iterables: Iterable[Any], **options: Any) -> Iterator[Any]:
    """
    As `imap`, with the results in the order in which they come.

    Parameters
    ----------
    function : callable
        Takes as many arguments as there are iterables.
    *iterables : iterable
        Items.
    **options
        As of `map`.

    Returns
    -------
    iterator
        As of `imap`.

    Examples
    --------
    >>> import allcores as ac
    >>> sorted(ac.imap_unordered(abs, [-3, 2, -1]))
    [1, 2, 3]
    """
    return _iterate(function, iterables, options, ordered=False)


def _iterate(
    function: _Function, iterables: tuple[Iterable[Any], ...], given: dict[str, Any], ordered: bool
) -> Iterator[Any]:
    settings = _checked(**given)
    function, items, spread = _prepared(function, iterables, False, settings)
    bar = _bar(settings, items)
    options = settings.options(spread, ordered, None if bar is None else bar.update)._replace(late=True)
    if settings.initializer is None:
        found = executor(settings.workers).start_map(function, (items,), options)
        return found if bar is None else _Closing(found, bar, None)
    own = Executor(settings.workers, settings.initializer, settings.initargs)
    try:
        return _Closing(own.start_map(function, (items,), options), bar, own)
    except BaseException:
        own.shutdown()
        raise


class _Closing(Iterator[Any]):
    """Results, behind the last of which a bar is closed, or workers of their own end."""

    def __init__(self, found: Results, bar: Any, own: Executor | None) -> None:
        self._found = found
        self._bar = bar
        self._own = own

    def __next__(self) -> Any:
        try:
            return next(self._found)
        except (StopIteration, KeyboardInterrupt):
            self._close()
            raise

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        if self._own is not None:
            self._found.cancel(running=True)
            self._own.shutdown()

    def __del__(self) -> None:
        self._close()


def submit(function: _Function, /, *args: Any, **kwargs: Any) -> PoolFuture:
    """
    Call a function in a worker process, and return a future of its result.

    Parameters
    ----------
    function : callable
        The function; the rest are its arguments.

    Returns
    -------
    concurrent.futures.Future
        With a method `kill()` besides, which also ends a call that runs.

    Examples
    --------
    >>> import allcores as ac
    >>> ac.submit(pow, 2, 10).result()
    1024
    """
    return executor().submit(function, *args, **kwargs)


def apply(function: _Function, args: Iterable[Any] = (), kwds: dict[str, Any] | None = None) -> Any:
    """
    Call a function in a worker process and return its result.

    Parameters
    ----------
    function : callable
        The function.
    args, kwds : iterable and dict, optional
        Its arguments.

    Returns
    -------
    object
        What it returns.

    Examples
    --------
    >>> import allcores as ac
    >>> ac.apply(pow, (2, 10))
    1024
    """
    return executor().submit(function, *args, **(kwds or {}))._result_or_end()


def apply_async(
    function: _Function,
    args: Iterable[Any] = (),
    kwds: dict[str, Any] | None = None,
    callback: Callable[[Any], object] | None = None,
    error_callback: Callable[[BaseException], object] | None = None,
) -> AsyncResult:
    """
    As `apply`, but return at once.

    Parameters
    ----------
    function : callable
        The function.
    args, kwds : iterable and dict, optional
        Its arguments.
    callback, error_callback : callable, optional
        Called with the result, or with the error, by another thread.

    Returns
    -------
    AsyncResult
        With `get(timeout)`, `wait(timeout)`, `ready()` and `successful()`, as of `multiprocessing.pool`.

    Examples
    --------
    >>> import allcores as ac
    >>> ac.apply_async(pow, (2, 10)).get()
    1024
    """
    return async_call(executor(), function, tuple(args), kwds or {}, callback, error_callback)


def map_async(
    function: _Function,
    /,
    *iterables: Iterable[Any],
    callback: Callable[[list[Any]], object] | None = None,
    error_callback: Callable[[BaseException], object] | None = None,
    **options: Any,
) -> AsyncResult:
    """
    As `map`, but return at once; all is done by worker processes.

    Parameters
    ----------
    function : callable
        Takes as many arguments as there are iterables.
    *iterables : iterable
        Items.
    callback, error_callback : callable, optional
        Called with the list of results, or with the first error, by another thread.
    **options
        As of `map`, but `initializer` and `buffersize`.

    Returns
    -------
    AsyncResult
        As of `apply_async`.

    Examples
    --------
    >>> import allcores as ac
    >>> ac.map_async(abs, [-1, 2]).get()
    [1, 2]
    """
    return _map_async(function, iterables, False, callback, error_callback, options)


def starmap_async(
    function: _Function,
    iterable: Iterable[Iterable[Any]],
    /,
    callback: Callable[[list[Any]], object] | None = None,
    error_callback: Callable[[BaseException], object] | None = None,
    **options: Any,
) -> AsyncResult:
    """
    As `starmap`, but return at once.

    Parameters
    ----------
    function : callable
        The function.
    iterable : iterable of tuple
        Arguments of each call.
    callback, error_callback : callable, optional
        As of `map_async`.
    **options
        As of `map_async`.

    Returns
    -------
    AsyncResult
        As of `apply_async`.

    Examples
    --------
    >>> import allcores as ac
    >>> ac.starmap_async(pow, [(2, 10), (3, 2)]).get()
    [1024, 9]
    """
    return _map_async(function, (iterable,), True, callback, error_callback, options)


def _map_async(
    function: _Function,
    iterables: tuple[Iterable[Any], ...],
    spread: bool,
    callback: Callable[[list[Any]], object] | None,
    error_callback: Callable[[BaseException], object] | None,
    given: dict[str, Any],
) -> AsyncResult:
    settings = _checked(**given)
    for name in ("initializer", "buffersize", "progress"):
        if getattr(settings, name):
            raise ValueError(f"{name} is not for calls that return at once, got {getattr(settings, name)!r}")
    function, items, spread = _prepared(function, iterables, spread, settings)
    pool = executor(settings.workers)
    return async_map(pool, function, (items,), settings.options(spread), callback, error_callback)
