"""How each library does a case: a function that returns a call without arguments, or None where it has no such thing.

Arrays that a library converts are converted before the clock starts; `out=` goes to every library that takes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

import allcores as ac
from allcores.benchmark.cases import Arrays, Case, arguments

Call = Callable[[], Any]
PYTHON_ELEMENTS = 1_000_000  # plain Python is timed on at most so many, and its time scaled


@dataclass(frozen=True, slots=True)
class Library:
    """A library to compare with.

    Attributes
    ----------
    name : str
        Its column, and the module to import.
    takes_out : bool
        Whether results are written to `out=`.
    prepare : callable
        (case, arrays) -> call or None.
    start : callable
        Told the number of threads before anything is prepared.
    """

    name: str
    takes_out: bool
    prepare: Callable[[Case, Arrays], Call | None]
    start: Callable[[int], None]


def _no_start(threads: int) -> None:
    del threads


def _like_numpy(module: Any, case: Case, arrays: Arrays) -> Call:
    given, out = arguments(case, arrays)
    function = getattr(module, case.kernel)
    return partial(function, *given) if out is None else partial(function, *given, out=out)


def _numpy(case: Case, arrays: Arrays) -> Call:
    return _like_numpy(np, case, arrays)


def _allcores(case: Case, arrays: Arrays) -> Call:
    return _like_numpy(ac, case, arrays)


def _python(case: Case, arrays: Arrays) -> Call:
    given, _ = arguments(case, arrays)
    most = max(1, PYTHON_ELEMENTS // (given[0].size // len(given[0])))
    return partial(case.python, *(array[:most].tolist() for array in given))


# --- numexpr --------------------------------------------------------------------------------------------------------

_NUMEXPR = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}", "less": "{0} < {1}",
    "sqrt": "sqrt({0})", "exp": "exp({0})", "log": "log({0})", "sin": "sin({0})",
    "maximum": "maximum({0}, {1})", "sum": "sum({0})", "max": "max({0})",
}  # fmt: skip


def _start_numexpr(threads: int) -> None:
    os.environ.setdefault("NUMEXPR_MAX_THREADS", str(threads))
    import_module("numexpr").set_num_threads(threads)


def _numexpr(case: Case, arrays: Arrays) -> Call | None:
    if case.kernel not in _NUMEXPR:
        return None
    given, out = arguments(case, arrays)
    expression = _NUMEXPR[case.kernel].format(*case.operands)
    names = dict(zip(case.operands, given, strict=True))
    evaluate = import_module("numexpr").evaluate
    if out is None:
        return partial(evaluate, expression, names)
    return partial(evaluate, expression, names, out=out)


# --- bottleneck -----------------------------------------------------------------------------------------------------

_BOTTLENECK = {"sum": "nansum", "mean": "nanmean", "var": "nanvar", "max": "nanmax", "argmax": "nanargmax"}


def _start_bottleneck(threads: int) -> None:
    del threads  # it has one
    import_module("bottleneck")


def _bottleneck(case: Case, arrays: Arrays) -> Call | None:
    if case.kernel not in _BOTTLENECK:
        return None
    return partial(getattr(import_module("bottleneck"), _BOTTLENECK[case.kernel]), arrays[case.operands[0]])


# --- torch ----------------------------------------------------------------------------------------------------------


def _start_torch(threads: int) -> None:
    import_module("torch").set_num_threads(threads)


def _torch(case: Case, arrays: Arrays) -> Call:
    torch = import_module("torch")
    given, out = arguments(case, arrays)
    tensors = [torch.from_numpy(array) for array in given]
    function = getattr(torch, case.kernel)
    if out is not None:
        return partial(function, *tensors, out=torch.from_numpy(out))
    return partial(function, *tensors, correction=0) if case.kernel == "var" else partial(function, *tensors)


# --- JAX ------------------------------------------------------------------------------------------------------------


def _start_jax(threads: int) -> None:
    del threads  # it has no setting for them
    jax = import_module("jax")
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)


def _jax(case: Case, arrays: Arrays) -> Call:
    jax = import_module("jax")
    numpy = import_module("jax.numpy")
    given, _ = arguments(case, arrays)
    values = [numpy.asarray(array) for array in given]
    function = jax.jit(getattr(numpy, case.kernel))

    def call() -> Any:
        return function(*values).block_until_ready()

    return call


# --- numba ----------------------------------------------------------------------------------------------------------


def _start_numba(threads: int) -> None:
    os.environ.setdefault("NUMBA_NUM_THREADS", str(threads))
    numba = import_module("numba")
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))


def _numba(case: Case, arrays: Arrays) -> Call | None:
    loops = import_module("allcores.benchmark.numba_loops").LOOPS
    if case.kernel not in loops:
        return None
    given, out = arguments(case, arrays)
    return partial(loops[case.kernel], *given) if out is None else partial(loops[case.kernel], *given, out)


# --- polars ---------------------------------------------------------------------------------------------------------

_POLARS = {
    "add": "__add__", "multiply": "__mul__", "divide": "__truediv__", "less": "__lt__", "sqrt": "sqrt", "exp": "exp",
    "log": "log", "sin": "sin", "sum": "sum", "mean": "mean", "var": "var", "max": "max", "argmax": "arg_max",
}  # fmt: skip


def _start_polars(threads: int) -> None:
    os.environ.setdefault("POLARS_MAX_THREADS", str(threads))  # read when it is imported
    import_module("polars")


def _polars(case: Case, arrays: Arrays) -> Call | None:
    if case.kernel not in _POLARS:
        return None
    polars = import_module("polars")
    given, _ = arguments(case, arrays)
    series = [polars.Series(name, array) for name, array in zip(case.operands, given, strict=True)]
    method = getattr(series[0], _POLARS[case.kernel])
    return partial(method, ddof=0) if case.kernel == "var" else partial(method, *series[1:])


LIBRARIES = {
    library.name: library
    for library in (
        Library("numpy", True, _numpy, _no_start),
        Library("numexpr", True, _numexpr, _start_numexpr),
        Library("bottleneck", False, _bottleneck, _start_bottleneck),
        Library("torch", True, _torch, _start_torch),
        Library("jax", False, _jax, _start_jax),
        Library("numba", True, _numba, _start_numba),
        Library("polars", False, _polars, _start_polars),
        Library("allcores", True, _allcores, _no_start),
        Library("python", False, _python, _no_start),
    )
}
OPTIONAL = ("numexpr", "bottleneck", "torch", "jax", "numba", "polars")


def installed() -> list[str]:
    """Return the optional libraries that are there; whether they work, allcores.benchmark.probe finds out."""
    return [name for name in OPTIONAL if find_spec(name) is not None]
