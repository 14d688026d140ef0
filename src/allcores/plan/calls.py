"""Where a Python function is best called on many items: here, on threads, or in worker processes. Pure.

Called by allcores.calls.probing, which observes, and by allcores.explaining.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from allcores.plan.model import Plan, duration


class Observed(NamedTuple):
    """What is known of calling a function.

    Attributes
    ----------
    seconds : float
        Of one call, in the caller.
    bytes : float
        Pickled, of an item and its result; NaN where not known.
    released : float
        The share of the time in which other threads could run Python, 0 to 1.
    unsendable : str
        Why it cannot go to another process, empty where it can.
    """

    seconds: float
    bytes: float = float("nan")
    released: float = 0.0
    unsendable: str = ""


class CallCosts(NamedTuple):
    """What it takes to have calls made elsewhere, in seconds: measured on two cores, and not far off elsewhere.

    Attributes
    ----------
    start : float
        From nothing to the first result of a worker.
    wake : float
        The same of workers that wait for work.
    doubling : float
        Of each time that the number of items doubles: chunks begin small, and grow as it is seen what they take.
    item : float
        Of handing out one item, in a chunk of many.
    byte : float
        Of pickling a byte, sending and loading it.
    thread : float
        Of starting threads.
    lock : float
        Of taking Python's lock back after a call that has left it, while other threads do so too.
    gain : float
        How many times faster than the simpler engine another one has to be.
    """

    start: float = 0.06
    wake: float = 2e-4
    doubling: float = 1e-4
    item: float = 2e-7
    byte: float = 7e-10
    thread: float = 2.5e-4
    lock: float = 6e-6
    gain: float = 1.1


COSTS = CallCosts()


def expected(before: Observed | None, latest: Observed) -> Observed | None:
    """Return what the next map of a function may be begun with, given the two before it; None if there was but one.

    The shorter time counts: who calls a function with what takes long and what does not, in turn, is not to pay each
    time for what it takes elsewhere.
    """
    return None if before is None else latest._replace(seconds=min(before.seconds, latest.seconds))


def plan_calls(
    items: int, observed: Observed, workers: int, *, warm: bool, gil: bool = True, costs: CallCosts = COSTS
) -> Plan:
    """Return the plan for calling a function on so many items.

    Parameters
    ----------
    items : int
        How many calls are to be made.
    observed : Observed
        What one takes.
    workers : int
        Processes or threads that may be used.
    warm : bool
        Whether worker processes wait for work.
    gil : bool, optional
        Whether threads exclude one another when they run Python.
    costs : CallCosts, optional
        What other engines take.
    """
    serial = items * observed.seconds
    if workers < 2:
        return Plan("serial", 1, max(1, items), serial, serial, "there is one worker")
    if items < 2:
        return Plan("serial", 1, max(1, items), serial, serial, "there is nothing to share out")
    used = min(workers, items)
    largest = -(-items // used)  # items of the worker that has most
    free = observed.released if gil else 1.0
    threads = costs.thread + items * observed.seconds * (1 - free) + largest * observed.seconds * free
    if gil:
        threads += items * costs.lock
    known = observed.bytes if observed.bytes == observed.bytes else 0.0
    processes = (
        (costs.wake if warm else costs.start)
        + costs.doubling * math.log2(items)
        + largest * observed.seconds
        + items * (costs.item + known * costs.byte)
    )
    best, why = "serial", f"{duration(serial)} in all is too little to share out"
    time = serial
    if threads * costs.gain < time:
        best, time = "threads", threads
        why = (
            "threads have no lock to share" if not gil else f"{observed.released:.0%} of it is outside of Python's lock"
        )
    if not observed.unsendable and processes * costs.gain < time:
        best, time = "processes", processes
        why = f"{duration(observed.seconds)} a call, under Python's lock"
    if best == "serial" and observed.unsendable:
        why = f"it cannot go to another process: {observed.unsendable}"
    if best == "serial":
        return Plan("serial", 1, items, serial, serial, why)
    # Threads take turns at the lock unevenly.
    most = items // (4 * used) if best == "threads" else largest
    return Plan(best, used, max(1, min(most, int(0.01 / max(observed.seconds, 1e-9)))), time, serial, why)
