"""One inner loop over whole operands, on all cores.

Three ways, from the cheapest:

    flat      every operand is one run of memory at a fixed step: cut anywhere
    tiled     rows too short to be worth a call each, as in (n, 3) - (3,): what is broadcast is repeated into a small
              buffer, and the loop runs over many rows at once
    iterated  all else: broadcast, transposed, cast, byte-swapped, overlapping, masked. NumPy's own iterator, one copy
              a task, each reset to a range of its own

Called by _ufuncs and _install; calls _driver.
"""
from libc.string cimport memcpy
from allcores._driver cimport MAY_RAISE, is_done_here, parallel_for, parts, threads_over
from allcores._isa cimport level
from allcores._memory cimport end_recycle, recycle
from cpython.object cimport PyObject
from npyapi cimport *
from numpy cimport import_array, import_ufunc

cdef extern from "Python.h":
    Py_ssize_t PY_SSIZE_T_MAX

import_array()
import_ufunc()

cdef enum:
    MAX_DIMS = 64           # NumPy's own limit
    TILE = 2048             # elements of a tiled call: operands of it lie in the first-level cache
    TILE_BYTES = 32768      # of all tiles: threads may have no more than 128 KiB of stack in all
    TILED_BELOW = 1024      # rows of this length are worth a call of their own
    SCRATCH = 8192          # bytes of output computed before they are streamed
    LEAST_TASK = 2048       # elements

# Bytes of one output from which it is written past the caches.
cdef npy_intp stream_from = PY_SSIZE_T_MAX
# Nanoseconds of one task where there are more tasks than threads, so that a thread that the machine held up is helped.
cdef double TASK_NS = 500e3


cdef Py_ssize_t tasks_for(npy_intp n, double ns, int threads) noexcept nogil:
    cdef Py_ssize_t tasks = threads
    if parts():
        return min(<Py_ssize_t> threads, n)
    if ns > 2 * TASK_NS * threads:
        tasks = <Py_ssize_t> (ns / TASK_NS)
        if tasks > n // LEAST_TASK:
            tasks = n // LEAST_TASK
        if tasks < threads:
            tasks = threads
    return tasks if tasks > 1 else 1


# --- flat -----------------------------------------------------------------------------------------------------------

cdef struct Flat:
    const Loop *loop
    char **data
    const npy_intp *steps
    npy_intp n
    Py_ssize_t tasks
    npy_intp grain      # cuts fall on multiples of it, so that no two threads write one cache line
    int stream


