"""Which engine a call runs on, and how many workers: a pure function of the call, costs, limits and the moment.

The model is: time = start + work / workers, work no faster than memory feeds the workers. The compiled driver makes the
same choice from `thresholds`, without a call of Python; `plan` says it in words.
"""

from __future__ import annotations

import math
from functools import lru_cache

from allcores.plan.model import Costs, Limits, Plan, State, Workload

# As in the driver: longer calls are worth threads whatever these do at the moment; serial nanoseconds.
LONG = 50e6
# A piece of work is at least so long where there are more pieces than threads.
TASK = 500e3
LEAST_TASK = 2048  # elements
BY_VALUE = 4096  # bytes of an array that goes to a worker process by value, shared or not
# Nanoseconds from nothing to what a worker process answers, NumPy imported; and how many times faster than one thread
# processes must be expected to be.
START_PROCESSES = 200e6
GAIN = 1.15
STEPS = 32  # doublings of a team's size


@lru_cache(maxsize=16)
def _extended(figures: tuple[float, ...]) -> tuple[float, ...]:
    """Return STEPS figures, the last step repeated."""
    found = list(figures[:STEPS])
    while len(found) < STEPS:
        found.append(2 * found[-1] - found[-2])
    return tuple(found)


@lru_cache(maxsize=16)
def _least(figures: tuple[float, ...]) -> tuple[float, ...]:
    """Return the work from which each doubling of a team pays, which adds `figures` to the start."""
    start = _extended(figures)
    found = [0.0] + [2.0**k * max(start[k] - start[k - 1], 0.0) for k in range(1, STEPS)]
    for k in range(1, STEPS):
        found[k] = max(found[k], found[k - 1])
    return tuple(found)


