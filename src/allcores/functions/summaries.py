"""What several reductions together tell of an array: range, weighted mean and variance, moments, the logarithm of a sum
of powers.

They are made of allcores._reductions and of the parallel ufuncs. `ptp` and `average` have NumPy's results bit for bit,
and leave to it what has no path; `logsumexp` has SciPy's signature; `moments`, `weighted_var` and `weighted_std` are
of this library.
"""

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from allcores import _reductions as _engine
from allcores._reductions import MOMENTS, SPREAD
from allcores.functions import reductions as _plain
from allcores.functions import statistics as _statistics
from allcores.functions.elementwise import UFUNCS
from allcores.kernels import Kernel, register

__all__ = ["Moments", "average", "logsumexp", "moments", "ptp", "weighted_std", "weighted_var"]

_NO_VALUE = np._NoValue
_told = _engine.fold_told
_subtract, _exp, _multiply, _true_divide = (UFUNCS[name] for name in ("subtract", "exp", "multiply", "divide"))
_float64 = np.dtype(np.float64)
_FLOATS = (np.dtype(np.float32), _float64)


def ptp(a, axis=None, out=None, keepdims=_NO_VALUE):
    """
    Greatest less least element over given axes, as `numpy.ptp`.

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

    Returns
    -------
    ndarray or scalar
        The range, in `a`'s dtype, where it may wrap around; `out` if it was given.

    Notes
    -----
    Exact, in one pass.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import summaries
    >>> summaries.ptp(np.array([[1, 5], [7, 2]]), axis=0).tolist()
    [6, 3]
    """
    if _engine.is_plain(a):
        found = _told(SPREAD, a, axis, None, out, keepdims, _NO_VALUE)
        if found is not NotImplemented and not found[1]:
            return found[0]
    return np.ptp(a, axis, out, keepdims)


def _weighted(a, axis, weights, keepdims):
    """Return a weighted mean and the sum of weights, or NotImplemented where NumPy must do it."""
    w = np.asanyarray(weights)
    if not _engine.is_plain(w) or w.dtype.kind not in "biuf" or a.dtype.kind not in "biuf":
        return NotImplemented
    if w.shape != a.shape:
        if type(axis) is not int or w.ndim != 1 or w.shape[0] != a.shape[axis]:
            return NotImplemented
        shape = [1] * a.ndim
        shape[axis] = w.shape[0]
        w = w.reshape(shape)
    dtype = np.result_type(a.dtype, w.dtype, *(() if a.dtype.kind == "f" else ("f8",)))
    total = _plain.sum(w, axis, dtype, None, keepdims)
    if np.any(total == 0):
        return NotImplemented
    products = _multiply(a, w, dtype=dtype)
    return _true_divide(_plain.sum(products, axis, None, None, keepdims), total), total


def average(a, axis=None, weights=None, returned=False, *, keepdims=_NO_VALUE):
    """
    Weighted mean over given axes, as `numpy.average`.

    Parameters
    ----------
    a : array_like
        Elements to average.
    axis : None or int or tuple of ints, optional
        Axes to average over; None, the default, for all.
    weights : array_like, optional
        A weight for each element, or for each place along `axis`. Default: all are 1.
    returned : bool, optional
        Return the sums of weights too.
    keepdims : bool, optional
        Leave the axes that are averaged over in the result, with length 1.

    Returns
    -------
    ndarray or scalar, or two of them
        The mean, and the sum of weights if `returned`.

    Raises
    ------
    ZeroDivisionError
        Weights sum to zero.

    Notes
    -----
    Bit for bit NumPy's: products are made in parallel and summed as `sum` does.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import summaries
    >>> float(summaries.average(np.array([1.0, 4.0]), weights=np.array([3.0, 1.0])))
    1.75
    """
    if _engine.worth(a) and (axis is None or _engine.elements(a, axis)) and keepdims in (True, False, _NO_VALUE):
        if weights is None:
            mean = _statistics.mean(a, axis, keepdims=keepdims)
            found = mean, np.asanyarray(mean).dtype.type(a.size / np.asanyarray(mean).size)
        else:
            found = _weighted(a, axis, weights, keepdims)
        if found is not NotImplemented:
            mean, total = found
            if returned and total.shape != mean.shape:
                total = np.broadcast_to(total, mean.shape).copy()
            return (mean, total) if returned else mean
    return np.average(a, axis, weights, returned, keepdims=keepdims)


def _real(value, name):
    value = np.asarray(value)
    if value.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of real numbers, got dtype {value.dtype}")
    return value


