# What Python calls: arguments to a Job, a Job to a result.

UFUNCS = {
    np.add: AC_ADD,
    np.multiply: AC_MUL,
    np.minimum: AC_MIN,
    np.maximum: AC_MAX,
    np.logical_or: AC_ANY,
    np.logical_and: AC_ALL,
}

NO_VALUE = np._NoValue

cdef object float16 = np.dtype(np.float16)
cdef object float32 = np.dtype(np.float32)
cdef object float64 = np.dtype(np.float64)
cdef object boolean = np.dtype(np.bool_)
cdef object intp = np.dtype(np.intp)
cdef object count_type = type(np.count_nonzero(np.ones(1)))     # int, or np.intp from NumPy 2.4 on
cdef object powers = np.dtype([(name, np.float64) for name in ("first", "second", "third", "fourth")])
cdef object uintp = np.dtype(np.uintp)
cdef object int_type = np.intp
# A NumPy integer from 2.3 on.
cdef bint counts_are_ints = type(np.count_nonzero(np.zeros(1))) is int


def reductions_run():
    """How many reductions found a path here, since the import."""
    return reductions_done


cdef inline bint is_worth(ndarray a) noexcept:
    cdef npy_intp n = PyArray_SIZE(a)
    cdef Py_ssize_t forced = forced_from()
    return n >= LEAST or (forced >= 0 and n >= forced and n > 0)


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
    Py_INCREF(<PyObject *> dtype)    # stolen by the next call
    return PyArray_NewFromDescr(&PyArray_Type, <PyArray_Descr *> dtype, at, dims, steps, NULL, 0, NULL)


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


cdef double cost_of(Job *job) noexcept nogil:
    # Nanoseconds on one thread; only the number of threads hangs on it.
    cdef npy_intp step = magnitude(job.axes[0].a)
    cdef double each = 0.015 if job.kind == AC_B1 else 0.005 + job.in_size * 0.033
    if step != job.in_size:
        each += 0.3 if step <= 64 else 1.0
    if job.gather != NULL:
        each += 0.3
    if job.axes[0].reduced:
        each += 2.0 / job.axes[0].n
    if job.op == AC_MUL or job.op == AC_NAN_MUL:
        each += 0.2
    if job.store != NULL:
        each += 0.2
    return each * job.total


cdef object run(Job *job, bint *reduced, ndarray a, ndarray out, bint keepdims, object dtype, bint cast,
                ndarray mean):
    # `job` with its axes loaded and its operation known.
    global reductions_done
    cdef Work *work
    cdef const ac_reductions *loops = reductions()
    cdef int raised, threads
    cdef bint any_order
    cdef int i
    cdef ndarray result = out
    sort_axes(job)
    if result is None:
        result = new_output(job, a, reduced, keepdims, dtype)
    drop_single(job)
    if mean is not None:
        for i in range(job.nd):
            if not job.axes[i].reduced:
                job.axes[i].c = PyArray_STRIDES(mean)[job.axes[i].place]
        job.mean = <const char *> PyArray_DATA(mean)
        # The deviations that NumPy would write lie packed: where the operand has gaps, its axes would join otherwise.
        if job.packed and not packed_alike(job):
            return NotImplemented
    job.a = <const char *> PyArray_DATA(a)
    any_order = not job.pairwise and (job.op != AC_MUL and job.op != AC_NAN_MUL or job.acc < AC_F2)
    if any_order:
        turn_round(job)
    join_axes(job)
    job.out = <char *> PyArray_DATA(result)
    if job.axes[0].reduced and job.op == AC_SQUARES and job.rows == NULL:
        job.gather = loops.squares[job.kind]
        job.rows = loops.fold[AC_ADD][job.acc].rows
    plan_rows(job, cast)
    job.ns = cost_of(job)
    threads = threads_for(job.total, job.ns)
    work = <Work *> malloc(sizeof(Work))
    if work == NULL:
        raise MemoryError
    memset(work, 0, sizeof(Work))
    work.job = job
    neutral_of(job, work.neutral)
    if job.axes[0].reduced:
        raised = run_reduced(work, threads)
    else:
        raised = run_kept(work, threads, any_order)
    job.nothing = work.nothing
    free(work)
    if raised == -2:
        raise MemoryError
    if (job.op == AC_SQUARES or job.store != NULL and not only_compares(job.op)) and raised > 0 and (
            raised & ~FE_UNDERFLOW or np.geterr()["under"] != "ignore"):
        # NumPy says which of its steps it was.
        return None
    if raised < 0 or (job.acc >= AC_F2 and not only_compares(job.op)):
        report(b"reduce", raised)
    reductions_done += 1
    return result


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


cdef object finish(object result, ndarray out):
    # A new array of no dimensions becomes a scalar.
    if out is None and type(result) is ndarray and PyArray_NDIM(<ndarray> result) == 0:
        return (<ndarray> result)[()]
    return result


