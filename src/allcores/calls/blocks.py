"""`map_blocks`: a function of arrays, called on slabs of them in workers. Called by users.

    operand -> shared memory, or its file     once, none of it for SharedArrays and memory maps
    block   -> a message with handles of its slabs and of its part of the output
    worker  -> f(slabs), written into that part; what comes back is None

The first block's result comes back by value where nothing else tells the output's shape and dtype.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from allcores import shared
from allcores.calls.handing import even, how_many, in_order
from allcores.calls.operands import Array, Output, opened, sendable, sent
from allcores.pool.executor import check_limits
from allcores.pool.results import Options

_LEAST, _MOST = 2**20, 4 * 2**20  # bytes of a block, of all arrays together: f's temporaries then stay in the cache
_BLOCKS = 64  # between these two
_KEPT = 2**25 - 2**16  # bytes: somewhat less than the most that glibc's limits follow
_keeps = False


def _keep_freed_memory() -> None:
    """Have this process keep what f frees, for the next block: fresh pages take longer than computing with them.

    Freeing what was mapped by itself raises glibc's limits for doing so, and for giving memory back, to its size and
    twice that. Nothing is touched, and with another C library nothing changes.
    """
    global _keeps
    if not _keeps:
        _keeps = True
        bytes(_KEPT)


class _Block:
    """What is done with one block, here or in a worker."""

    def __init__(
        self, f: Callable[..., Any], arguments: tuple[Any, ...], cut: list[int], axis: int, here: bool
    ) -> None:
        self.f = f
        self.here = here
        self.arguments = arguments  # None where slabs go
        self.cut = cut
        self.axis = axis
        self.casting: Any = None  # None: results are returned as they are
        # For messages of the pool, which name the task.
        self.__module__ = getattr(f, "__module__", None) or type(f).__module__
        self.__qualname__ = getattr(f, "__qualname__", None) or type(f).__qualname__

    def __call__(self, slabs: tuple[Any, ...], before: int, length: int, target: Any, keep: bool) -> Any:
        """Return f's result, the part of it that counts with `keep`, or None when it is written into `target`."""
        if not self.here:
            _keep_freed_memory()
        arguments = list(self.arguments)
        for at, slab in zip(self.cut, slabs, strict=True):
            arguments[at] = opened(slab)
        extended = arguments[self.cut[0]].shape[self.axis]
        result = self.f(*arguments)
        if not keep and target is None:
            return result
        result = self.inner(result, before, length, extended)
        if target is None:
            return result
        self.write(opened(target), result)
        return None

    def inner(self, value: Any, before: int, length: int, extended: int) -> Array:
        """Return what f's result holds of the block itself."""
        if isinstance(value, np.ma.MaskedArray):
            raise TypeError("f must return ndarrays, got a MaskedArray")
        result: Array = np.asarray(value)
        if -result.ndim <= self.axis < result.ndim:
            found = result.shape[self.axis]
            if found == length:
                return result
            if found == extended:
                return _slab(result, self.axis, before, before + length)
        wanted = f"{length}" if length == extended else f"{length}, or {extended} with the overlap,"
        raise ValueError(f"f must return an array of length {wanted} along axis {self.axis}, got shape {result.shape}")

    def write(self, target: Array, result: Array) -> None:
        """Put a result into its part of the output."""
        if target.shape != result.shape:
            raise ValueError(f"f must return an array of shape {target.shape} for this block, got {result.shape}")
        if not np.can_cast(result.dtype, target.dtype, self.casting):
            hint = "; give dtype" if self.casting == "safe" else ""
            raise TypeError(f"f must return what can be cast to {target.dtype}, got {result.dtype}{hint}")
        np.copyto(target, result, casting=self.casting)


