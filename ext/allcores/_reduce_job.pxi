# What a Job is made of: its axes and output from the arguments, what it starts from, what it costs.

cdef inline bint numpy_copies(int op) noexcept:
    # NumPy's function takes microseconds at any size.
    return op >= AC_ABSOLUTES


cdef inline bint only_compares(int op) noexcept nogil:
    # Comparisons with NaN raise flags that nobody is told of.
    return (op == AC_MIN or op == AC_MAX or op == AC_MIN_ABSOLUTE or op == AC_MAX_ABSOLUTE or op == AC_NAN_MIN
            or op == AC_NAN_MAX or op == AC_SPREAD)


cdef inline int joined_by(int op) noexcept nogil:
    # What folds the partial results of an operation that does not say so itself.
    if op == AC_NAN_MUL:
        return AC_MUL
    if op == AC_MIN_ABSOLUTE:
        return AC_MIN
    if op == AC_MAX_ABSOLUTE:
        return AC_MAX
    if op == AC_COUNT or op == AC_SQUARES or op == AC_ABSOLUTES or op == AC_NAN_ADD:
        return AC_ADD
    return op


cdef bint overlap(ndarray a, ndarray b):
    # By extents; what only might overlap is left to NumPy.
    cdef npy_intp low[2]
    cdef npy_intp high[2]
    cdef ndarray x
    cdef int i, j
    cdef npy_intp span
    for i in range(2):
        x = b if i else a
        low[i] = high[i] = <npy_intp> PyArray_DATA(x)
        high[i] += PyArray_ITEMSIZE(x)
        for j in range(PyArray_NDIM(x)):
            span = (PyArray_DIMS(x)[j] - 1) * PyArray_STRIDES(x)[j]
            if span < 0:
                low[i] += span
            else:
                high[i] += span
    return low[0] < high[1] and low[1] < high[0]


cdef int read_axes(object axis, int nd, bint *reduced) except -1:
    # 0: left to NumPy, errors included.
    cdef int i
    cdef Py_ssize_t number
    if axis is None:
        for i in range(nd):
            reduced[i] = True
        return 1
    for i in range(nd):
        reduced[i] = False
    if type(axis) is int:
        axis = (axis,)
    elif type(axis) is not tuple:
        return 0
    for one in axis:
        if type(one) is not int or one >= nd or one < -nd:
            return 0
        number = one
        if number < 0:
            number += nd
        if reduced[number]:
            return 0
        reduced[number] = True
    return len(axis) > 0


cdef int load_axes(Job *job, ndarray a, bint *reduced, ndarray out, bint keepdims) except -1:
    # Into job, innermost first; 0 when `out` is not the array it must be.
    cdef int nd = PyArray_NDIM(a)
    cdef int i
    cdef int at = 0
    cdef npy_intp step = 0
    if out is not None:
        for i in range(nd):
            if keepdims or not reduced[i]:
                if at >= PyArray_NDIM(out) or PyArray_DIMS(out)[at] != (1 if reduced[i] else PyArray_DIMS(a)[i]):
                    return 0
                at += 1
        if at != PyArray_NDIM(out):
            return 0
    job.nd = 0
    for i in range(nd - 1, -1, -1):
        step = 0
        if out is not None and (keepdims or not reduced[i]):
            at -= 1
            step = 0 if reduced[i] else PyArray_STRIDES(out)[at]
        if out is not None and PyArray_DIMS(a)[i] > 1 and (
                not reduced[i] and step == 0 or turns_axes and PyArray_STRIDES(a)[i] < 0):
            return 0
        job.axes[job.nd].n = PyArray_DIMS(a)[i]
        # The step of a single element says nothing, and must not count when axes are sorted.
        job.axes[job.nd].a = 0 if PyArray_DIMS(a)[i] == 1 else PyArray_STRIDES(a)[i]
        job.axes[job.nd].o = 0 if PyArray_DIMS(a)[i] == 1 else step
        job.axes[job.nd].c = 0
        job.axes[job.nd].place = i
        job.axes[job.nd].reduced = reduced[i]
        job.nd += 1
    return 1


cdef ndarray new_output(Job *job, ndarray a, bint *reduced, bint keepdims, object dtype):
    # Laid out as the iterator walks: the sorted axes that stay, packed. Fills in the axes' output steps.
    cdef npy_intp dims[MAX_DIMS]
    cdef npy_intp steps[MAX_DIMS]
    cdef npy_intp by_place[MAX_DIMS]
    cdef int nd = PyArray_NDIM(a)
    cdef int i
    cdef int at = 0
    cdef npy_intp step = dtype.itemsize
    for i in range(job.nd):
        by_place[job.axes[i].place] = step
        if not job.axes[i].reduced:
            job.axes[i].o = step
            step *= job.axes[i].n
    for i in range(nd):
        if keepdims or not reduced[i]:
            dims[at] = 1 if reduced[i] else PyArray_DIMS(a)[i]
            steps[at] = by_place[i]
            at += 1
    return new_array(dtype, at, <const Py_ssize_t *> dims, <const Py_ssize_t *> steps, False)


