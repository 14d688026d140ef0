"""`apply_along_axis`: NumPy's, with the rows cut over worker processes. Called by users."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from allcores import shared
from allcores.calls.handing import begin_here, how_many, in_order, parts, possible
from allcores.calls.operands import Array, opened, sendable, sent
from allcores.pool.results import Options


class _Rows:
    """The function and where its rows are, here or in a worker."""

    def __init__(self, func1d: Callable[..., Any], axis: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.func1d = func1d
        self.axis = axis
        self.args = args
        self.kwargs = kwargs
        # For messages of the pool, which name the task.
        self.__module__ = getattr(func1d, "__module__", None) or type(func1d).__module__
        self.__qualname__ = getattr(func1d, "__qualname__", None) or type(func1d).__qualname__

    def __call__(self, array: Any, results: Any, start: int, stop: int) -> None:
        """Do some rows, counted in the order of `numpy.ndindex`."""
        rows = np.moveaxis(opened(array), self.axis, -1)
        results = opened(results)
        places = np.unravel_index(np.arange(start, stop), rows.shape[:-1])
        func1d, args, kwargs = self.func1d, self.args, self.kwargs
        for place in zip(*(numbers.tolist() for numbers in places), strict=True):
            results[place] = np.asanyarray(func1d(rows[(*place, ...)], *args, **kwargs))


def apply_along_axis(
    func1d: Callable[..., Any], axis: Any, arr: Any, *args: Any, workers: int | None = None, **kwargs: Any
) -> Any:
    """Apply a function to the rows of an array along an axis, on all cores.

    Parameters
    ----------
    func1d, axis, arr, *args, **kwargs
        As of `numpy.apply_along_axis`.
    workers : int, optional
        The number of processes. By default as many as this process has cores, but only if they are done sooner: rows
        are done here first, and timed. From 2 on all rows but the first go to processes; with 1 none.

    Returns
    -------
    ndarray
        As of `numpy.apply_along_axis`; its shape and dtype are those of the first row's result.

    Raises
    ------
    UnpicklableTask
        The function, or an argument, cannot be sent to processes, and they are to be used.
    WorkerDied
        A worker ended in the function. Errors of the function are raised as they are, with the worker's traceback as
        the cause.

    Notes
    -----
    No row is computed twice. What the function changes in its row stays in the worker. Done here, all of it: arrays of
    Python objects, results of Python objects or of a subclass, and everything on systems other than Linux. Subclasses
    but SharedArray and memmap go to NumPy's function.

    Examples
    --------
    >>> import numpy as np
    >>> from allcores.calls.rows import apply_along_axis
    >>> apply_along_axis(np.ptp, 1, np.array([[1, 5, 2], [0, 9, 3]]))
    array([4, 9])
    """
    number = how_many(workers)
    kind = type(arr)
    if number == 1 or kind not in (np.ndarray, np.memmap, list, tuple, shared_array()):
        return np.apply_along_axis(func1d, axis, arr, *args, **kwargs)
    array: Array = np.asarray(arr)
    if not isinstance(axis, (int, np.integer)) or not -array.ndim <= axis < array.ndim:
        return np.apply_along_axis(func1d, axis, array, *args, **kwargs)  # an error
    axis = normalize_axis_index(int(axis), array.ndim)
    shape = array.shape[:axis] + array.shape[axis + 1 :]
    count = int(np.prod(shape, dtype=np.intp))
    if count == 0:
        return np.apply_along_axis(func1d, axis, array, *args, **kwargs)  # an error

    rows = np.moveaxis(array, axis, -1)
    first = np.asanyarray(func1d(rows[(0,) * len(shape) + (...,)], *args, **kwargs))
    task = _Rows(func1d, axis, args, kwargs)
    buffer: Array
    if isinstance(first, np.matrix):
        buffer = np.zeros(shape + first.shape, first.dtype)
    else:
        buffer = np.zeros_like(first, shape=shape + first.shape)
    buffer[(0,) * len(shape)] = first

    def run(start: int, stop: int) -> None:
        task(array, buffer, start, stop)

    cuttable = type(first) in (np.ndarray, shared_array()) and not (array.dtype.hasobject or first.dtype.hasobject)
    if count == 1:
        pass
    elif not cuttable or not possible():
        run(1, count)
    else:
        # A memory map that is an ndarray now would be copied.
        source = arr if isinstance(arr, np.ndarray) else array
        copied = 0 if source is not array else array.nbytes
        done = 1 if workers is not None else begin_here(run, 1, count, workers, copied)
        if done < count:
            buffer = _in_workers(task, source, buffer, done, workers)
    result = np.asarray(buffer) if type(buffer) is shared_array() else buffer
    kept = result.ndim - len(shape)
    order = list(range(result.ndim))
    return np.transpose(result, order[:axis] + order[result.ndim - kept :] + order[axis : result.ndim - kept])


def _in_workers(task: _Rows, source: Array, buffer: Array, done: int, workers: int | None) -> Array:
    """Return the buffer with the rows from `done` on, too."""
    count = int(np.prod(np.moveaxis(source, task.axis, -1).shape[:-1], dtype=np.intp))
    results = shared.array(buffer, order="C")
    operand = sent(sendable(source))
    items = [(operand, results, start, stop) for start, stop in parts(done, count, how_many(workers))]
    with closing(in_order(task, items, workers, Options())) as finished:
        for _ in finished:
            pass
    return np.asarray(results)


def shared_array() -> type:
    """Return the type of shared arrays, or one that no array has where there are none."""
    return shared.SharedArray if possible() else _NoArray


class _NoArray:
    pass
