"""Sums, products, extremes, any, all and counts over any axes, on all cores.

Each function has NumPy's name, signature, result, dtype, warnings and errors. Arrays that are exactly ndarrays of
a native number type, and large enough, are reduced by `allcores._reductions`; everything else goes to NumPy's function
unchanged. No result depends on the number of threads.
"""

import numpy as np

from allcores import _reductions as _engine
from allcores._reductions import ADD, ALL, ANY, MAX, MIN, MUL
from allcores.kernels import Kernel, register

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "max", "min", "prod", "sum",
]  # fmt: skip

_NO_VALUE = np._NoValue
_fold = _engine.fold
_arg = _engine.arg_extreme
_worth = _engine.worth
_add, _multiply, _minimum, _maximum = np.add.reduce, np.multiply.reduce, np.minimum.reduce, np.maximum.reduce
_or, _and = np.logical_or.reduce, np.logical_and.reduce
_bool = np.dtype(np.bool_)


def sum(a, axis=None, dtype=None, out=None, keepdims=_NO_VALUE, initial=_NO_VALUE, where=_NO_VALUE):
    """
    Sum of array elements over given axes, as `numpy.sum`.

    Parameters
    ----------
    a : array_like
        Elements to sum.
    axis : None or int or tuple of ints, optional
        Axes to sum over; None, the default, for all.
    dtype : dtype, optional
        Type to sum in and of the result. Default: `a`'s, and for integers smaller than the platform's, the platform's.
    out : ndarray, optional
        Where to put the result.
    keepdims : bool, optional
        Leave the axes that are summed over in the result, with length 1.
    initial : scalar, optional
        What to start from.
    where : array_like of bool, optional
        Elements to include. With it, NumPy sums.

    Returns
    -------
    ndarray or scalar
        The sum; `out` if it was given.

    Notes
    -----
    Bit for bit NumPy's sum: rows are halved where NumPy halves them, and the halves are added in its order
    (pairwise summation: Higham, SIAM J. Sci. Comput. 14, 1993).

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import reductions
    >>> float(reductions.sum(np.ones(2**20, np.float32)))
    1048576.0
    """
    result = _fold(ADD, _add, a, axis, dtype, out, keepdims, initial, where)
    if result is NotImplemented:
        return np.sum(a, axis, dtype, out, keepdims, initial, where)
    return result


def prod(a, axis=None, dtype=None, out=None, keepdims=_NO_VALUE, initial=_NO_VALUE, where=_NO_VALUE):
    """
    Product of array elements over given axes, as `numpy.prod`.

    Parameters
    ----------
    a : array_like
        Elements to multiply.
    axis : None or int or tuple of ints, optional
        Axes to multiply over; None, the default, for all.
    dtype : dtype, optional
        Type of the product and the result; as for `sum`.
    out : ndarray, optional
        Where to put the result.
    keepdims : bool, optional
        Leave the axes that are reduced in the result, with length 1.
    initial : scalar, optional
        What to start from.
    where : array_like of bool, optional
        Elements to include. With it, NumPy multiplies.

    Returns
    -------
    ndarray or scalar
        The product; `out` if it was given.

    Notes
    -----
    Exact for integers (modulo 2**64, as NumPy's). Of n floats the relative error is at most (n - 1) * eps, as for any
    order; the order is fixed by shape, dtype and axis, but is not NumPy's, so that the last bits may differ, and
    whether a partial product overflows or underflows.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import reductions
    >>> int(reductions.prod(np.full(62, 2)))
    4611686018427387904
    """
    result = _fold(MUL, _multiply, a, axis, dtype, out, keepdims, initial, where)
    if result is NotImplemented:
        return np.prod(a, axis, dtype, out, keepdims, initial, where)
    return result