def _weights_of(x, weights, axis):
    """Return weights that broadcast to `x`, as for `average`."""
    w = _real(weights, "weights")
    if w.shape != x.shape:
        if type(axis) is not int or w.ndim != 1 or w.shape[0] != x.shape[axis]:
            raise ValueError(
                f"weights must have the shape of a, {x.shape}, or be one for each place along a single axis, "
                f"got shape {w.shape} and axis {axis}"
            )
        shape = [1] * x.ndim
        shape[axis] = w.shape[0]
        w = w.reshape(shape)
    if w.size and not _plain.min(w) >= 0 and np.any(w < 0):
        raise ValueError(f"weights must not be negative, got {w.min()}")
    return w


def _sum_of_products(x, y, axis, folds, ufuncs):
    """Return the sum of x * y over axes, which are kept."""
    if type(axis) is int:
        return np.expand_dims(ufuncs["vecdot"](x, np.broadcast_to(y, x.shape), axis=axis), axis)
    return folds.sum(ufuncs["multiply"](x, y), axis, keepdims=True)


def _weighted_var(a, weights, axis, ddof, kind, keepdims, folds, ufuncs):
    if kind not in ("frequency", "reliability"):
        raise ValueError(f"kind must be 'frequency' or 'reliability', got {kind!r}")
    x = _real(a, "a")
    if axis is not None:
        axis = normalize_axis_tuple(axis, x.ndim, "axis")
        axis = axis[0] if len(axis) == 1 else axis
    w = _weights_of(x, weights, axis)
    dtype = np.result_type(x.dtype, w.dtype, *(() if x.dtype.kind == "f" else (_float64,)))
    x, w = x.astype(dtype, copy=False), w.astype(dtype, copy=False)
    if axis is None and x.flags.c_contiguous and w.flags.c_contiguous and x.ndim:
        shape, x, w, axis = (1,) * x.ndim, x.reshape(-1), w.reshape(-1), 0
    else:
        shape = None
    total = folds.sum(w, axis, keepdims=True)
    if np.any(total == 0):
        raise ZeroDivisionError("weights sum to zero")
    deviations = ufuncs["subtract"](x, _sum_of_products(x, w, axis, folds, ufuncs) / total)
    weighted = ufuncs["multiply"](deviations, w)
    # The first sum is 0 but for the rounding of the mean.
    first = folds.sum(weighted, axis, keepdims=True)
    second = _sum_of_products(weighted, deviations, axis, folds, ufuncs) - first * first / total
    lost = ddof if kind == "frequency" else ddof * _sum_of_products(w, w, axis, folds, ufuncs) / total
    divisor = total - lost
    if np.any(divisor <= 0):
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=3)
        divisor = np.where(divisor > 0, divisor, np.nan)
    result = np.maximum(second / divisor, 0).astype(dtype, copy=False)
    if shape is not None:
        result = result.reshape(shape)
        axis = None
    return result if keepdims else np.squeeze(result, tuple(range(result.ndim)) if axis is None else axis)[()]


def weighted_var(a, weights, axis=None, *, ddof=0, kind="frequency", keepdims=False):
    """
    Weighted variance over given axes; the mean it is taken from is `average`'s.

    Parameters
    ----------
    a : array_like of float or int
        The sample.
    weights : array_like of float or int
        A weight for each element, or for each place along `axis`; none negative.
    axis : None or int or tuple of ints, optional
        Axes to reduce; None, the default, for all.
    ddof : int or float, optional
        Degrees of freedom lost: 0, the default, for the population's variance, 1 for an unbiased estimate.
    kind : {"frequency", "reliability"}, optional
        What weights are, which matters where `ddof` is not 0: how often an element was seen, as `fweights` of
        `numpy.cov` and weights in statsmodels; or how much it counts, as `aweights` of `numpy.cov`.
    keepdims : bool, optional
        Leave the axes that are reduced in the result, with length 1.

    Returns
    -------
    ndarray or scalar
        ``sum(w * (a - mean)**2) / (sum(w) - lost)``, where `lost` is `ddof`, or of reliability weights
        ``ddof * sum(w**2) / sum(w)``; in the dtype of `average`. NaN, with a RuntimeWarning, where that divisor is
        not positive.

    Raises
    ------
    TypeError
        `a` or `weights` is complex, or no number.
    AxisError
        There is no such axis.
    ValueError
        A weight is negative, or shapes do not fit.
    ZeroDivisionError
        Weights sum to zero.

    Notes
    -----
    Two passes, the mean first, and a correction for the mean's own rounding (Chan, Golub and LeVeque, The American
    Statistician 37, 1983). The formulas are those of `numpy.cov`.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import summaries
    >>> float(summaries.weighted_var(np.array([1.0, 2.0, 4.0]), np.array([1, 2, 1])))
    1.1875
    """
    return _weighted_var(a, weights, axis, ddof, kind, keepdims, _plain, UFUNCS)


