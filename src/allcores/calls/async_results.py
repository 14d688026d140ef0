"""Results that are asked for later: `AsyncResult`, as multiprocessing.pool has it, of a map or of one call.

    Job or future --(any thread)--> AsyncResult: ready, or, with a callback, --> callback thread --> ready

Callbacks run in one thread of each executor, which is there only while some are to come: a lasting one would be in the
way of `fork`. Called by allcores.calls.mp_pool and .maps.
"""

from __future__ import annotations

import os
import queue
import threading
import time
import types
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from typing import Any

from allcores.pool.assigning import forked_error
from allcores.pool.errors import UnpicklableTask
from allcores.pool.executor import Executor
from allcores.pool.jobs import Job
from allcores.pool.results import Options, Results
from allcores.pool.tasks import PoolFuture

_Callback = Callable[[Any], object]


class AsyncResult:
    """A result that is on its way: what `map_async` and its like return.

    Notes
    -----
    As `multiprocessing.pool.AsyncResult`. It is ready when its callback, if it has one, has returned. What was
    cancelled gets `concurrent.futures.CancelledError`; multiprocessing lets it wait for ever.

    Examples
    --------
    >>> from allcores.calls.mp_pool import Pool
    >>> with Pool(2) as pool:
    ...     result = pool.map_async(abs, [-1, 2, -3])
    ...     result.get(timeout=60)
    [1, 2, 3]
    """

    def __init__(
        self,
        executor: Executor,
        callback: _Callback | None = None,
        error_callback: _Callback | None = None,
        owner: object = None,
    ) -> None:
        for name, value in (("callback", callback), ("error_callback", error_callback)):
            if value is not None and not callable(value):
                raise TypeError(f"{name} must be callable or None, got {value!r}")
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._owner = owner  # lives until the result is there
        self._source: Results | PoolFuture | None = None  # what the outcome is still to be taken from
        self._success = False
        self._value: Any = None
        self._arrived = 0
        self._over = False
        self._callback, self._error_callback = callback, error_callback
        self._callbacks: Callbacks | None = None
        if callback is not None or error_callback is not None:
            self._callbacks = callbacks_of(executor)
            self._callbacks.expect()

    def ready(self) -> bool:
        """Whether the result, or the error, is there."""
        return self._event.is_set()

    def successful(self) -> bool:
        """Whether there is a result and no error; ValueError before one of them is there."""
        if not self._event.is_set():
            raise ValueError(f"{self!r} is not ready")
        return self._outcome()[0]

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it is ready, for `timeout` seconds at most."""
        if self._event.is_set():
            return
        if os.getpid() != self._pid:
            raise forked_error()
        source, callbacks = self._source, self._callbacks
        if callbacks is not None and callbacks.thread is threading.current_thread():
            callbacks.work_until(self._event, timeout)  # a callback waits for a result that has one
            return
        if isinstance(source, PoolFuture):
            source._attend(timeout)
        self._event.wait(timeout)

    def get(self, timeout: float | None = None) -> Any:
        """Return the result, or raise the error.

        Parameters
        ----------
        timeout : float, optional
            Seconds after which `multiprocessing.TimeoutError` is raised, and the work goes on.
        """
        self.wait(timeout)
        if not self._event.is_set():
            raise timeout_error()
        success, value = self._outcome()
        if success:
            return value
        try:
            raise value
        finally:
            del value, self  # its traceback refers to this frame

    def _get_or_end(self) -> Any:
        """As `get`; Ctrl-C ends the work, as nobody else has this result."""
        try:
            self.wait()
        except BaseException:
            source = self._source
            if isinstance(source, Results):
                source.cancel(running=True)
            elif source is not None:
                source.kill()
            raise
        return self.get()

    def __class_getitem__(cls, item: Any) -> types.GenericAlias:
        return types.GenericAlias(cls, item)

    # ---- for who makes them ------------------------------------------------------------------------------------------

    def _begin(self, source: Results | PoolFuture) -> None:
        """Take the outcome from there, when it has come."""
        with self._lock:
            self._source = source
        if isinstance(source, PoolFuture):
            source.add_done_callback(self._done)
        else:
            self._heard(0)

    def _heard(self, count: int) -> None:
        """Note that so many items of the map have come back. Any thread's."""
        with self._lock:
            self._arrived += count
            if self._over or not isinstance(self._source, Results):
                return
            job = self._source.job
            if self._arrived < len(job.items) and not job.cancelled:
                return
            self._over = True
        job.heard = None
        self._finish()

    def _done(self, _: object) -> None:
        self._finish()

    def _failed(self, error: BaseException) -> None:
        """End with an error; nothing was started."""
        self._value = error
        self._finish()

    def _withdrawn(self) -> None:
        """Nobody gets to see this one."""
        if self._callbacks is not None:
            self._callbacks.due.put(None)

    def _finish(self) -> None:
        self._owner = None
        if self._callbacks is None:
            self._event.set()
        else:
            self._callbacks.due.put(self)

    def _call_back(self) -> None:
        """Call what is to be told, in the thread that does so."""
        try:
            success, value = self._outcome()
            call = self._callback if success else self._error_callback
            self._callback = self._error_callback = None
            if call is not None:
                call(value)
        except BaseException as error:  # noqa: BLE001  as that of a thread; the result is there all the same
            about = (type(error), error, error.__traceback__, threading.current_thread())
            threading.excepthook(threading.ExceptHookArgs(about))
        finally:
            self._event.set()

    def _outcome(self) -> tuple[bool, Any]:
        with self._lock:
            source = self._source
            if source is not None:
                if isinstance(source, Results):
                    self._success, self._value = _gathered(source.job, source.keeps_errors)
                    source.job.parts.clear()
                elif source.cancelled():
                    self._success, self._value = False, CancelledError()
                else:
                    error = source.exception()
                    self._success = error is None
                    self._value = source.result() if error is None else error
                self._source = None
            return self._success, self._value


