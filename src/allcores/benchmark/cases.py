"""What is timed: a function of ours on given operands, and the same in plain Python.

Operands are named: a, b positive float64, i int64, table (n/50, 50) and row (50,) float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

COLUMNS = 50
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """One function on its operands.

    Attributes
    ----------
    name : str
        As --functions and the table have it.
    kernel : str
        The function's name in allcores, NumPy and the registry.
    operands : tuple of str
        Names of its arguments.
    out : str
        dtype of the array given as `out=`, in the shape of the first operand; empty for reductions.
    python : callable
        The same on lists.
    """

    name: str
    kernel: str
    operands: tuple[str, ...]
    out: str
    python: Callable[..., Any]


def _mean(a: list[float]) -> float:
    return sum(a) / len(a)


def _var(a: list[float]) -> float:
    mean = sum(a) / len(a)
    return sum([(x - mean) ** 2 for x in a]) / len(a)


def _subtract_row(table: list[list[float]], row: list[float]) -> list[list[float]]:
    return [[x - y for x, y in zip(line, row, strict=True)] for line in table]


_ALL = [
    Case("add", "add", ("a", "b"), "f8", lambda a, b: [x + y for x, y in zip(a, b, strict=True)]),
    Case("multiply", "multiply", ("a", "b"), "f8", lambda a, b: [x * y for x, y in zip(a, b, strict=True)]),
    Case("divide", "divide", ("a", "b"), "f8", lambda a, b: [x / y for x, y in zip(a, b, strict=True)]),
    Case("sqrt", "sqrt", ("a",), "f8", lambda a: [math.sqrt(x) for x in a]),
    Case("exp", "exp", ("a",), "f8", lambda a: [math.exp(x) for x in a]),
    Case("log", "log", ("a",), "f8", lambda a: [math.log(x) for x in a]),
    Case("sin", "sin", ("a",), "f8", lambda a: [math.sin(x) for x in a]),
    Case("maximum", "maximum", ("a", "b"), "f8", lambda a, b: [max(x, y) for x, y in zip(a, b, strict=True)]),
    Case("less", "less", ("a", "b"), "?", lambda a, b: [x < y for x, y in zip(a, b, strict=True)]),
    Case("table-row", "subtract", ("table", "row"), "f8", _subtract_row),
    Case("int+float", "add", ("i", "a"), "f8", lambda i, a: [x + y for x, y in zip(i, a, strict=True)]),
    Case("sum", "sum", ("a",), "", sum),
    Case("mean", "mean", ("a",), "", _mean),
    Case("var", "var", ("a",), "", _var),
    Case("max", "max", ("a",), "", max),
    Case("argmax", "argmax", ("a",), "", lambda a: a.index(max(a))),
]
CASES = {case.name: case for case in _ALL}


def operands(size: int) -> Arrays:
    """Return the operands of `size` elements; `table` has as many whole rows as fit, at least one."""
    random = np.random.default_rng(20240)
    rows = max(1, size // COLUMNS)
    return {
        "a": random.uniform(0.1, 10.0, size),
        "b": random.uniform(0.1, 10.0, size),
        "i": random.integers(-1000, 1000, size),
        "table": random.standard_normal((rows, COLUMNS)),
        "row": random.standard_normal(COLUMNS),
    }


def arguments(case: Case, arrays: Arrays) -> tuple[list[npt.NDArray[Any]], npt.NDArray[Any] | None]:
    """Return the arguments of `case` and a new array for `out=`, None for reductions."""
    found = [arrays[name] for name in case.operands]
    if not case.out:
        return found, None
    out = np.empty(found[0].shape, case.out)
    out.fill(0)  # its pages are there before the first measurement
    return found, out


def elements(case: Case, arrays: Arrays) -> int:
    """Return how many elements `case` reads or makes."""
    return arrays[case.operands[0]].size


def difference(got: Any, want: Any, rtol: float) -> str:
    """Return what is wrong with a result, empty when it is right; an `rtol` of 0 asks for the same bits and type."""
    if np.shape(got) != np.shape(want):
        return f"result has shape {np.shape(got)}, NumPy's has {np.shape(want)}"
    kind = np.asarray(got).dtype
    if rtol == 0 and kind != np.asarray(want).dtype:
        return f"result is {kind}, NumPy's is {np.asarray(want).dtype}"
    if rtol == 0 or np.asarray(want).dtype.kind in "bi":
        wrong = int(np.count_nonzero(np.asarray(got) != np.asarray(want)))
        return f"{wrong} of {np.size(want)} elements differ from NumPy's" if wrong else ""
    largest = float(np.max(np.abs(np.asarray(got, "f8") - want) / (np.abs(want) + 1.0)))
    if not largest <= rtol:  # also when it is NaN
        return f"result differs from NumPy's by {largest:.2g}, allowed is {rtol:.2g}"
    return ""


def allowed(case: Case, rtol: float, count: int) -> float:
    """Return the relative difference a library may show, `rtol` being that of the case's kernel in the registry.

    That is in units of epsilon times the elements reduced, at least 1; functions may be off by 16 epsilon.
    """
    epsilon = float(np.finfo(np.float64).eps)
    return epsilon * (16.0 if case.out else max(rtol, 1.0) * max(count, 16))
