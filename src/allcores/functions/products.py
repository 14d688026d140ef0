"""Inner products and matrix products on all cores, of the types that BLAS does not take, and stacks of those it does.

`vecdot` and `matmul` are ufuncs (made in `elementwise`, with inner loops of `allcores._reductions`); `dot` and `vdot`
are made of them. Products of float32, float64 and complex matrices and vectors are BLAS's, which has threads of its
own. Of those `vecdot` is ours too, as NumPy calls BLAS once a pair of vectors, and a stack of matrices in `matmul` is
shared out to our threads, each of which calls BLAS, where that is faster than BLAS's own threads, product by product.
"""

import numpy as np

from allcores._reductions import is_plain
from allcores.functions.elementwise import UFUNCS
from allcores.kernels import Kernel, register

__all__ = ["dot", "vdot"]

_vecdot, _matmul = UFUNCS["vecdot"], UFUNCS["matmul"]
_LEAST = 512  # elements of both operands; below, NumPy's own function is as fast
_OURS = frozenset("?bBhHiIlLqQeg")
_WARN = frozenset("egfdFD")
_BLAS = frozenset("fdFD")


def _common(a, b):
    """Return the dtype of a product that is ours, or None where NumPy must do it."""
    if not (is_plain(a) and is_plain(b)) or a.size + b.size < _LEAST:
        return None
    if a.dtype.char not in _OURS or b.dtype.char not in _OURS:
        return None
    dtype = np.result_type(a.dtype, b.dtype)
    return dtype if dtype.char in _OURS else None


def _stacked(a, b):
    """Return the dtype of a product of more dimensions than NumPy's dot gives to BLAS at once, else None."""
    if not (is_plain(a) and is_plain(b)) or min(a.ndim, b.ndim) < 2 or max(a.ndim, b.ndim) < 3:
        return None
    if a.dtype != b.dtype or a.dtype.char not in _BLAS or not (a.dtype.isnative and b.dtype.isnative):
        return None
    return a.dtype if a.size + b.size >= _LEAST else None


def _quiet(dtype, function, *args):
    """Return what `function` gives, NotImplemented where there is something to warn of: NumPy names the function."""
    if dtype.char not in _WARN:
        return function(*args)
    under = "ignore" if np.geterr()["under"] == "ignore" else "raise"
    try:
        with np.errstate(divide="raise", over="raise", invalid="raise", under=under):
            return function(*args)
    except FloatingPointError:
        return NotImplemented


def _dot(a, b, out):
    if b.ndim == 1:
        return _vecdot(a, b, out)
    if a.ndim == 1:
        return _vecdot(a, np.swapaxes(b, -1, -2), out)
    if a.ndim == b.ndim == 2:
        return _matmul(a, b, out)
    k = a.shape[-1]
    shape = a.shape[:-1] + b.shape[:-2] + b.shape[-1:]
    columns = np.moveaxis(b, -2, 0).reshape(k, -1)
    rows = a.reshape(-1, k)
    if out is None:
        return _matmul(rows, columns).reshape(shape)
    _matmul(rows, columns, out.reshape(rows.shape[0], columns.shape[1]))
    return out


def dot(a, b, out=None):
    """
    Product of vectors or matrices, as `numpy.dot`.

    Parameters
    ----------
    a, b : array_like
        Of two vectors the inner product, without conjugation; of matrices the matrix product; of other arrays the sum
        of products over the last axis of `a` and the last but one of `b`; a scalar multiplies.
    out : ndarray, optional
        Where to put the result; must be just what would be returned, in C order.

    Returns
    -------
    ndarray or scalar
        The product; `out` if it was given.

    Raises
    ------
    ValueError
        Lengths differ, or `out` is not what it must be.

    Notes
    -----
    Integers and truth values: exact, in `a`'s and `b`'s common dtype, where they may wrap around. float16 is summed in
    float32, long double in itself: products of matrices in NumPy's order, of vectors pairwise. float32, float64 and
    complex are BLAS's; where an operand has three dimensions and more they are one product of matrices, while NumPy
    calls BLAS for each element of the result.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import products
    >>> int(products.dot(np.arange(1000), np.ones(1000, int)))
    499500
    """
    dtype = _common(a, b)
    if dtype is None:
        dtype = _stacked(a, b)
    if dtype is not None and a.size and b.size and a.ndim and b.ndim:
        axis = b.ndim - 2 if b.ndim > 1 else 0
        shape = a.shape[:-1] + b.shape[:axis] + b.shape[axis + 1 :]
        if a.shape[-1] == b.shape[axis] and (out is None or _fits(out, dtype, shape, a, b)):
            result = _quiet(dtype, _dot, a, b, out)
            if result is not NotImplemented:
                return result if out is None or out.ndim else out[()]  # a scalar, as NumPy does
    return np.dot(a, b, out)


def _fits(out, dtype, shape, a, b):
    return (
        is_plain(out)
        and out.dtype == dtype
        and out.shape == shape
        and out.flags.carray
        and not (np.may_share_memory(out, a) or np.may_share_memory(out, b))
    )


def vdot(a, b, /):
    """
    Inner product of all elements, those of `a` conjugated, as `numpy.vdot`.

    Parameters
    ----------
    a, b : array_like
        Arrays of one size, each taken as one vector in C order.

    Returns
    -------
    scalar
        The product.

    Raises
    ------
    ValueError
        Sizes differ.

    Notes
    -----
    As accurate as `dot`. Complex and float arrays are BLAS's.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.functions import products
    >>> int(products.vdot(np.ones((20, 50), int), np.ones((50, 20), int)))
    1000
    """
    dtype = _common(a, b)
    if dtype is not None and a.size == b.size:
        result = _quiet(dtype, _vecdot, a.ravel(), b.ravel())
        if result is not NotImplemented:
            return result
    return np.vdot(a, b)


for _name, _function, _cost in (("dot", dot, 0.5), ("vdot", vdot, 0.5)):
    register(Kernel(_name, "product", _function, getattr(np, _name), _cost, exact=False, rtol=1.0))
for _name, _cost in (("vecdot", 0.5), ("matmul", 10.0)):
    register(Kernel(_name, "product", UFUNCS[_name], getattr(np, _name), _cost, exact=False, rtol=1.0))
