"""Runs one program with NumPy and with allcores: same names, so the module is all that changes."""

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import allcores as ac


def compare(
    title: str, program: Callable[[Any], dict[str, Any]], rtol: float = 1e-12, rounds: int = 5
) -> dict[str, Any]:
    """Time `program(np)` and `program(ac)` in turns, check that they agree, and return NumPy's results.

    Results may differ by `rtol` of the largest value, as mathematics of our own may in its last bits; the program exits
    with 1 if they differ by more.
    """
    times: dict[str, list[float]] = {"numpy": [], "allcores": []}
    want, got = program(np), program(ac)
    agree = "the same bits"
    for name, expected in want.items():
        if not np.array_equal(expected, got[name]):
            agree = f"within {rtol:g}"
        if not np.allclose(expected, got[name], rtol=0, atol=rtol * np.max(np.abs(expected))):
            sys.exit(f"{title}: {name} differs between NumPy and allcores")
    for _ in range(rounds):
        for label, module in (("numpy", np), ("allcores", ac)):
            start = perf_counter()
            program(module)
            times[label].append(perf_counter() - start)
    numpys, ours = median(times["numpy"]), median(times["allcores"])
    faster = f"NumPy {numpys * 1e3:.0f} ms, allcores {ours * 1e3:.0f} ms, {numpys / ours:.2f} times as fast"
    print(f"{title}: {faster}; {agree}")
    return want
