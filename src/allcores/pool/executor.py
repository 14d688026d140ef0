"""`Executor`: functions on worker processes, with the interface of `concurrent.futures`. Called by users."""

from __future__ import annotations

import atexit
import itertools
import marshal
import operator
import os
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor as _Executor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from allcores.plan.machine import worker_cores
from allcores.pool.errors import UnpicklableTask
from allcores.pool.output import levels
from allcores.pool.pickling import dumps_held
from allcores.pool.results import Options, Results, start_map
from allcores.pool.scheduler import Scheduler
from allcores.pool.tasks import Call, PoolFuture, name_of, unpicklable
from allcores.pool.workers import METHODS, capped

_schedulers: weakref.WeakSet[Scheduler] = weakref.WeakSet()


class Executor(_Executor):
    """Processes that run Python functions; a `concurrent.futures.Executor` that a dying worker cannot block.

    Parameters
    ----------
    max_workers : int, optional
        The most processes at a time; the cores that this process may use by default. In a worker, its share of them.
    initializer : callable, optional
        Called in each worker before its first task, with `initargs`.
    initargs : tuple, optional
        Arguments of `initializer`.
    max_tasks_per_worker : int, optional
        A worker is replaced after that many calls; a chunk of `map` counts as one.
    start_method : {"forkserver", "spawn", "fork"}, optional
        How workers start. "forkserver": forks of a small process that has imported nothing. "spawn": new interpreters.
        "fork": forks of this process, refused while other threads run.
    output : {"forward", None}, optional
        "forward": what tasks print, log and warn of comes out here, lines with the number of their worker before.
        None: it goes where the workers' own standard output and error go, as logging in workers is set up.

    Raises
    ------
    ValueError
        For numbers below 1, and a method that this system does not have.

    Notes
    -----
    Workers start when tasks need them, and leave after ten seconds without. They have the program's environment,
    folder and `sys.path`, but do not import its `__main__`: no ``if __name__ == "__main__"`` is needed. Functions and
    classes of `__main__`, closures and lambdas are sent by cloudpickle, if it is installed. Arguments are pickled by
    `submit`, but large arrays are copied when a worker takes the task: do not change them before. Tasks never run in
    the caller.

    A task whose worker dies fails with `WorkerDied`; all others go on.

    Examples
    --------
    >>> import allcores as ac
    >>> with ac.Executor(2) as executor:
    ...     list(executor.map(abs, [-1, 2, -3]))
    [1, 2, 3]
    """

    def __init__(
        self,
        max_workers: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        max_tasks_per_worker: int | None = None,
        *,
        start_method: str = "forkserver",
        output: str | None = "forward",
    ) -> None:
        cores = worker_cores()
        self._max_workers = cores if max_workers is None else _at_least_one("max_workers", max_workers)
        if max_tasks_per_worker is not None:
            max_tasks_per_worker = _at_least_one("max_tasks_per_worker", max_tasks_per_worker)
        if initializer is not None and not callable(initializer):
            raise TypeError(f"initializer must be callable, got {initializer!r}")
        if start_method not in METHODS:
            raise ValueError(f"start_method must be one of {', '.join(METHODS)}, got {start_method!r}")
        if output not in {"forward", None}:
            raise ValueError(f"output must be 'forward' or None, got {output!r}")
        if os.name != "posix":
            raise NotImplementedError("processes are written for Linux and macOS; here use concurrent.futures")
        prepared, held = b"", None
        if initializer is not None:
            try:
                prepared, _, held = dumps_held((initializer, tuple(initargs)), inline=True)
            except Exception as error:
                raise unpicklable(error, name_of(initializer), "the initializer or an argument") from error
        share = max(1, cores // self._max_workers)

        def settings() -> bytes:
            """Return what a new worker takes over; as things are when it starts."""
            return marshal.dumps(
                {
                    "environ": capped(dict(os.environ), share),
                    "folder": str(Path.cwd()),
                    "path": [os.fspath(entry) for entry in sys.path],
                    "argv": list(sys.argv),
                    "initializer": prepared,
                    "output": output,
                    "levels": levels(),
                }
            )

        self._held = held  # shared arrays among `initargs`
        self._jobs = itertools.count(1)
        self._measured: dict[bytes, tuple[float, float]] = {}
        self._scheduler = Scheduler(self._max_workers, start_method, settings, max_tasks_per_worker)
        _schedulers.add(self._scheduler)
        self._abandoned = weakref.finalize(self, self._scheduler.abandon)
        self._abandoned.atexit = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> PoolFuture:
        """Run ``fn(*args, **kwargs)`` in a worker.

        Returns
        -------
        concurrent.futures.Future
            Also with a method `kill()`, which ends the task's worker when the task runs.
        """
        return self._submit(fn, args, kwargs, None, 0)

    def submit_with(
        self, fn: Callable[..., Any], /, *args: Any, timeout: float | None = None, retries: int = 0, **kwargs: Any
    ) -> PoolFuture:
        """Run ``fn(*args, **kwargs)`` in a worker, within a time, and again if the worker dies.

        Parameters
        ----------
        fn : callable
            The function; `args` and the other `kwargs` are its arguments.
        timeout : float, optional
            Seconds after the start of the task when its worker is ended; the future then raises `TaskTimeout`.
        retries : int, optional
            How often the task is run again after its worker died or it took too long. An exception that `fn` raises
            is a result, and not tried again.

        Returns
        -------
        concurrent.futures.Future
            As of `submit`.
        """
        check_limits(timeout, retries)
        return self._submit(fn, args, kwargs, timeout, retries)

    def _submit(
        self,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        timeout: float | None,
        retries: int,
        aside: bool = False,
    ) -> PoolFuture:
        future = PoolFuture()
        scheduler = self._scheduler
        name = name_of(fn)
        try:
            payload, buffers, held = dumps_held((fn, args, kwargs))
        except Exception as error:  # noqa: BLE001  that of an argument's __reduce__
            scheduler.check()
            failed: UnpicklableTask = unpicklable(error, name, "an argument, or the function,")
            failed.__cause__ = error
            future.set_running_or_notify_cancel()
            future.set_exception(failed)
            return future
        task = Call(future, payload, buffers, held, name, timeout, retries)
        future._task, future._scheduler = task, scheduler
        try:
            scheduler.submit(task, aside and bool(buffers))
        except KeyboardInterrupt:  # nobody gets to see this future
            future.kill()
            raise
        return future

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int | None = None,
        buffersize: int | None = None,
    ) -> Iterator[Any]:
        """Call `fn` with the items of the iterables, in workers; an iterator over the results, in order.

        Parameters
        ----------
        fn : callable
            Takes as many arguments as there are iterables.
        *iterables : iterable
            Items; the shortest counts.
        timeout : float, optional
            Seconds from now after which waiting for a result raises TimeoutError.
        chunksize : int, optional
            Items sent at a time; by default as many as take some hundredths of a second, as measured.
        buffersize : int, optional
            Take items from the iterables only as far as that many are ahead of the results that were taken. By
            default all are taken now.

        Returns
        -------
        iterator
            Raises the error of an item at its place. The next `next()` goes on behind it. With `buffersize` an error of
            the iterables comes behind the results of what they gave, otherwise now.
        """
        if chunksize is not None:
            chunksize = _at_least_one("chunksize", chunksize)
        if buffersize is not None:
            buffersize = _at_least_one("buffersize", buffersize)
        end = None if timeout is None else time.monotonic() + timeout
        return self.start_map(fn, iterables, Options(chunksize, buffersize, end))

    def usable(self) -> bool:
        """Return whether tasks are taken: it is not shut down, not broken, and of this process."""
        scheduler = self._scheduler
        return not (scheduler.closing or scheduler.broken or scheduler.forked)

    def has_workers(self) -> bool:
        """Return whether there are workers now; they leave after a while without work."""
        return bool(self._scheduler.workers)

    def start_map(self, fn: Callable[..., Any], iterables: Sequence[Iterable[Any]], options: Options) -> Results:
        """Start a map with whatever options there are: what `map` and the functions of allcores.calls call."""
        return start_map(self._scheduler, next(self._jobs), self._measured, fn, iterables, options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks, and let the workers go when those there are have run.

        Parameters
        ----------
        wait : bool, optional
            Return when the workers have left.
        cancel_futures : bool, optional
            Cancel what has not started.
        """
        self._abandoned.detach()
        if self._scheduler.forked:
            return
        if cancel_futures:
            self._scheduler.cancel_all()
        self._scheduler.close()
        if wait:
            self._scheduler.join()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not self._scheduler.forked:
            if issubclass(kind, KeyboardInterrupt):
                self._scheduler.cancel_all(running=True)
            else:
                self._scheduler.cancel_raised()
        self.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self

    def __reduce__(self) -> Any:
        raise TypeError("an Executor cannot be pickled; make one where it is needed")


def check_limits(timeout: float | None, retries: int) -> None:
    """Raise what is wrong with these limits of a task."""
    if timeout is not None and not timeout > 0:
        raise ValueError(f"timeout must be above 0 seconds, got {timeout!r}")
    if operator.index(retries) < 0:
        raise ValueError(f"retries must be 0 or more, got {retries!r}")


def _at_least_one(name: str, value: Any) -> int:
    number = operator.index(value)
    if number < 1:
        raise ValueError(f"{name} must be greater than 0, got {value!r}")
    return number


def _at_exit() -> None:
    """Let every executor finish, or stop when Ctrl-C ends the program."""
    interrupted = isinstance(getattr(sys, "last_value", None), KeyboardInterrupt)
    for scheduler in list(_schedulers):
        if not scheduler.forked:
            if interrupted:
                scheduler.cancel_all(running=True)
            scheduler.close()
    for scheduler in list(_schedulers):
        scheduler.join()


def _in_forked_child() -> None:
    for scheduler in list(_schedulers):
        scheduler.forget()
    _schedulers.clear()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
