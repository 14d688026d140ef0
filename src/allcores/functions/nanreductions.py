"""Reductions of what is not NaN, over any axes, on all cores, in one pass and without NumPy's copy of the operand.

Arrays that are exactly ndarrays of float32 or float64 are reduced by `allcores._reductions`. Integers and truth values
hold no NaN: the functions without `nan` in their names take them. Everything else goes to NumPy's function unchanged,
and so does whatever is to warn of a floating-point error.
"""

import warnings

import numpy as np

from allcores import _reductions as _engine
from allcores._reductions import NAN_ADD, NAN_MAX, NAN_MEAN, NAN_MIN, NAN_MUL, NAN_VARIANCE
from allcores.functions import reductions as _plain
from allcores.functions import statistics as _statistics
from allcores.kernels import Kernel, register

__all__ = ["nanargmax", "nanargmin", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar"]

_NO_VALUE = np._NoValue
_ndarray = np.ndarray
_told = _engine.fold_told
_arg = _engine.arg_extreme


def _never_nan(a):
    return _engine.is_plain(a) and a.dtype.kind in "biu"


def nansum(a, axis=None, dtype=None, out=None, keepdims=_NO_VALUE, initial=_NO_VALUE, where=_NO_VALUE):
    """
    Sum over given axes of what is not NaN, as `numpy.nansum`.

    Parameters
    ----------
    a : array_like
        Elements to sum.
    axis : None or int or tuple of ints, optional
        Axes to sum over; None, the default, for all.
    dtype : dtype, optional
        Type to sum in and of the result; as for `sum`. NumPy sums in others than `a`'s.
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
        The sum, 0 of nothing; `out` if it was given.

    Notes
    -----
    Pairwise, as `sum`: bit for bit NumPy's where `a` has no gaps between its rows.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import nanreductions
    >>> float(nanreductions.nansum(np.array([1.0, np.nan, 2.0])))
    3.0
    """
    if where is _NO_VALUE:
        found = _told(NAN_ADD, a, axis, dtype, out, keepdims, initial)
        if found is not NotImplemented:
            return found[0]
    if _never_nan(a):
        return _plain.sum(a, axis, dtype, out, keepdims, initial, where)
    return np.nansum(a, axis, dtype, out, keepdims, initial, where)


def nanprod(a, axis=None, dtype=None, out=None, keepdims=_NO_VALUE, initial=_NO_VALUE, where=_NO_VALUE):
    """
    Product over given axes of what is not NaN, as `numpy.nanprod`.

    Parameters
    ----------
    a : array_like
        Elements to multiply.
    axis : None or int or tuple of ints, optional
        Axes to multiply over; None, the default, for all.
    dtype : dtype, optional
        Type of the product and the result; as for `prod`. NumPy multiplies in others than `a`'s.
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
        The product, 1 of nothing; `out` if it was given.

    Notes
    -----
    In the order of `prod`, and within its bound.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import nanreductions
    >>> float(nanreductions.nanprod(np.array([3.0, np.nan, 2.0])))
    6.0
    """
    if where is _NO_VALUE:
        found = _told(NAN_MUL, a, axis, dtype, out, keepdims, initial)
        if found is not NotImplemented:
            return found[0]
    if _never_nan(a):
        return _plain.prod(a, axis, dtype, out, keepdims, initial, where)
    return np.nanprod(a, axis, dtype, out, keepdims, initial, where)


def nanmin(a, axis=None, out=None, keepdims=_NO_VALUE, initial=_NO_VALUE, where=_NO_VALUE):
    """
    Least element over given axes of what is not NaN, as `numpy.nanmin`.

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
        The least, NaN of nothing but NaN, with a RuntimeWarning; `out` if it was given.

    Notes
    -----
    Exact. Which zero comes out where 0.0 and -0.0 are both least is unspecified, as in NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import nanreductions
    >>> nanreductions.nanmin(np.array([[1, np.nan], [7, 2]]), axis=0).tolist()
    [1.0, 2.0]
    """
    if where is _NO_VALUE:
        found = _told(NAN_MIN, a, axis, None, out, keepdims, initial)
        if found is not NotImplemented:
            if found[1]:
                warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=2)
            return found[0]
    if _never_nan(a):
        return _plain.min(a, axis, out, keepdims, initial, where)
    return np.nanmin(a, axis, out, keepdims, initial, where)


