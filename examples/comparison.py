"""Runs one program with NumPy and with allcores: same names, so the module is all that changes."""

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import allcores as ac


def compare(title: str, program: Callable[[Any], dict[str, Any]], rtol: float = 0.0, rounds: int = 5) -> dict[str, Any]:
    """Time `program(np)` and `program(ac)` in turns, check that they agree, and return NumPy's results.

    Results must be the same bits, or with `rtol` within that relative difference; the program exits with 1 otherwise.
    """
    times: dict[str, list[float]] = {"numpy": [], "allcores": []}
    want, got = program(np), program(ac)
    for name, expected in want.items():
        same = np.array_equal(expected, got[name]) if rtol == 0 else np.allclose(expected, got[name], rtol=rtol, atol=0)
        if not same:
            sys.exit(f"{title}: {name} differs between NumPy and allcores")
    for _ in range(rounds):
        for label, module in (("numpy", np), ("allcores", ac)):
            start = perf_counter()
            program(module)
            times[label].append(perf_counter() - start)
    numpys, ours = median(times["numpy"]), median(times["allcores"])
    agree = "the same bits" if rtol == 0 else f"within {rtol:g}"
    faster = f"NumPy {numpys * 1e3:.0f} ms, allcores {ours * 1e3:.0f} ms, {numpys / ours:.2f} times as fast"
    print(f"{title}: {faster}; {agree}")
    return want
