# Part of _ufuncs.pyx: one call, from the look at its size to the loop that runs.

# --- calls ----------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t call_size(PyObject *const *args, Py_ssize_t count, bint *narrow) noexcept nogil:
    """
    Elements of the broadcast operands, as far as they are arrays; an operand too many makes it too large at most.

    `narrow`: whether they are broadcast along an axis, and rows are short and many.
    """
    cdef Py_ssize_t size = 1, axis, largest, row = 1
    cdef int i, ndim = 1, here
    cdef bint broadcast = False, first
    cdef PyArrayObject *array
    cdef npy_intp extent
    narrow[0] = False
    for i in range(count):
        if is_plain_array(args[i]):
            array = <PyArrayObject *> args[i]
            here = PyArray_NDIM(array)
            if here == 1:
                if PyArray_DIMS(array)[0] > size:
                    size = PyArray_DIMS(array)[0]
            elif here > ndim:
                ndim = here
    if ndim == 1:
        return size
    size = 1
    for axis in range(1, ndim + 1):
        largest = 1
        first = True
        for i in range(count):
            if is_plain_array(args[i]) and PyArray_NDIM(<PyArrayObject *> args[i]) > 0:
                array = <PyArrayObject *> args[i]
                here = PyArray_NDIM(array)
                extent = PyArray_DIMS(array)[here - axis] if axis <= here else 1
                if extent == 0:
                    return 0
                if extent != largest:
                    broadcast = broadcast or not first
                    if extent > largest:
                        largest = extent
                first = False
        if largest > PY_SSIZE_T_MAX // 16 // size:
            return 0    # more than memory holds: NumPy says so
        size *= largest
        if axis == 1:
            row = largest
    narrow[0] = broadcast and row <= NARROW and size >= NARROW_ROWS * row
    return size


cdef inline int largest_type(PyObject *const *args, Py_ssize_t count) noexcept nogil:
    """The greatest type number of the operands that are arrays, as a place in Target.from_size_of."""
    cdef int largest = 0, typenum
    cdef Py_ssize_t i
    for i in range(count):
        if is_plain_array(args[i]):
            typenum = PyArray_TYPE(<PyArrayObject *> args[i])
            if typenum > largest:
                largest = typenum
    return largest if largest < TYPES else 0


cdef PyObject *call(PyObject *ufunc, PyObject *const *args, size_t nargsf, PyObject *kwnames) noexcept:
    cdef Target *target = target_of(ufunc)
    cdef Py_ssize_t count = PyVectorcall_NARGS(nargsf)
    if target.epoch != limits[0]:
        refresh(target)
    cdef Py_ssize_t size = 0
    cdef bint narrow = False
    if target.numpy.nin <= count <= target.numpy.nargs:
        size = call_size(args, target.numpy.nin, &narrow)
    if (not narrow
            and (size < target.from_size or size < target.from_size_of[largest_type(args, target.numpy.nin)])):
        return call_small(target, args, nargsf, kwnames)
    return call_large(target, args, nargsf, kwnames, size)


cdef PyObject *call_generalised(PyObject *ufunc, PyObject *const *args, size_t nargsf, PyObject *kwnames) noexcept:
    cdef Target *target = target_of(ufunc)
    cdef Py_ssize_t count = PyVectorcall_NARGS(nargsf)
    cdef Py_ssize_t most
    if not plain_operands(args, count, kwnames):
        return target.original(<PyObject *> target.numpy, args, nargsf, kwnames)
    most = output_at_most(target, args, count, kwnames)
    if is_large_output(most):
        return (<pointer_fn> <void *> recycled_call)(target, args, count, kwnames, most)
    return target.small.vectorcall(<PyObject *> target.small, args, nargsf, kwnames)


cdef Py_ssize_t output_at_most(Target *target, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) noexcept:
    """Bytes of the output that a generalised ufunc will make, or more."""
    cdef Py_ssize_t i
    cdef bint narrow
    if count > target.numpy.nin and args[target.numpy.nin] != Py_None_raw:
        return 0
    if kwnames != NULL:
        for i in range(PyTuple_GET_SIZE(kwnames)):
            name = <object> PyTuple_GET_ITEM(kwnames, i)
            if name == "out":
                return 0
            if name == "axes":
                return PY_SSIZE_T_MAX
    return 16 * call_size(args, min(count, <Py_ssize_t> target.numpy.nin), &narrow)