cdef object reduce_array(int op, object operand, object axis, object dtype, object out, object keepdims,
                         object initial, ndarray mean=None, double parameter=0, int *nothing=NULL):
    # None: NumPy must say what there is to warn of.
    cdef Job job
    cdef const ac_reduce_entry *entry
    cdef bint reduced[MAX_DIMS]
    cdef ndarray a
    cdef ndarray to = None
    cdef const ac_reductions *loops = reductions()
    cdef bint cast = False
    cdef bint any_reduced = False
    cdef bint keep
    cdef int i
    cdef object result_dtype
    if not PyArray_CheckExact(<PyObject *> operand):
        return NotImplemented
    a = <ndarray> operand
    if not is_worth(a) and not (numpy_copies(op) and PyArray_SIZE(a) > 0):
        return NotImplemented
    job.kind = kind_of(a)
    if job.kind < 0 or keepdims is not False and keepdims is not True:
        return NotImplemented
    keep = keepdims
    if read_axes(axis, PyArray_NDIM(a), reduced) == 0:
        return NotImplemented
    for i in range(PyArray_NDIM(a)):
        if reduced[i] and PyArray_DIMS(a)[i] > 1:
            any_reduced = True
    if not any_reduced:
        return NotImplemented
    job.op = op
    entry = &loops.fold[op][job.kind]
    job.acc = entry.out
    job.rows = entry.rows
    job.cols = entry.cols
    job.store = entry.store
    job.parameter = parameter
    job.packed = False
    job.gather = NULL
    job.mean = NULL
    result_dtype = a.dtype
    if op == AC_ANY or op == AC_ALL or op == AC_COUNT:
        result_dtype = intp if op == AC_COUNT else boolean
    elif op == AC_MOMENTS:
        result_dtype = powers
    elif (op == AC_ADD or op == AC_MUL) and job.kind < AC_F2 and (
            job.kind == AC_B1 or PyArray_ITEMSIZE(a) < <npy_intp> sizeof(npy_intp)):
        result_dtype = uintp if job.acc == AC_U8 else intp
    if dtype is not None and dtype is not result_dtype:
        try:
            dtype = np.dtype(dtype)
        except TypeError:
            return NotImplemented
        if dtype != result_dtype:
            if op != AC_ADD or not (dtype is float64 or dtype is float32):
                return NotImplemented
            job.gather = loops.to_f8[job.kind] if dtype is float64 else loops.to_f4[job.kind]
            job.acc = AC_F8 if dtype is float64 else AC_F4
            job.rows = loops.fold[AC_ADD][job.acc].rows
            job.cols = loops.fold[AC_ADD][job.acc].cols
            if job.gather == NULL:
                return NotImplemented
            cast = True
        result_dtype = dtype
    if job.cols == NULL or not result_dtype.isnative:
        return NotImplemented
    if out is not None:
        if type(out) is tuple and len(out) == 1:
            out = out[0]
        if not PyArray_CheckExact(<PyObject *> out):
            return NotImplemented
        to = <ndarray> out
        if (kind_of(to) != job.acc or to.dtype != result_dtype or not PyArray_FLAGS(to) & NPY_ARRAY_WRITEABLE
                or overlap(a, to)):
            return NotImplemented
    neutral_of(&job, job.start)
    if op == AC_ADD or op == AC_NAN_ADD or op == AC_ABSOLUTES or op == AC_SQUARES:
        memset(job.start, 0, WIDEST)
    if initial is not NO_VALUE:
        if type(initial) not in (int, float, bool, complex) and not isinstance(initial, np.number):
            return NotImplemented
        try:
            value = np.empty((), result_dtype)
            value[()] = initial
        except Exception:   # NumPy's own message will tell
            return NotImplemented
        memcpy(job.start, PyArray_DATA(<ndarray> value), size_of(job.acc))
    job.in_size = size_of(job.kind)
    job.acc_size = size_of(job.acc) if job.store == NULL else entry.size
    job.total = PyArray_SIZE(a)
    job.pairwise = job.acc >= AC_F2 and (
        op == AC_ADD or op == AC_NAN_ADD or op == AC_ABSOLUTES or op == AC_SQUARES)
    job.halved = job.pairwise or op == AC_NAN_MEAN or op == AC_NAN_VARIANCE or op == AC_MOMENTS
    job.join = loops.fold[joined_by(op)][job.acc].cols if entry.join == NULL else entry.join
    if load_axes(&job, a, reduced, to, keep) == 0:
        return NotImplemented
    result = run(&job, reduced, a, to, keep, result_dtype, cast, mean)
    if nothing != NULL:
        nothing[0] = job.nothing
    return result


def reduce_ufunc(ufunc, a, axis=0, dtype=None, out=None, keepdims=False, initial=NO_VALUE, where=True):
    """The ufunc's reduce, or NotImplemented where there is no path for these arguments."""
    op = UFUNCS.get(ufunc)
    if op is None or where is not True:
        return NotImplemented
    result = reduce_array(op, a, axis, dtype, out, keepdims, initial)
    return finish(result, None) if out is None and result is not NotImplemented else result