class Callbacks:
    """The thread that calls the callbacks of one executor's results."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.due: queue.SimpleQueue[AsyncResult | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._expected = 0

    def expect(self) -> None:
        """Have a thread there: a result with a callback is on its way."""
        with self._lock:
            if self.thread is None:
                self.thread = threading.Thread(target=self._run, name="allcores-callbacks", daemon=True)
                try:
                    self.thread.start()
                except BaseException:
                    self.thread = None
                    raise
            self._expected += 1

    def join(self) -> None:
        """Wait until all callbacks have returned; not in one of them."""
        thread = self.thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def work_until(self, event: threading.Event, timeout: float | None) -> None:
        """Call what is due until the event is set, within a callback."""
        end = None if timeout is None else time.monotonic() + timeout
        while not event.is_set():
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return
            try:
                self._next(left)
            except queue.Empty:
                return

    def _run(self) -> None:
        while True:
            self._next(None)
            with self._lock:
                if not self._expected:
                    self.thread = None
                    return

    def _next(self, timeout: float | None) -> None:
        result = self.due.get(timeout=timeout)
        with self._lock:
            self._expected -= 1
        if result is not None:
            result._call_back()


_of: weakref.WeakKeyDictionary[Executor, Callbacks] = weakref.WeakKeyDictionary()
_of_lock = threading.Lock()


def callbacks_of(executor: Executor) -> Callbacks:
    """Return the callback thread of an executor."""
    with _of_lock:
        found = _of.get(executor)
        if found is None:
            found = _of[executor] = Callbacks()
        return found


def async_map(
    executor: Executor,
    fn: Callable[..., Any],
    iterables: Sequence[Iterable[Any]],
    options: Options,
    callback: _Callback | None = None,
    error_callback: _Callback | None = None,
    *,
    owner: object = None,
) -> AsyncResult:
    """Start a map, and return the list of its results as one to be asked for later.

    All items run, also behind an error; the first item's error is the map's. `options` are of an ordered map that takes
    all items now. `owner` lives until the result is there.
    """
    result = AsyncResult(executor, callback, error_callback, owner)
    told = options.heard

    def heard(count: int) -> None:
        """Tell both."""
        if told is not None:
            told(count)
        result._heard(count)

    try:
        results = executor.start_map(fn, iterables, options._replace(heard=heard))
    except UnpicklableTask as error:
        result._failed(error)
    except BaseException:
        result._withdrawn()
        raise
    else:
        result._begin(results)
    return result


def async_call(
    executor: Executor,
    fn: Callable[..., Any],
    args: Iterable[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    callback: _Callback | None = None,
    error_callback: _Callback | None = None,
    *,
    owner: object = None,
) -> AsyncResult:
    """Start one call, and return its result as one to be asked for later. `owner` lives until it is there."""
    result = AsyncResult(executor, callback, error_callback, owner)
    try:
        future = executor.submit(fn, *args, **(kwargs or {}))
    except BaseException:
        result._withdrawn()
        raise
    result._begin(future)
    return result


def timeout_error() -> Exception:
    """Return multiprocessing's own TimeoutError, which is no builtin one; imported when it is needed."""
    import multiprocessing

    return multiprocessing.TimeoutError()


def _gathered(job: Job, keep_errors: bool) -> tuple[bool, Any]:
    """Return (True, the list of results) or (False, the first error) of a map that is done or cancelled."""
    with job.arrived:
        values: list[Any] = []
        for first in sorted(job.parts):
            part, errors = job.parts[first]
            if errors and not keep_errors:
                return False, errors[min(errors)]
            for item, error in errors.items():
                part[item - first] = error
            values += part
    if len(values) < len(job.items):
        return False, job.error or CancelledError()
    return True, values


def _in_forked_child() -> None:
    global _of_lock
    _of_lock = threading.Lock()
    _of.clear()  # their threads are the parent's


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
