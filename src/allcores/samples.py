"""Arguments of every function of the registry, for those who time it: calibration and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from allcores.kernels import Kernel

_NUMERIC = frozenset("?bBhHiIlLqQefdgFDG")
# Every loop of a ufunc has a type line; other functions go by the dtype of their arguments, these.
_DTYPES = "?bBhHiIlLefdgFD"
# Where the usual values, from 0.1 to 0.9 and from 1 to 7, are outside of a domain or leave nothing to do.
_RANGES = {"arccosh": (1.1, 9.0), "gcd": (1, 100), "lcm": (1, 10), "gammaln": (0.1, 30.0)}
_WITHOUT_COMPLEX = frozenset({"nanmax", "nanmin", "nanargmax", "nanargmin", "clip", "around", "round", "fma"})
_FLOATS_ALONE = frozenset({"weighted_var", "weighted_std", "moments", "logsumexp"})


def type_lines(kernel: Kernel) -> Iterator[str]:
    """Yield what the kernel can be timed for: ``"dd->d"`` for a ufunc, else ``"d"``; numbers only."""
    if isinstance(kernel.function, np.ufunc) and kernel.function.signature is None:
        seen = set()
        for line in kernel.function.types:
            if line not in seen and set(line) - {"-", ">"} <= _NUMERIC:
                seen.add(line)
                yield line
        return
    for char in _DTYPES:
        if char in "FDG" and kernel.name in _WITHOUT_COMPLEX | _FLOATS_ALONE:
            continue
        if char not in "fd" and (kernel.name in _FLOATS_ALONE or kernel.name == "fma"):
            continue
        yield char


def values(char: str, size: int, low: float, high: float, seed: int = 7) -> np.ndarray[Any, Any]:
    """Return `size` numbers of one dtype between `low` and `high`; integers from 1 to 7 or to `high`."""
    random = np.random.default_rng(seed)
    if char == "?":
        return random.integers(0, 2, size).astype("?")
    if char in "bBhHiIlLqQ":
        return random.integers(max(1, int(low)), max(8, int(high)), size).astype(char)
    found = random.uniform(low, high, size)
    return (found + 0.5j if char in "FDG" else found).astype(char)


def arguments(kernel: Kernel, line: str, size: int) -> tuple[Any, ...]:
    """Return arguments of `size` elements for one of the kernel's `type_lines`; a square matrix product has its side.

    Values are inside every domain, positive, and neither special nor subnormal.
    """
    low, high = _RANGES.get(kernel.name, (0.1, 0.9))
    if kernel.name == "matmul":
        side = max(1, round(size ** (1 / 3)))
        one = values(line, side * side, low, high).reshape(side, side)
        return one, one.copy()
    given = line.split("->")[0]
    arrays = [values(char, size, low, high, seed) for seed, char in enumerate(given)]
    x = arrays[0]
    match kernel.name:
        case "where":
            return x > x[size // 2], x, x[::-1].copy()
        case "clip":
            return x, low, high
        case "fma":
            return x, x, x
        case "round" | "around":
            return x, 2
        case "allclose" | "isclose" | "array_equal" | "dot" | "vdot" | "vecdot":
            return x, x.copy()
        case "weighted_var" | "weighted_std":
            return x, x.copy()
        case "any":
            return (np.zeros_like(x),)
        case "all":
            return (np.ones_like(x),)
    return tuple(arrays)