def sum_of_squares(operand, ndarray mean, axis, out, keepdims):
    """
    Sum of (operand - mean)^2, in mean's dtype and in the order in which np.add.reduce would add them.

    `mean` has the operand's dimensions, those reduced of length 1. NotImplemented where there is no path, None where
    there is something to warn of.
    """
    cdef Job job
    cdef bint reduced[MAX_DIMS]
    cdef ndarray a
    cdef ndarray to = None
    cdef const ac_reductions *loops = reductions()
    cdef int i
    cdef bint any_reduced = False
    if not PyArray_CheckExact(<PyObject *> operand) or not PyArray_CheckExact(<PyObject *> mean):
        return NotImplemented
    a = <ndarray> operand
    job.kind = kind_of(a)
    if job.kind < 0 or read_axes(axis, PyArray_NDIM(a), reduced) == 0 or PyArray_NDIM(a) != PyArray_NDIM(mean):
        return NotImplemented
    job.op = AC_SQUARES
    job.acc = loops.fold[AC_SQUARES][job.kind].out
    job.rows = loops.fold[AC_SQUARES][job.kind].rows
    job.cols = loops.fold[AC_SQUARES][job.kind].cols
    job.gather = NULL
    if job.cols == NULL or kind_of(mean) != job.acc:
        return NotImplemented
    for i in range(PyArray_NDIM(a)):
        if PyArray_DIMS(mean)[i] != (1 if reduced[i] else PyArray_DIMS(a)[i]):
            return NotImplemented
        if reduced[i] and PyArray_DIMS(a)[i] > 1:
            any_reduced = True
    if out is not None:
        if not PyArray_CheckExact(<PyObject *> out):
            return NotImplemented
        to = <ndarray> out
        if kind_of(to) != job.acc or not PyArray_FLAGS(to) & NPY_ARRAY_WRITEABLE or overlap(a, to) or overlap(mean, to):
            return NotImplemented
    if not any_reduced:
        return NotImplemented
    memset(job.start, 0, WIDEST)
    job.in_size = size_of(job.kind)
    job.acc_size = size_of(job.acc)
    job.total = PyArray_SIZE(a)
    job.pairwise = job.halved = job.packed = True
    job.join = loops.fold[AC_ADD][job.acc].cols
    job.store = NULL
    if load_axes(&job, a, reduced, to, keepdims) == 0:
        return NotImplemented
    result = run(&job, reduced, a, to, keepdims, mean.dtype, False, mean)
    return finish(result, to)


def fold_told(int op, a, axis, dtype, out, keepdims, initial, ndarray mean=None, double parameter=0):
    """
    The result of an operation, and whether some of it is made of no elements, or NotImplemented for NumPy's turn.

    `mean` has the operand's dimensions, those reduced of length 1.
    """
    cdef int nothing = 0
    result = reduce_array(op, a, axis, dtype, out, False if keepdims is NO_VALUE else keepdims, initial, mean,
                          parameter, &nothing)
    if result is NotImplemented or result is None:
        return NotImplemented
    return (finish(result, None) if out is None else result), nothing != 0


def fold(int op, numpy_reduce, a, axis, dtype, out, keepdims, initial, where):
    """
    What np.sum and its like give for an array, by our loops or by `numpy_reduce`, the ufunc's own.

    NotImplemented for what is not exactly an ndarray.
    """
    if not PyArray_CheckExact(<PyObject *> a):
        return NotImplemented
    if is_worth(<ndarray> a) and (where is NO_VALUE or where is True):
        result = reduce_array(op, a, axis, dtype, out, False if keepdims is NO_VALUE else keepdims, initial)
        if result is not NotImplemented:
            return finish(result, None) if out is None else result
    if keepdims is NO_VALUE and initial is NO_VALUE and where is NO_VALUE:
        return numpy_reduce(a, axis, dtype, out)
    return numpy_reduce(a, axis, dtype, out, False if keepdims is NO_VALUE else keepdims, initial,
                        True if where is NO_VALUE else where)


def count_nonzero(a, axis, keepdims):
    """np.count_nonzero of an exact ndarray; NotImplemented for what is left to NumPy."""
    cdef bint whole = axis is None and keepdims is False
    if not PyArray_CheckExact(<PyObject *> a):
        return NotImplemented
    if is_worth(<ndarray> a):
        result = reduce_array(AC_COUNT, a, axis, None, None, keepdims, NO_VALUE)
        if result is not NotImplemented:
            result = finish(result, None)
            return int(result) if whole and counts_are_ints else result
    if not whole:
        return NotImplemented
    result = PyArray_CountNonzero(<ndarray> a)
    return result if counts_are_ints else int_type(result)


def worth(a):
    """Whether `a` is an ndarray, no subclass, of a size for which our loops are asked at all."""
    return PyArray_CheckExact(<PyObject *> a) and is_worth(<ndarray> a)


def elements(ndarray a, axis):
    """How many elements of `a` go into one output; 0 if `axis` is nothing that we take."""
    cdef bint reduced[MAX_DIMS]
    cdef npy_intp n = 1
    cdef int i
    if read_axes(axis, PyArray_NDIM(a), reduced) == 0:
        return 0
    for i in range(PyArray_NDIM(a)):
        if reduced[i]:
            n *= PyArray_DIMS(a)[i]
    return n
