# argmin and argmax. A candidate is a place in the operand and its index; of equal ones the lower index wins, and the
# first NaN wins over all. So candidates may be found and compared in any order.

cdef struct Arg:
    const ac_arg_entry *entry
    const char *a
    char *out
    int nd
    int nk
    Axis axes[MAX_DIMS]     # `o`: what one step adds to the index; reduced axes only, innermost first
    Axis kept[MAX_DIMS]     # `o`: step of the output
    npy_intp outputs
    npy_intp rows           # of an output: over the axes but the innermost
    npy_intp piece          # elements of a row looked at by one unit
    npy_intp pieces         # of a row
    npy_intp group          # rows of a unit, where a row is one piece
    npy_intp groups         # units of an output
    npy_intp units
    npy_intp tasks
    npy_intp *index         # for each unit: of its candidate
    int nothing             # whether an output has nothing to find


cdef inline bint is_better(Arg *arg, const char *a, npy_intp i, const char *b, npy_intp j) noexcept nogil:
    # Whether candidate b at j replaces a at i.
    if j < i:
        return not arg.entry.better(b, a)
    return arg.entry.better(a, b)


cdef inline void look(Arg *arg, const char *found) noexcept nogil:
    if arg.entry.nothing != NULL and arg.entry.nothing(found):
        arg.nothing = 1


cdef void arg_unit(Arg *arg, npy_intp unit) noexcept nogil:
    cdef Axis *inner = &arg.axes[0]
    cdef npy_intp output = unit // (arg.groups * arg.pieces)
    cdef npy_intp rest = unit % (arg.groups * arg.pieces)
    cdef npy_intp first = rest % arg.pieces * arg.piece
    cdef npy_intp n = min(arg.piece, inner.n - first)
    cdef npy_intp row = rest // arg.pieces * arg.group
    cdef npy_intp end = min(row + arg.group, arg.rows)
    cdef const char *a = arg.a + place_of(arg.kept, arg.nk, output).a + first * inner.a
    cdef const char *best = NULL
    cdef const char *candidate
    cdef npy_intp index = 0
    cdef npy_intp at
    cdef Place place
    while row < end:
        place = place_of(&arg.axes[1], arg.nd - 1, row)
        at = arg.entry.flat(a + place.a, n, inner.a)
        candidate = a + place.a + at * inner.a
        at = (at + first) * inner.o + place.o
        if best == NULL or is_better(arg, best, index, candidate, at):
            best = candidate
            index = at
        row += 1
    arg.index[unit] = index