def map_blocks(
    f: Callable[..., Any],
    *arrays: Any,
    out: Any = None,
    axis: int = 0,
    overlap: int = 0,
    reduce: Callable[[Any, Any], Any] | None = None,
    dtype: Any = None,
    shape: Any = None,
    blocks: int | None = None,
    workers: int | None = None,
    timeout: float | None = None,
    retries: int = 0,
) -> Any:
    """Call a function on blocks of arrays, in worker processes, and put the results together.

    Parameters
    ----------
    f : callable
        Takes a block of each array, and returns an array that is as long along `axis`; anything with `reduce`. It must
        not change its arguments.
    *arrays : ndarray or object
        Arrays are cut along `axis`, where they must have the same length. What is no array, or has no dimensions, goes
        to every block as it is.
    out : ndarray, str or path, optional
        Where the results go: an array, or the name of an `.npy` file, which is there when all is done. Shared arrays
        and memory maps are written by the workers, other arrays at the end.
    axis : int, optional
        Of the arrays and of the results; negative numbers count from the end of each.
    overlap : int, optional
        `f` gets that many elements more on both sides of its block, less at the ends of the array. If what it returns
        is as long as that along `axis`, these are cut off again; if it is as long as the block, it is taken as it is.
    reduce : callable, optional
        Takes two results of `f`, of neighbouring blocks or what it has returned for them, and returns one. Called
        here, pairwise in the order of the blocks. `map_blocks` then returns the last one.
    dtype : dtype, optional
        Of the output; by default that of the first block's result.
    shape : tuple of int, optional
        Of the output; by default as long as the arrays along `axis`, and otherwise like the first block's result. With
        `dtype` and `shape`, or `out`, no block waits for the first one.
    blocks : int, optional
        How many. By default 64, or as many as make blocks of 1 to 4 MiB of all arrays together.
    workers : int, optional
        The number of processes; by default as many as this process has cores. With 1 everything is done here, unless
        `timeout` or `retries` ask for a process.
    timeout : float, optional
        Seconds for each block, after which its worker is ended and `TaskTimeout` is raised.
    retries : int, optional
        How often a block is tried again when its worker has died or took too long.

    Returns
    -------
    ndarray or object
        `out`, the memory map of its file, or a new SharedArray; with `reduce` the reduced result.

    Raises
    ------
    WorkerDied
        A worker ended in `f`, and `retries` are used up. Errors of `f` are raised as they are, with the worker's
        traceback as the cause. Nothing is returned then; an `out` that workers write may be written in part.
    NotImplementedError
        The system is not Linux.

    Notes
    -----
    Arrays that are neither shared nor memory maps are copied into shared memory once. The number of blocks does not
    depend on that of workers, and so results do not either; those of `reduce`, and of functions that are not local,
    depend on `blocks`.

    Examples
    --------
    >>> import numpy as np
    >>> import allcores as ac
    >>> from allcores.calls.blocks import map_blocks
    >>> np.asarray(map_blocks(np.sqrt, np.array([1.0, 4.0, 9.0]), workers=2))
    array([1., 2., 3.])
    """
    if not callable(f):
        raise TypeError(f"f must be callable, got {f!r}")
    check_limits(timeout, retries)
    axis, overlap = operator.index(axis), _least("overlap", overlap, 0)
    cut = [at for at, value in enumerate(arrays) if _is_cut(value, at)]
    length = _length(arrays, cut, axis)
    bounds = _bounds(length, sum(arrays[at].nbytes for at in cut), blocks)
    here = how_many(workers) == 1 and timeout is None and not retries
    if reduce is not None:
        for name, value in (("out", out), ("dtype", dtype), ("shape", shape), ("overlap", overlap or None)):
            if value is not None:
                raise ValueError(f"{name} must not be given with reduce, got {value!r}")
    output = Output(out, [arrays[at] for at in cut], here)
    wanted = _wanted(output.given, axis, length, dtype, shape)

    operands = _operands([arrays[at] for at in cut], here)
    task = _Block(f, tuple(None if at in cut else value for at, value in enumerate(arrays)), cut, axis, here)
    options = Options(timeout=timeout, retries=retries)

    def message(array: Array, start: int, stop: int) -> Any:
        part = _slab(array, axis, start, stop)
        return part if here else sent(part)

    def run(bounds: list[tuple[int, int]], target: Array | None, keep: bool) -> Generator[Any, None, None]:
        items = []
        for start, stop in bounds:
            first = max(0, start - overlap)
            slabs = tuple(message(array, first, min(length, stop + overlap)) for array in operands)
            to = None if target is None else message(target, start, stop)
            items.append((slabs, start - first, stop - start, to, keep))
        return (task(*item) for item in items) if here else in_order(task, items, workers, options)

    if reduce is not None:
        with closing(run(bounds, None, False)) as results:
            return _pairwise(results, reduce)
    try:
        task.casting = "same_kind"
        if wanted is not None:
            target = output.make(*wanted)
        else:
            with closing(run(bounds[:1], None, True)) as results:
                (first,) = results
            target = output.make(*_like(first, axis, length, dtype, shape))
            task.casting = "safe" if dtype is None else "same_kind"
            task.write(_slab(target, axis, *bounds[0]), first)
            del first, bounds[0]
        with closing(run(bounds, target, True)) as results:
            for _ in results:
                pass
        del target
        return output.finish()
    finally:
        output.discard()


