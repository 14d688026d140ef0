"""A lock, a number, and atomic updates, between processes. Public as allcores.shared.*."""

from __future__ import annotations

from typing import Any

import numpy as np

from allcores import _shared
from allcores._shared import SharedArray
from allcores.shared.arrays import full
from allcores.shared.memory import new_lock

_ADD, _MAX, _MIN, _EXCHANGE = (_shared.OPERATIONS[name] for name in ("add", "max", "min", "exchange"))


def Lock() -> _shared.Lock:  # noqa: N802  named as what threading and multiprocessing call so
    """Return a lock between the threads of all processes that it is sent to.

    It has `acquire(blocking=True, timeout=-1)`, `release()` and `locked()`, and is a context manager, as
    `threading.Lock`. It travels as shared arrays do: pickled, or over a fork.

    Returns
    -------
    Lock
        Not held.

    Notes
    -----
    A lock whose holder dies is free again. Whoever acquires it next learns of it: `lock.abandoned` is True until the
    release, and what the lock guards may be half changed. A lock belongs to a thread: the end of a thread that holds
    it counts as a death, the release by another thread is a RuntimeError, and so is acquiring it twice. Ctrl-C ends
    waiting. After a fork the parent's thread holds it still, the child's does not.

    Examples
    --------
    >>> import allcores as ac
    >>> lock = ac.shared.Lock()
    >>> with lock:
    ...     lock.abandoned
    False
    """
    return new_lock()


def atomic_add(array: np.ndarray[Any, Any], index: Any, value: Any) -> Any:
    """Add to one element of an array, atomically between threads and processes; return what it was.

    Parameters
    ----------
    array : ndarray
        Of integers, float32 or float64; writable, aligned, in native byte order. Integers wrap around.
    index : int or tuple of int
        Of one element.
    value : scalar
        Of a type that the array's can hold.

    Returns
    -------
    scalar
        The element before.

    Examples
    --------
    >>> import allcores as ac
    >>> a = ac.shared.zeros(3, int)
    >>> ac.shared.atomic_add(a, 1, 5), ac.shared.atomic_add(a, 1, 2)
    (np.int64(0), np.int64(5))
    >>> a
    SharedArray([0, 7, 0])
    """
    return _shared.update(_ADD, array, index, value)


def atomic_max(array: np.ndarray[Any, Any], index: Any, value: Any) -> Any:
    """Make one element the greater of itself and `value`, atomically; return what it was. See `atomic_add`.

    A NaN stays, and comes in, as with `numpy.maximum`.
    """
    return _shared.update(_MAX, array, index, value)


def atomic_min(array: np.ndarray[Any, Any], index: Any, value: Any) -> Any:
    """Make one element the lesser of itself and `value`, atomically; return what it was. See `atomic_max`."""
    return _shared.update(_MIN, array, index, value)


def atomic_compare_exchange(array: np.ndarray[Any, Any], index: Any, expected: Any, value: Any) -> Any:
    """Make one element `value` if it is `expected`, atomically; return what it was. See `atomic_add`.

    Compared are the bits: of floats -0.0 is not 0.0, and a NaN is equal to the same NaN. The element was changed if
    and only if what is returned has the bits of `expected`.
    """
    return _shared.update(_EXCHANGE, array, index, value, expected)


class Value:
    """One number in shared memory.

    Parameters
    ----------
    dtype : dtype_like
        An integer type, float32 or float64.
    value : scalar
        What it is first.

    Attributes
    ----------
    array : SharedArray
        Of shape (1,), which holds it.

    Examples
    --------
    >>> import allcores as ac
    >>> counter = ac.shared.Value(int)
    >>> counter.add(2), counter.value
    (np.int64(0), np.int64(2))
    """

    __slots__ = ("array",)
    array: SharedArray

    def __init__(self, dtype: Any = float, value: Any = 0) -> None:
        self.array = full(1, value, dtype)

    def __getstate__(self) -> SharedArray:
        return self.array

    def __setstate__(self, state: SharedArray) -> None:
        self.array = state

    def __repr__(self) -> str:
        return f"Value({self.array.dtype.name!r}, {self.array[0]})"

    @property
    def value(self) -> Any:
        """The number now; setting it is atomic too."""
        return self.array[0]

    @value.setter
    def value(self, value: Any) -> None:
        self.array[0] = value

    def add(self, value: Any) -> Any:
        """Add `value`, and return what it was before; see `atomic_add`."""
        return atomic_add(self.array, 0, value)

    def max(self, value: Any) -> Any:
        """Make it the greater of itself and `value`, and return what it was."""
        return atomic_max(self.array, 0, value)

    def min(self, value: Any) -> Any:
        """Make it the lesser of itself and `value`, and return what it was."""
        return atomic_min(self.array, 0, value)

    def compare_exchange(self, expected: Any, value: Any) -> Any:
        """Make it `value` if it is `expected`, and return what it was; see `atomic_compare_exchange`."""
        return atomic_compare_exchange(self.array, 0, expected, value)
