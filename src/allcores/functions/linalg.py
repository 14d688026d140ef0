"""Linear algebra on all cores: `allcores.linalg`, with the names and results of `numpy.linalg`.

Norms are reductions (allcores._reductions) of vectors of any layout; norms of matrices but Frobenius' are NumPy's.
"""

import numpy as np

from allcores import _reductions as _engine
from allcores._reductions import ABSOLUTES, MAX_ABSOLUTE, MIN_ABSOLUTE, SQUARES
from allcores.functions.elementwise import UFUNCS
from allcores.kernels import Kernel, register

__all__ = ["norm"]

_NO_VALUE = np._NoValue
_told = _engine.fold_told
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
_inf = float("inf")


def _reduced(op, x, axis, keepdims, initial=_NO_VALUE, mean=None):
    found = _told(op, x, axis, None, None, keepdims, initial, mean)
    return found if found is NotImplemented else found[0]


def _euclidean(x, axis, keepdims):
    if axis is None:
        kept = (1,) * x.ndim
    else:
        axes = {one % x.ndim for one in (axis if type(axis) is tuple else (axis,))}
        kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    total = _reduced(SQUARES, x, axis, keepdims, mean=np.zeros(kept, x.dtype))
    if total is NotImplemented:
        return total
    return np.sqrt(total, out=total) if isinstance(total, np.ndarray) else np.sqrt(total)


def _any_order(x, order, axis, keepdims):
    powers = UFUNCS["absolute"](x)
    if order == 0.5:
        UFUNCS["sqrt"](powers, out=powers)
    else:
        UFUNCS["power"](powers, order, out=powers)
    total = _engine.reduce_ufunc(np.add, powers, axis, None, None, keepdims)
    if total is NotImplemented:
        total = np.add.reduce(powers, axis=axis, keepdims=keepdims)
    total **= np.reciprocal(order, dtype=total.dtype)
    return total


def _norm(x, order, axis, keepdims):
    """Return a norm of a float ndarray, or NotImplemented where NumPy must do it."""
    if type(keepdims) is not bool or not _engine.worth(x):
        return NotImplemented
    if axis is None:
        if order is None or (x.ndim == 2 and order in ("f", "fro")) or (x.ndim == 1 and order == 2):
            return _euclidean(x, None, keepdims)
        if x.ndim != 1:
            return NotImplemented
        axis = 0
    if type(axis) is tuple and len(axis) == 1:
        axis = axis[0]
    if not _engine.elements(x, axis):
        return NotImplemented
    if type(axis) is tuple:
        if len(axis) == 2 and (order is None or order in ("f", "fro")):
            return _euclidean(x, axis, keepdims)
        return NotImplemented
    if order is None or order == 2:
        return _euclidean(x, axis, keepdims)
    if type(order) not in (int, float):
        return NotImplemented
    if order == _inf:
        return _reduced(MAX_ABSOLUTE, x, axis, keepdims, 0)
    if order == -_inf:
        return _reduced(MIN_ABSOLUTE, x, axis, keepdims)
    if order == 1:
        return _reduced(ABSOLUTES, x, axis, keepdims)
    if order == 0:
        count = _engine.count_nonzero(x, axis, keepdims)
        return count if count is NotImplemented else count.astype(x.dtype)
    return _any_order(x, order, axis, keepdims)


def norm(x, ord=None, axis=None, keepdims=False):
    """
    Norm of vectors or matrices, as `numpy.linalg.norm`.

    Parameters
    ----------
    x : array_like
        Vectors or matrices; without `axis`, one vector or matrix, or with `ord` None the elements of any array.
    ord : None, int, float, inf, -inf, "fro" or "nuc", optional
        Of vectors the order p of sum(abs(x)**p)**(1/p), with its limits at infinity, and 0 for how many elements are
        not 0; of matrices as NumPy says. Default: the root of the sum of squares.
    axis : None or int or tuple of ints, optional
        Along which axis the vectors lie, or which two axes the matrices span.
    keepdims : bool, optional
        Leave the axes that are reduced in the result, with length 1.

    Returns
    -------
    ndarray or scalar
        The norms.

    Notes
    -----
    Sums are pairwise: at least as accurate as NumPy's. In one pass without temporaries for orders None, 2, 1, 0, inf,
    -inf and "fro". Other norms of matrices, complex numbers and integers are NumPy's.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import linalg
    >>> float(linalg.norm(np.array([3.0, -4.0])))
    5.0
    """
    if _engine.is_plain(x) and x.dtype in _FLOATS:
        result = _norm(x, ord, axis, keepdims)
        if result is not NotImplemented:
            return result
    return np.linalg.norm(x, ord, axis, keepdims)


register(Kernel("linalg.norm", "summary", norm, np.linalg.norm, 0.3, exact=False, rtol=1.0))
