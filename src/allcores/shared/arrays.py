"""NumPy's functions that make arrays, in shared memory. Public as allcores.shared.*."""

from __future__ import annotations

from typing import Any

import numpy as np

from allcores import _shared
from allcores._shared import SharedArray
from allcores.shared.memory import new_array

_PATTERN = 64 * 2**10  # bytes that `full` repeats
_LARGE = 2**20  # bytes from which arrays are copied on several threads


def _order(order: str | None, model: np.ndarray[Any, Any] | None = None) -> str:
    """Return "C" or "F" for NumPy's four."""
    if order in ("C", "F"):
        return order
    if order not in ("K", "A", None):
        raise ValueError(f"order must be one of 'C', 'F', 'A', or 'K' (got {order!r})")
    return "F" if model is not None and model.flags.f_contiguous and not model.flags.c_contiguous else "C"


def _done(array: SharedArray, readonly: bool) -> SharedArray:
    if readonly:
        array.flags.writeable = False
    return array


def copy_into(to: np.ndarray[Any, Any], source: np.ndarray[Any, Any]) -> None:
    """Fill with the elements of an array of the same shape, on several threads where both lie packed alike."""
    if to.nbytes >= _LARGE and to.dtype == source.dtype:
        for one, other in ((to, source), (to.T, source.T)):
            if one.flags.c_contiguous and other.flags.c_contiguous:
                _shared.copy_to(one, other)
                return
    np.copyto(to, source, casting="unsafe")


def _filled(to: SharedArray, value: Any) -> None:
    size = to.dtype.itemsize
    if to.nbytes >= _LARGE and np.ndim(value) == 0 and size and size & (size - 1) == 0:
        _shared.copy_to(to if to.flags.c_contiguous else to.T, np.full(_PATTERN // size, value, to.dtype))
    else:
        np.copyto(to, value, casting="unsafe")


def empty(shape: Any, dtype: Any = float, order: Any = "C", *, readonly: bool = False) -> SharedArray:
    """Return a new array in shared memory, not initialised.

    Its pages are there when the call returns: large ones are touched by all cores.

    Parameters
    ----------
    shape, dtype, order
        As of `numpy.empty`. The dtype may hold no Python objects.
    readonly : bool
        Whether the array is read-only. In other processes it then stays so; here `flags.writeable` can be set back.

    Returns
    -------
    SharedArray
        Pickled, it is a handle of some 150 bytes for processes of this machine.

    Raises
    ------
    MemoryError
        The machine, or a control group of this process, leaves less than that. Nothing has been touched then.
    NotImplementedError
        The system is not Linux.

    Notes
    -----
    Memory that an earlier shared array left is taken first; `usage` tells how much is kept for that.

    Examples
    --------
    >>> import allcores as ac
    >>> a = ac.shared.empty((2, 3))
    >>> a[:] = 1
    >>> a.sum()
    np.float64(6.0)
    """
    return _done(new_array(shape, dtype, _order(order)), readonly)


def zeros(shape: Any, dtype: Any = float, order: Any = "C", *, readonly: bool = False) -> SharedArray:
    """Return a new array of zeros in shared memory; see `empty`."""
    return _done(new_array(shape, dtype, _order(order), zero=True), readonly)


def ones(shape: Any, dtype: Any = None, order: Any = "C", *, readonly: bool = False) -> SharedArray:
    """Return a new array of ones in shared memory; see `empty`."""
    return full(shape, 1, float if dtype is None else dtype, order, readonly=readonly)


def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", *, readonly: bool = False) -> SharedArray:
    """Return a new array in shared memory, filled with `fill_value`; see `empty`."""
    dtype = np.asarray(fill_value).dtype if dtype is None else dtype
    result = new_array(shape, dtype, _order(order))
    _filled(result, fill_value)
    return _done(result, readonly)


def array(object: Any, dtype: Any = None, *, order: Any = "K", ndmin: int = 0, readonly: bool = False) -> SharedArray:
    """Return a copy of an array, or of what NumPy makes one of, in shared memory; see `empty`.

    Parameters
    ----------
    object, dtype, order, ndmin
        As of `numpy.array`. The contents are always copied.
    readonly : bool
        As of `empty`.
    """
    source = np.array(object, dtype, copy=None, order=None if order == "K" else order, ndmin=ndmin)
    result = new_array(source.shape, source.dtype, _order(order, source))
    copy_into(result, source)
    return _done(result, readonly)


def arange(*args: Any, dtype: Any = None, readonly: bool = False, **kwargs: Any) -> SharedArray:
    """Return evenly spaced values in shared memory, as `numpy.arange` of ([start, ]stop, [step]); see `empty`."""
    return array(np.arange(*args, dtype=dtype, **kwargs), readonly=readonly)


def empty_like(
    prototype: Any, dtype: Any = None, order: Any = "K", *, shape: Any = None, readonly: bool = False
) -> SharedArray:
    """Return a new array in shared memory, not initialised, of the shape and dtype of another; see `empty`."""
    return _done(_like(prototype, dtype, order, shape), readonly)


def zeros_like(
    a: Any, dtype: Any = None, order: Any = "K", *, shape: Any = None, readonly: bool = False
) -> SharedArray:
    """Return a new array of zeros in shared memory, of the shape and dtype of another; see `empty`."""
    return _done(_like(a, dtype, order, shape, zero=True), readonly)


def ones_like(a: Any, dtype: Any = None, order: Any = "K", *, shape: Any = None, readonly: bool = False) -> SharedArray:
    """Return a new array of ones in shared memory, of the shape and dtype of another; see `empty`."""
    return full_like(a, 1, dtype, order, shape=shape, readonly=readonly)


def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", *, shape: Any = None, readonly: bool = False
) -> SharedArray:
    """Return a new array in shared memory filled with `fill_value`, of the shape and dtype of another; see `empty`."""
    result = _like(a, dtype, order, shape)
    _filled(result, fill_value)
    return _done(result, readonly)


def _like(model: Any, dtype: Any, order: Any, shape: Any, zero: bool = False) -> SharedArray:
    model = np.asarray(model)
    order = _order(order, model)
    return new_array(model.shape if shape is None else shape, model.dtype if dtype is None else dtype, order, zero=zero)
