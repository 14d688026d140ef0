"""The cases as numba's users write them: parallel loops, compiled at the first call.

Imported by allcores.benchmark.peers, and only where numba is installed.
"""

from __future__ import annotations

import math
from typing import Any

import numba  # type: ignore[import-not-found, import-untyped, unused-ignore]
import numpy as np

prange = numba.prange


def _add(a: Any, b: Any, out: Any) -> Any:
    for i in prange(a.size):
        out[i] = a[i] + b[i]
    return out


def _multiply(a: Any, b: Any, out: Any) -> Any:
    for i in prange(a.size):
        out[i] = a[i] * b[i]
    return out


def _divide(a: Any, b: Any, out: Any) -> Any:
    for i in prange(a.size):
        out[i] = a[i] / b[i]
    return out


def _sqrt(a: Any, out: Any) -> Any:
    for i in prange(a.size):
        out[i] = math.sqrt(a[i])
    return out


def _exp(a: Any, out: Any) -> Any:
    for i in prange(a.size):
        out[i] = math.exp(a[i])
    return out


def _log(a: Any, out: Any) -> Any:
    for i in prange(a.size):
        out[i] = math.log(a[i])
    return out


def _sin(a: Any, out: Any) -> Any:
    for i in prange(a.size):
        out[i] = math.sin(a[i])
    return out


def _maximum(a: Any, b: Any, out: Any) -> Any:
    for i in prange(a.size):
        out[i] = max(a[i], b[i])
    return out


def _less(a: Any, b: Any, out: Any) -> Any:
    for i in prange(a.size):
        out[i] = a[i] < b[i]
    return out


def _subtract(table: Any, row: Any, out: Any) -> Any:
    for i in prange(table.shape[0]):
        for j in range(table.shape[1]):
            out[i, j] = table[i, j] - row[j]
    return out


def _sum(a: Any) -> Any:
    total = 0.0
    for i in prange(a.size):
        total += a[i]
    return total


def _mean(a: Any) -> Any:
    total = 0.0
    for i in prange(a.size):
        total += a[i]
    return total / a.size


def _var(a: Any) -> Any:
    total = 0.0
    for i in prange(a.size):
        total += a[i]
    centre = total / a.size
    squares = 0.0
    for i in prange(a.size):
        squares += (a[i] - centre) ** 2
    return squares / a.size


def _max(a: Any) -> Any:
    largest = -np.inf
    for i in prange(a.size):
        largest = max(largest, a[i])
    return largest


_compiled = numba.njit(parallel=True, error_model="numpy")
LOOPS = {
    function.__name__.removeprefix("_"): _compiled(function)
    for function in (
        _add,
        _multiply,
        _divide,
        _sqrt,
        _exp,
        _log,
        _sin,
        _maximum,
        _less,
        _subtract,
        _sum,
        _mean,
        _var,
        _max,
    )
}