cdef object recycled_call(Target *target, PyObject *const *args, Py_ssize_t count, PyObject *kwnames, Py_ssize_t most):
    """A generalised ufunc's call; the recycler leaves an output that is small after all to the heap."""
    cdef PyObject *before = recycle(most)
    try:
        return (<object_fn> <void *> target.small.vectorcall)(<PyObject *> target.small, args, count, kwnames)
    finally:
        end_recycle(before)


cdef PyObject *call_large(Target *target, PyObject *const *args, size_t nargsf, PyObject *kwnames,
                          Py_ssize_t size) noexcept:
    # An operand whose type overrides ufuncs, or a request we have no path for, is found by large_call before anything
    # is written.
    cdef PyObject *result = (<pointer_fn> <void *> large_call)(target, args, PyVectorcall_NARGS(nargsf), kwnames, size)
    if result == Py_NotImplemented:
        Py_XDECREF_raw(result)
        return call_small(target, args, nargsf, kwnames)
    return result


cdef inline PyObject *call_small(Target *target, PyObject *const *args, size_t nargsf, PyObject *kwnames) noexcept:
    # Of integers alone NumPy promotes some pairs as only its own ufunc knows; loops of ours are for floats.
    if (target.small != NULL and plain_operands(args, PyVectorcall_NARGS(nargsf), kwnames)
            and (not target.integers or any_float(args, PyVectorcall_NARGS(nargsf)))):
        return ac_call_ufunc(<void *> target.small.vectorcall, <PyObject *> target.small, args, nargsf, kwnames)
    return ac_call_ufunc(<void *> target.original, <PyObject *> target.numpy, args, nargsf, kwnames)


cdef bint plain_operand(PyObject *value) noexcept:
    if is_plain_array(value):
        return numeric(PyArray_TYPE(<PyArrayObject *> value))
    return (PyFloat_CheckExact(value) or PyLong_CheckExact(value) or PyComplex_CheckExact(value)
            or PyBool_Check(value) or value == Py_None_raw or type(<object> value) in SCALARS)


cdef bint any_float(PyObject *const *args, Py_ssize_t count) noexcept:
    cdef Py_ssize_t i
    for i in range(count):
        if is_plain_array(args[i]):
            if PyArray_TYPE(<PyArrayObject *> args[i]) >= NPY_FLOAT:
                return True
        elif PyFloat_CheckExact(args[i]) or PyComplex_CheckExact(args[i]) or isinstance(<object> args[i], np.inexact):
            return True
    return False


cdef bint plain_operands(PyObject *const *args, Py_ssize_t count, PyObject *kwnames) noexcept:
    """Whether no operand can bring an `__array_ufunc__`, for which the ufunc must be NumPy's own."""
    cdef Py_ssize_t i, j
    cdef PyObject *value
    for i in range(count):
        if not plain_operand(args[i]):
            return False
    if kwnames != NULL:
        for i in range(PyTuple_GET_SIZE(kwnames)):
            name = <object> PyTuple_GET_ITEM(kwnames, i)
            value = args[count + i]
            if name == "out" and PyTuple_CheckExact(value):
                for j in range(PyTuple_GET_SIZE(value)):
                    if not plain_operand(PyTuple_GET_ITEM(value, j)):
                        return False
            elif (name == "out" or name == "where") and not plain_operand(value):
                return False
    return True


cdef int weak_code(PyObject *value) noexcept:
    if PyLong_CheckExact(value):
        return WEAK_INT
    if PyFloat_CheckExact(value):
        return WEAK_FLOAT
    if PyComplex_CheckExact(value):
        return WEAK_COMPLEX
    return -1


cdef object dtype_of(int typenum):
    cdef PyArray_Descr *descr = PyArray_DescrFromType(typenum)
    dtype = <object> <PyObject *> descr
    Py_XDECREF_raw(<PyObject *> descr)
    return dtype


