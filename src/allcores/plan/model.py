"""What a plan is made from and what it is: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True)
class Costs:
    """What things take on a machine: guesses that fit most, or figures that `allcores.calibrate` measured on this one.

    Attributes
    ----------
    start : tuple of float
        Nanoseconds that a region of 2**k threads adds to each thread's share of the work, while the threads are awake;
        ``start[0]``, one thread, is 0.
    start_asleep : tuple of float
        The same when they sleep, in comparison with one another: what waking the first of them takes is `wake`.
    wake : tuple of float
        Nanoseconds until a sleeping team is at work, after this process computed and after it slept. The driver learns
        both from every waking; these are where it starts.
    cache_bytes : float
        Bytes beyond which operands come from memory; infinity where not known.
    bandwidth : tuple of float
        Bytes a nanosecond that 2**k threads get from memory, rising; empty where not known.
    round_trip : float
        Nanoseconds for 100 bytes to another process and back.
    kernels : mapping of str to mapping of str to float
        Serial nanoseconds an element, by function and type line ("dd->d" of ufuncs, else the dtype's character).
    measured : bool
        Whether `allcores.calibrate` measured them.
    """

    start: tuple[float, ...]
    start_asleep: tuple[float, ...]
    wake: tuple[float, float]
    cache_bytes: float
    bandwidth: tuple[float, ...]
    round_trip: float
    kernels: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    measured: bool = False


class Workload(NamedTuple):
    """One call.

    Attributes
    ----------
    elements : int
        What it can be cut into.
    ns : float
        Serial nanoseconds of its arithmetic, operands in a cache.
    bytes : float
        Bytes read and written.
    least : int
        Elements below which it is not cut, unless that is forced.
    unfit : str
        Why it cannot be cut, empty where it can.
    shared : bool
        Whether its operands lie in memory that processes share.
    """

    elements: int
    ns: float
    bytes: float = 0.0
    least: int = 0
    unfit: str = ""
    shared: bool = False


class Limits(NamedTuple):
    """What a call may use.

    Attributes
    ----------
    threads : int
        Most threads, at least 1.
    engine : {"auto", "serial", "threads", "processes"}
        What the caller asks for (`allcores.using`).
    parallel_from : int or None
        Elements from which every call is cut whatever it costs (ALLCORES_PARALLEL_FROM); None: costs decide.
    unable : str
        Why this process or thread can have one thread only, empty where it can have more.
    processes : int
        Most worker processes; 1: none.
    """

    threads: int
    engine: str = "auto"
    parallel_from: int | None = None
    unable: str = ""
    processes: int = 1


class State(NamedTuple):
    """What the threads of this process, and of others, do at the moment.

    Attributes
    ----------
    awake : bool
        Whether they still wait for work, which they do for some milliseconds after a call.
    wake : float
        Nanoseconds that waking them is expected to take.
    crowded : float
        Nanoseconds that were lost lately because other programs kept the cores; 0 where they do not.
    busy : int
        Threads at work in other calls.
    cores : int
        Cores that the process may use.
    warm : bool
        Whether worker processes wait for work.
    """

    awake: bool = True
    wake: float = 0.0
    crowded: float = 0.0
    busy: int = 0
    cores: int = 1
    warm: bool = False


class Plan(NamedTuple):
    """How a call runs.

    Attributes
    ----------
    engine : {"serial", "threads", "processes"}
        The calling thread alone, threads, or worker processes.
    workers : int
        How many.
    chunk : int
        Elements of one piece of work.
    expected : float
        Seconds the call is expected to take; NaN where nothing is known of it.
    serial : float
        Seconds on one thread.
    why : str
        The reason.
    function : str
        The function's name.
    """

    engine: str
    workers: int
    chunk: int
    expected: float
    serial: float
    why: str
    function: str = ""

    def __str__(self) -> str:
        """Return the lines that `allcores.explain` prints."""
        return (
            f"{self.function or 'call'}: {self.engine}\n"
            f"  workers   {self.workers}\n"
            f"  chunk     {self.chunk:,} elements\n"
            f"  expected  {duration(self.expected)}, serial {duration(self.serial)}\n"
            f"  why       {self.why}"
        )


def duration(seconds: float) -> str:
    """Return seconds with a fitting unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns" if seconds == seconds else "not known"
