"""Array functions in worker processes. Called by the compiled driver (ext/allcores/_driver_parts.pxi).

caller   goes through its call as ever, with one task a worker, until the driver would run them:  Call.run(tasks)
operand  -> shared memory, laid out alike; none of it for what is shared already
worker   makes the same call of compiled code with the same operands, and does its own tasks:     _Part
caller   copies what was not shared back, raises what workers raised, joins partial results
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import pickle
import sys
from contextlib import closing
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from allcores import _composite, _driver, _reductions, _ufuncs, calibration, shared
from allcores.calls.executors import is_warm
from allcores.calls.handing import in_order
from allcores.limits import engine_here, limits_here, state_here
from allcores.plan.model import Workload
from allcores.plan.plan import BY_VALUE, plan
from allcores.pool.results import Options

if sys.platform == "linux":
    from allcores.shared.arrays import copy_into

Array = np.ndarray[Any, Any]

_FUNCTIONS: dict[str, Any] = {
    "run_loop": _ufuncs.run_loop,
    "run_composite": _composite.run_composite,
    "reduce_part": _reductions.reduce_part,
    "sum_of_squares": _reductions.sum_of_squares,
    "arg_extreme": _reductions.arg_extreme,
}
_ELEMENTWISE = ("run_loop", "run_composite")  # the fourth argument is the tuple of operands and outputs
_OUT = {"reduce_part": 4, "sum_of_squares": 3, "arg_extreme": 3}  # the place of `out` among the arguments of others
_MOST = 256  # parts
_RETRIES = 2  # of a part whose worker dies, where it can be done again
_LINE = 64  # bytes: arrays are copied to the same place in a cache line


def call(name: str, args: tuple[Any, ...], ns: float, forced: bool) -> Call | None:
    """Return what has a call done in processes, None where they are not to do it."""
    _, workers = engine_here()
    if workers < 2:
        return None
    if sys.platform != "linux":
        if forced:
            raise NotImplementedError(f"array functions in processes need Linux, this is {sys.platform}")
        return None
    found = Call(name, args, min(workers, _MOST))
    if not forced:
        if name == "run_loop" and not _travels(args[0]):
            return None
        arrays = [array for array in itertools.chain(*found.operands()) if array.nbytes > BY_VALUE]
        if not all(shared.is_shared(array) for array in arrays):
            return None
        size = max((array.size for array in arrays), default=0)
        workload = Workload(size, ns, float(sum(array.nbytes for array in arrays)), shared=True)
        state = state_here()._replace(warm=is_warm())
        if plan(workload, calibration.current(), limits_here(), state).engine != "processes":
            return None
    return found


@functools.lru_cache(maxsize=256)
def _travels(ufunc: np.ufunc) -> bool:
    """Whether workers can have the ufunc: one that a user made may have no name to be found by."""
    try:
        pickle.dumps(ufunc)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True


class Call:
    """A call at its caller's."""

    def __init__(self, name: str, args: tuple[Any, ...], parts: int) -> None:
        self.parts = parts
        self._name = name
        self._args = list(args)
        self._outputs: list[Array] = []
        self._memory: list[Array] = []

    def operands(self) -> tuple[list[Array], list[Array]]:
        """Return the arrays that are read, and the outputs that were given."""
        if self._name in _ELEMENTWISE:
            given, nin = self._args[3], self._nin()
            read, out = [*given[:nin], self._args[4]], given[nin:]
        else:
            at = _OUT[self._name]
            read, out = self._args[:at] + self._args[at + 1 :], self._args[at]
            out = out if isinstance(out, tuple) else (out,)
        # What is no array the compiled code has not refused yet.
        return [one for one in read if isinstance(one, np.ndarray)], [one for one in out if isinstance(one, np.ndarray)]

    def _nin(self) -> int:
        nin: int = self._args[0].nin if self._name == "run_loop" else self._args[1]
        return nin

    # ---- what the driver asks for -----------------------------------------------------------------------------------

    def output(self, dtype: np.dtype[Any], shape: tuple[int, ...], steps: tuple[int, ...] | None) -> Array:
        """Return an output that workers can write."""
        array = np.asarray(shared.empty(shape, dtype)) if steps is None else _laid_out(shape, dtype, steps)
        self._outputs.append(array)
        return array

    def memory(self, nbytes: int) -> int:
        """Return the address of memory for partial results."""
        self._memory.append(shared.empty(nbytes, np.uint8))
        return self._memory[-1].ctypes.data

    def run(self, tasks: int) -> int:
        """Have the tasks done; return floating-point flags, and above 32 bits what workers noted."""
        args, back = self._shared()
        parts = min(tasks, self.parts)
        part = _Part(self._name, args, self._outputs, self._memory, self.parts, tasks)
        read, given = self.operands()
        in_place = any(shared.is_shared(out) and np.may_share_memory(out, one) for out in given for one in read)
        options = Options(retries=0 if in_place else _RETRIES)
        raised = noted = 0
        with closing(in_order(part, [(number,) for number in range(parts)], None, options)) as results:
            for flags, bits in results:
                raised |= flags
                noted |= bits
        for array, copy in back:
            copy_into(array, copy)
        return raised | noted << 32

    # ---- arguments --------------------------------------------------------------------------------------------------

    def _shared(self) -> tuple[list[Any], list[tuple[Array, Array]]]:
        """Return the arguments for workers, and outputs that must be copied back, each with its stand-in."""
        copies: dict[int, Array] = {}
        back = []
        args = list(self._args)

        def read(value: Any) -> Any:
            if isinstance(value, np.dtype) and value.isbuiltin == 1:
                return value.char  # compiled code knows NumPy's own objects, and a pickle makes others
            if not isinstance(value, np.ndarray):
                return value
            if shared.is_shared(value):
                return value.view(shared.SharedArray)
            if value.nbytes <= BY_VALUE and (value.flags.c_contiguous or value.flags.f_contiguous):
                return value
            if id(value) not in copies:
                copies[id(value)] = _alike(value, contents=True)
            return copies[id(value)].view(shared.SharedArray)

        def written(out: Any) -> Any:
            if out is None or shared.is_shared(out):
                return out if out is None else out.view(shared.SharedArray)
            copy = _alike(out, contents=self._name == "run_loop" and self._args[4] is not None)  # a mask leaves some
            back.append((out, copy))
            return copy.view(shared.SharedArray)

        if self._name in _ELEMENTWISE:
            nin = self._nin()
            args[3] = (*map(read, args[3][:nin]), *map(written, args[3][nin:]))
            args[4] = read(args[4])
            return args, back
        at = _OUT[self._name]
        out = args[at][0] if isinstance(args[at], tuple) else args[at]
        return [written(out) if place == at else read(one) for place, one in enumerate(args)], back


