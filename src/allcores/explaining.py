"""`explain()`: how a call would run, and why."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from allcores import _ufuncs, calibration
from allcores._reductions import is_plain
from allcores.install import installed
from allcores.kernels import KERNELS, Kernel
from allcores.limits import engine_here, limits_here, state_here
from allcores.plan.model import Plan, Workload
from allcores.plan.plan import BY_VALUE, plan

_LEAST_UFUNC, _LEAST_REDUCTION = 64, 4096  # elements below which NumPy's own calls are used, in the compiled modules
_ITERATED = 1.5  # times the work, as the driver counts operands that do not lie alike
_PLAIN = (bool, int, float, complex)
_BLAS = frozenset("fdFD")
_NOT_IN_PROCESSES = ("composite", "product")


def explain(func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Plan:
    """Print and return how ``func(*args, **kwargs)`` would run here and now, without calling it.

    Parameters
    ----------
    func : callable
        A function of allcores, also `map` and its like, a ufunc made by `parallel`, or one of NumPy's ufuncs while
        `install` is active.
    *args, **kwargs
        Its arguments.

    Returns
    -------
    Plan
        ``engine`` ("serial", "threads" or "processes"), ``workers``, ``chunk`` (elements of one piece of work),
        ``expected`` and ``serial`` (seconds, from the costs in use; `calibrate` measures them) and ``why``.

    Raises
    ------
    TypeError
        If `func` is no such function, or it does not take these arguments.

    Notes
    -----
    Whether threads are awake counts, and they go to sleep some milliseconds after a call: right after another large
    call the answer may be another. Times are estimates for operands that lie packed; how long rows are, gaps between
    elements and new memory are left out. What the answer says of engine and workers is what the driver does. Of `map`
    it is what was seen of the function in the latest map; a map looks at its own first calls.

    Examples
    --------
    >>> import numpy as np, allcores as ac
    >>> with ac.limit(threads=1):
    ...     chosen = ac.explain(ac.add, np.ones(3), 1.0)
    add: serial
      workers   1
      ...
    >>> chosen.engine
    'serial'
    """
    if getattr(func, "__module__", "") == "allcores.calls.maps":
        chosen = _of_map(func, args, kwargs)
        print(chosen)
        return chosen
    name, workload = workload_of(func, args, kwargs)
    limits, state = limits_here(), state_here()
    if name in KERNELS and KERNELS[name].family in _NOT_IN_PROCESSES and not _is_ufunc_call(name, args, kwargs):
        limits = limits._replace(processes=1, engine="auto" if limits.engine == "processes" else limits.engine)
    elif limits.processes > 1 and (limits.engine == "processes" or limits.unable):
        from allcores.calls.executors import is_warm

        workload = workload._replace(shared=_all_shared((*args, *kwargs.values())))
        state = state._replace(warm=is_warm())
    chosen = plan(workload, calibration.current(), limits, state)._replace(function=name)
    print(chosen)
    return chosen


def _is_ufunc_call(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a function that is no ufunc leaves these arguments to one."""
    if name in ("round", "around"):
        return bool((args[1] if len(args) > 1 else kwargs.get("decimals", 0)) == 0)
    return name == "clip"


def _all_shared(operands: tuple[Any, ...]) -> bool:
    """Whether processes share the memory of all large arrays among these."""
    from allcores.shared import is_shared

    return all(is_shared(one) for one in operands if isinstance(one, np.ndarray) and one.nbytes > BY_VALUE)


