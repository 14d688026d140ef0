"""Interleaved rounds: every round times every call once, so that a busy machine is unfair to none of them.

Before each measurement one thread keeps busy for some milliseconds: idle threads of one library spin for that long and
would take cores from the next. It does not sleep, as waking the cores of a virtual machine can take longer than the
work. Then the call runs untimed for as long, which wakes its own threads and fills the caches.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping

REST = 0.006  # seconds; GNU OpenMP's threads spin for about 4 ms
WARM = 0.004  # seconds of untimed calls
LEAST = 0.5e-3  # seconds of one measurement; shorter calls are repeated
MOST_CALLS = 10_000


def measure(call: Callable[[], object], calls: int) -> float:
    """Return the seconds one of `calls` calls took."""
    clock = time.perf_counter
    turns = range(calls)
    start = clock()
    for _ in turns:
        call()
    return (clock() - start) / calls


def calls_for(call: Callable[[], object]) -> int:
    """Return how often to repeat `call` so that one measurement is long enough for the clock."""
    seconds = max(measure(call, 1), 1e-8)
    if seconds < LEAST:
        seconds = max(measure(call, 10), 1e-8)
    return max(1, min(MOST_CALLS, round(LEAST / seconds)))


def interleaved(
    calls: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    rest: float = REST,
    fewer: Mapping[str, int] | None = None,
    failed: Callable[[str, Exception], None] | None = None,
) -> dict[str, list[float]]:
    """Time calls against each other.

    Parameters
    ----------
    calls : mapping of str to callable
        What to time; no arguments.
    rounds : int
        Measurements of each.
    rest : float
        Seconds of busy waiting before each measurement.
    fewer : mapping of str to int, optional
        Calls that take part in only so many rounds, for slow ones.
    failed : callable, optional
        Told of a call that raises, which is then left out; without it the error is raised.

    Returns
    -------
    dict of str to list of float
        Seconds a call, one figure a round.
    """
    fewer = fewer or {}
    seconds: dict[str, list[float]] = {}
    repeats: dict[str, int] = {}
    live = dict(calls)

    def guarded(name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            if failed is None:
                raise
            del live[name]
            seconds.pop(name, None)
            failed(name, error)

    def prepare(name: str) -> None:
        if name not in fewer:
            live[name]()  # compiles, wakes threads, maps memory
        repeats[name] = calls_for(live[name])
        seconds[name] = []

    def once(name: str) -> None:
        until = time.perf_counter() + rest
        while time.perf_counter() < until:
            pass
        if name not in fewer:
            until = time.perf_counter() + WARM
            live[name]()
            while time.perf_counter() < until:
                live[name]()
        seconds[name].append(measure(live[name], repeats[name]))

    for name in calls:
        guarded(name, lambda name=name: prepare(name))  # type: ignore[misc]
    for turn in range(rounds):
        names = [name for name in live if turn < fewer.get(name, rounds)]
        shift = turn % max(len(names), 1)
        for name in names[shift:] + names[:shift]:  # nobody always follows the same neighbour
            guarded(name, lambda name=name: once(name))  # type: ignore[misc]
    return seconds


def geometric_mean(ratios: Iterable[float]) -> float:
    """Return the geometric mean; NaN of nothing."""
    logs = [math.log(ratio) for ratio in ratios]
    return math.exp(math.fsum(logs) / len(logs)) if logs else math.nan
