"""Mean, variance and standard deviation over any axes, on all cores, bit for bit NumPy's.

They are sums (allcores._reductions) and the few steps that NumPy takes around them; what the sums leave to NumPy, and
whatever would warn, NumPy does from the start.
"""

import numpy as np

from allcores import _reductions as _engine
from allcores.kernels import Kernel, register

__all__ = ["mean", "std", "var"]

_NO_VALUE = np._NoValue
_worth = _engine.worth
_add = np.add.reduce
_bool = np.dtype(np.bool_)
_float16, _float32, _float64 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)
_MEANS = frozenset(np.dtype(code) for code in "fdFD")
# Integers below 2**53 are exact in float64, and so is every partial sum that cannot reach it.
_EXACT = {np.dtype(code): 2**53 >> (8 * np.dtype(code).itemsize) for code in "bhiBHI"} | {_bool: 2**53}


def _exact_sum(a, n, dtype):
    """Whether the sum of `n` of `a`'s integers in float64 is exact in any order."""
    return (dtype is None or dtype == _float64) and n <= _EXACT.get(a.dtype, 0)


def _divided(total, n, out=None):
    """`total` / `n` as NumPy's mean and variance divide: in place, or as a scalar of the same type."""
    if total.dtype.kind in "iu":  # an exact sum, see _EXACT
        if out is None and isinstance(total, np.ndarray):
            out = total.view(_float64)
        return np.true_divide(total, n, out=out)
    if isinstance(total, np.ndarray):
        return np.true_divide(total, n, out=total, casting="unsafe", subok=False)
    return total.dtype.type(total / n)


def _sum_and_count(a, axis, dtype, out, keepdims):
    """Sum for a mean, and by how many to divide it; NotImplemented where NumPy must do it."""
    n = _engine.elements(a, axis)
    if n == 0:
        return NotImplemented
    if dtype is not None:
        try:
            dtype = np.dtype(dtype)
        except TypeError:
            return NotImplemented
        if dtype not in _MEANS:
            return NotImplemented
    if _exact_sum(a, n, dtype):
        if out is not None and (type(out) is not np.ndarray or out.dtype != _float64):
            return NotImplemented
        total = _engine.reduce_ufunc(np.add, a, axis, None, None, keepdims)
    elif a.dtype == _float16:
        # NumPy rounds the mean once, from float32.
        if out is not None and dtype is None:
            return NotImplemented
        total = _engine.reduce_ufunc(np.add, a, axis, _float32 if dtype is None else dtype, out, keepdims)
    else:
        loop = _float64 if dtype is None and a.dtype.kind in "iu" else dtype
        total = _engine.reduce_ufunc(np.add, a, axis, loop, out, keepdims)
    return NotImplemented if total is NotImplemented else (total, np.intp(n))


def mean(a, axis=None, dtype=None, out=None, keepdims=_NO_VALUE, *, where=_NO_VALUE):
    """
    Arithmetic mean over given axes, as `numpy.mean`.

    Parameters
    ----------
    a : array_like
        Elements to average.
    axis : None or int or tuple of ints, optional
        Axes to average over; None, the default, for all.
    dtype : dtype, optional
        Type to sum in. Default: float64 for integers, float32 for float16, else `a`'s.
    out : ndarray, optional
        Where to put the result.
    keepdims : bool, optional
        Leave the axes that are averaged over in the result, with length 1.
    where : array_like of bool, optional
        Elements to include. With it, NumPy averages.

    Returns
    -------
    ndarray or scalar
        The mean; `out` if it was given.

    Notes
    -----
    Bit for bit NumPy's mean; see `sum`.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import statistics
    >>> float(statistics.mean(np.ones(2**20, np.float32)))
    1.0
    """
    if (where is _NO_VALUE or where is True) and _worth(a) and a.dtype.kind in "biufc":
        found = _sum_and_count(a, axis, dtype, out, False if keepdims is _NO_VALUE else keepdims)
        if found is not NotImplemented:
            total, n = found
            if a.dtype == _float16 and dtype is None:
                if isinstance(total, np.ndarray):
                    return _float16.type(_divided(total, n))
                return _float16.type(total / n)
            return _divided(total, n, out)
    elif type(a) is np.ndarray and keepdims is _NO_VALUE and where is _NO_VALUE:
        return a.mean(axis, dtype, out)
    return np.mean(a, axis, dtype, out, keepdims, where=where)