def nanmax(a, axis=None, out=None, keepdims=_NO_VALUE, initial=_NO_VALUE, where=_NO_VALUE):
    """
    Greatest element over given axes of what is not NaN, as `numpy.nanmax`.

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
        The greatest, NaN of nothing but NaN, with a RuntimeWarning; `out` if it was given.

    Notes
    -----
    Exact. Which zero comes out where 0.0 and -0.0 are both greatest is unspecified, as in NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import nanreductions
    >>> nanreductions.nanmax(np.array([[1, np.nan], [7, 2]]), axis=0).tolist()
    [7.0, 2.0]
    """
    if where is _NO_VALUE:
        found = _told(NAN_MAX, a, axis, None, out, keepdims, initial)
        if found is not NotImplemented:
            if found[1]:
                warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=2)
            return found[0]
    if _never_nan(a):
        return _plain.max(a, axis, out, keepdims, initial, where)
    return np.nanmax(a, axis, out, keepdims, initial, where)


def nanmean(a, axis=None, dtype=None, out=None, keepdims=_NO_VALUE, *, where=_NO_VALUE):
    """
    Arithmetic mean over given axes of what is not NaN, as `numpy.nanmean`.

    Parameters
    ----------
    a : array_like
        Elements to average.
    axis : None or int or tuple of ints, optional
        Axes to average over; None, the default, for all.
    dtype : dtype, optional
        Type to sum in; as for `mean`. NumPy sums in others than `a`'s.
    out : ndarray, optional
        Where to put the result.
    keepdims : bool, optional
        Leave the axes that are averaged over in the result, with length 1.
    where : array_like of bool, optional
        Elements to include. With it, NumPy averages.

    Returns
    -------
    ndarray or scalar
        The mean, NaN of nothing but NaN, with a RuntimeWarning; `out` if it was given.

    Notes
    -----
    Within the bound of a pairwise sum: sums of at most 2,048 elements of a row, or 512 of a column, are added in
    float64.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import nanreductions
    >>> float(nanreductions.nanmean(np.array([1.0, np.nan, 2.0])))
    1.5
    """
    if where is _NO_VALUE:
        found = _told(NAN_MEAN, a, axis, dtype, out, keepdims, _NO_VALUE)
        if found is not NotImplemented:
            if found[1]:
                warnings.warn("Mean of empty slice", RuntimeWarning, stacklevel=2)
            return found[0]
    if _never_nan(a):
        return _statistics.mean(a, axis, dtype, out, keepdims, where=where)
    return np.nanmean(a, axis, dtype, out, keepdims, where=where)


def _variance(a, axis, dtype, out, ddof, keepdims, where, mean, correction):
    """Return variance and whether to warn, or NotImplemented where NumPy must do it."""
    if where is not _NO_VALUE or mean is not _NO_VALUE or not _engine.is_plain(a):
        return NotImplemented
    if correction is not _NO_VALUE:
        if type(ddof) is not int or ddof != 0:
            return NotImplemented
        ddof = correction
    if type(ddof) is not int and type(ddof) is not float:
        return NotImplemented
    found = _told(NAN_MEAN, a, axis, dtype, None, True, _NO_VALUE)
    if found is NotImplemented:
        return NotImplemented
    return _told(NAN_VARIANCE, a, axis, dtype, out, keepdims, _NO_VALUE, found[0], ddof)


def nanvar(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=_NO_VALUE, *,
    where=_NO_VALUE, mean=_NO_VALUE, correction=_NO_VALUE,
):  # fmt: skip
    """
    Variance over given axes of what is not NaN, as `numpy.nanvar`.

    Parameters
    ----------
    a : array_like
        Elements whose variance is asked for.
    axis : None or int or tuple of ints, optional
        Axes to reduce; None, the default, for all.
    dtype : dtype, optional
        Type to calculate in; as for `var`. NumPy does others than `a`'s.
    out : ndarray, optional
        Where to put the result.
    ddof : int or float, optional
        The sum of squared deviations is divided by their number less this.
    keepdims : bool, optional
        Leave the axes that are reduced in the result, with length 1.
    where : array_like of bool, optional
        Elements to include. With it, NumPy calculates.
    mean : ndarray, optional
        The mean, if known, with the reduced axes of length 1. With it, NumPy calculates.
    correction : int or float, optional
        Another name of `ddof`.

    Returns
    -------
    ndarray or scalar
        The variance, NaN where no more than `ddof` elements are not NaN, with a RuntimeWarning; `out` if it was given.

    Notes
    -----
    Two passes, the mean first; each within the bound of `nanmean`'s sums.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import nanreductions
    >>> float(nanreductions.nanvar(np.array([1.0, np.nan, 3.0])))
    1.0
    """
    found = _variance(a, axis, dtype, out, ddof, keepdims, where, mean, correction)
    if found is not NotImplemented:
        if found[1]:
            warnings.warn("Degrees of freedom <= 0 for slice.", RuntimeWarning, stacklevel=2)
        return found[0]
    if _never_nan(a):
        return _statistics.var(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)
    return np.nanvar(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)