cdef object large_call(Target *target, PyObject *const *args, Py_ssize_t count, PyObject *kwnames, Py_ssize_t size):
    cdef PyUFuncObject *numpy = target.numpy
    cdef int nin = numpy.nin, nout = numpy.nout, nargs = numpy.nargs
    cdef PyArrayObject *ops[MAX_ARGS]
    cdef int codes[MAX_ARGS]
    cdef PyArrayObject *mask = NULL
    cdef PyObject *value
    cdef PyObject *item
    cdef Loop *loop
    cdef int i, index, order = NPY_KEEPORDER, code
    cdef bint plain = True
    dtype = None
    casting = "same_kind"
    keep = []
    memset(ops, 0, sizeof(ops))
    if numpy.core_enabled or nargs > MAX_ARGS:
        return NotImplemented
    if count > nin and (strcmp(numpy.name, "maximum") == 0 or strcmp(numpy.name, "minimum") == 0):
        return NotImplemented    # NumPy 2.4 warns of a third positional argument
    # outputs and keywords
    for i in range(nin, count):
        if args[i] != Py_None_raw:
            ops[i] = <PyArrayObject *> args[i]
    if kwnames != NULL:
        for i in range(PyTuple_GET_SIZE(kwnames)):
            name = <object> PyTuple_GET_ITEM(kwnames, i)
            value = args[count + i]
            if name == "out":
                if count > nin:
                    return NotImplemented
                if PyTuple_CheckExact(value):
                    if PyTuple_GET_SIZE(value) != nout:
                        return NotImplemented
                    for code in range(nout):
                        item = PyTuple_GET_ITEM(value, code)
                        if item != Py_None_raw:
                            ops[nin + code] = <PyArrayObject *> item
                elif nout == 1:
                    if value != Py_None_raw:
                        ops[nin] = <PyArrayObject *> value
                else:
                    return NotImplemented
            elif name == "where":
                if value != Py_True_raw:
                    if not is_plain_array(value) or PyArray_TYPE(<PyArrayObject *> value) != NPY_BOOL:
                        return NotImplemented
                    mask = <PyArrayObject *> value
            elif name == "casting":
                if not PyUnicode_CheckExact(value):
                    return NotImplemented
                casting = <object> value
                if casting != "same_kind" and casting != "safe" and casting != "unsafe":
                    return NotImplemented    # "no" and "equiv" look at byte order too
                plain = False
            elif name == "dtype":
                if value != Py_None_raw:
                    dtype = <object> value
                    plain = False
            elif name == "order":
                if not PyUnicode_CheckExact(value):
                    return NotImplemented
                if <object> value == "C":
                    order = NPY_CORDER
                elif <object> value == "F":
                    order = NPY_FORTRANORDER
                elif <object> value != "K":
                    return NotImplemented
            elif name == "subok":
                if not PyBool_Check(value):
                    return NotImplemented
            else:
                return NotImplemented
    for i in range(nin, nargs):
        if ops[i] != NULL:
            if (not is_plain_array(<PyObject *> ops[i]) or not numeric(PyArray_TYPE(ops[i]))
                    or not PyArray_FLAGS(ops[i]) & NPY_ARRAY_WRITEABLE):
                return NotImplemented
    # inputs
    for i in range(nin):
        value = args[i]
        if is_plain_array(value):
            ops[i] = <PyArrayObject *> value
            codes[i] = PyArray_TYPE(ops[i])
            if not numeric(codes[i]):
                return NotImplemented
            continue
        codes[i] = weak_code(value)
        if codes[i] < 0:
            if not (PyBool_Check(value) or type(<object> value) in SCALARS):
                return NotImplemented
            array = np.asarray(<object> value)
            if type(array) is not np.ndarray or not numeric(array.dtype.num):
                return NotImplemented
            keep.append(array)
            ops[i] = <PyArrayObject *> array
            codes[i] = PyArray_TYPE(ops[i])
    if mask != NULL:
        for i in range(nin, nargs):
            if ops[i] == NULL:
                return NotImplemented    # uninitialised elements, of which NumPy warns
    # the loop
    index = cached(target, codes, nin) if plain else -2
    if index == -2:
        index = resolve(target, codes, dtype, casting)
        if plain:
            remember(target, codes, nin, index)
    if index < 0:
        return NotImplemented
    loop = &target.loops[index]
    if loop.fn == NULL or numpy.functions[index] != target.expected[index]:
        return NotImplemented
    for i in range(nin):
        if ops[i] == NULL:
            if codes[i] == WEAK_INT and not LEAST_LONG <= <object> args[i] <= LARGEST_LONG:
                return NotImplemented    # an error for some ufuncs, a float for others
            if codes[i] != WEAK_INT and not np.can_cast(weak_dtypes[codes[i]], dtype_of(loop.typenum[i]), "same_kind"):
                return NotImplemented
            try:
                with np.errstate(all="raise"):
                    array = np.array(<object> args[i], dtype=dtype_of(loop.typenum[i]))
            except (OverflowError, FloatingPointError):
                return NotImplemented    # as in uint8 < 300, which NumPy answers by itself
            keep.append(array)
            ops[i] = <PyArrayObject *> array
    for i in range(nargs):
        if ops[i] == NULL or PyArray_TYPE(ops[i]) == loop.typenum[i]:
            continue
        if mask != NULL and i >= nin:
            return NotImplemented
        # Casts that can lose or overflow have floating-point errors of their own, which NumPy tells apart.
        one, other = (<object> ops[i]).dtype, dtype_of(loop.typenum[i])
        if not np.can_cast(one, other, "safe") if i < nin else not np.can_cast(other, one, "safe"):
            return NotImplemented
    if not loop.exact:
        for i in range(nin, nargs):
            for code in range(nin):
                if ops[i] != NULL and ops[i] != ops[code] and np.may_share_memory(<object> ops[i], <object> ops[code]):
                    return NotImplemented    # NumPy's loops do overlapping operands by other instructions
    return run(target, loop, ops, mask, order, size)