def _least(name: str, value: Any, least: int) -> int:
    number = operator.index(value)
    if number < least:
        raise ValueError(f"{name} must be {least} or more, got {value!r}")
    return number


def _is_cut(value: Any, at: int) -> bool:
    """Tell arrays from what goes to every block."""
    if isinstance(value, np.ndarray):
        if type(value) not in (np.ndarray, np.memmap) and not isinstance(value, shared.SharedArray):
            raise TypeError(f"array {at} must be an ndarray, a SharedArray or a memmap, got {type(value).__name__}")
        if value.ndim and value.dtype.hasobject:
            raise TypeError(f"array {at} must hold no Python objects, got {value.dtype}")
        return value.ndim > 0
    if hasattr(value, "__array__") and not isinstance(value, np.generic):
        raise TypeError(f"array {at} must be an ndarray or no array at all, got {type(value).__name__}")
    return False


def _length(arrays: tuple[Any, ...], cut: list[int], axis: int) -> int:
    if not cut:
        raise ValueError("arrays must have at least one array with dimensions among them, got none")
    lengths = [arrays[at].shape[normalize_axis_index(axis, arrays[at].ndim)] for at in cut]
    for at, found in zip(cut, lengths, strict=True):
        if found != lengths[0]:
            raise ValueError(
                f"arrays must have the same length along axis {axis}, got {lengths[0]} of array {cut[0]} and "
                f"{found} of array {at}"
            )
    return int(lengths[0])


def _bounds(length: int, nbytes: int, blocks: Any) -> list[tuple[int, int]]:
    """Return where blocks begin and end; an array without elements is one block."""
    if blocks is None:
        number = max(min(_BLOCKS, nbytes // _LEAST), -(-nbytes // _MOST))
    else:
        number = _least("blocks", blocks, 1)
    return even(length, max(1, min(number, length)))


def _operands(arrays: list[Array], here: bool) -> list[Array]:
    """Return arrays that workers can get at; one that is there twice is copied once."""
    if here:
        return [np.asarray(array) for array in arrays]
    found: dict[int, Array] = {}
    for array in arrays:
        if id(array) not in found:
            found[id(array)] = sendable(array)
    return [found[id(array)] for array in arrays]


def _slab(array: Array, axis: int, start: int, stop: int) -> Array:
    return array[(slice(None),) * (axis % array.ndim) + (slice(start, stop),)]


def _wanted(
    given: Array | None, axis: int, length: int, dtype: Any, shape: Any
) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
    """Return shape and dtype of the output if they are known before the first block."""
    if given is not None:
        for name, value in (("dtype", dtype), ("shape", shape)):
            if value is not None:
                raise ValueError(f"{name} must not be given with an array as out, got {value!r}")
        shape, dtype, name = given.shape, given.dtype, "out"
    else:
        if shape is None:
            return None
        shape, name = tuple(operator.index(n) for n in (shape if np.iterable(shape) else (shape,))), "shape"
    if not -len(shape) <= axis < len(shape) or shape[axis] != length:
        raise ValueError(f"{name} must have length {length} along axis {axis}, got {shape}")
    return None if dtype is None else (shape, np.dtype(dtype))


def _like(first: Array, axis: int, length: int, dtype: Any, shape: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype of the output, given the first block's result."""
    whole = list(first.shape)
    whole[axis] = length
    if shape is not None:
        whole = list(shape) if np.iterable(shape) else [shape]
    return tuple(whole), first.dtype if dtype is None else np.dtype(dtype)


def _pairwise(values: Iterable[Any], reduce: Callable[[Any, Any], Any]) -> Any:
    """Combine neighbours, then pairs of them, and so on; few are kept at a time."""
    waiting: list[tuple[int, Any]] = []  # each with the number of blocks that it stands for
    for value in values:
        count = 1
        while waiting and waiting[-1][0] == count:
            value = reduce(waiting.pop()[1], value)
            count *= 2
        waiting.append((count, value))
    _, result = waiting.pop()
    while waiting:
        result = reduce(waiting.pop()[1], result)
    return result
