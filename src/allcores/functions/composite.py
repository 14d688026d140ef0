"""Element-wise functions of NumPy that are no ufuncs: where, clip, round, nan_to_num, isclose, allclose, array_equal;
and fma, which NumPy does not have.

Each has NumPy's signature, result, dtype, warnings and errors. Arrays that are exactly ndarrays of a native number
type, and large enough, are done in one pass by `allcores._composite`, or by a parallel ufunc; everything else goes to
NumPy's function unchanged.
"""

import math

import numpy as np

from allcores import _composite as _engine
from allcores import _memory, _ufuncs
from allcores._reductions import is_plain
from allcores.functions.elementwise import UFUNCS
from allcores.kernels import Kernel, register

__all__ = ["allclose", "around", "array_equal", "clip", "fma", "isclose", "nan_to_num", "round", "where"]

_NO_VALUE = np._NoValue
_worth = _engine.worth
_empty_like = _memory.empty_like
_ndarray = np.ndarray
_numpy_where = getattr(np.where, "_implementation", np.where)  # without the look for __array_function__
_numpy_array_equal = getattr(np.array_equal, "_implementation", np.array_equal)
_float32, _float64 = np.dtype(np.float32), np.dtype(np.float64)
_FLOATS = (_float32, _float64)
_LARGEST = {dtype: float(np.finfo(dtype).max) for dtype in _FLOATS}
_PLAIN = frozenset({_ndarray, bool, int, float, complex})
_LIMITS = _PLAIN | {type(None), *np.sctypeDict.values()}
_clip = _ufuncs.make(np._core.umath.clip, 0.3, True, False)  # type: ignore[attr-defined]  # no public name
# Elements below which NumPy's own function is as fast.
_LEAST_WHERE = 700
_LEAST_CLIP = 1
_LEAST_ROUND = 1_200
_LEAST_NAN_TO_NUM = 1
_LEAST_CLOSE = 1
_LEAST_EQUAL = 1

_FMA_DOC = """
Fused multiply-add, ``x1 * x2 + x3`` with one rounding.

Parameters
----------
x1, x2, x3 : array_like of float32 or float64
    Factors and summand; broadcast against one another.
out : ndarray, None, or tuple of ndarray and None, optional
    Where to put the result.
where : array_like of bool, optional
    Elements to calculate.
**kwargs
    As of any ufunc.

Returns
-------
ndarray or scalar
    ``x1 * x2 + x3``, float32 where all operands are, else float64.

Notes
-----
Correctly rounded, as IEEE 754's fusedMultiplyAdd; by the processor's instruction where there is one, else by the C
library, much slower.

Examples
--------
>>> import numpy as np, allcores as ac
>>> float(ac.fma(1 + 2.0**-30, 1 - 2.0**-30, -1.0)) == -(2.0**-60)
True
"""
_serial_fma = _ufuncs.own_mathematics("fma", _FMA_DOC)
_fma_cost = next(cost for name, types, cost, _ in _ufuncs.mathematics() if (name, types) == ("fma", "ddd->d"))
fma = _ufuncs.make(_serial_fma, _fma_cost, True, False)


def where(condition, x=_NO_VALUE, y=_NO_VALUE, /):
    """
    Elements of `x` where `condition` is true, of `y` elsewhere, as `numpy.where`.

    Parameters
    ----------
    condition : array_like of bool
        Which to take.
    x, y : array_like, optional
        What to take; all three are broadcast. Without them, the indices of true elements, by `numpy.nonzero`.

    Returns
    -------
    ndarray or tuple of ndarrays
        An array of the common type of `x` and `y`; without them, an index array an axis.

    Raises
    ------
    ValueError
        If one of `x` and `y` is given without the other.

    Notes
    -----
    No branch an element, so that it takes the same time whatever `condition` holds.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import composite
    >>> composite.where(np.array([True, False]), 1.0, np.zeros(2))
    array([1., 0.])
    """
    if y is _NO_VALUE:
        return np.where(condition) if x is _NO_VALUE else np.where(condition, x)
    if _worth(condition, _LEAST_WHERE):
        result = _engine.where(condition, x, y)
        if result is not NotImplemented:
            return result
    elif type(condition) is _ndarray and type(x) in _PLAIN and type(y) in _PLAIN:
        return _numpy_where(condition, x, y)
    return np.where(condition, x, y)