def max(a, axis=None, out=None, keepdims=_NO_VALUE, initial=_NO_VALUE, where=_NO_VALUE):
    """
    Greatest array element over given axes, as `numpy.max`.

    Parameters
    ----------
    a : array_like
        Elements to compare.
    axis : None or int or tuple of ints, optional
        Axes to reduce; None, the default, for all.
    out : ndarray, optional
        Where to put the result.
    keepdims : bool, optional
        Leave the axes that are reduced in the result, with length 1.
    initial : scalar, optional
        The least that the result can be.
    where : array_like of bool, optional
        Elements to compare. With it, NumPy does.

    Returns
    -------
    ndarray or scalar
        The greatest; NaN if there is one. `out` if it was given.

    Notes
    -----
    Exact. Which zero comes out where 0.0 and -0.0 are both greatest is unspecified, as in NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import reductions
    >>> reductions.max(np.array([[1, 5], [7, 2]]), axis=0).tolist()
    [7, 5]
    """
    result = _fold(MAX, _maximum, a, axis, None, out, keepdims, initial, where)
    if result is NotImplemented:
        return np.max(a, axis, out, keepdims, initial, where)
    return result


def min(a, axis=None, out=None, keepdims=_NO_VALUE, initial=_NO_VALUE, where=_NO_VALUE):
    """
    Least array element over given axes, as `numpy.min`.

    Parameters
    ----------
    a : array_like
        Elements to compare.
    axis : None or int or tuple of ints, optional
        Axes to reduce; None, the default, for all.
    out : ndarray, optional
        Where to put the result.
    keepdims : bool, optional
        Leave the axes that are reduced in the result, with length 1.
    initial : scalar, optional
        The greatest that the result can be.
    where : array_like of bool, optional
        Elements to compare. With it, NumPy does.

    Returns
    -------
    ndarray or scalar
        The least; NaN if there is one. `out` if it was given.

    Notes
    -----
    Exact. Which zero comes out where 0.0 and -0.0 are both least is unspecified, as in NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import reductions
    >>> reductions.min(np.array([[1, 5], [7, 2]]), axis=1).tolist()
    [1, 2]
    """
    result = _fold(MIN, _minimum, a, axis, None, out, keepdims, initial, where)
    if result is NotImplemented:
        return np.min(a, axis, out, keepdims, initial, where)
    return result


amax = max
amin = min


def any(a, axis=None, out=None, keepdims=_NO_VALUE, *, where=_NO_VALUE):
    """
    Whether any array element over given axes is true, as `numpy.any`.

    Parameters
    ----------
    a : array_like
        Elements to test; whatever is not zero is true, NaN too.
    axis : None or int or tuple of ints, optional
        Axes to reduce; None, the default, for all.
    out : ndarray, optional
        Where to put the result.
    keepdims : bool, optional
        Leave the axes that are reduced in the result, with length 1.
    where : array_like of bool, optional
        Elements to test. With it, NumPy does.

    Returns
    -------
    ndarray of bool or bool
        The answer; `out` if it was given.

    Notes
    -----
    Looks no further than needed, block by block.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import reductions
    >>> reductions.any(np.array([[True, False], [False, False]]), axis=0).tolist()
    [True, False]
    """
    result = _fold(ANY, _or, a, axis, _bool, out, keepdims, _NO_VALUE, where)
    if result is NotImplemented:
        return np.any(a, axis, out, keepdims, where=where)
    return result


def all(a, axis=None, out=None, keepdims=_NO_VALUE, *, where=_NO_VALUE):
    """
    Whether all array elements over given axes are true, as `numpy.all`.

    Parameters
    ----------
    a : array_like
        Elements to test; whatever is not zero is true, NaN too.
    axis : None or int or tuple of ints, optional
        Axes to reduce; None, the default, for all.
    out : ndarray, optional
        Where to put the result.
    keepdims : bool, optional
        Leave the axes that are reduced in the result, with length 1.
    where : array_like of bool, optional
        Elements to test. With it, NumPy does.

    Returns
    -------
    ndarray of bool or bool
        The answer; `out` if it was given.

    Notes
    -----
    Looks no further than needed, block by block.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import reductions
    >>> reductions.all(np.array([[True, False], [True, True]]), axis=0).tolist()
    [True, False]
    """
    result = _fold(ALL, _and, a, axis, _bool, out, keepdims, _NO_VALUE, where)
    if result is NotImplemented:
        return np.all(a, axis, out, keepdims, where=where)
    return result


