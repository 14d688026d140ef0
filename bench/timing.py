"""What the scripts share; the rounds themselves are the package's own (allcores.benchmark.timing)."""

from collections.abc import Callable
from statistics import median
from time import perf_counter

import allcores as ac
from allcores.benchmark.peers import LIBRARIES, installed
from allcores.benchmark.report import duration
from allcores.benchmark.timing import geometric_mean, interleaved
from allcores.plan.machine import cpu_name

__all__ = ["duration", "geometric_mean", "machine", "medians", "per_call", "row", "rows_of", "started"]


def medians(calls, rounds, rest=0.006):
    """Median seconds of each call, in interleaved rounds; calls that raise are left out."""

    def failed(name, error):
        print(f"left out: {name}: {type(error).__name__}: {error}")

    return {name: median(found) for name, found in interleaved(calls, rounds, rest=rest, failed=failed).items()}


def per_call(function: Callable, arguments: tuple, calls: int) -> float:
    """Seconds of one call, the loop's own time included."""
    turns = range(calls)
    if len(arguments) == 1:
        (a,) = arguments
        start = perf_counter()
        for _ in turns:
            function(a)
        return (perf_counter() - start) / calls
    a, b = arguments
    start = perf_counter()
    for _ in turns:
        function(a, b)
    return (perf_counter() - start) / calls


def started(names):
    """Those of the libraries that are installed and import, told how many threads to use."""
    working = []
    for name in names:
        if name not in installed():
            print(f"not installed: {name}")
            continue
        try:
            LIBRARIES[name].start(ac.info()["threads"])
            working.append(name)
        except Exception as error:  # noqa: BLE001  a peer's failure is its own
            print(f"left out: {name}: {type(error).__name__}: {error}")
    return working


def machine() -> str:
    """One line about where this runs."""
    found = ac.info()
    versions = f"NumPy {found['numpy']}, allcores {found['allcores']}"
    return f"{cpu_name()}, {found['threads']} threads, isa {found['isa']}, {versions}"


def row(label, seconds):
    """Print ours, the best of the others, and the ratio, which is returned (None without the two)."""
    others = {name: value for name, value in seconds.items() if name != "ac"}
    if "ac" not in seconds or not others:
        return None
    best = min(others, key=others.get)
    ratio = others[best] / seconds["ac"]
    print(f"{label:<44} {duration(seconds['ac']):>9} {duration(others[best]):>9}  {best:<10} {ratio:6.2f}", flush=True)
    return ratio


def rows_of(title):
    """Print the header of a table of `row`s."""
    print(f"\n{title}\n{'':<44} {'allcores':>9} {'best peer':>9}  {'':<10} {'ratio':>6}")