cdef void arg_task(void *context, Py_ssize_t number) noexcept nogil:
    cdef Arg *arg = <Arg *> context
    cdef npy_intp unit
    for unit in range(arg.units * number // arg.tasks, arg.units * (number + 1) // arg.tasks):
        arg_unit(arg, unit)


cdef void arg_rows_task(void *context, Py_ssize_t number) noexcept nogil:
    # Whole outputs, each one row.
    cdef Arg *arg = <Arg *> context
    cdef npy_intp output, at
    cdef Place place
    for output in range(arg.units * number // arg.tasks, arg.units * (number + 1) // arg.tasks):
        place = place_of(arg.kept, arg.nk, output)
        at = arg.entry.flat(arg.a + place.a, arg.axes[0].n, arg.axes[0].a)
        (<npy_intp *> (arg.out + place.o))[0] = at
        look(arg, arg.a + place.a + at * arg.axes[0].a)


cdef void arg_cols_task(void *context, Py_ssize_t number) noexcept nogil:
    # Blocks of `piece` columns along the first kept axis.
    cdef Arg *arg = <Arg *> context
    cdef Axis *along = &arg.kept[0]
    cdef npy_intp unit, first, n, i
    cdef Place place
    cdef char *out
    cdef const char *a
    for unit in range(arg.units * number // arg.tasks, arg.units * (number + 1) // arg.tasks):
        first = unit % arg.pieces * arg.piece
        place = place_of(&arg.kept[1], arg.nk - 1, unit // arg.pieces)
        out = arg.out + place.o + first * along.o
        a = arg.a + place.a + first * along.a
        n = min(arg.piece, along.n - first)
        arg.entry.cols(out, along.o, a, arg.axes[0].n, arg.axes[0].a, n, along.a)
        if arg.entry.nothing != NULL:
            for i in range(n):
                look(arg, a + i * along.a + (<npy_intp *> (out + i * along.o))[0] * arg.axes[0].a)


cdef void sort_by_step(Axis *axes, int n) noexcept nogil:
    cdef int i, j
    cdef Axis axis
    for i in range(1, n):
        axis = axes[i]
        j = i
        while j > 0 and magnitude(axes[j - 1].a) > magnitude(axis.a):
            axes[j] = axes[j - 1]
            j -= 1
        axes[j] = axis


cdef int join_arg_axes(Axis *axes, int n) noexcept nogil:
    cdef int last = 0
    cdef int i
    for i in range(1, n):
        if axes[last].a * axes[last].n == axes[i].a and axes[last].o * axes[last].n == axes[i].o:
            axes[last].n *= axes[i].n
        else:
            last += 1
            axes[last] = axes[i]
    return last + 1


cdef const char *element_at(Arg *arg, npy_intp output, npy_intp index) noexcept nogil:
    # In this process's operand: a worker's copy of it may lie otherwise.
    cdef const char *a = arg.a + place_of(arg.kept, arg.nk, output).a
    cdef int i
    for i in range(arg.nd):
        a += index // arg.axes[i].o % arg.axes[i].n * arg.axes[i].a
    return a


cdef int arg_search(Arg *arg, npy_intp total, double each) noexcept nogil:
    # Outputs from candidates; -2 without memory.
    cdef int threads = threads_for(total, each * total)
    cdef npy_intp output, unit, best
    cdef const char *found
    cdef const char *other
    cdef npy_intp per
    cdef int raised
    cdef npy_intp n = arg.axes[0].n
    arg.rows = 1
    for raised in range(1, arg.nd):
        arg.rows *= arg.axes[raised].n
    if arg.rows == 1 and (arg.outputs >= OWN_OUTPUTS or n <= PIECE):
        arg.units = arg.outputs
        arg.tasks = tasks_of(arg.units, threads, each * total)
        raised = parallel_for(arg_rows_task, arg, arg.tasks, threads, each * total, 0)
        return raised if raised < 0 else 0
    arg.piece = min(n, <npy_intp> PIECE)
    arg.pieces = (n + arg.piece - 1) // arg.piece
    arg.group = 1 if arg.pieces > 1 else 1 + PIECE // n
    arg.groups = (arg.rows + arg.group - 1) // arg.group
    per = arg.groups * arg.pieces
    arg.units = arg.outputs * per
    arg.tasks = tasks_of(arg.units, threads, each * total)
    arg.index = <npy_intp *> part_memory(arg.units * sizeof(npy_intp))
    raised = -2
    if arg.index != NULL:
        raised = parallel_for(arg_task, arg, arg.tasks, threads, each * total, 0)
    if raised >= 0:
        raised = 0
    if raised == 0 and not is_part():
        for output in range(arg.outputs):
            best = output * per
            found = element_at(arg, output, arg.index[best])
            for unit in range(best + 1, (output + 1) * per):
                other = element_at(arg, output, arg.index[unit])
                if is_better(arg, found, arg.index[best], other, arg.index[unit]):
                    best = unit
                    found = other
            (<npy_intp *> (arg.out + place_of(arg.kept, arg.nk, output).o))[0] = arg.index[best]
            look(arg, found)
    part_free(arg.index)
    return raised


cdef int arg_columns(Arg *arg, npy_intp total, double each) noexcept nogil:
    cdef int threads = threads_for(total, each * total)
    cdef npy_intp others = arg.outputs // arg.kept[0].n
    cdef npy_intp wanted = 1
    cdef int raised
    if threads > 1 and others < 4 * threads:
        wanted = (4 * threads + others - 1) // others
    arg.piece = max((arg.kept[0].n + wanted - 1) // wanted, <npy_intp> 32)
    arg.pieces = (arg.kept[0].n + arg.piece - 1) // arg.piece
    arg.units = others * arg.pieces
    arg.tasks = tasks_of(arg.units, threads, each * total)
    raised = parallel_for(arg_cols_task, arg, arg.tasks, threads, each * total, 0)
    return raised if raised < 0 else 0


cdef const ac_arg_entry *arg_entry_of(int kind, bint greatest, bint numbers) noexcept:
    if numbers and greatest:
        return &reductions().nanargmax[kind]
    if numbers:
        return &reductions().nanargmin[kind]
    if greatest:
        return &reductions().argmax[kind]
    return &reductions().argmin[kind]


cdef double[2][AC_TYPE_COUNT] measured_arg      # nanoseconds an element, packed, of all and of what is not NaN; 0: no


def set_arg_cost(dtype, bint numbers, double ns):
    """Sets what an element of a packed operand of this dtype takes; 0: the seed."""
    kind = KINDS[dtype.num] if dtype.num < 32 else -1
    if kind < 0:
        raise ValueError(f"no search in {dtype}")
    measured_arg[numbers][kind] = ns


def arg_extreme(operand, bint greatest, axis=None, out=None, keepdims=False, bint numbers=False):
    """
    argmax (`greatest`) or argmin, among what is not NaN (`numbers`); NotImplemented where there is no path, or
    perhaps nothing to find, after which `out` is anything.
    """
    global reductions_done
    cdef Arg *arg
    cdef const ac_arg_entry *entry
    cdef ndarray a
    cdef ndarray result
    cdef npy_intp dims[MAX_DIMS]
    cdef npy_intp weight = 1
    cdef npy_intp total
    cdef int kind, nd, i, which, raised
    cdef int at = 0
    cdef Axis one
    cdef double each
    if not is_plain_array(<PyObject *> operand) or (keepdims is not False and keepdims is not True):
        return NotImplemented
    a = <ndarray> operand
    kind = kind_of(a)
    nd = PyArray_NDIM(a)
    if not (is_worth(a) or numbers and PyArray_SIZE(a) > 0) or kind < 0:
        return NotImplemented
    entry = arg_entry_of(kind, greatest, numbers)
    if entry.flat == NULL:
        return NotImplemented
    each = measured_arg[numbers][kind]
    if each <= 0:
        each = 0.05 + 0.04 * PyArray_ITEMSIZE(a)
    total = PyArray_SIZE(a)
    if (wants_processes(each * total)
            and begin_call("arg_extreme", (operand, greatest, axis, out, keepdims, numbers), each * total)):
        try:
            return arg_extreme(operand, greatest, axis, out, keepdims, numbers)
        finally:
            end_call()
    which = -1
    if axis is not None:
        if type(axis) is not int or axis >= nd or axis < -nd:
            return NotImplemented
        which = axis + nd if axis < 0 else axis
    for i in range(nd):
        if axis is None or i == which:
            if keepdims:
                dims[at] = 1
                at += 1
        else:
            dims[at] = PyArray_DIMS(a)[i]
            at += 1
    if out is None:
        result = new_array(intp, at, <const Py_ssize_t *> dims, NULL, False)
    else:
        if not is_plain_array(<PyObject *> out):
            return NotImplemented
        result = <ndarray> out
        if (result.dtype is not intp or not PyArray_FLAGS(result) & NPY_ARRAY_WRITEABLE
                or not PyArray_ISALIGNED(result) or overlap(a, result) or PyArray_NDIM(result) != at):
            return NotImplemented
        for i in range(at):
            if PyArray_DIMS(result)[i] != dims[i]:
                return NotImplemented
    arg = <Arg *> malloc(sizeof(Arg))
    if arg == NULL:
        raise MemoryError
    memset(arg, 0, sizeof(Arg))
    arg.entry = entry
    arg.a = <const char *> PyArray_DATA(a)
    arg.out = <char *> PyArray_DATA(result)
    arg.outputs = 1
    memset(&one, 0, sizeof(Axis))
    for i in range(nd - 1, -1, -1):
        one.n = PyArray_DIMS(a)[i]
        one.a = PyArray_STRIDES(a)[i]
        if axis is None or i == which:
            one.o = weight
            weight *= one.n
            at -= keepdims
            if one.n > 1:
                arg.axes[arg.nd] = one
                arg.nd += 1
        else:
            at -= 1
            one.o = PyArray_STRIDES(result)[at]
            if one.n > 1:
                arg.kept[arg.nk] = one
                arg.nk += 1
                arg.outputs *= one.n
    raised = 1
    if arg.nd > 0:
        sort_by_step(arg.axes, arg.nd)
        sort_by_step(arg.kept, arg.nk)
        arg.nd = join_arg_axes(arg.axes, arg.nd)
        arg.nk = join_arg_axes(arg.kept, arg.nk) if arg.nk else 0
        # Short rows are long columns.
        if arg.nk and arg.nd == 1 and (magnitude(arg.kept[0].a) < magnitude(arg.axes[0].a) or arg.axes[0].n <= 16):
            if arg.axes[0].n < 2147483647:
                raised = arg_columns(arg, total, each + 0.2)
        else:
            if magnitude(arg.axes[0].a) > 64:
                each += 1
            raised = arg_search(arg, total, each + 3.0 / arg.axes[0].n)
    if is_part():
        note_part(arg.nothing)
    if raised == 0 and (arg.nothing or noted_in_parts()):
        raised = 1
    free(arg)
    if raised == -2:
        no_memory()
    if raised < 0:
        report(b"argmax", raised)
    if raised > 0:
        return NotImplemented
    reductions_done += 1
    return finish(result, None if out is None else result)
