"""The driver under NumPy's own ufuncs: `np.add` itself, and all that calls it, on all cores.

Two places of each ufunc object are changed, and changed back. Its inner loops are replaced through NumPy's
`PyUFunc_ReplaceLoopBySignature`, so that calls from NumPy's C code, which reach a loop once with all elements, are
cut. Its `vectorcall` slot gets the call of our own ufuncs, which cuts broadcast, cast and strided cases as a whole;
what that call leaves to NumPy comes back through the loops.

Loops are NumPy's own: results are the same to the bit. Called by allcores.install.
"""
from libc.string cimport memcpy
from allcores._driver cimport inside_task, limits_epoch, parallel_for, raise_flags, threads_over
from allcores._elementwise cimport Loop, elementwise_safe, loop_fn, run_flat
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

cdef enum:
    SERIAL = 0      # how a full reduction may be cut: not at all
    PAIRWISE = 1    # at the points at which NumPy's own summation halves
    ANYWHERE = 2    # integers and choices: any order gives the same

cdef struct Slot:
    Target *target
    const Loop *loop        # NumPy's
    int active
    int reduction

cdef const unsigned int *limits = limits_epoch()
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


# --- full reductions: NumPy calls the loop once, with out = first input of step 0 -----------------------------------

cdef enum:
    DEPTH = 8               # halvings at most: 256 pieces
    WIDEST = 32             # bytes of the largest element

cdef struct Reduction:
    const Loop *loop
    int kind
    int pieces
    npy_intp step
    char *start[1 << DEPTH]
    npy_intp count[1 << DEPTH]
    long double partial[1 << DEPTH][2]      # as aligned as any element needs


cdef inline npy_intp half_of(const Reduction *reduction, npy_intp n) noexcept nogil:
    """Elements of the first half: where NumPy's pairwise summation cuts, which counts a complex number as two."""
    cdef int parts = 2 if reduction.loop.typenum[0] > NPY_LONGDOUBLE else 1
    cdef npy_intp half = n * parts // 2
    return (half - half % 8) // parts


cdef void cut_reduction(Reduction *reduction, char *start, npy_intp n, int depth) noexcept nogil:
    cdef npy_intp half
    if depth == 0:
        reduction.start[reduction.pieces] = start
        reduction.count[reduction.pieces] = n
        reduction.pieces += 1
        return
    half = half_of(reduction, n)
    cut_reduction(reduction, start, half, depth - 1)
    cut_reduction(reduction, start + half * reduction.step, n - half, depth - 1)


cdef void reduce_piece(void *context, Py_ssize_t index) noexcept nogil:
    cdef Reduction *reduction = <Reduction *> context
    cdef char *total = <char *> reduction.partial[index]
    cdef char *args[3]
    cdef npy_intp steps[3]
    cdef npy_intp count = reduction.count[index]
    cdef int size = reduction.loop.itemsize[0]
    args[0] = args[2] = total
    args[1] = reduction.start[index]
    steps[0] = steps[2] = 0
    steps[1] = reduction.step
    if reduction.kind == PAIRWISE:
        negative_zero(total, reduction.loop.typenum[0])     # the one number that changes no sum
    else:
        memcpy(total, args[1], size)
        args[1] += reduction.step
        count -= 1
    reduction.loop.fn(args, &count, steps, reduction.loop.data)


cdef void negative_zero(char *at, int typenum) noexcept nogil:
    if typenum == NPY_FLOAT or typenum == NPY_CFLOAT:
        (<float *> at)[0] = (<float *> at)[1] = -0.0
    elif typenum == NPY_DOUBLE or typenum == NPY_CDOUBLE:
        (<double *> at)[0] = (<double *> at)[1] = -0.0
    else:
        (<long double *> at)[0] = (<long double *> at)[1] = -0.0


cdef void combine(const Loop *loop, char *into, char *other) noexcept nogil:
    # Not as a reduction of one: the element-wise call adds the two numbers and nothing else.
    cdef long double room[2]
    cdef char *result = <char *> room
    cdef char *args[3]
    cdef npy_intp one = 1
    args[0] = into
    args[1] = other
    args[2] = result
    loop.fn(args, &one, element_steps(loop), loop.data)
    memcpy(into, result, loop.itemsize[0])


cdef const npy_intp *element_steps(const Loop *loop) noexcept nogil:
    return &steps_of_size[loop.itemsize[0]][0]