def nanstd(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=_NO_VALUE, *,
    where=_NO_VALUE, mean=_NO_VALUE, correction=_NO_VALUE,
):  # fmt: skip
    """
    Square root of the variance over given axes of what is not NaN, as `numpy.nanstd`.

    Parameters
    ----------
    a : array_like
        Elements whose standard deviation is asked for.
    axis : None or int or tuple of ints, optional
        Axes to reduce; None, the default, for all.
    dtype : dtype, optional
        Type to calculate in; as for `std`. NumPy does others than `a`'s.
    out : ndarray, optional
        Where to put the result.
    ddof : int or float, optional
        The sum of squared deviations is divided by their number less this.
    keepdims : bool, optional
        Leave the axes that are reduced in the result, with length 1.
    where : array_like of bool, optional
        Elements to include. With it, NumPy calculates.
    mean : ndarray, optional
        The mean, if known, with the reduced axes of length 1. With it, NumPy calculates.
    correction : int or float, optional
        Another name of `ddof`.

    Returns
    -------
    ndarray or scalar
        The square root of the variance; see `nanvar`.

    Notes
    -----
    As accurate as `nanvar`.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import nanreductions
    >>> float(nanreductions.nanstd(np.array([1.0, np.nan, 3.0])))
    1.0
    """
    found = _variance(a, axis, dtype, out, ddof, keepdims, where, mean, correction)
    if found is not NotImplemented:
        variance, nothing = found
        if nothing:
            warnings.warn("Degrees of freedom <= 0 for slice.", RuntimeWarning, stacklevel=2)
        if isinstance(variance, _ndarray):
            return np.sqrt(variance, out=variance)
        return variance.dtype.type(np.sqrt(variance))
    if _never_nan(a):
        return _statistics.std(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)
    return np.nanstd(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)


def nanargmin(a, axis=None, out=None, *, keepdims=_NO_VALUE):
    """
    Index of the least element along an axis that is not NaN, as `numpy.nanargmin`.

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
        The index of the first least element; `out` if it was given.

    Raises
    ------
    ValueError
        There is nothing but NaN.

    Notes
    -----
    Exact. NaN counts as infinity, so that beside nothing but infinities its index may come out, as in NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import nanreductions
    >>> int(nanreductions.nanargmin(np.array([3.0, np.nan, 1.0])))
    2
    """
    result = _arg(a, False, axis, out, False if keepdims is _NO_VALUE else keepdims, True)
    if result is not NotImplemented:
        return result
    if _never_nan(a):
        return _plain.argmin(a, axis, out, keepdims=keepdims)
    return np.nanargmin(a, axis, out, keepdims=keepdims)


def nanargmax(a, axis=None, out=None, *, keepdims=_NO_VALUE):
    """
    Index of the greatest element along an axis that is not NaN, as `numpy.nanargmax`.

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
        The index of the first greatest element; `out` if it was given.

    Raises
    ------
    ValueError
        There is nothing but NaN.

    Notes
    -----
    Exact. NaN counts as minus infinity, so that beside nothing but those its index may come out, as in NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import nanreductions
    >>> int(nanreductions.nanargmax(np.array([3.0, np.nan, 1.0])))
    0
    """
    result = _arg(a, True, axis, out, False if keepdims is _NO_VALUE else keepdims, True)
    if result is not NotImplemented:
        return result
    if _never_nan(a):
        return _plain.argmax(a, axis, out, keepdims=keepdims)
    return np.nanargmax(a, axis, out, keepdims=keepdims)


# Serial nanoseconds an element of float64.
_COSTS = {
    "nansum": 0.3, "nanprod": 0.3, "nanmax": 0.3, "nanmin": 0.3, "nanmean": 0.4, "nanvar": 0.9, "nanstd": 0.9,
    "nanargmax": 0.4, "nanargmin": 0.4,
}  # fmt: skip
_EXACT = ("nanmax", "nanmin", "nanargmax", "nanargmin")
for _name, _cost in _COSTS.items():
    _exact = _name in _EXACT
    register(
        Kernel(_name, "reduction", globals()[_name], getattr(np, _name), _cost, exact=_exact, rtol=float(not _exact))
    )
