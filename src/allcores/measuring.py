"""What `calibrate()` measures: regions, memory, other processes, and every function with every type it takes."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from statistics import median

import numpy as np

from allcores import _driver
from allcores.kernels import KERNELS, Kernel
from allcores.limits import limit, using
from allcores.plan import costs as files
from allcores.plan.machine import cache_bytes, memory_headroom, usable_cores
from allcores.plan.model import Costs
from allcores.samples import arguments, type_lines

_FEW, _MANY = 64, 16_384  # elements of the two calls whose difference is an element's cost


def measure(progress: Callable[[str, float], None] | None = None) -> Costs:
    """Return measured costs; nothing else changes. `progress` as of `allcores.calibrate`."""

    def tell(what: str, done: float) -> None:
        if progress is not None:
            progress(what, done)

    cores = usable_cores()
    teams = [1]
    while _driver.settings()["openmp"] and 2 * teams[-1] <= cores:
        teams.append(2 * teams[-1])
    caches = cache_bytes(cores)
    seeds = files.seeds(caches)
    with ExitStack() as stack:
        stack.enter_context(np.errstate(all="ignore"))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        tell("start of regions", 0.0)
        start, asleep, wake = _starts(teams, seeds)
        tell("bandwidth", 0.2)
        bandwidth = _bandwidth(teams, caches)
        tell("round trip", 0.3)
        round_trip = _round_trip() or seeds.round_trip
        kernels: dict[str, dict[str, float]] = {}
        with using("serial"):
            for done, (kernel, line, cost) in enumerate(_kernel_costs()):
                kernels.setdefault(kernel.name, {})[line] = cost
                if done % 32 == 0:
                    tell(kernel.name, 0.35 + 0.65 * len(kernels) / len(KERNELS))
    tell("done", 1.0)
    return Costs(start, asleep, wake, caches, bandwidth, round_trip, kernels, measured=True)


def _seconds(call: Callable[[], object], before: Callable[[], object] | None = None) -> float:
    if before is not None:
        before()
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _busy(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def _starts(teams: list[int], seeds: Costs) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, float]]:
    """Return `Costs.start`, `start_asleep` and `wake`, by a sum of two arrays."""
    if len(teams) == 1:
        return seeds.start, seeds.start_asleep, seeds.wake
    add = KERNELS["add"].function
    a = np.ones(30_000)
    b, out = a.copy(), a.copy()

    def call() -> None:
        add(a, b, out)

    def write() -> None:
        np.copyto(a, b)

    def added(threads: int) -> float:
        """Between operands that each thread has in its cache and those that this thread has just written."""
        found = [median(_seconds(call, before) for _ in range(300)) for before in (None, write)]
        own, written = (max(found[i] - alone[i] / threads, 0.5e-6) for i in (0, 1))
        return math.sqrt(own * written)

    with using("serial"):
        alone = [median(_seconds(call, before) for _ in range(300)) for before in (None, write)]
    start, cold, slept = [0.0], [0.0], [0.0]
    with using("threads"):
        for threads in teams[1:]:
            with limit(threads=threads):
                _busy(0.002)
                for _ in range(50):
                    call()
                start.append(added(threads))
                found = median(_seconds(call, lambda: _busy(0.006)) for _ in range(15))
                cold.append(max(found - alone[0] / threads, start[-1]))
                if threads == 2:
                    found = median(_seconds(call, lambda: time.sleep(0.02)) for _ in range(9))
                    slept.append(max(found - alone[0] / threads, cold[-1]))
    # A larger team never starts earlier than a smaller one.
    start, cold = _rising(start), _rising(cold)
    asleep = [0.0, *(start[1] + one - cold[1] for one in cold[1:])]
    wake = (max(cold[1] - start[1], 5e-6), max(slept[1] - start[1], 5e-6))
    steps = len(seeds.start)
    return (
        _longer([1e9 * one for one in start], seeds.start[:steps]),
        _longer([1e9 * one for one in asleep], seeds.start_asleep[:steps]),
        (1e9 * wake[0], 1e9 * wake[1]),
    )


def _rising(figures: list[float]) -> list[float]:
    return [max(figures[: i + 1]) for i in range(len(figures))]


def _longer(measured: list[float], seeds: tuple[float, ...]) -> tuple[float, ...]:
    """Return the measured figures and, for teams beyond this machine's cores, the steps of the seeds."""
    found = measured[:]
    while len(found) < len(seeds):
        found.append(found[-1] + seeds[len(found)] - seeds[len(found) - 1])
    return tuple(found)


def _bandwidth(teams: list[int], caches: float) -> tuple[float, ...]:
    """Return bytes a nanosecond of sums of arrays beyond the caches, by 1, 2, 4, ... threads; () without the memory."""
    size = 4 * caches if caches < 2**30 else 2**27
    size = min(max(size, 96e6), memory_headroom() / 8)
    if size < 2 * caches and caches < 2**30:
        return ()
    add = KERNELS["add"].function
    n = int(size / 24)
    a, b, out = np.ones(n), np.ones(n), np.ones(n)
    found = []
    for threads in teams:
        with using("threads"), limit(threads=threads):
            found.append(24 * n / 1e9 / median(_seconds(lambda: add(a, b, out)) for _ in range(5)))
    return tuple(_rising(found))


_ECHO = """
import os
while True:
    data = os.read(0, 100)
    if not data:
        break
    os.write(1, data)
"""


def _round_trip() -> float:
    """Return nanoseconds for 100 bytes to a process and back, 0 where no process can be started."""
    if not sys.executable:
        return 0.0
    try:
        with subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            if child.stdin is None or child.stdout is None:
                return 0.0
            to, back = child.stdin.fileno(), child.stdout.fileno()

            def turn() -> None:
                os.write(to, b"x" * 100)
                if not os.read(back, 100):
                    raise OSError("the child has ended")

            for _ in range(20):
                turn()
            return 1e9 * median(_seconds(turn) for _ in range(200))
    except OSError:
        return 0.0


def _kernel_costs() -> Iterator[tuple[Kernel, str, float]]:
    """Yield (kernel, type line, serial nanoseconds an element) of all that can be called so."""
    for kernel in KERNELS.values():
        for line in type_lines(kernel):
            few, many = arguments(kernel, line, _FEW), arguments(kernel, line, _MANY)
            try:
                first = _seconds(lambda: kernel.function(*many))  # noqa: B023  called at once
            except TypeError:
                continue  # no such loop: ptp of truth values
            elements = _MANY
            if first > 2e-3:
                elements = _MANY // 8
                many = arguments(kernel, line, elements)
            long = min(_seconds(lambda: kernel.function(*many)) for _ in range(4))  # noqa: B023
            short = min(_seconds(lambda: kernel.function(*few)) for _ in range(4))  # noqa: B023
            yield kernel, line, max(long - short, 1e-9) / (elements - _FEW) * 1e9