cdef object run(Target *target, Loop *loop, PyArrayObject **ops, PyArrayObject *mask, int order,
                Py_ssize_t size):
    cdef npy_intp steps[MAX_ARGS]
    cdef char *data[MAX_ARGS]
    cdef PyArrayObject *made[MAX_ARGS]
    cdef npy_intp n = 0
    cdef int i, threads, result, fortran = 0
    cdef int nin = loop.nin, nargs = loop.nargs
    fresh = []      # outputs made here; run_iterated gives references
    if wants_processes(size * loop.cost):
        done = run_in_processes(target, loop, ops, mask, order, size)
        if done is not None:
            return done
    for i in range(nargs):
        made[i] = ops[i]
    if mask == NULL and order == NPY_KEEPORDER and flat_layout(loop, ops, steps, &n, &fortran):
        threads = threads_over(n, n * loop.cost, n * loop.bytes)
        if threads == 1 and loop.fn == target.numpy_loops[loop - target.loops].fn:
            return NotImplemented
        for i in range(nin, nargs):
            if ops[i] == NULL:
                array = new_like(ops[fortran >> 1], loop.typenum[i], fortran & 1)
                fresh.append(array)
                made[i] = <PyArrayObject *> array
                steps[i] = loop.itemsize[i]
        for i in range(nargs):
            data[i] = PyArray_BYTES(made[i])
        result = run_flat(loop, data, steps, n, threads)
    else:
        # One thread is worth it only for rows that can be tiled.
        if not loop.exact and threads_over(size, size * loop.cost, 0) == 1:
            return NotImplemented
        if parts() and not make_outputs(loop, made, order, fresh):
            return NotImplemented
        result = run_iterated(loop, made, mask, order)
        if result == -2:
            return NotImplemented
    outputs = []
    for i in range(nin, nargs):
        outputs.append(<object> made[i])
        if ops[i] == NULL and not fresh:
            Py_XDECREF_raw(<PyObject *> made[i])
    report(target.numpy.name, result)
    return outputs[0] if nargs - nin == 1 else tuple(outputs)