def clip(a, a_min=_NO_VALUE, a_max=_NO_VALUE, out=None, *, min=_NO_VALUE, max=_NO_VALUE, **kwargs):
    """
    Elements limited to an interval, as `numpy.clip`.

    Parameters
    ----------
    a : array_like
        Elements to limit.
    a_min, a_max : array_like or None
        Least and greatest result; None for no limit. Broadcast against `a`.
    out : ndarray, optional
        Where to put the result; may be `a`.
    min, max : array_like or None, optional
        Other names of `a_min` and `a_max`, from NumPy 2.1 on.
    **kwargs
        As of any ufunc.

    Returns
    -------
    ndarray or scalar
        ``minimum(maximum(a, a_min), a_max)``; `out` if it was given.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import composite
    >>> composite.clip(np.arange(5), 1, 3)
    array([1, 1, 2, 3, 3])
    """
    if is_plain(a) and (out is None or is_plain(out)):
        low, high = a_min, a_max
        if low is _NO_VALUE and high is _NO_VALUE:
            low, high = (None if min is _NO_VALUE else min), (None if max is _NO_VALUE else max)
            plain = low is not None or high is not None
        else:
            plain = low is not _NO_VALUE and high is not _NO_VALUE and min is _NO_VALUE and max is _NO_VALUE
        plain = plain and type(low) in _LIMITS and type(high) in _LIMITS
        if plain and _worth(a, _LEAST_CLIP):
            if a.dtype.kind in "iu":
                limits = np.iinfo(a.dtype)
                if type(low) is int and low <= limits.min:
                    low = None
                if type(high) is int and high >= limits.max:
                    high = None
            if low is not None:
                if high is not None:
                    return _clip(a, low, high, out=out, **kwargs)
                return UFUNCS["maximum"](a, low, out=out, **kwargs)
            if high is not None:
                return UFUNCS["minimum"](a, high, out=out, **kwargs)
        elif plain:
            return a.clip(low, high, out, **kwargs)
    options = {name: given for name, given in (("min", min), ("max", max)) if given is not _NO_VALUE}
    if a_min is not _NO_VALUE:
        options["a_min"] = a_min
    if a_max is not _NO_VALUE:
        options["a_max"] = a_max
    return np.clip(a, out=out, **options, **kwargs)


def round(a, decimals=0, out=None):
    """
    Elements rounded to a number of decimals, as `numpy.round`.

    Parameters
    ----------
    a : array_like
        Elements to round.
    decimals : int, default 0
        Decimals to keep; negative for tens, hundreds, ...
    out : ndarray, optional
        Where to put the result; may be `a`.

    Returns
    -------
    ndarray or scalar
        The rounded elements; `out` if it was given.

    Notes
    -----
    NumPy's method, in one pass: times a power of ten, to the nearest integer, halves to even, divided by the power.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import composite
    >>> composite.round(np.array([0.125, 2.5]), 2)
    array([0.12, 2.5 ])
    """
    if not is_plain(a) or (out is not None and not is_plain(out)):
        return np.round(a, decimals, out)
    if (
        _worth(a, _LEAST_ROUND)
        and a.dtype in _FLOATS
        and type(decimals) is int
        and (out is None or out.shape == a.shape)
    ):
        if decimals == 0:
            return UFUNCS["rint"](a, out=out)
        errors = np.geterr()
        if (
            -32 < decimals < 32
            and errors["under"] == "ignore"
            and errors["over"] != "raise"
            and errors["invalid"] != "raise"
            and (out is None or (out.dtype == a.dtype and out.flags.writeable))
        ):
            target = _empty_like(a, "F" if a.flags.fnc else "C") if out is None else out
            result = _engine.round_to(a, target, decimals)
            if result is not NotImplemented:
                return result
    return a.round(decimals, out)


