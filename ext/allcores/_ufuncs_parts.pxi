# Part of _ufuncs.pyx: calls that are done in several processes. See _driver_parts.pxi.

cdef bint can_be_shared_out(Loop *loop, PyArrayObject **ops, PyArrayObject *mask) except -1:
    cdef npy_intp steps[MAX_ARGS]
    cdef npy_intp n = 0
    cdef int i, j, fortran = 0
    # Where outputs overlap other operands NumPy's iterator works on a copy, which other processes do not see.
    for i in range(loop.nin, loop.nargs):
        if ops[i] == NULL:
            continue
        if mask != NULL and np.may_share_memory(<object> ops[i], <object> mask):
            return False
        for j in range(loop.nargs):
            if (j != i and ops[j] != NULL and np.may_share_memory(<object> ops[i], <object> ops[j])
                    and (mask != NULL or not flat_layout(loop, ops, steps, &n, &fortran))):
                return False
    return True


cdef tuple given(Loop *loop, PyArrayObject **ops):
    """The operands; None where an output is to be made."""
    return tuple([None if ops[i] == NULL else <object> ops[i] for i in range(loop.nargs)])


cdef object run_in_processes(Target *target, Loop *loop, PyArrayObject **ops, PyArrayObject *mask, int order,
                             Py_ssize_t size):
    """What `run` returns, or None where they are not to do it, or cannot."""
    if not can_be_shared_out(loop, ops, mask) or not begin_call("run_loop", (
            <object> target.owner, target != target_of(target.owner), loop - target.loops, given(loop, ops),
            None if mask == NULL else <object> mask, order, size), size * loop.cost):
        return None
    try:
        return run(target, loop, ops, mask, order, size)
    finally:
        end_call()


def run_loop(owner, bint installed, Py_ssize_t index, tuple operands, mask, int order, Py_ssize_t size):
    """A call whose loop and operands are known; what workers do a part of. Outputs that are None are made."""
    cdef Target *target = target_of(<PyObject *> owner)
    cdef PyArrayObject *ops[MAX_ARGS]
    cdef int i
    if installed:
        target = target.installed
    memset(ops, 0, sizeof(ops))
    for i in range(target.loops[index].nargs):
        if operands[i] is not None:
            ops[i] = <PyArrayObject *> <PyObject *> operands[i]
    return run(target, &target.loops[index], ops, NULL if mask is None else <PyArrayObject *> <PyObject *> mask, order,
               size)


cdef bint make_outputs(Loop *loop, PyArrayObject **made, int order, list fresh) except -1:
    """Makes the outputs that there are not, laid out as NumPy's iterator would; False where operands do not fit."""
    cdef npy_intp dims[64]
    cdef npy_intp steps[64]
    cdef int i, j
    operands, flags, dtypes = [], [], []
    for i in range(loop.nargs):
        there = made[i] != NULL
        operands.append(<object> made[i] if there else None)
        flags.append(["readonly"] if i < loop.nin else ["writeonly", "no_broadcast" if there else "allocate"])
        dtypes.append(None if there else dtype_of(loop.typenum[i]))
    if not any(one is None for one in operands):
        return True
    name = "C" if order == NPY_CORDER else "F" if order == NPY_FORTRANORDER else "K"
    try:
        found = np.nditer(operands, ["zerosize_ok"], flags, dtypes, name).operands
    except ValueError:
        return False    # NumPy says so in its own words
    for i in range(loop.nin, loop.nargs):
        if made[i] != NULL:
            continue
        for j in range(found[i].ndim):
            dims[j] = found[i].shape[j]
            steps[j] = found[i].strides[j]
        array = new_array(dtypes[i], found[i].ndim, dims, steps, False)
        fresh.append(array)
        made[i] = <PyArrayObject *> <PyObject *> array
    return True
