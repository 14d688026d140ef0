"""`vectorize`: NumPy's, with the elements cut over worker processes. Called by users."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

import numpy as np

from allcores import shared
from allcores.calls.handing import begin_here, how_many, in_order, parts, possible
from allcores.calls.operands import Array, opened, sendable, sent
from allcores.calls.rows import shared_array
from allcores.pool.buffers import LARGE
from allcores.pool.results import Options


class _Bound:
    """A function of the arguments that are not excluded, with those that are."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], excluded: set[Any]
    ) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.places = [at for at in range(len(args)) if at not in excluded]
        self.names = [name for name in kwargs if name not in excluded]

    def values(self) -> list[Any]:
        """Return the arguments that are not excluded, and keep the others only."""
        found = [self.args[at] for at in self.places] + [self.kwargs[name] for name in self.names]
        self.args = tuple(None if at in self.places else value for at, value in enumerate(self.args))
        self.kwargs = {name: None if name in self.names else value for name, value in self.kwargs.items()}
        return found

    def __call__(self, *values: Any) -> Any:
        args, kwargs = list(self.args), dict(self.kwargs)
        for at, value in zip(self.places, values, strict=False):
            args[at] = value
        kwargs.update(zip(self.names, values[len(self.places) :], strict=True))
        return self.function(*args, **kwargs)


class _Elements:
    """The function and what its arguments are, here or in a worker."""

    def __init__(self, function: Callable[..., Any], pyfunc: Any, nout: int, shape: tuple[int, ...]) -> None:
        self.function = function
        self.nout = nout
        self.shape = shape
        self.small: list[Any] = []  # arguments, None where those of a message go
        self.dtypes: list[Any] = []  # of the outputs
        # For messages of the pool, which name the task.
        self.__module__ = getattr(pyfunc, "__module__", None) or type(pyfunc).__module__
        self.__qualname__ = getattr(pyfunc, "__qualname__", None) or type(pyfunc).__qualname__

    def __call__(self, large: tuple[Any, ...], outputs: tuple[Any, ...] | None, start: int, stop: int) -> Any:
        """Do some elements, counted in C order; return them as arrays of objects unless there are outputs."""
        others = iter(large)
        arrays = [opened(next(others)) if array is None else array for array in self.small]
        pieces = [np.broadcast_to(array, self.shape).flat[start:stop].astype(object) for array in arrays]
        found = np.frompyfunc(self.function, len(pieces), self.nout)(*pieces)
        results = (found,) if self.nout == 1 else found
        if outputs is None:
            return results
        for output, result, dtype in zip(outputs, results, self.dtypes, strict=True):
            opened(output)[start:stop] = np.asarray(result, dtype)
        return None


