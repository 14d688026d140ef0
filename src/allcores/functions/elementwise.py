"""Every ufunc that NumPy exports, as a parallel one.

What is listed here is what NumPy cannot be asked: the cost of an element, whether the loop is exact (same bits for
any memory layout) and whether it may raise. `allcores.__init__` exports the result under NumPy's names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from allcores import _reductions, _ufuncs
from allcores.kernels import Kernel, register

# Serial nanoseconds an element of float64, operands in the second-level cache or beyond; measured on an AVX-512 core
# and rounded. A wrong figure costs time, never correctness.
_EXACT_COSTS = {
    "absolute": 0.4, "add": 0.5, "bitwise_and": 0.5, "bitwise_count": 0.6, "bitwise_or": 0.5, "bitwise_xor": 0.5,
    "ceil": 0.4, "conjugate": 0.4, "copysign": 0.5, "divide": 0.6, "equal": 0.4, "fabs": 0.6, "floor": 0.4,
    "floor_divide": 6.0, "fmax": 0.5, "fmin": 0.5, "gcd": 30.0, "greater": 0.4, "greater_equal": 0.4, "invert": 0.4,
    "isfinite": 0.3, "isinf": 0.3, "isnan": 0.3, "lcm": 30.0, "left_shift": 0.6, "less": 0.4, "less_equal": 0.4,
    "logical_and": 0.8, "logical_not": 0.6, "logical_or": 0.8, "logical_xor": 0.8, "maximum": 0.5, "minimum": 0.5,
    "multiply": 0.5, "negative": 0.4, "nextafter": 3.0, "not_equal": 0.4, "positive": 0.4, "reciprocal": 0.6,
    "remainder": 8.0, "fmod": 8.0, "divmod": 10.0, "right_shift": 0.6, "rint": 0.4, "sign": 0.8, "signbit": 0.3,
    "spacing": 3.0, "sqrt": 0.8, "square": 0.4, "subtract": 0.5, "trunc": 0.4, "frexp": 3.0, "modf": 3.0,
    "ldexp": 4.0, "deg2rad": 0.4, "degrees": 0.4, "rad2deg": 0.4, "radians": 0.4, "heaviside": 2.0,
}  # fmt: skip
_COSTS = {
    "arccos": 3.0, "arccosh": 10.0, "arcsin": 3.0, "arcsinh": 10.0, "arctan": 4.0, "arctan2": 12.0, "arctanh": 8.0,
    "cbrt": 6.0, "cos": 12.0, "cosh": 6.0, "exp": 1.0, "exp2": 3.0, "expm1": 4.0, "float_power": 6.0, "hypot": 6.0,
    "log": 1.5, "log10": 4.0, "log1p": 5.0, "log2": 3.0, "logaddexp": 12.0, "logaddexp2": 12.0, "power": 6.0,
    "sin": 12.0, "sinh": 7.0, "tan": 8.0, "tanh": 2.0,
}  # fmt: skip
# Loops that call Python's error functions: integers to negative integer powers.
_MAY_RAISE = frozenset({"power"})
_UNKNOWN_COST = 10.0
# Generalised ufuncs with loops of ours, and whether those are of matrices.
_GENERALISED = {"matmul": True, "vecdot": False}
# Computed by loops of our own at this instruction-set level, within 1 ULP.
_OWN_MATHEMATICS = frozenset(name for name, _, _, used in _ufuncs.mathematics() if used)


def _make(name: str, numpy_ufunc: np.ufunc) -> Any:
    if name in _GENERALISED:
        own = _reductions.generalised(numpy_ufunc, _GENERALISED[name])
        return _ufuncs.make(numpy_ufunc, 1.0, False, False, own)
    if numpy_ufunc.signature is not None:
        return numpy_ufunc  # BLAS has threads of its own
    exact = name in _EXACT_COSTS
    cost = _EXACT_COSTS.get(name) or _COSTS.get(name, _UNKNOWN_COST)
    may_raise = name in _MAY_RAISE
    made = _ufuncs.make(numpy_ufunc, cost, exact, may_raise)
    ours = name in _OWN_MATHEMATICS
    register(
        Kernel(name, "ufunc", made, numpy_ufunc, cost, exact=not ours, may_raise=may_raise, ulp=1.0 if ours else 0.0)
    )
    return made


def _make_all() -> dict[str, Any]:
    """Return every exported name; two names of one ufunc, such as `abs`, give one object."""
    made: dict[int, Any] = {}
    named: dict[str, Any] = {}
    for name, numpy_ufunc in sorted(vars(np).items()):  # dir() names modules too, that getattr() would import
        if isinstance(numpy_ufunc, np.ufunc):
            if id(numpy_ufunc) not in made:
                made[id(numpy_ufunc)] = _make(numpy_ufunc.__name__, numpy_ufunc)
            named[name] = made[id(numpy_ufunc)]
    return named


_made: dict[tuple[np.ufunc, bool, float], np.ufunc] = {}


def parallel(ufunc: Any, may_raise: bool = True, cost: float = _UNKNOWN_COST) -> np.ufunc:
    """Return a ufunc that does what `ufunc` does, on all cores.

    Parameters
    ----------
    ufunc : numpy.ufunc
        Any element-wise ufunc: of NumPy, of `scipy.special`, made by Cython's or numba's compilers, or by
        `numpy.frompyfunc` (object loops stay on one core).
    may_raise : bool, default True
        Whether its inner loop may set a Python error, warn, or otherwise call into Python. Such loops run with a
        Python thread state for each piece, which costs some microseconds a call, and their first error reaches the
        caller. Pass False only for loops that never do.
    cost : float, default 10
        About how many nanoseconds one float64 element takes serially; decides from which size on threads are used.

    Returns
    -------
    numpy.ufunc
        An object of type `allcores.ufunc`. Generalised ufuncs (with a signature such as ``(n),(n)->()``) are returned
        as they are.

    Raises
    ------
    TypeError
        If `ufunc` is not a ufunc, `may_raise` not a bool or `cost` not a number.
    ValueError
        If `cost` is not positive and less than 1e12 (a quarter of an hour).

    Examples
    --------
    >>> import numpy as np, allcores as ac
    >>> ac.parallel(np.sqrt)(np.arange(5.0) ** 2)
    array([0., 1., 2., 3., 4.])
    """
    if not isinstance(ufunc, np.ufunc):
        inner = getattr(ufunc, "ufunc", None)  # numba's DUFunc holds the real one
        if not isinstance(inner, np.ufunc):
            raise TypeError(f"ufunc must be a numpy.ufunc, got {type(ufunc).__name__}")
        ufunc = inner
    if not isinstance(may_raise, (bool, np.bool_)):
        raise TypeError(f"may_raise must be a bool, got {may_raise!r}")
    if isinstance(cost, bool) or not isinstance(cost, (int, float, np.integer, np.floating)):
        raise TypeError(f"cost must be a number of nanoseconds, got {cost!r}")
    if not 0 < cost < 1e12:
        raise ValueError(f"cost must be positive and less than 1e12 nanoseconds, got {cost!r}")
    given: np.ufunc = ufunc
    if type(given) is _ufuncs.ufunc or given.signature is not None:
        return given
    key = given, bool(may_raise), float(cost)
    if key not in _made:  # they are never freed
        _made[key] = _ufuncs.make(given, cost, False, bool(may_raise))
    return _made[key]


UFUNCS = _make_all()