cdef bint flat_layout(Loop *loop, PyArrayObject **ops, npy_intp *steps, npy_intp *n, int *fortran) noexcept:
    """Whether every operand is one run at a fixed step; fortran gets the model for outputs (index << 1 | F order)."""
    cdef PyArrayObject *model = NULL
    cdef PyArrayObject *op
    cdef int i, j, axis, ndim = 0, both = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS
    for i in range(loop.nargs):
        op = ops[i]
        if op == NULL:
            continue
        if PyArray_TYPE(op) != loop.typenum[i] or not PyArray_ISALIGNED(op) or not PyArray_ISNOTSWAPPED(op):
            return False
        if PyArray_NDIM(op) == 0:
            if i >= loop.nin:
                return False
            steps[i] = 0
            continue
        if model == NULL:
            if i >= loop.nin:
                return False
            model = op
            ndim = PyArray_NDIM(op)
            fortran[0] = i << 1
        elif PyArray_NDIM(op) != ndim:
            return False
        for axis in range(ndim):
            if PyArray_DIMS(op)[axis] != PyArray_DIMS(model)[axis]:
                return False
        if ndim == 1:
            steps[i] = PyArray_STRIDES(op)[0]
        else:
            steps[i] = loop.itemsize[i]
            both &= PyArray_FLAGS(op)
            if both == 0:
                return False
    if model == NULL:
        return False
    if ndim > 1 and not both & NPY_ARRAY_C_CONTIGUOUS:
        fortran[0] |= 1
    n[0] = PyArray_SIZE(model)
    if n[0] < 2:
        return False
    for i in range(loop.nin, loop.nargs):
        if ops[i] == NULL:
            continue
        for j in range(loop.nargs):
            if j == i or ops[j] == NULL or (loop.nin <= j < i):
                continue
            if not elementwise_safe(PyArray_BYTES(ops[i]), steps[i], loop.itemsize[i],
                                    PyArray_BYTES(ops[j]), steps[j], loop.itemsize[j], n[0]):
                return False
            if j >= loop.nin and PyArray_BYTES(ops[i]) == PyArray_BYTES(ops[j]):
                return False
        if -loop.itemsize[i] < steps[i] < loop.itemsize[i]:
            return False
    return True


# --- types ----------------------------------------------------------------------------------------------------------

cdef inline unsigned int key_of(const int *codes, int nin) noexcept:
    cdef unsigned int key = 0
    cdef int i
    for i in range(nin):
        key = key << 5 | <unsigned int> codes[i]
    return key + 1


cdef int cached(Target *target, const int *codes, int nin) noexcept:
    cdef unsigned int key = key_of(codes, nin)
    cdef unsigned int _, place = key * 2654435761u >> 26
    for _ in range(CACHE_SIZE):
        if target.cache[place].key == key:
            return target.cache[place].loop
        if target.cache[place].key == 0:
            break
        place = (place + 1) % CACHE_SIZE
    return -2


cdef void remember(Target *target, const int *codes, int nin, int index) noexcept:
    cdef unsigned int key = key_of(codes, nin)
    cdef unsigned int _, place = key * 2654435761u >> 26
    for _ in range(CACHE_SIZE - 1):
        if target.cache[place].key == 0:
            target.cache[place].loop = index
            target.cache[place].key = key
            return
        place = (place + 1) % CACHE_SIZE


cdef int resolve(Target *target, const int *codes, object dtype, object casting) except -3:
    """The index of the loop that NumPy takes, -1 where it is none of ours or there is none."""
    cdef PyUFuncObject *numpy = target.numpy
    cdef int i, op
    ufunc = <object> <PyObject *> numpy
    weak = {WEAK_INT: int, WEAK_FLOAT: float, WEAK_COMPLEX: complex}
    given = [weak[codes[i]] if codes[i] in weak else dtype_of(codes[i]) for i in range(numpy.nin)]
    options = {"casting": casting}
    try:
        if dtype is not None:
            options["signature"] = (None,) * numpy.nin + (np.dtype(dtype),) * numpy.nout
        resolved = ufunc.resolve_dtypes((*given, *(None,) * numpy.nout), **options)
    except (TypeError, ValueError):
        return -1    # NumPy's own call says it in its own words
    for i in range(numpy.ntypes):
        if target.loops[i].fn == NULL:
            continue
        for op in range(numpy.nargs):
            if resolved[op].num != target.loops[i].typenum[op] or not resolved[op].isnative:
                break
        else:
            return i
    return -1