cdef int neutral_of(Job *job, char *value) noexcept:
    # What changes nothing; for a sum -0.0, as 0.0 would turn a -0.0.
    cdef const ac_reduce_entry *entry = &reductions().fold[job.op][job.kind]
    cdef int op = joined_by(job.op)
    cdef int kind = job.acc
    memset(value, 0, WIDEST)
    if entry.neutral != NULL:
        memcpy(value, entry.neutral, entry.size)
        return 0
    if op == AC_ADD or op == AC_ANY:
        if kind == AC_F4 or kind == AC_C8:
            (<float *> value)[0] = -0.0
            (<float *> value)[1] = -0.0
        elif kind == AC_F8 or kind == AC_C16:
            (<double *> value)[0] = -0.0
            (<double *> value)[1] = -0.0
    elif kind == AC_F4 or kind == AC_C8:
        (<float *> value)[0] = 1 if op == AC_MUL else INFINITY if op == AC_MIN else -INFINITY
    elif kind == AC_F8 or kind == AC_C16:
        (<double *> value)[0] = 1 if op == AC_MUL else INFINITY if op == AC_MIN else -INFINITY
    elif kind == AC_B1:
        value[0] = op != AC_MAX
    elif op == AC_MUL:
        (<long long *> value)[0] = 1
    else:
        limit_of(op == AC_MAX, kind, value)
    return 0


cdef void limit_of(bint least, int kind, char *value) noexcept:
    # Two's complement: all bits, or all but the highest of the number.
    cdef int size = <int> size_of(kind)
    cdef bint signed = kind == AC_I1 or kind == AC_I2 or kind == AC_I4 or kind == AC_I8
    cdef unsigned long long bits
    if signed:
        bits = (<unsigned long long> 1 << (8 * size - 1)) - (0 if least else 1)
    else:
        bits = 0 if least else <unsigned long long> -1
    if size == 1:
        (<unsigned char *> value)[0] = <unsigned char> bits
    elif size == 2:
        (<unsigned short *> value)[0] = <unsigned short> bits
    elif size == 4:
        (<unsigned int *> value)[0] = <unsigned int> bits
    else:
        (<unsigned long long *> value)[0] = bits


cdef double[AC_REDUCE_OP_COUNT][AC_TYPE_COUNT] measured     # nanoseconds an element, packed; 0: not measured


cdef double seed_of(int op, int kind, int size) noexcept nogil:
    cdef double each = 0.015 if kind == AC_B1 else 0.005 + size * 0.033
    return each + 0.2 if op == AC_MUL or op == AC_NAN_MUL else each


def set_cost(int op, dtype, double ns):
    """Sets what an element of a packed operand of this dtype takes; 0: the seed."""
    kind = KINDS[dtype.num] if dtype.num < 32 else -1
    if not 0 <= op < AC_REDUCE_OP_COUNT or kind < 0:
        raise ValueError(f"no reduction {op} of {dtype}")
    measured[op][kind] = ns


cdef double cost_of(Job *job) noexcept nogil:
    # Nanoseconds on one thread; only the number of threads hangs on it.
    cdef npy_intp step = magnitude(job.axes[0].a)
    cdef double each = measured[job.op][job.kind]
    if each <= 0:
        each = seed_of(job.op, job.kind, job.in_size)
    if step != job.in_size:
        each += 0.3 if step <= 64 else 1.0
    if job.gather != NULL:
        each += 0.3
    if job.axes[0].reduced:
        each += 2.0 / job.axes[0].n
    if job.store != NULL:
        each += 0.2
    return each * job.total


cdef void turn_round(Job *job) noexcept:
    # Where the order is free, memory is read forwards.
    cdef int i
    for i in range(job.nd):
        if job.axes[i].reduced and job.axes[i].a < 0:
            job.a += (job.axes[i].n - 1) * job.axes[i].a
            job.axes[i].a = -job.axes[i].a


cdef bint packed_alike(Job *job) noexcept:
    cdef int i
    for i in range(1, job.nd):
        if job.axes[i].a == 0 or job.axes[i - 1].a == 0:
            return False
        if (job.axes[i].reduced == job.axes[i - 1].reduced
                and job.axes[i - 1].a * job.axes[i - 1].n != job.axes[i].a):
            return False
    return True