class vectorize(np.vectorize):  # noqa: N801  NumPy's name
    """A function of scalars as one of arrays, on all cores.

    Parameters
    ----------
    pyfunc, otypes, doc, excluded, cache, signature
        As of `numpy.vectorize`.
    workers : int, optional
        The number of processes. By default as many as this process has cores, but only if they are done sooner:
        elements are done here first, and timed. From 2 on all elements go to processes; with 1 none.

    Raises
    ------
    UnpicklableTask
        When called: the function, or an argument, cannot be sent to processes, and they are to be used.
    WorkerDied
        When called: a worker ended in the function.

    Notes
    -----
    No element is computed twice, but the first, which NumPy calls the function with once more to find the types,
    unless there are `otypes` or `cache`. All is left to NumPy with a `signature`, for subclasses of ndarray but
    SharedArray and memmap, for objects with `__array_ufunc__`, without elements or arguments, and on systems other
    than Linux.

    Examples
    --------
    >>> from allcores.calls.elements import vectorize
    >>> clipped = vectorize(lambda a, b: a if a < b else b)
    >>> clipped([1, 5, 3], 4)
    array([1, 4, 3])
    """

    def __init__(
        self,
        pyfunc: Any = np._NoValue,
        otypes: Any = None,
        doc: str | None = None,
        excluded: Iterable[int | str] | None = None,
        cache: bool = False,
        signature: str | None = None,
        workers: int | None = None,
    ) -> None:
        super().__init__(pyfunc, otypes, doc, excluded, cache, signature)
        if workers is not None:
            how_many(workers)
        self.workers = workers

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function with the elements of the arguments that are not excluded."""
        function: Any = self.pyfunc
        if function is np._NoValue or self.signature is not None or how_many(self.workers) == 1 or not possible():
            return super().__call__(*args, **kwargs)  # the first: it decorates a function
        values: list[Any] = list(args)
        if kwargs or self.excluded:
            function = _Bound(self.pyfunc, args, kwargs, self.excluded)
            values = function.values()
        if not values or not all(_is_plain(value) for value in values):
            return super().__call__(*args, **kwargs)
        arrays = [np.asarray(value) for value in values]
        try:
            shape = np.broadcast_shapes(*(array.shape for array in arrays))
        except ValueError:
            return super().__call__(*args, **kwargs)  # NumPy's error
        count = int(np.prod(shape, dtype=np.intp))
        if count == 0:
            return super().__call__(*args, **kwargs)

        known: tuple[Any, ...] | None = None
        dtypes: list[Any]
        if self.otypes is None:
            outputs = function(*(array.flat[0] for array in arrays))
            known = outputs if isinstance(outputs, tuple) else (outputs,)
            dtypes = [np.asarray(output).dtype.char for output in known]
        else:
            dtypes = list(self.otypes)
        task = _Elements(function, self.pyfunc, len(dtypes), shape)
        results = self._results(task, values, arrays, dtypes, known if self.cache else None)
        return results[0] if len(results) == 1 else tuple(results)

    def _results(
        self, task: _Elements, values: list[Any], arrays: list[Array], dtypes: list[Any], known: tuple[Any, ...] | None
    ) -> list[Array]:
        """Do all elements but the first if it is known, here and then in workers; return the outputs."""
        count = int(np.prod(task.shape, dtype=np.intp))
        objects = [np.empty(count, object) for _ in dtypes]
        task.small = list(arrays)
        done = 0
        if known is not None:
            done = 1
            for array, value in zip(objects, known, strict=True):
                array[0] = value

        def run(start: int, stop: int) -> None:
            for array, result in zip(objects, task((), None, start, stop), strict=True):
                array[start:stop] = result

        large = [at for at, array in enumerate(arrays) if array.nbytes >= LARGE and not array.dtype.hasobject]
        if self.workers is None:
            done = begin_here(run, done, count, None, sum(arrays[at].nbytes for at in large))
        if done < count:
            for at in large:
                task.small[at] = None
            sources = [values[at] if isinstance(values[at], np.ndarray) else arrays[at] for at in large]
            operands = tuple(sent(sendable(source)) for source in sources)
            pieces = parts(done, count, how_many(self.workers))
            if all(np.dtype(dtype).kind in "biufc" for dtype in dtypes):
                return _typed(task, operands, pieces, objects, dtypes, self.workers)
            items: list[Any] = [(operands, None, start, stop) for start, stop in pieces]
            with closing(in_order(task, items, self.workers, Options())) as finished:
                for (start, stop), found in zip(pieces, finished, strict=True):
                    for array, result in zip(objects, found, strict=True):
                        array[start:stop] = result
        return [np.asarray(array.reshape(task.shape), dtype) for array, dtype in zip(objects, dtypes, strict=True)]


def _typed(
    task: _Elements,
    operands: tuple[Any, ...],
    pieces: list[tuple[int, int]],
    objects: list[Array],
    dtypes: list[Any],
    workers: int | None,
) -> list[Array]:
    """Return the outputs, written by the workers behind what has been done."""
    task.dtypes = dtypes
    done = pieces[0][0]
    outputs = tuple(shared.empty(array.size, dtype) for array, dtype in zip(objects, dtypes, strict=True))
    for output, array, dtype in zip(outputs, objects, dtypes, strict=True):
        output[:done] = np.asarray(array[:done], dtype)
    objects.clear()
    items = [(operands, outputs, start, stop) for start, stop in pieces]
    with closing(in_order(task, items, workers, Options())) as finished:
        for _ in finished:
            pass
    return [np.asarray(output).reshape(task.shape) for output in outputs]


def _is_plain(value: Any) -> bool:
    """Whether NumPy makes an ordinary array of it, and so do we."""
    if isinstance(value, np.ndarray):
        return type(value) in (np.ndarray, np.memmap, shared_array())
    return isinstance(value, np.generic) or not (hasattr(value, "__array_ufunc__") or hasattr(value, "__array_wrap__"))