def _of_map(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Plan:
    """Return what is expected of a map, by what was seen of its function in the latest one."""
    from allcores.calls.executors import is_warm
    from allcores.calls.probing import GIL, seen
    from allcores.plan.calls import plan_calls

    name = func.__name__
    if len(args) < 2 or not callable(args[0]):
        raise TypeError(f"{name} must be explained with its function and its items")
    items = min(operator.length_hint(one, -1) for one in args[1:])
    if items < 0:
        raise TypeError(f"the items of {name} must have a length to be explained, got {type(args[1]).__name__}")
    engine, workers = engine_here()
    workers = kwargs.get("workers") or workers
    unknown = float("nan")
    others = kwargs.keys() - {"workers", "seed"}
    if name not in {"map", "starmap"} or others or engine == "processes":
        why = f"{min(others)} is for worker processes" if others else "it was asked for"
        if name not in {"map", "starmap"}:
            why = f"{name} never runs its function in the caller"
        return Plan("processes", min(workers, items), 1, unknown, unknown, why, name)
    if engine != "auto":
        return Plan(engine, 1 if engine == "serial" else workers, 1, unknown, unknown, "it was asked for", name)
    known = seen(args[0])
    if known is None:
        return Plan("serial", 1, 1, unknown, unknown, "nothing is known of the function: its first calls tell", name)
    return plan_calls(items, known[0], workers, warm=is_warm(kwargs.get("workers")), gil=GIL)._replace(function=name)


def workload_of(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[str, Workload]:
    """Return the name of `func` and what calling it with these arguments is."""
    kind: Any = type(func)
    if kind is _ufuncs.ufunc:
        name = func.__name__
        numpy_ufunc = _ufuncs.original(func)
    elif isinstance(func, np.ufunc):
        ours = next((k.function for k in KERNELS.values() if k.family == "ufunc" and k.reference is func), None)
        if ours is None or not installed():
            raise TypeError(f"func must be a function of allcores, got numpy.{func.__name__} (is install() active?)")
        name, numpy_ufunc, func = func.__name__, func, ours
    else:
        kernel = next((one for one in KERNELS.values() if one.function is func), None)
        if kernel is None:
            described = getattr(func, "__qualname__", None) or type(func).__name__
            raise TypeError(f"func must be a function of allcores, got {described}")
        return kernel.name, _of_function(kernel, args, kwargs)
    if numpy_ufunc.signature is not None:
        return name, _of_product(KERNELS[name], args)
    return name, _of_ufunc(func, numpy_ufunc, args, kwargs)


def _foreign(operands: tuple[Any, ...]) -> str:
    """Return why NumPy, or somebody else, must do it; empty where every operand is a plain array or number."""
    for one in operands:
        if is_plain(one):
            if one.dtype.kind not in "biufc":
                return f"NumPy computes arrays of {one.dtype}"
        elif isinstance(one, np.ndarray) or (
            hasattr(one, "__array_ufunc__") and not isinstance(one, np.generic) and type(one) not in _PLAIN
        ):
            return f"a {type(one).__name__} computes itself"
    return ""


def _arrays(operands: tuple[Any, ...]) -> list[Any]:
    return [one if isinstance(one, np.ndarray) else np.asarray(one) for one in operands]


def _of_ufunc(func: Any, numpy_ufunc: np.ufunc, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Workload:
    nin, nout = numpy_ufunc.nin, numpy_ufunc.nout
    if not nin <= len(args) <= nin + nout:
        raise TypeError(
            f"{numpy_ufunc.__name__}() takes from {nin} to {nin + nout} operands but {len(args)} were given"
        )
    operands = args[:nin]
    foreign = _foreign(args)
    arrays = _arrays(operands)
    shape = np.broadcast_shapes(*(one.shape for one in arrays))
    n = math.prod(shape)
    if foreign:
        return Workload(n, math.nan, unfit=foreign)
    given = tuple(
        type(one) if type(one) in _PLAIN[1:] else array.dtype for one, array in zip(operands, arrays, strict=True)
    )
    signature = kwargs.get("signature")
    if signature is None and kwargs.get("dtype") is not None:
        signature = (None,) * nin + (np.dtype(kwargs["dtype"]),) * nout
    options = {} if signature is None else {"signature": signature}
    resolved = numpy_ufunc.resolve_dtypes((*given, *(None,) * nout), casting="same_kind", **options)
    line = "".join(one.char for one in resolved[:nin]) + "->" + "".join(one.char for one in resolved[nin:])
    cost = _ufuncs.cost_of(func, line)
    if cost is None:
        return Workload(n, math.nan, unfit=f"NumPy alone has a loop for {line}")
    alike = all(one.ndim == 0 or one.shape == shape for one in arrays) and (
        all(one.flags.c_contiguous for one in arrays) or all(one.flags.f_contiguous for one in arrays) or len(shape) < 2
    )
    ns = n * cost * (1.0 if alike else _ITERATED)
    nbytes = n * sum(one.itemsize for one in resolved)
    return Workload(n, ns, nbytes, _LEAST_UFUNC)


def _cost(kernel: Kernel, char: str, itemsize: int) -> float:
    """Return nanoseconds an element: measured, or the seed scaled by the size of the type."""
    measured = calibration.current().kernels.get(kernel.name, {}).get(char)
    if measured is not None:
        return measured
    return kernel.cost * (4.0 if char in "egG" else itemsize / 8)


def _of_function(kernel: Kernel, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Workload:
    if kernel.family == "product":
        return _of_product(kernel, args)
    operands = args or tuple(kwargs.values())[:1]
    if not operands:
        raise TypeError(f"{kernel.name}() takes at least one operand")
    if kernel.family == "composite":
        operands = tuple(one for one in operands if isinstance(one, np.ndarray)) or operands[:1]
    else:
        operands = operands[:1]
    arrays = _arrays(operands)
    n = math.prod(np.broadcast_shapes(*(one.shape for one in arrays)))
    foreign = _foreign(operands)
    if foreign:
        return Workload(n, math.nan, unfit=foreign)
    dtype = np.result_type(*arrays)
    ns = n * _cost(kernel, dtype.char, dtype.itemsize)
    least = 0 if kernel.family == "composite" else _LEAST_REDUCTION
    return Workload(n, ns, float(sum(one.nbytes for one in arrays)), least)


def _of_product(kernel: Kernel, args: tuple[Any, ...]) -> Workload:
    if len(args) < 2:
        raise TypeError(f"{kernel.name}() takes two operands but {len(args)} were given")
    a, b = _arrays(args[:2])
    foreign = _foreign(args[:2])
    dtype = np.result_type(a, b) if not foreign else a.dtype
    matrices = kernel.name in ("matmul", "dot") and a.ndim > 0 and b.ndim > 0 and max(a.ndim, b.ndim) > 1
    n = max(a.size, b.size)
    if matrices:
        n = a.size * (b.shape[-1] if b.ndim > 1 else 1)
    if not foreign and dtype.char in _BLAS and kernel.name != "vecdot":
        foreign = "BLAS does it on threads of its own, but stacks of small matrices are shared out over ours"
    if foreign:
        return Workload(n, math.nan, unfit=foreign)
    return Workload(n, n * _cost(kernel, dtype.char, dtype.itemsize), float(a.nbytes + b.nbytes))