def thresholds(costs: Costs) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the least serial nanoseconds for teams of more than 2**(k-1) and at most 2**k threads, awake and asleep.

    Twice the threads halve the work of each, ``ns / 2**k`` less, and pay where that is more than they add to the start.
    """
    return _thresholds(costs.start, costs.start_asleep)


@lru_cache(maxsize=16)
def _thresholds(
    start: tuple[float, ...], start_asleep: tuple[float, ...]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    awake, asleep = _least(start), _least(start_asleep)
    return awake, tuple(map(max, awake, asleep))


def team(limit: int, ns: float, nbytes: float, costs: Costs, *, awake: bool) -> int:
    """Return how many threads pay for work of `ns` serial nanoseconds that moves `nbytes`, at most `limit`."""
    awake_from, asleep_from = thresholds(costs)
    least = awake_from if awake else asleep_from
    ns = serial_ns(ns, nbytes, costs)
    fed = math.inf
    if nbytes > costs.cache_bytes and costs.bandwidth:
        fed = max(costs.bandwidth) * ns / nbytes
    threads = limit
    step = min(max(0, (limit - 1).bit_length()), STEPS - 1)
    while threads > 1 and (ns < least[step] or (threads + 1) // 2 >= fed):
        threads = (threads + 1) // 2
        step -= 1
    return threads


def serial_ns(ns: float, nbytes: float, costs: Costs) -> float:
    """Return what one thread takes, which beyond the caches is at least what its memory traffic takes."""
    if nbytes > costs.cache_bytes and costs.bandwidth:
        return max(ns, nbytes / costs.bandwidth[0])
    return ns


def expected_ns(threads: int, ns: float, nbytes: float, costs: Costs, state: State) -> float:
    """Return what so many threads take."""
    if threads <= 1:
        return serial_ns(ns, nbytes, costs)
    step = (threads - 1).bit_length()
    work = max(ns / threads, _fed(nbytes, threads, costs))
    return work + _extended(costs.start)[min(step, STEPS - 1)] + (0.0 if state.awake else state.wake)


def _fed(nbytes: float, workers: int, costs: Costs) -> float:
    """Return the nanoseconds in which memory feeds so many workers, 0 where caches do."""
    if nbytes <= costs.cache_bytes or not costs.bandwidth:
        return 0.0
    return nbytes / costs.bandwidth[min((workers - 1).bit_length(), len(costs.bandwidth) - 1)]


def plan(workload: Workload, costs: Costs, limits: Limits, state: State) -> Plan:
    """Choose how a call runs.

    Parameters
    ----------
    workload : Workload
        The call.
    costs : Costs
        Of this machine.
    limits : Limits
        What it may use.
    state : State
        What the threads do now.

    Returns
    -------
    Plan
        Of the engines allowed the fastest as far as `costs` tell; of equals the simpler.
    """
    n, ns, nbytes = workload.elements, workload.ns, workload.bytes
    limit = limits.threads
    alone = serial_ns(ns, nbytes, costs)

    def made(threads: int, why: str) -> Plan:
        wanted = threads
        while threads > 1 and state.busy > 0 and threads > state.cores - state.busy:
            threads //= 2
        if threads < wanted:
            why += f"; other calls keep {state.busy} of {state.cores} cores"
        tasks = threads
        if threads > 1 and ns > 2 * TASK * threads:
            tasks = max(threads, min(int(ns / TASK), n // LEAST_TASK))
        engine = "threads" if threads > 1 else "serial"
        expected = expected_ns(threads, ns, nbytes, costs, state)
        return Plan(engine, threads, -(-n // max(1, tasks)), expected / 1e9, alone / 1e9, why)

    def in_processes(why: str) -> Plan:
        parts = min(limits.processes, n)
        expected = max(ns / parts, _fed(nbytes, parts, costs)) + 2 * costs.round_trip
        expected += 0.0 if state.warm else START_PROCESSES
        return Plan("processes", parts, -(-n // parts), expected / 1e9, alone / 1e9, why)

    if workload.unfit:
        return made(1, workload.unfit)
    if limits.engine == "processes" and n > 1:
        return in_processes("asked for") if limits.processes > 1 else made(1, "there is one worker")
    if limits.unable and limits.engine == "auto" and workload.shared and limits.processes > 1:
        found = in_processes(f"{limits.unable}, and the operands are in shared memory")
        if found.expected * GAIN < found.serial:
            return found
    if limits.unable:
        return made(1, limits.unable)
    if limit <= 1:
        return made(1, "the limit is one thread")
    if limits.engine == "serial":
        return made(1, "asked for")
    if n < 2:
        return made(1, "there is nothing to share")
    if limits.engine == "threads":
        return made(limit, "asked for")
    if limits.parallel_from is not None:
        forced = f"ALLCORES_PARALLEL_FROM is {limits.parallel_from:,}"
        return made(limit if n >= limits.parallel_from else 1, forced)

    if n < workload.least:
        return made(1, f"fewer than {workload.least:,} elements")
    awake_from, _ = thresholds(costs)
    work = f"{ns / 1e3:.3g} us of work"
    if ns < awake_from[1]:
        return made(1, f"{work}, less than the {awake_from[1] / 1e3:.3g} us from which a second thread pays")
    gain = ns - ns / limit
    awake = state.awake or ns >= LONG
    if ns < LONG and gain < state.crowded:
        return made(1, f"other programs keep the cores; threads lost {state.crowded / 1e3:,.3g} us lately")
    if not awake and gain < state.wake:
        return made(
            1,
            f"{work}; the threads sleep, and waking them takes {state.wake / 1e3:,.3g} us, more than they would gain "
            "(several calls in a row wake them)",
        )
    threads = team(limit, ns, nbytes, costs, awake=awake)
    why = work if awake else f"{work}, more than waking the threads takes"
    if threads < limit:
        by_work = team(limit, serial_ns(ns, nbytes, costs), 0, costs, awake=awake)
        why += "; memory feeds no more" if threads < by_work else "; more threads would add more than they take over"
    return made(threads, why)