cdef inline npy_intp cut(npy_intp n, Py_ssize_t tasks, Py_ssize_t index, npy_intp grain) noexcept nogil:
    cdef npy_intp at
    if index >= tasks:
        return n
    # n * index would overflow; each of the first n % tasks pieces is longer by one
    at = (n // tasks) * index + (index if index < n % tasks else n % tasks)
    return at - at % grain


cdef void flat_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef Flat *flat = <Flat *> context
    cdef const Loop *loop = flat.loop
    cdef char *args[MAX_ARGS]
    cdef char scratch[SCRATCH + 64]
    cdef char *block = <char *> ((<size_t> &scratch[0] + 63) & ~<size_t> 63)
    cdef npy_intp start = cut(flat.n, flat.tasks, index, flat.grain)
    cdef npy_intp stop = cut(flat.n, flat.tasks, index + 1, flat.grain)
    cdef npy_intp count = stop - start
    cdef npy_intp size
    cdef char *target
    cdef int i
    if count <= 0:
        return
    for i in range(loop.nargs):
        args[i] = flat.data[i] + start * flat.steps[i]
    if not flat.stream:
        loop.fn(args, &count, flat.steps, loop.data)
        return
    target = args[loop.nin]
    args[loop.nin] = block
    size = SCRATCH // loop.itemsize[loop.nin]
    while start < stop:
        count = size if size < stop - start else stop - start
        loop.fn(args, &count, flat.steps, loop.data)
        level().stream_copy(target, block, count * loop.itemsize[loop.nin])
        target += count * loop.itemsize[loop.nin]
        for i in range(loop.nin):
            args[i] += count * flat.steps[i]
        start += count


cdef int run_flat(const Loop *loop, char **data, const npy_intp *steps, npy_intp n, int threads) noexcept nogil:
    cdef Flat flat
    cdef double ns = n * loop.cost
    cdef int i
    flat.loop = loop
    flat.data = data
    flat.steps = steps
    flat.n = n
    flat.tasks = tasks_for(n, ns, threads)
    flat.grain = 64 if n >= 256 * flat.tasks else 1
    flat.stream = (loop.nargs == loop.nin + 1 and loop.exact and steps[loop.nin] == loop.itemsize[loop.nin]
                   and n >= stream_from // loop.itemsize[loop.nin])
    for i in range(loop.nin):
        if data[i] == data[loop.nin]:
            flat.stream = 0     # it is in the caches already
    return parallel_for(flat_task, &flat, flat.tasks, threads, ns, MAY_RAISE if loop.may_raise else 0)


cdef bint elementwise_safe(char *out, npy_intp out_step, int out_size,
                           char *inp, npy_intp in_step, int in_size, npy_intp n) noexcept nogil:
    cdef char *out_low = out if out_step >= 0 else out + (n - 1) * out_step
    cdef char *out_high = (out + (n - 1) * out_step if out_step >= 0 else out) + out_size
    cdef char *in_low = inp if in_step >= 0 else inp + (n - 1) * in_step
    cdef char *in_high = (inp + (n - 1) * in_step if in_step >= 0 else inp) + in_size
    if out_high <= in_low or in_high <= out_low:
        return True
    if out != inp or out_step != in_step or out_size != in_size:
        return False
    return out_step >= out_size or -out_step >= out_size


# --- tiled ----------------------------------------------------------------------------------------------------------

cdef enum:
    FULL, ROW, COLUMN, CONSTANT

cdef struct Tiled:
    const Loop *loop
    npy_intp rows
    npy_intp width
    npy_intp tile               # elements of a tile
    npy_intp block              # rows of a tile
    Py_ssize_t tasks
    char *data[MAX_ARGS]
    npy_intp along[MAX_ARGS]    # step along the row
    npy_intp down[MAX_ARGS]     # step from row to row
    npy_intp steps[MAX_ARGS]    # what the loop is called with
    int kind[MAX_ARGS]


cdef inline void copy_item(char *to, const char *source, int size) noexcept nogil:
    if size == 8:
        (<unsigned long long *> to)[0] = (<const unsigned long long *> source)[0]
    elif size == 4:
        (<unsigned int *> to)[0] = (<const unsigned int *> source)[0]
    elif size == 1:
        to[0] = source[0]
    else:
        memcpy(to, source, size)


cdef void tiled_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef Tiled *tiled = <Tiled *> context
    cdef const Loop *loop = tiled.loop
    cdef char tiles[TILE_BYTES + 64]
    cdef char *tile = <char *> ((<size_t> &tiles[0] + 63) & ~<size_t> 63)
    cdef char *buffer[MAX_ARGS]
    cdef char *args[MAX_ARGS]
    cdef npy_intp start = cut(tiled.rows, tiled.tasks, index, 1)
    cdef npy_intp stop = cut(tiled.rows, tiled.tasks, index + 1, 1)
    cdef npy_intp rows, count, i, j, width = tiled.width
    cdef int op, size
    for op in range(loop.nargs):
        size = loop.itemsize[op]
        buffer[op] = tile
        if tiled.kind[op] == ROW:
            for j in range(width):
                copy_item(tile + j * size, tiled.data[op] + j * tiled.along[op], size)
            for i in range(1, tiled.block):
                memcpy(tile + i * width * size, tile, width * size)
        if tiled.kind[op] == ROW or tiled.kind[op] == COLUMN:
            tile += tiled.tile * size
    while start < stop:
        rows = tiled.block if tiled.block < stop - start else stop - start
        for op in range(loop.nargs):
            size = loop.itemsize[op]
            if tiled.kind[op] == FULL or tiled.kind[op] == CONSTANT:
                args[op] = tiled.data[op] + start * tiled.down[op]
            else:
                args[op] = buffer[op]
                if tiled.kind[op] == COLUMN:
                    for i in range(rows):
                        for j in range(width):
                            copy_item(buffer[op] + (i * width + j) * size,
                                      tiled.data[op] + (start + i) * tiled.down[op], size)
        count = rows * width
        loop.fn(args, &count, tiled.steps, loop.data)
        start += rows


cdef int run_tiled(const Loop *loop, PyArrayObject **ops) noexcept nogil:
    """As run_flat, or -2 where the operands are not rows of one matrix and what is broadcast over it."""
    cdef Tiled tiled
    cdef int with_threads
    cdef npy_intp *shape
    cdef int ndim
    cdef npy_intp strides[MAX_ARGS][MAX_DIMS]
    cdef npy_intp dims[MAX_DIMS]
    cdef int op, axis, lead, kept = 0, bytes_each = 0, size, same
    cdef double ns
    if not loop.exact or loop.nargs != loop.nin + 1 or PyArray_NDIM(ops[loop.nin]) < 2:
        return -2
    shape = PyArray_DIMS(ops[loop.nin])
    ndim = PyArray_NDIM(ops[loop.nin])
    # C order, axes that run on from one another in every operand joined, innermost first
    for axis in range(ndim - 1, -1, -1):
        if shape[axis] == 1:
            continue
        dims[kept] = shape[axis]
        same = kept > 0
        for op in range(loop.nargs):
            lead = ndim - PyArray_NDIM(ops[op])
            if axis < lead or PyArray_DIMS(ops[op])[axis - lead] == 1:
                strides[op][kept] = 0
            else:
                strides[op][kept] = PyArray_STRIDES(ops[op])[axis - lead]
            if same and strides[op][kept] != strides[op][kept - 1] * dims[kept - 1]:
                same = 0
        if same:
            dims[kept - 1] *= dims[kept]
        else:
            kept += 1
    if kept != 2 or dims[0] > TILED_BELOW or dims[1] < 4:
        return -2
    for op in range(loop.nargs):
        size = loop.itemsize[op]
        tiled.data[op] = PyArray_BYTES(ops[op])
        tiled.along[op] = strides[op][0]
        tiled.down[op] = strides[op][1]
        tiled.steps[op] = size
        if strides[op][0] == size and strides[op][1] == size * dims[0]:
            tiled.kind[op] = FULL
        elif strides[op][0] == 0 and strides[op][1] == 0:
            tiled.kind[op] = CONSTANT
            tiled.steps[op] = 0
        elif strides[op][1] == 0:
            tiled.kind[op] = ROW
            bytes_each += size
        elif strides[op][0] == 0:
            tiled.kind[op] = COLUMN
            bytes_each += size
        else:
            return -2
    if tiled.kind[loop.nin] != FULL:
        return -2
    tiled.tile = TILE
    if TILE * bytes_each > TILE_BYTES:
        tiled.tile = TILE_BYTES // bytes_each // 64 * 64
    tiled.block = tiled.tile // dims[0]
    if tiled.block < 2:
        return -2
    tiled.loop = loop
    tiled.width = dims[0]
    tiled.rows = dims[1]
    ns = dims[0] * dims[1] * loop.cost
    with_threads = threads_over(dims[0] * dims[1], ns, dims[0] * dims[1] * loop.bytes)
    tiled.tasks = tasks_for(dims[0] * dims[1], ns, with_threads)
    if tiled.tasks > dims[1]:
        tiled.tasks = dims[1]
    return parallel_for(tiled_task, &tiled, tiled.tasks, with_threads, ns, 0)


# --- iterated -------------------------------------------------------------------------------------------------------

cdef struct Iterated:
    const Loop *loop
    NpyIter **iters
    IterNext *next
    int masked


cdef void run_unmasked(const Loop *loop, char **data, const npy_intp *steps, npy_intp count) noexcept nogil:
    # Runs of elements whose mask is true; the mask is the operand after the loop's own.
    cdef char *args[MAX_ARGS]
    cdef char *mask = data[loop.nargs]
    cdef npy_intp step = steps[loop.nargs]
    cdef npy_intp start = 0, stop, length
    cdef int op
    while start < count:
        while start < count and mask[start * step] == 0:
            start += 1
        stop = start
        while stop < count and mask[stop * step] != 0:
            stop += 1
        length = stop - start
        if length > 0:
            for op in range(loop.nargs):
                args[op] = data[op] + start * steps[op]
            loop.fn(args, &length, steps, loop.data)
        start = stop


cdef void iterated_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef Iterated *iterated = <Iterated *> context
    cdef const Loop *loop = iterated.loop
    cdef NpyIter *iter = iterated.iters[index]
    cdef IterNext advance = iterated.next[index]
    cdef char **data = NpyIter_GetDataPtrArray(iter)
    cdef npy_intp *steps = NpyIter_GetInnerStrideArray(iter)
    cdef npy_intp *count = NpyIter_GetInnerLoopSizePtr(iter)
    while True:
        if iterated.masked:
            run_unmasked(loop, data, steps, count[0])
        else:
            loop.fn(data, count, steps, loop.data)
        if not advance(iter):
            return


cdef int run_copies(const Loop *loop, NpyIter *iter, npy_intp n, int masked) except -1:
    cdef double ns = n * loop.cost * 1.5
    cdef int threads = threads_over(n, ns, n * loop.bytes)
    cdef Py_ssize_t tasks = threads
    cdef Py_ssize_t made = 0, i
    cdef npy_intp start, stop
    cdef Iterated iterated
    cdef NpyIter *copies[256]
    cdef IterNext advances[256]
    cdef int result = 0
    cdef bint freed = True
    if ns > 4e6 * threads and not parts():
        tasks = 4 * threads if ns < 400e6 * threads else 16 * threads
    if tasks > 256:
        tasks = 256
    if tasks > n:
        tasks = n
    iterated.loop = loop
    iterated.iters = copies
    iterated.next = advances
    iterated.masked = masked
    try:
        for i in range(tasks):
            copies[i] = NULL
            made += 1
            if not is_done_here(i, tasks):
                continue    # its end would write its buffers, with whatever is in them, into the output
            copies[i] = NpyIter_Copy(iter)
            start = cut(n, tasks, i, 1)
            stop = cut(n, tasks, i + 1, 1)
            NpyIter_ResetToIterIndexRange(copies[i], start, stop, NULL)
            advances[i] = NpyIter_GetIterNext(copies[i], NULL)
        result = check(parallel_for(iterated_task, &iterated, tasks, threads, ns, MAY_RAISE if loop.may_raise else 0))
    finally:
        for i in range(made):
            if copies[i] != NULL and not NpyIter_Deallocate(copies[i]):
                freed = False
    return result if freed else -1


cdef PyArray_Descr *borrowed(int typenum) except NULL:
    # NumPy keeps one immortal descriptor a built-in type
    cdef PyArray_Descr *descr = PyArray_DescrFromType(typenum)
    Py_XDECREF_raw(<PyObject *> descr)
    return descr


cdef npy_intp output_bytes(const Loop *loop, PyArrayObject **ops) noexcept:
    """Of the largest output that is to be made; as much as fits where the operands do not match."""
    cdef npy_intp size = 1, itemsize = 0, extent
    cdef int i, axis, ndim = 0
    for i in range(loop.nin, loop.nargs):
        if ops[i] == NULL:
            itemsize = max(itemsize, loop.itemsize[i])
    if itemsize == 0:
        return 0
    for i in range(loop.nin):
        ndim = max(ndim, PyArray_NDIM(ops[i]))
    for axis in range(1, ndim + 1):
        extent = 1
        for i in range(loop.nin):
            if axis <= PyArray_NDIM(ops[i]):
                extent = max(extent, PyArray_DIMS(ops[i])[PyArray_NDIM(ops[i]) - axis])
        if extent > PY_SSIZE_T_MAX // itemsize // size:
            return PY_SSIZE_T_MAX
        size *= extent
    return size * itemsize


cdef int run_iterated(const Loop *loop, PyArrayObject **ops, PyArrayObject *mask, int order) except -1:
    cdef PyArrayObject *operands[MAX_ARGS + 1]
    cdef PyArrayObject **made
    cdef npy_uint32 op_flags[MAX_ARGS + 1]
    cdef PyArray_Descr *dtypes[MAX_ARGS + 1]
    cdef NpyIter *iter = NULL
    cdef int i, result, nop = loop.nargs, fresh = 0
    cdef bint freed = True
    cdef PyObject *before
    cdef npy_intp n
    for i in range(loop.nargs):
        operands[i] = ops[i]
        dtypes[i] = borrowed(loop.typenum[i])
        if i < loop.nin:
            op_flags[i] = NPY_ITER_READONLY | NPY_ITER_ALIGNED | NPY_ITER_NBO | NPY_ITER_OVERLAP_ASSUME_ELEMENTWISE
        else:
            op_flags[i] = (NPY_ITER_ALIGNED | NPY_ITER_NBO | NPY_ITER_ALLOCATE | NPY_ITER_NO_BROADCAST
                           | NPY_ITER_NO_SUBTYPE | NPY_ITER_OVERLAP_ASSUME_ELEMENTWISE
                           | (NPY_ITER_READWRITE if mask != NULL and ops[i] != NULL else NPY_ITER_WRITEONLY))
    if mask != NULL:
        operands[nop] = mask
        dtypes[nop] = borrowed(NPY_BOOL)
        op_flags[nop] = NPY_ITER_READONLY
        nop += 1
    before = recycle(output_bytes(loop, ops))
    try:
        iter = NpyIter_AdvancedNew(
            nop, operands, NPY_ITER_EXTERNAL_LOOP | NPY_ITER_ZEROSIZE_OK | NPY_ITER_BUFFERED | NPY_ITER_GROWINNER
            | NPY_ITER_DELAY_BUFALLOC | NPY_ITER_COPY_IF_OVERLAP | NPY_ITER_RANGED,
            order, NPY_UNSAFE_CASTING, op_flags, dtypes, -1, NULL, NULL, 0)
    except Exception:
        return -2    # operands that do not fit: NumPy says so in its own words
    finally:
        end_recycle(before)
    try:
        result = -2
        n = NpyIter_GetIterSize(iter)
        # From here on NumPy cannot take over: where an output overlaps an input the iterator writes a copy of it, and
        # its end puts that copy, with whatever is in it, into the output. Without elements there is nothing to put.
        if n == 0:
            return -2
        made = NpyIter_GetOperandArray(iter)
        if mask != NULL and NpyIter_RequiresBuffering(iter):
            return -2    # masked outputs are read first, so that a copy put back changes nothing
        if mask == NULL and not NpyIter_RequiresBuffering(iter):
            result = check(run_tiled(loop, made))
        if result == -2:
            result = run_copies(loop, iter, n, mask != NULL)
        for i in range(loop.nin, loop.nargs):
            if ops[i] == NULL:
                ops[i] = made[i]
                Py_INCREF_raw(<PyObject *> made[i])
                fresh += 1
    finally:
        # Writes back what was copied because of an overlap, unless an error is on its way.
        freed = NpyIter_Deallocate(iter)
        if not freed and fresh:
            for i in range(loop.nin, loop.nargs):
                Py_XDECREF_raw(<PyObject *> ops[i])
    return result if freed else -1


cdef int check(int result) except -1:
    """Makes an exception of an error that is set."""
    return result


def set_stream_from(Py_ssize_t count):
    """Bytes of an output from which it is streamed past the caches."""
    global stream_from
    was = stream_from
    stream_from = count
    return was