def weighted_std(a, weights, axis=None, *, ddof=0, kind="frequency", keepdims=False):
    """
    Square root of the weighted variance over given axes.

    Parameters
    ----------
    a, weights, axis, ddof, kind, keepdims
        As of `weighted_var`.

    Returns
    -------
    ndarray or scalar
        The weighted standard deviation.

    Notes
    -----
    As accurate as `weighted_var`.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import summaries
    >>> float(summaries.weighted_std(np.array([1.0, 3.0]), np.array([1, 1])))
    1.0
    """
    return np.sqrt(_weighted_var(a, weights, axis, ddof, kind, keepdims, _plain, UFUNCS))


def _plain_weighted_var(a, weights, axis=None, *, ddof=0, kind="frequency", keepdims=False):
    """Return the same, by NumPy alone."""
    return _weighted_var(a, weights, axis, ddof, kind, keepdims, np, vars(np))


def _plain_weighted_std(a, weights, axis=None, *, ddof=0, kind="frequency", keepdims=False):
    """Return the same, by NumPy alone."""
    return np.sqrt(_weighted_var(a, weights, axis, ddof, kind, keepdims, np, vars(np)))


class Moments(NamedTuple):
    """Mean, variance, skewness and excess kurtosis; what `moments` returns."""

    mean: Any
    var: Any
    skew: Any
    kurtosis: Any


def _powers(x, axis, mean):
    """Return the means of (x - mean)^k, k = 1..4, axes kept."""
    if _engine.is_plain(x):
        found = _told(MOMENTS, x, axis, None, None, True, _NO_VALUE, mean)
        if found is not NotImplemented:
            n = _engine.elements(x, axis)
            return [found[0][name] / n for name in ("first", "second", "third", "fourth")]
    d = np.subtract(x, mean)
    square = d * d
    return [np.mean(power, axis=axis, keepdims=True) for power in (d, square, square * d, square * square)]


def _moments(x, axis, powers, mean):
    shift, second, third, fourth = powers(x, axis, mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        # From what was taken for the mean to the mean.
        square = shift * shift
        fourth = fourth - 4 * shift * third + 6 * square * second - 3 * square * square
        third = third - 3 * shift * second + 2 * square * shift
        var = second - square
        flat = var <= (np.finfo(np.float64).eps * mean) ** 2  # as SciPy, all elements count as equal
        skew = np.where(flat, np.nan, third / (var * np.sqrt(var)))
        kurtosis = np.where(flat, np.nan, fourth / (var * var) - 3)
    dtype = x.dtype if x.dtype in _FLOATS else _float64
    if axis is None:
        axis = tuple(range(x.ndim))
    return Moments(*(np.squeeze(v, axis=axis).astype(dtype)[()] for v in (mean + shift, var, skew, kurtosis)))


def moments(x, axis=None):
    """
    Mean, variance, skewness and kurtosis over given axes, in two passes.

    Parameters
    ----------
    x : array_like of float or int
        The sample.
    axis : None or int or tuple of ints, optional
        Axes to reduce; None, the default, for all.

    Returns
    -------
    Moments
        A named tuple `(mean, var, skew, kurtosis)` of arrays or scalars, float32 of float32 and else float64: the
        population's variance (divided by n), its biased skewness, and its excess kurtosis, 0 of a normal distribution.
        Skewness and kurtosis are NaN where all elements are equal.

    Raises
    ------
    TypeError
        `x` is complex, or no number.

    Notes
    -----
    The first pass gives the mean, the second sums the first four powers of the deviations from it in float64, which
    the first of them, 0 but for rounding, then corrects (the two-pass method of Chan, Golub and LeVeque,
    The American Statistician 37, 1983, carried on to the fourth power).

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import summaries
    >>> [float(value) for value in summaries.moments(np.array([1.0, 2.0, 3.0, 6.0]))]
    [3.0, 3.5, 0.687..., -1.0...]
    """
    x = np.asarray(x)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"x must be an array of real numbers, got dtype {x.dtype}")
    if x.dtype not in _FLOATS:
        x = x.astype(_float64)
    mean = np.asarray(_statistics.mean(x, axis, _float64, keepdims=True))
    return _moments(x, axis, _powers, mean)