class _Part:
    """What a worker does: a part of a call, the same in all but its number."""

    def __init__(
        self, name: str, args: list[Any], outputs: list[Array], memory: list[Array], parts: int, tasks: int
    ) -> None:
        self._name = name
        self._args = args
        self._outputs = [one.view(shared.SharedArray) for one in outputs]
        self._memory = memory
        self._parts = parts
        self._tasks = tasks
        self._buffer = np.getbufsize()  # of the caller's thread: it decides what makes a row
        # For messages of the pool, which name the task.
        self.__module__ = "allcores"
        self.__qualname__ = str(getattr(args[0], "__name__", args[0])) if name in _ELEMENTWISE else "reduction"

    def __call__(self, number: int) -> tuple[int, int]:
        """Return floating-point flags, and what was noted."""
        self._made = iter(self._outputs)
        self._taken = iter(self._memory)
        function = _FUNCTIONS[self._name]
        before = np.setbufsize(self._buffer)
        try:
            _, tasks, raised, noted = _driver.do_part(self, number, self._parts, function, self._args)
        finally:
            np.setbufsize(before)
        if tasks != self._tasks:
            raise RuntimeError(f"{self.__qualname__} was cut into {self._tasks} tasks, here into {tasks}")
        return raised, noted

    def output(self, dtype: np.dtype[Any], shape: tuple[int, ...], steps: tuple[int, ...] | None) -> Array:
        """Return the caller's output."""
        array = np.asarray(next(self._made))
        alike = array.dtype == dtype and array.shape == shape
        if alike and steps is not None:  # the step along an axis of one element means nothing
            alike = all(n == 1 or one == step for n, one, step in zip(shape, array.strides, steps, strict=True))
        if not alike:
            raise RuntimeError(f"{self.__qualname__} has another output than its caller's")
        return array

    def memory(self, nbytes: int) -> int:
        """Return the address of the caller's memory for partial results."""
        memory = next(self._taken)
        if memory.nbytes != nbytes:
            raise RuntimeError(f"{self.__qualname__} has other partial results than its caller")
        return memory.ctypes.data


# --- arrays that are walked alike -----------------------------------------------------------------------------------
# What makes a row, and so the last bits of a sum, is decided by how an operand lies in memory.


def _laid_out(shape: tuple[int, ...], dtype: np.dtype[Any], steps: tuple[int, ...], at: int = 0) -> Array:
    """Return an uninitialised array with these strides in shared memory, `at` bytes behind the start of a page."""
    ends = [(n - 1) * step for n, step in zip(shape, steps, strict=True)] if all(shape) else []
    low = sum(min(0, end) for end in ends)
    high = sum(max(0, end) for end in ends) + dtype.itemsize
    memory = shared.empty(at + high - low, np.uint8)
    return np.ndarray(shape, dtype, memory, at - low, steps)


def _alike(array: Array, *, contents: bool) -> Array:
    """Return an array in shared memory that is walked as the given one, with its contents or without."""
    low, high = byte_bounds(array)
    if high - low <= 2 * array.nbytes:
        copy = _laid_out(array.shape, array.dtype, array.strides, low % _LINE)
        if contents:
            to = np.ndarray((high - low,), np.uint8, copy.base, low % _LINE)
            copy_into(to, np.ctypeslib.as_array((ctypes.c_uint8 * (high - low)).from_address(low)))
        return copy
    copy = _laid_out(array.shape, array.dtype, _closer(array), low % _LINE)
    if contents:
        np.copyto(copy, array)
    return copy


def _closer(array: Array) -> tuple[int, ...]:
    """Return strides with smaller gaps: of the same order and signs, and joined where axes of the array are."""
    steps = [0] * array.ndim
    step = before = follows = 0  # of the axis within, and what follows it without a gap: in the array, here
    for axis in sorted(range(array.ndim), key=lambda axis: (abs(array.strides[axis]), -axis)):
        stride, n = abs(array.strides[axis]), array.shape[axis]
        if stride == 0 or n == 1:
            continue
        if step == 0:
            step = array.itemsize if stride == array.itemsize else 2 * array.itemsize
        else:
            step = follows if stride == before else follows + array.itemsize
        steps[axis] = step if array.strides[axis] > 0 else -step
        before, follows = stride * n, step * n
    return tuple(steps)
