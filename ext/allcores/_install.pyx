"""The driver under NumPy's own ufuncs: `np.add` itself, and all that calls it, on all cores.

Two places of each ufunc object are changed, and changed back. Its inner loops are replaced through NumPy's
`PyUFunc_ReplaceLoopBySignature`, so that calls from NumPy's C code, which reach a loop once with all elements, are
cut. Its `vectorcall` slot gets the call of our own ufuncs, which cuts broadcast, cast and strided cases as a whole;
what that call leaves to NumPy comes back through the loops.

Loops are NumPy's own: results are the same to the bit. Called by allcores.install.
"""
import numpy as np
from allcores._driver cimport MAY_RAISE, inside_task, limits_epoch, parallel_for, raise_flags, threads_for
from allcores._elementwise cimport MAX_ARGS, Loop, elementwise_safe, loop_fn, run_flat
from allcores._ufuncs cimport PyUFuncObject, Target, also_for, call, refresh, target_of, vectorcall_fn
from cpython.object cimport PyObject
from npyapi cimport *
from numpy cimport import_array, import_ufunc

import_array()
import_ufunc()

cdef extern from "numpy/ufuncobject.h":
    int PyUFunc_ReplaceLoopBySignature(PyUFuncObject *, loop_fn, const int *, loop_fn *)

cdef extern from "trampolines.h":
    void (*ac_trampoline_target)(int, char **, const npy_intp *, const npy_intp *, void *) noexcept nogil
    const loop_fn *ac_trampolines
    int AC_TRAMPOLINES

cdef struct Slot:
    Target *target
    const Loop *loop        # NumPy's
    int active

cdef Slot slots[4096]
cdef int used = 0


cdef bint safe(const Loop *loop, char **args, const npy_intp *steps, npy_intp n) noexcept nogil:
    """Whether the pieces of this call are independent: no reduction, no accumulate, no other overlap."""
    cdef int out, other
    for out in range(loop.nin, loop.nargs):
        if -loop.itemsize[out] < steps[out] < loop.itemsize[out]:
            return False
        for other in range(loop.nargs):
            if other == out:
                continue
            if not elementwise_safe(args[out], steps[out], loop.itemsize[out],
                                    args[other], steps[other], loop.itemsize[other], n):
                return False
            if other >= loop.nin and args[other] == args[out]:
                return False
    return True


cdef void trampoline(int number, char **args, const npy_intp *dims, const npy_intp *steps, void *data) noexcept nogil:
    cdef Slot *slot = &slots[number]
    cdef const Loop *loop = slot.loop
    cdef Target *target = slot.target
    cdef npy_intp n = dims[0]
    cdef int threads
    if target.epoch != limits_epoch():
        refresh(target)
    if n >= target.from_size and slot.active and not inside_task():
        threads = threads_for(n, n * loop.cost)
        if threads > 1 and safe(loop, args, steps, n):
            raise_flags(run_flat(loop, args, steps, n, threads))
            return
    loop.fn(args, dims, steps, loop.data)


ac_trampoline_target = trampoline


def put_under(parallel_ufunc):
    """Puts the driver under NumPy's ufunc of `parallel_ufunc`; returns how many of its loops were replaced."""
    global used
    cdef Target *target = target_of(<PyObject *> parallel_ufunc)
    cdef PyUFuncObject *numpy = target.numpy
    cdef const Loop *loop
    cdef loop_fn before
    cdef int i, number, replaced = 0
    for i in range(numpy.ntypes):
        loop = &target.numpy_loops[i]
        # Two lines of the same types (a ufunc's `types` may repeat one) are one loop to NumPy: the first.
        if loop.fn == NULL or numpy.functions[i] != loop.fn:
            continue
        number = slot_of(target, loop)
        if PyUFunc_ReplaceLoopBySignature(numpy, ac_trampolines[number], loop.typenum, &before) < 0:
            continue
        if before != loop.fn:
            PyUFunc_ReplaceLoopBySignature(numpy, before, loop.typenum, NULL)
            continue
        slots[number].active = 1
        replaced += 1
    if numpy.vectorcall == target.original:
        also_for(<PyObject *> numpy, target)
        numpy.vectorcall = <vectorcall_fn> call
    return replaced


cdef int slot_of(Target *target, const Loop *loop) except -1:
    """The slot of this loop: the one it had before, so that installing often does not use the pool up."""
    global used
    cdef int number
    for number in range(used):
        if slots[number].loop == loop:
            return number
    if used >= AC_TRAMPOLINES:
        raise RuntimeError(f"install() knows at most {AC_TRAMPOLINES} inner loops")
    slots[used].target = target
    slots[used].loop = loop
    used += 1
    return used - 1


def take_away(parallel_ufunc):
    """Restores NumPy's ufunc; returns the places where somebody else's patch was found, and left, on top of ours."""
    cdef Target *target = target_of(<PyObject *> parallel_ufunc)
    cdef PyUFuncObject *numpy = target.numpy
    cdef loop_fn now
    cdef int i, j, number
    foreign = []
    names = (<object> <PyObject *> numpy).types
    for number in range(used):
        if slots[number].target != target or not slots[number].active:
            continue
        i = <int> (slots[number].loop - target.numpy_loops)
        now = numpy.functions[i]
        if now == ac_trampolines[number]:
            PyUFunc_ReplaceLoopBySignature(numpy, slots[number].loop.fn, slots[number].loop.typenum, &now)
        else:
            foreign.append(f"the loop {names[i]}")
        slots[number].active = 0    # under a foreign patch ours goes on to NumPy's
    if numpy.vectorcall == <vectorcall_fn> call:
        numpy.vectorcall = target.original
    elif numpy.vectorcall != target.original:
        foreign.append("the call")
    return foreign


def foreign_patches(parallel_ufunc):
    """Returns what somebody replaced in NumPy's ufunc since it was first seen: "the call", "the loop dd->d", ..."""
    cdef Target *target = target_of(<PyObject *> parallel_ufunc)
    cdef PyUFuncObject *numpy = target.numpy
    cdef int i
    found = []
    names = (<object> <PyObject *> numpy).types
    if numpy.vectorcall != target.original and numpy.vectorcall != <vectorcall_fn> call:
        found.append("the call")
    for i in range(numpy.ntypes):
        if target.numpy_loops[i].fn != NULL and numpy.functions[i] != target.numpy_loops[i].fn:
            if not is_ours(numpy.functions[i]):
                found.append(f"the loop {names[i]}")
    return found


cdef bint is_ours(loop_fn fn):
    cdef int number
    for number in range(used):
        if ac_trampolines[number] == fn:
            return True
    return False
