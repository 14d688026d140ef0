"""A plain map begins in the caller, and goes on where what was seen of its first calls says.

    caller: f(x0) f(x1) f(x2) ... batches that double, until what is left is worth sharing out
    watcher: while one call takes long, is it worth having workers begin on the rest?

Results of the first calls are used, never computed again. Of the watcher's waits one also sees whether calls let other
threads run Python: it wakes late when they do not. Called by allcores.calls.maps.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from allcores.calls.executors import executor, is_warm
from allcores.calls.threads import Threads
from allcores.plan.calls import Observed, plan_calls
from allcores.plan.model import Plan
from allcores.pool.errors import PoolError
from allcores.pool.pickling import dumps_held
from allcores.pool.results import Options, Results

_WORTH = 1.5e-3  # seconds of work left below which nothing else is thought of
_BATCH = 2e-4  # seconds of a batch in the caller
_TICK, _LONGEST_TICK = 5e-4, 0.05  # seconds between two looks of the watcher, first and last
_LINGER = 0.5  # seconds that the watcher goes on looking: to wake it takes longer than a small map
_LATE = 1e-3  # seconds: who wakes later than that had to wait for Python's lock
_COPIED = 0.2  # of a large buffer's byte, beside one that is pickled
_MOST_SEEN = 256

GIL = getattr(sys, "_is_gil_enabled", lambda: True)()

_seen: dict[Any, tuple[Observed, Plan | None]] = {}  # by code


def key_of(function: Callable[..., Any]) -> Any:
    """Return what stands for a function among those that were seen; keeps no closure alive."""
    code = getattr(function, "__code__", None)
    return code if code is not None else (type(function), getattr(function, "__qualname__", ""))


def seen(function: Callable[..., Any]) -> tuple[Observed, Plan | None] | None:
    """Return what was observed of a function in the latest map, and its plan, if it came to one."""
    return _seen.get(key_of(function))


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
        self.started = time.perf_counter()
        self.began = self.started  # when it began with the last ones
        self.over = False
        self.stopped = False  # nobody wants the results any more
        self.ticks = self.free = 0
        self.unsendable = ""
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
        per = 0.0
        interrupted = False
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
                results += [function(*item) for item in batch] if spread else [function(item) for item in batch]
                per = (clock() - before) / len(batch)
                if self.workers > 1 and (count - self.taken) * per > _WORTH:
                    self.consider(per, results[-1])
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
        if len(_seen) >= _MOST_SEEN:
            _seen.clear()
        _seen[key_of(function)] = self.observed(per), self.plan
        return results

    def observed(self, seconds: float, size: float = float("nan")) -> Observed:
        """Return what was seen until now."""
        released = self.free / self.ticks if self.ticks else 0.0
        return Observed(seconds, size, released, self.unsendable)

    def consider(self, seconds: float, result: Any = None, running: int = 0) -> None:
        """Have the rest done elsewhere if that is faster, given what one call takes. Any thread's.

        `running`: calls that the caller is at.
        """
        with self.lock:
            if self.rest is not None or self.over or self.taken >= len(self.items):
                return
            size = self._size(result)
            left = len(self.items) - self.taken + running
            warm = is_warm(self.asked)
            plan = plan_calls(left, self.observed(seconds, size), self.workers, warm=warm, gil=GIL)
            if plan.engine == "processes":
                try:
                    self.rest = executor(self.asked).start_map(
                        self.function, [self.items[self.taken :]], Options(spread=self.spread)
                    )
                except (PoolError, OSError) as error:  # it cannot be pickled, or no process can be had
                    self.unsendable = str(error)
                    plan = plan_calls(left, self.observed(seconds, size), self.workers, warm=True, gil=GIL)
            if plan.engine == "threads":
                self._start_threads(plan)
            self.plan = plan

    def _size(self, result: Any) -> float:
        """Return the bytes of the next item, pickled, and of a result."""
        if self.unsendable:
            return float("nan")
        try:
            size = 0.0
            for one in (self.items[self.taken], result):
                payload, buffers, _ = dumps_held(one)
                size += len(payload) + _COPIED * sum(buffer.nbytes for buffer in buffers)
            return size
        except Exception as error:  # noqa: BLE001  pickling calls anybody's code; what it says is kept as the reason
            self.unsendable = f"{type(error).__name__}: {error}"
            return float("nan")

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

    def run(self) -> None:
        """Be the thread."""
        tick = _TICK
        idle_since = time.perf_counter()
        while True:
            before = time.perf_counter()
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
            if probe.over or before < probe.started:
                continue
            probe.ticks += 1
            probe.free += free
            if probe.rest is None and probe.batch == 1 and now - probe.began > _TICK:
                probe.consider(now - probe.began, running=1)


_watcher = _Watcher()


def _in_forked_child() -> None:
    global _watcher
    _watcher = _Watcher()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