def around(a, decimals=0, out=None):
    """
    Elements rounded to a number of decimals; another name of `round`.

    Parameters
    ----------
    a : array_like
        Elements to round.
    decimals : int, default 0
        Decimals to keep.
    out : ndarray, optional
        Where to put the result.

    Returns
    -------
    ndarray or scalar
        The rounded elements.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import composite
    >>> composite.around(np.array([14.5, 26.0]), -1)
    array([10., 30.])
    """
    return round(a, decimals, out) if is_plain(a) else np.around(a, decimals, out)


def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    """
    NaN and infinities replaced by numbers, as `numpy.nan_to_num`.

    Parameters
    ----------
    x : array_like
        Elements to look at.
    copy : bool, default True
        Whether to leave `x` as it is and return a new array.
    nan : number or array_like, default 0.0
        What replaces NaN.
    posinf, neginf : number, array_like or None, optional
        What replaces infinity and its negative; None for the greatest and the least finite number.

    Returns
    -------
    ndarray or scalar
        `x`, or a copy of it, without NaN and infinities.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import composite
    >>> composite.nan_to_num(np.array([1.0, np.nan, np.inf]), posinf=9.0)
    array([1., 0., 9.])
    """
    if _worth(x, _LEAST_NAN_TO_NUM) and x.dtype in _FLOATS and x.dtype.isnative and type(copy) is bool:
        largest = _LARGEST[x.dtype]
        high = largest if posinf is None else posinf
        low = -largest if neginf is None else neginf
        if type(nan) is type(high) is type(low) is float and (copy or x.flags.writeable):
            result = _engine.nan_to_num(x, _empty_like(x, "K") if copy else x, nan, high, low)
            if result is not NotImplemented:
                return result
    return np.nan_to_num(x, copy, nan, posinf, neginf)


def _weak(value):
    """Whether `value` is a finite Python number, which takes the type of the array it meets."""
    return (type(value) is float and math.isfinite(value)) or (type(value) is int and -(2**53) < value < 2**53)


def _close(a, b, rtol, atol, equal_nan, every):
    """Do isclose or allclose of an ndarray and an ndarray or number; NotImplemented where NumPy must do it."""
    if not _weak(rtol) or not _weak(atol):
        return NotImplemented
    if is_plain(b):
        if a is not None and b.dtype.kind not in "biuf":
            return NotImplemented
        dtype = b.dtype if b.dtype in _FLOATS else _float64
        if b.dtype.kind == "f" and b.dtype not in _FLOATS:
            return NotImplemented
        if not is_plain(a):
            if not _weak(a) or (a and not 1e-30 < abs(a) < 1e30):
                return NotImplemented
            a = np.array(a, dtype)
    else:
        if not _weak(b) or (b and not 1e-30 < abs(b) < 1e30):
            return NotImplemented
        # Tolerances are calculated in float64 here, whatever the array's type.
        dtype, b = a.dtype, float(b)
        if dtype not in _FLOATS:
            return NotImplemented
        rtol, atol = 0.0, atol + rtol * abs(b)
        if not abs(atol) < 1e30:
            return NotImplemented
        b = np.array(b, dtype)
    if a.dtype.kind not in "biuf" or np.result_type(a.dtype, dtype) != dtype or not dtype.isnative:
        return NotImplemented
    return _engine.close(a, b, dtype, rtol, atol, bool(equal_nan), every)