cdef npy_intp[33][3] steps_of_size
for _size in range(33):
    steps_of_size[_size][0] = steps_of_size[_size][1] = steps_of_size[_size][2] = _size


cdef int reduce_whole(Slot *slot, char **args, npy_intp n, npy_intp step, int threads) noexcept nogil:
    """Cuts out[0] = out[0] op in[0] op in[1] ...; returns the flags raised, or -1 with an error set."""
    cdef Reduction reduction
    cdef int depth = 1, i, width, raised
    # No piece may be shorter than the blocks at which NumPy's summation ends.
    while depth < DEPTH and n >> depth >= 1024 and ((1 << depth) < threads or n >> depth > 1 << 17):
        depth += 1
    reduction.loop = slot.loop
    reduction.kind = slot.reduction
    reduction.step = step
    reduction.pieces = 0
    cut_reduction(&reduction, args[1], n, depth)
    raised = parallel_for(reduce_piece, &reduction, reduction.pieces, threads, n * slot.loop.cost, 0)
    if raised < 0:
        return raised
    width = 1
    while width < reduction.pieces:
        i = 0
        while i < reduction.pieces:
            combine(slot.loop, <char *> reduction.partial[i], <char *> reduction.partial[i + width])
            i += 2 * width
        width *= 2
    combine(slot.loop, args[0], <char *> reduction.partial[0])
    return raised


cdef int reduction_kind(Target *target, const Loop *loop) except -1:
    name = target.numpy.name.decode()
    same = loop.nargs == 3 and loop.typenum[0] == loop.typenum[1] == loop.typenum[2] and loop.itemsize[0] <= WIDEST
    if not same or loop.nin != 2:
        return SERIAL
    integer = loop.typenum[0] < NPY_FLOAT
    if name == "add" and not integer and loop.typenum[0] != NPY_HALF:
        return PAIRWISE
    # Not maximum and minimum of floats: which of two zeros or NaNs NumPy's loop returns depends on the cuts.
    if integer and name in ("add", "multiply", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor",
                            "logical_and", "logical_or"):
        return ANYWHERE
    return SERIAL


cdef void trampoline(int number, char **args, const npy_intp *dims, const npy_intp *steps, void *data) noexcept nogil:
    cdef Slot *slot = &slots[number]
    cdef const Loop *loop = slot.loop
    cdef Target *target = slot.target
    cdef npy_intp n = dims[0]
    cdef int threads
    if target.epoch != limits[0]:
        refresh(target)
    if n >= target.from_size and slot.active and not inside_task():
        threads = threads_over(n, n * loop.cost, n * loop.bytes)
        if threads > 1 and slot.reduction != SERIAL and is_reduction(args, steps, loop, n):
            raise_flags(reduce_whole(slot, args, n, steps[1], threads))
            return
        if threads > 1 and safe(loop, args, steps, n):
            raise_flags(run_flat(loop, args, steps, n, threads))
            return
    loop.fn(args, dims, steps, loop.data)


cdef inline bint is_reduction(char **args, const npy_intp *steps, const Loop *loop, npy_intp n) noexcept nogil:
    # Every piece must be long enough for NumPy's summation to have been cut there.
    return (args[0] == args[2] and steps[0] == 0 and steps[2] == 0 and n >= 8192
            and (steps[1] >= loop.itemsize[1] or -steps[1] >= loop.itemsize[1]))


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
        target.expected[i] = ac_trampolines[number]
        replaced += 1
    if numpy.vectorcall == target.original:
        also_for(<PyObject *> numpy, target if target.installed == NULL else target.installed)
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
    slots[used].reduction = reduction_kind(target, loop)
    used += 1
    return used - 1


def take_away(parallel_ufunc):
    """Restores NumPy's ufunc; returns the places where somebody else's patch was found, and left, on top of ours."""
    cdef Target *target = target_of(<PyObject *> parallel_ufunc)
    cdef PyUFuncObject *numpy = target.numpy
    cdef loop_fn now
    cdef int i, number
    foreign = []
    names = (<object> <PyObject *> numpy).types
    for number in range(used):
        if slots[number].target != target or not slots[number].active:
            continue
        i = <int> (slots[number].loop - target.numpy_loops)
        now = numpy.functions[i]
        target.expected[i] = slots[number].loop.fn
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