def _variance(a, axis, dtype, out, ddof, keepdims, mean):
    """Return the variance of an ndarray; NotImplemented where NumPy must do it."""
    keepdims = False if keepdims is _NO_VALUE else keepdims
    integers = a.dtype.kind in "iu"
    loop = _float64 if integers else a.dtype
    if loop not in (_float32, _float64) or not (dtype is None or dtype is loop):
        return NotImplemented
    n = _engine.elements(a, axis)
    if n == 0 or type(ddof) not in (int, float) or ddof >= n:
        return NotImplemented
    if mean is _NO_VALUE:
        found = _sum_and_count(a, axis, None, None, True)
        if found is NotImplemented:
            return NotImplemented
        total, count = found
        mean = _divided(total, count)
    if type(mean) is not np.ndarray or mean.dtype != loop or not mean.dtype.isnative:
        return NotImplemented
    total = _engine.sum_of_squares(a, mean, axis, out, keepdims)
    if total is None:
        return np.var(a, axis, dtype, out, ddof, keepdims, mean=mean)
    if total is NotImplemented and out is not None:
        return NotImplemented
    if total is NotImplemented:
        # A layout with gaps: the deviations are laid out without, and NumPy's order is theirs.
        x = np.subtract(a, mean)
        if x.shape != a.shape:
            return NotImplemented
        np.multiply(x, x, out=x)
        total = _engine.reduce_ufunc(np.add, x, axis, loop, None, keepdims)
        if total is NotImplemented:
            total = _add(x, axis, loop, None, keepdims)
    return _divided(total, np.maximum(np.intp(n) - ddof, 0))


def var(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=_NO_VALUE, *,
    where=_NO_VALUE, mean=_NO_VALUE, correction=_NO_VALUE,
):  # fmt: skip
    """
    Variance over given axes, as `numpy.var`.

    Parameters
    ----------
    a : array_like
        Elements whose variance is asked for.
    axis : None or int or tuple of ints, optional
        Axes to reduce; None, the default, for all.
    dtype : dtype, optional
        Type to calculate in. Default: float64 for integers, else `a`'s. NumPy does other ones.
    out : ndarray, optional
        Where to put the result.
    ddof : int or float, optional
        The sum of squared deviations is divided by their number less this.
    keepdims : bool, optional
        Leave the axes that are reduced in the result, with length 1.
    where : array_like of bool, optional
        Elements to include. With it, NumPy calculates.
    mean : ndarray, optional
        The mean, if known, with the reduced axes of length 1.
    correction : int or float, optional
        Another name of `ddof`.

    Returns
    -------
    ndarray or scalar
        The variance; `out` if it was given.

    Notes
    -----
    Bit for bit NumPy's, in two passes over `a`, but without its copy of the deviations where `a` has no gaps.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import statistics
    >>> float(statistics.var(np.arange(5.0), ddof=1))
    2.5
    """
    if (where is _NO_VALUE or where is True) and _worth(a) and not (correction is not _NO_VALUE and ddof != 0):
        divisor = ddof if correction is _NO_VALUE else correction
        result = _variance(a, axis, dtype, out, divisor, keepdims, mean)
        if result is not NotImplemented:
            return result
    elif type(a) is np.ndarray and keepdims is where is mean is correction is _NO_VALUE:
        return a.var(axis, dtype, out, ddof)
    return np.var(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)


def std(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=_NO_VALUE, *,
    where=_NO_VALUE, mean=_NO_VALUE, correction=_NO_VALUE,
):  # fmt: skip
    """
    Square root of the variance over given axes, as `numpy.std`.

    Parameters
    ----------
    a : array_like
        Elements whose standard deviation is asked for.
    axis : None or int or tuple of ints, optional
        Axes to reduce; None, the default, for all.
    dtype : dtype, optional
        Type to calculate in. Default: float64 for integers, else `a`'s. NumPy does other ones.
    out : ndarray, optional
        Where to put the result.
    ddof : int or float, optional
        The sum of squared deviations is divided by their number less this.
    keepdims : bool, optional
        Leave the axes that are reduced in the result, with length 1.
    where : array_like of bool, optional
        Elements to include. With it, NumPy calculates.
    mean : ndarray, optional
        The mean, if known, with the reduced axes of length 1.
    correction : int or float, optional
        Another name of `ddof`.

    Returns
    -------
    ndarray or scalar
        The standard deviation; `out` if it was given.

    Notes
    -----
    Bit for bit NumPy's; see `var`.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import statistics
    >>> float(statistics.std(np.array([1.0, 3.0])))
    1.0
    """
    if (where is _NO_VALUE or where is True) and _worth(a) and not (correction is not _NO_VALUE and ddof != 0):
        divisor = ddof if correction is _NO_VALUE else correction
        result = _variance(a, axis, dtype, out, divisor, keepdims, mean)
        if result is not NotImplemented:
            if isinstance(result, np.ndarray):
                return np.sqrt(result, out=result)
            return result.dtype.type(np.sqrt(result))
    elif type(a) is np.ndarray and keepdims is where is mean is correction is _NO_VALUE:
        return a.std(axis, dtype, out, ddof)
    return np.std(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)


for _name, _cost in {"mean": 0.3, "var": 0.8, "std": 0.8}.items():  # serial nanoseconds an element of float64
    register(Kernel(_name, "reduction", globals()[_name], getattr(np, _name), _cost))
