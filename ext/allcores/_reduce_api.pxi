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
    threads = threads_over(job.total, job.ns, job.total * <double> job.in_size)
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
    if is_part():
        note_part(work.nothing)
    job.nothing = work.nothing | noted_in_parts()
    free(work)
    if raised == -2:
        no_memory()
    if (job.op == AC_SQUARES or job.store != NULL and not only_compares(job.op)) and raised > 0 and (
            raised & ~FE_UNDERFLOW or np.geterr()["under"] != "ignore"):
        # NumPy says which of its steps it was.
        return None
    if raised < 0 or (job.acc >= AC_F2 and not only_compares(job.op)):
        report(b"reduce", raised)
    reductions_done += 1
    return result


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
    cdef double each
    cdef object result_dtype
    if not is_plain_array(<PyObject *> operand):
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
    each = seed_of(op, job.kind, <int> PyArray_ITEMSIZE(a)) * PyArray_SIZE(a)
    if wants_processes(each) and begin_call(
            "reduce_part", (op, operand, axis, dtype, out, keepdims, initial, mean, parameter), each):
        try:
            return reduce_array(op, operand, axis, dtype, out, keepdims, initial, mean, parameter, nothing)
        finally:
            end_call()
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
        if not is_plain_array(<PyObject *> out):
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


def reduce_part(int op, operand, axis, dtype, out, keepdims, initial, mean, double parameter):
    """A reduction as fold and its like begin it; what workers do a part of."""
    return reduce_array(op, operand, axis, dtype, out, keepdims, initial, mean, parameter)


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
    cdef double each
    if not is_plain_array(<PyObject *> operand) or not is_plain_array(<PyObject *> mean):
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
        if not is_plain_array(<PyObject *> out):
            return NotImplemented
        to = <ndarray> out
        if kind_of(to) != job.acc or not PyArray_FLAGS(to) & NPY_ARRAY_WRITEABLE or overlap(a, to) or overlap(mean, to):
            return NotImplemented
    if not any_reduced:
        return NotImplemented
    each = seed_of(AC_SQUARES, job.kind, <int> PyArray_ITEMSIZE(a)) * PyArray_SIZE(a)
    if wants_processes(each) and begin_call("sum_of_squares", (operand, mean, axis, out, keepdims), each):
        try:
            return sum_of_squares(operand, mean, axis, out, keepdims)
        finally:
            end_call()
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
    if not is_plain_array(<PyObject *> a):
        return NotImplemented
    if is_worth(<ndarray> a) and (where is NO_VALUE or where is True):
        result = reduce_array(op, a, axis, dtype, out, False if keepdims is NO_VALUE else keepdims, initial)
        if result is not NotImplemented:
            return finish(result, None) if out is None else result
    a = ac_as_ndarray(a)
    if keepdims is NO_VALUE and initial is NO_VALUE and where is NO_VALUE:
        return numpy_reduce(a, axis, dtype, out)
    return numpy_reduce(a, axis, dtype, out, False if keepdims is NO_VALUE else keepdims, initial,
                        True if where is NO_VALUE else where)


def count_nonzero(a, axis, keepdims):
    """np.count_nonzero of an exact ndarray; NotImplemented for what is left to NumPy."""
    cdef bint whole = axis is None and keepdims is False
    if not is_plain_array(<PyObject *> a):
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


def is_plain(a):
    """Whether `a` is an ndarray or a shared array, no other subclass."""
    return is_plain_array(<PyObject *> a)


def worth(a):
    """Whether `a` is an ndarray or a shared array, of a size for which our loops are asked at all."""
    return is_plain_array(<PyObject *> a) and is_worth(<ndarray> a)


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