def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """
    Whether elements are equal within a tolerance, ``abs(a - b) <= atol + rtol * abs(b)``, as `numpy.isclose`.

    Parameters
    ----------
    a, b : array_like
        What to compare; broadcast against each other.
    rtol, atol : float or array_like, optional
        Relative (to `b`) and absolute tolerance. With arrays, NumPy compares.
    equal_nan : bool, default False
        Whether NaN equals NaN.

    Returns
    -------
    ndarray of bool or bool
        Whether they are.

    Notes
    -----
    NumPy's steps, each rounded as NumPy's, in one pass and without temporaries.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import composite
    >>> composite.isclose(np.array([1.0, np.inf]), np.array([1.0 + 1e-9, np.inf]))
    array([ True,  True])
    """
    if _worth(a, _LEAST_CLOSE) or (_worth(b, _LEAST_CLOSE) and (type(a) in _PLAIN)):
        result = _close(a, b, rtol, atol, equal_nan, False)
        if result is not NotImplemented:
            return result[()]  # a view, as NumPy's
    return np.isclose(a, b, rtol, atol, equal_nan)


def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """
    Whether all elements are equal within a tolerance, as `numpy.allclose`.

    Parameters
    ----------
    a, b : array_like
        What to compare; broadcast against each other.
    rtol, atol : float or array_like, optional
        Relative (to `b`) and absolute tolerance. With arrays, NumPy compares.
    equal_nan : bool, default False
        Whether NaN equals NaN.

    Returns
    -------
    bool
        Whether they are.

    Notes
    -----
    Nothing is written. All elements are looked at, as each may overflow and so warn; where ``np.errstate`` ignores
    overflow and underflow, the first difference ends it.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import composite
    >>> composite.allclose(np.ones(3), np.ones(3) + 1e-9)
    True
    """
    if _worth(a, _LEAST_CLOSE) or (_worth(b, _LEAST_CLOSE) and (type(a) in _PLAIN)):
        result = _close(a, b, rtol, atol, equal_nan, True)
        if result is not NotImplemented:
            return result
    return np.allclose(a, b, rtol, atol, equal_nan)


def array_equal(a1, a2, equal_nan=False):
    """
    Whether two arrays have the same shape and elements, as `numpy.array_equal`.

    Parameters
    ----------
    a1, a2 : array_like
        What to compare.
    equal_nan : bool, default False
        Whether NaN equals NaN.

    Returns
    -------
    bool
        Whether they are equal.

    Notes
    -----
    The first difference ends it, on all cores.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import composite
    >>> composite.array_equal(np.arange(3), np.arange(3.0))
    True
    """
    if _worth(a1, _LEAST_EQUAL) and is_plain(a2):
        if a1.shape != a2.shape:
            return False
        dtype = a1.dtype
        if dtype != a2.dtype:
            dtype = _common(dtype, a2.dtype)
        if dtype is not None and dtype.isnative and not (equal_nan and a1 is a2):
            result = _engine.array_equal(a1, a2, dtype, bool(equal_nan))
            if result is not NotImplemented:
                return result
    if type(a1) is _ndarray and type(a2) is _ndarray:
        return _numpy_array_equal(a1, a2, equal_nan)
    return np.array_equal(a1, a2, equal_nan)


def _common(first, second):
    """Return the type in which NumPy compares two different ones; None where NumPy must do it."""
    if first.kind not in "biuf" or second.kind not in "biuf":
        return None
    taken = np.equal.resolve_dtypes((first, second, None))
    safe = taken[0] == taken[1] and np.can_cast(first, taken[0], "safe") and np.can_cast(second, taken[0], "safe")
    return taken[0] if safe else None


# Serial nanoseconds an element of float64.
_COSTS = {
    "allclose": 0.28, "around": 0.55, "array_equal": 0.25, "clip": 0.3, "isclose": 0.4, "nan_to_num": 0.25,
    "round": 0.55, "where": 0.25,
}  # fmt: skip
for _name, _cost in _COSTS.items():
    register(Kernel(_name, "composite", globals()[_name], getattr(np, _name), _cost))
register(Kernel("fma", "composite", fma, _serial_fma, _fma_cost))
