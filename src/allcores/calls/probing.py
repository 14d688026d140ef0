"""A plain map begins in the caller, and goes on where what was seen of its first calls says.

    caller: f(x0) f(x1) f(x2) ... batches that double, until what is left is worth sharing out
    watcher: while one call takes long, is it worth having workers begin on the rest?

Results of the first calls are used, never computed again. Of the watcher's waits one also sees whether calls let other
threads run Python: it wakes late when they do not. A function whose calls took long in its last two maps has the rest
begun elsewhere with the first call. Called by allcores.calls.maps.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from allcores.calls.executors import executor, is_warm
from allcores.calls.threads import Threads
from allcores.plan.calls import Observed, expected, plan_calls
from allcores.plan.model import Plan
from allcores.pool.errors import PoolError
from allcores.pool.pickling import dumps_held
from allcores.pool.results import Options, Results

try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

_WORTH = 8e-4  # seconds of work left below which nothing else is thought of
_EVIDENCE = 1e-4  # seconds of calls before it is: the first one may be slow because it is the first
_AGAIN = 1.5  # times as many seconds of calls before it is thought of again
_LONG = 5e-4  # seconds of a call that is begun elsewhere because calls took that long before
_YIELD = 2e-5  # seconds
_BATCH = 2e-4  # seconds of a batch in the caller
_TICK, _LONGEST_TICK = 5e-4, 0.05  # seconds between two looks of the watcher, first and last
_LINGER = 0.5  # seconds that the watcher goes on looking: to wake it takes longer than a small map
_BEFORE = 1e-3  # seconds of watching that what was seen of the map before counts for
_LATE = 3e-4  # seconds: who wakes later than that had to wait for Python's lock
_COPIED = 0.2  # of a large buffer's byte, beside one that is pickled
_MOST_SEEN = 256
_THREAD = getattr(resource, "RUSAGE_THREAD", None)  # Linux has it

GIL = getattr(sys, "_is_gil_enabled", lambda: True)()

_seen: dict[Any, tuple[Observed, Plan | None]] = {}  # by code
_last: dict[Any, tuple[Observed | None, Observed]] = {}  # the same, of the last two maps that called it here


def key_of(function: Callable[..., Any]) -> Any:
    """Return what stands for a function among those that were seen; keeps no closure alive."""
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None)
    return code if code is not None else (type(function), getattr(function, "__qualname__", ""))


def seen(function: Callable[..., Any]) -> tuple[Observed, Plan | None] | None:
    """Return what was observed of a function in the latest map, and its plan, if it came to one."""
    return _seen.get(key_of(function))


def _busy_and_waits() -> tuple[float, int]:
    """Return seconds that this thread has computed, and how often it has waited; where that is not known, never."""
    return time.thread_time(), 0 if _THREAD is None else resource.getrusage(_THREAD).ru_nvcsw


def forget() -> None:
    """Let the next map of any function be as its first one."""
    _seen.clear()
    _last.clear()


class Probe:
    """One map: what of it was done here, and what does the rest."""

    def __init__(
        self,
        function: Callable[..., Any],
        items: Sequence[Any],
        spread: bool,
        workers: int,
        asked: int | None,
        threads: bool = False,
    ) -> None:
        self.function = function
        self.items = items
        self.spread = spread
        self.workers = workers
        self.asked = asked  # for so many workers, None: as many as there are cores
        self.lock = threading.Lock()
        self.taken = 0  # items that the caller has done, or is at
        self.batch = 1
        self.first = self.started = time.perf_counter()  # when the map began, and when it began to be looked at
        self.began = self.started  # when it began with the last ones
        self.idle = 0.0  # the share of the time that the caller's calls have waited
        self.size = float("nan")
        self.over = False
        self.stopped = False  # nobody wants the results any more
        self.watched = self.free = 0.0  # seconds of the watcher's sleeps, and of those from which it woke in time
        self.unsendable = ""
        known = _last.get(key_of(function))
        self.expected = None if known is None else expected(*known)
        self.plan: Plan | None = None
        self.rest: Results | list[Future[list[Any]]] | None = None  # of all items that were not taken
        self.threads: Threads | None = None
        if threads and workers > 1 and len(items) > 1:  # whatever calls take
            used = min(workers, len(items))
            chunk = max(1, len(items) // (4 * used))
            self.plan = Plan("threads", used, chunk, float("nan"), float("nan"), "it was asked for")
            self._start_threads(self.plan)

    def run(self) -> list[Any]:
        """Return the results of all items."""
        function, items, spread = self.function, self.items, self.spread
        if self.workers > 1:
            _watcher.watch(self)
        clock = time.perf_counter
        results: list[Any] = []
        count = len(items)
        size = 1
        per = spent = 0.0
        look_at = _EVIDENCE
        interrupted = False
        busy, waits = _busy_and_waits() if self.workers > 1 else (0.0, 0)
        try:
            while True:
                with self.lock:
                    done = self.taken
                    if self.rest is not None or done >= count:
                        self.over = True
                        break
                    batch = items[done : done + size]
                    self.taken = done + len(batch)
                    self.batch = len(batch)
                    before = self.began = clock()
                if done == 0 and self.workers > 1 and self.expected is not None and self.expected.seconds >= _LONG:
                    self._begin_ahead(self.expected.seconds)
                    before = self.began
                results += [function(*item) for item in batch] if spread else [function(item) for item in batch]
                took = clock() - before
                per = took / len(batch)
                spent += took
                if self.workers > 1 and spent >= look_at and (count - self.taken) * per > _WORTH:
                    busy_now, waits_now = _busy_and_waits()
                    if waits_now - waits >= self.taken:  # else it was another program that had the core
                        self.idle = max(0.0, 1 - (busy_now - busy) / spent)
                    self.consider(per, results[-1])
                    look_at = _AGAIN * spent
                size = max(1, min(2 * size, int(_BATCH / per) if per else size))
            self._collect(results)
        except BaseException as error:
            self.over = self.stopped = True
            interrupted = isinstance(error, KeyboardInterrupt)
            with self.lock:
                if isinstance(self.rest, Results):
                    self.rest.cancel(running=True)
            raise
        finally:
            if self.workers > 1:
                _watcher.leave(self)
            if self.threads is not None:
                # Threads cannot be ended: Ctrl-C does not wait for what they are at.
                self.threads.shutdown(wait=not interrupted)
        self._remember(per)
        return results

    def _begin_ahead(self, seconds: float) -> None:
        """Have the rest begun elsewhere before the first call, given what one takes, if that is faster."""
        self.consider(seconds, running=1)
        if isinstance(self.rest, Results):
            time.sleep(_YIELD)  # a worker that was woken on this core waits for it, while others are idle
        self.started = self.began = time.perf_counter()  # all this leaves the lock

    def _remember(self, seconds: float) -> None:
        if len(_seen) >= _MOST_SEEN:
            forget()
        if self.rest is not None:  # a call that others ran beside may have waited for the lock: no longer than all took
            most = (time.perf_counter() - self.first) * (self.workers + 1) / len(self.items)
            seconds = min(seconds, most)
        key, now = key_of(self.function), self.observed(seconds)
        _seen[key] = now, self.plan
        if seconds and self.workers > 1:  # else it was not called here, or not looked at
            _last[key] = _last.get(key, (None, None))[1], now

    def observed(self, seconds: float) -> Observed:
        """Return what was seen until now."""
        watched, free = self.watched + _watcher.late(self.started), self.free
        if self.expected is not None:
            watched, free = watched + _BEFORE, free + _BEFORE * self.expected.released
        released = free / watched if watched else self.idle  # what only waits holds no lock, as a rule
        return Observed(seconds, self.size, released, self.unsendable)

    def consider(self, seconds: float, result: Any = None, running: int = 0) -> None:
        """Have the rest done elsewhere if that is faster, given what one call takes. Any thread's.

        `running`: calls that the caller is at.
        """
        with self.lock:
            if self.rest is not None or self.over or self.taken >= len(self.items):
                return
            self._weigh(result)
            left = len(self.items) - self.taken + running
            warm = is_warm(self.asked)
            plan = plan_calls(left, self.observed(seconds), self.workers, warm=warm, gil=GIL)
            if plan.engine == "processes":
                try:
                    self.rest = executor(self.asked).start_map(
                        self.function, [self.items[self.taken :]], Options(spread=self.spread)
                    )
                except (PoolError, OSError) as error:  # it cannot be pickled, or no process can be had
                    self.unsendable = str(error)
                    plan = plan_calls(left, self.observed(seconds), self.workers, warm=True, gil=GIL)
            if plan.engine == "threads":
                self._start_threads(plan)
            self.plan = plan

    def _weigh(self, result: Any) -> None:
        """Look how many bytes the next item is, pickled, and a result."""
        if self.unsendable:
            return
        try:
            size = 0.0
            for one in (self.items[self.taken], result):
                payload, buffers, _ = dumps_held(one)
                size += len(payload) + _COPIED * sum(buffer.nbytes for buffer in buffers)
            if result is None and self.expected is not None and self.expected.bytes > size:  # there is no result yet
                size = self.expected.bytes
            self.size = size
        except Exception as error:  # noqa: BLE001  pickling calls anybody's code; what it says is kept as the reason
            self.unsendable = f"{type(error).__name__}: {error}"
            self.size = float("nan")

    def _start_threads(self, plan: Plan) -> None:
        function, items, spread = self.function, self.items, self.spread
        self.threads = Threads(plan.workers)

        def part(start: int) -> list[Any]:
            some = items[start : start + plan.chunk]
            if spread:
                return [function(*item) for item in some if not self.stopped]
            return [function(item) for item in some if not self.stopped]

        self.rest = [self.threads.submit(part, at) for at in range(self.taken, len(items), plan.chunk)]

    def _collect(self, results: list[Any]) -> None:
        if isinstance(self.rest, Results):
            results.extend(self.rest)
        elif self.rest is not None:
            for future in self.rest:
                results += future.result()


class _Watcher:
    """A thread that looks after the maps that have begun, and ends when there have been none for a while."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = False
        self.probes: list[Probe] = []
        self.slept = self.due = 0.0  # when it went to sleep, and was to wake

    def watch(self, probe: Probe) -> None:
        """Look after a map from now on; where the interpreter is ending, and starts no thread, the map stays here."""
        with self.lock:
            self.probes.append(probe)
            if not self.running:
                with contextlib.suppress(RuntimeError):
                    threading.Thread(target=self.run, name="allcores-watcher", daemon=True).start()
                    self.running = True

    def leave(self, probe: Probe) -> None:
        """Look after a map no longer."""
        with self.lock, contextlib.suppress(ValueError):  # a forked child has another watcher
            self.probes.remove(probe)

    def late(self, started: float) -> float:
        """Return for how long it has slept, if it should look by now at a map that has begun before; else 0."""
        now = time.perf_counter()
        return now - self.slept if self.running and self.slept >= started and now - self.due > _LATE else 0.0

    def run(self) -> None:
        """Be the thread."""
        tick = _TICK
        idle_since = time.perf_counter()
        while True:
            before = self.slept = time.perf_counter()
            self.due = before + tick
            time.sleep(tick)
            now = time.perf_counter()
            slept, tick = tick, _TICK  # the next map may begin at any time
            if self.probes:
                idle_since = now
                self.look(before, now, now - before - slept < _LATE)
                # Of maps that have run for long it is early enough to look after some more of their time.
                begun = max((probe.began for probe in list(self.probes)), default=now)
                tick = min(max(_TICK, (now - begun) / 8), _LONGEST_TICK)
            elif now - idle_since > _LINGER:
                with self.lock:
                    if not self.probes:  # else one has come in between
                        self.running = False
                        return

    def look(self, before: float, now: float, free: bool) -> None:
        """Look at every map, after a sleep that began `before`: late waking before a map began says nothing of it."""
        for probe in list(self.probes):
            if before < probe.started or (probe.over and probe.threads is None):
                continue  # who waits for processes leaves the lock
            probe.watched += now - before
            probe.free += (now - before) * free
            if probe.rest is None and probe.batch == 1 and now - probe.began > _TICK:
                probe.consider(now - probe.began, running=1)


_watcher = _Watcher()


def _in_forked_child() -> None:
    global _watcher
    _watcher = _Watcher()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