def _plain_moments(x, axis=None):
    """Return the same, by NumPy alone."""

    def powers(x, axis, mean):
        d = np.subtract(x, mean, dtype=np.float64)
        return [np.mean(d**k, axis=axis, keepdims=True) for k in (1, 2, 3, 4)]

    return _moments(x, axis, powers, np.mean(x, axis, np.float64, keepdims=True))


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """
    Logarithm of the sum of exponentials over given axes, as `scipy.special.logsumexp`.

    Parameters
    ----------
    a : array_like
        Exponents.
    axis : None or int or tuple of ints, optional
        Axes to sum over; None, the default, for all.
    b : array_like, optional
        Factors of the exponentials, that broadcast with `a`.
    keepdims : bool, optional
        Leave the axes that are summed over in the result, with length 1.
    return_sign : bool, optional
        Return the logarithm of the sum's magnitude, and its sign.

    Returns
    -------
    ndarray or scalar, or two of them
        The logarithm, NaN of a negative sum without `return_sign`; and with it the sign.

    Notes
    -----
    The greatest exponent is taken out before the others are exponentiated, and what they add to it goes through
    log1p (Blanchard, Higham and Higham, IMA J. Numer. Anal. 41, 2021). Complex exponents go to SciPy.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import summaries
    >>> round(float(summaries.logsumexp(np.array([1000.0, 1000.0]))), 4)
    1000.6931
    """
    x, factors = a, b
    if not _engine.is_plain(x):
        x = np.asanyarray(x)
    if b is not None:
        factors = np.asanyarray(b)
    given = (x,) if factors is None else (x, factors)
    if x.size == 0 or not all(_engine.is_plain(one) and one.dtype.kind in "biuf" for one in given):
        from scipy.special import logsumexp as scipys

        return scipys(a, axis, b, keepdims, return_sign)
    return _logsumexp(x, axis, factors, keepdims, return_sign, _plain, UFUNCS)


def _logsumexp(x, axis, factors, keepdims, return_sign, folds, ufuncs):
    dtype = np.result_type(x, *(() if factors is None else (factors,)), *(() if x.dtype.kind == "f" else (np.float64,)))
    x = x.astype(dtype, copy=False)
    if x.ndim == 0:
        x = x.reshape(1)
    if factors is not None:
        factors = factors.astype(dtype, copy=False)
        x = np.where(factors == 0, -np.inf, x)
    axis = tuple(range(x.ndim)) if axis is None else axis
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        most = folds.max(x, axis, keepdims=True)
        shift = np.where(np.isfinite(most), most, dtype.type(0))
        terms = ufuncs["subtract"](x, shift)
        ufuncs["exp"](terms, out=terms)
        # Only where the greatest term is nearly all there is do the others need care not to be rounded away.
        first = None
        total = folds.sum(terms, axis, keepdims=True)
        if factors is None and np.any(total < 1.5):
            ufuncs["multiply"](terms, terms < 1, out=terms)
            rest = folds.sum(terms, axis, keepdims=True)
            first = np.rint(total - rest)
            result = np.where(first > 0, np.log1p(rest / first) + np.log(first), np.log(total)) + shift
        elif factors is None:
            result = np.log(total) + shift
        else:
            greatest = terms == 1
            ufuncs["multiply"](terms, factors, out=terms)
            first = folds.sum(np.where(greatest, factors, dtype.type(0)), axis, keepdims=True)
            rest = folds.sum(np.where(greatest, dtype.type(0), terms), axis, keepdims=True)
            total = first + rest
            share = rest / first
            log = np.where(share > -0.5, np.log1p(share) + np.log(np.abs(first)), np.log(np.abs(total)))
            result = log + shift
        sign = np.sign(total)
        if not return_sign:
            result = np.where(sign < 0, np.nan, result)
    result = result.astype(dtype, copy=False)
    if not keepdims:
        result, sign = np.squeeze(result, axis=axis), np.squeeze(sign, axis=axis)
    if result.ndim == 0:
        result, sign = result[()], sign[()]
    return (result, sign) if return_sign else result


def _plain_logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """Return the same, by NumPy alone."""
    return _logsumexp(np.asarray(a), axis, b, keepdims, return_sign, np, vars(np))


register(Kernel("ptp", "reduction", ptp, np.ptp, 0.4))
register(Kernel("average", "reduction", average, np.average, 0.3))
register(Kernel("weighted_var", "summary", weighted_var, _plain_weighted_var, 1.2, exact=False, rtol=1.0))
register(Kernel("weighted_std", "summary", weighted_std, _plain_weighted_std, 1.2, exact=False, rtol=1.0))
register(Kernel("moments", "summary", moments, _plain_moments, 1.2, exact=False, rtol=1.0))
register(Kernel("logsumexp", "summary", logsumexp, _plain_logsumexp, 3.0, exact=False, rtol=1.0))