def count_nonzero(a, axis=None, *, keepdims=False):
    """
    How many array elements over given axes are not zero, as `numpy.count_nonzero`.

    Parameters
    ----------
    a : array_like
        Elements to count.
    axis : None or int or tuple of ints, optional
        Axes to count over; None, the default, for all.
    keepdims : bool, optional
        Leave the axes that are reduced in the result, with length 1.

    Returns
    -------
    int or ndarray of int
        The counts.

    Notes
    -----
    Exact.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import reductions
    >>> int(reductions.count_nonzero(np.eye(4)))
    4
    """
    result = _engine.count_nonzero(a, axis, keepdims)
    if result is NotImplemented:
        return np.count_nonzero(a, axis, keepdims=keepdims)
    return result


def argmax(a, axis=None, out=None, *, keepdims=_NO_VALUE):
    """
    Index of the greatest element along an axis, as `numpy.argmax`.

    Parameters
    ----------
    a : array_like
        Elements to compare.
    axis : int, optional
        Axis to search along; None, the default, for the array flattened in C order.
    out : ndarray of intp, optional
        Where to put the result.
    keepdims : bool, optional
        Leave the axis that is reduced in the result, with length 1.

    Returns
    -------
    ndarray of int or int
        The index of the first greatest element, or of the first NaN; `out` if it was given.

    Notes
    -----
    Exact. No copy is made of arrays that are not in C order.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import reductions
    >>> reductions.argmax(np.array([[1, 5, 5], [7, 2, 0]]), axis=1).tolist()
    [1, 0]
    """
    if _worth(a):
        result = _arg(a, True, axis, out, False if keepdims is _NO_VALUE else keepdims)
        if result is not NotImplemented:
            return result
    elif type(a) is np.ndarray and keepdims is _NO_VALUE:
        return a.argmax(axis, out)
    return np.argmax(a, axis, out, keepdims=keepdims)


def argmin(a, axis=None, out=None, *, keepdims=_NO_VALUE):
    """
    Index of the least element along an axis, as `numpy.argmin`.

    Parameters
    ----------
    a : array_like
        Elements to compare.
    axis : int, optional
        Axis to search along; None, the default, for the array flattened in C order.
    out : ndarray of intp, optional
        Where to put the result.
    keepdims : bool, optional
        Leave the axis that is reduced in the result, with length 1.

    Returns
    -------
    ndarray of int or int
        The index of the first least element, or of the first NaN; `out` if it was given.

    Notes
    -----
    Exact. No copy is made of arrays that are not in C order.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import reductions
    >>> int(reductions.argmin(np.array([3.0, np.nan, 1.0])))
    1
    """
    if _worth(a):
        result = _arg(a, False, axis, out, False if keepdims is _NO_VALUE else keepdims)
        if result is not NotImplemented:
            return result
    elif type(a) is np.ndarray and keepdims is _NO_VALUE:
        return a.argmin(axis, out)
    return np.argmin(a, axis, out, keepdims=keepdims)


# Serial nanoseconds an element of float64.
_COSTS = {
    "sum": 0.3, "prod": 0.3, "max": 0.3, "min": 0.3, "any": 0.1, "all": 0.1, "argmax": 0.4, "argmin": 0.4,
    "count_nonzero": 0.3,
}  # fmt: skip
for _name, _cost in _COSTS.items():
    # The order of a product is ours: its bound is in units of eps * elements.
    _ours = _name == "prod"
    register(
        Kernel(_name, "reduction", globals()[_name], getattr(np, _name), _cost, exact=not _ours, rtol=float(_ours))
    )
