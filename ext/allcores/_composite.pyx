"""where, nan_to_num, round, isclose, allclose and array_equal of ndarrays, each in one pass on all cores.

They are inner loops (ext/simd/composite.h) that _elementwise runs over any layout, as it runs ufuncs'. Every function
answers NotImplemented for what it has no path for; functions/composite.py then asks NumPy.
"""
import numpy as np

from allcores._driver cimport (
    begin_call, end_call, forced_from, note_part, noted_in_parts, parts, report, threads_over, wants_processes,
)
from allcores._elementwise cimport MAX_ARGS, Loop, loop_fn, run_flat, run_iterated
from allcores._isa cimport level
from allcores._memory cimport new_like
from allcores._ufuncs cimport can_be_shared_out, flat_layout, given, make_outputs
from cpython.object cimport PyObject
from libc.string cimport memcpy, memset
from npyapi cimport *
from numpy cimport import_array, import_ufunc

cdef extern from "<fenv.h>" nogil:
    int FE_OVERFLOW, FE_UNDERFLOW

cdef extern from "Python.h":
    bint PyLong_CheckExact(PyObject *)
    bint PyFloat_CheckExact(PyObject *)
    bint PyComplex_CheckExact(PyObject *)

cdef extern from "composite_table.h" nogil:
    ctypedef struct ac_composite_values:
        double first, second, third
        int flag, early, found
    struct ac_composites:
        loop_fn choose[5]
        loop_fn replace[2]
        loop_fn round[2]
        loop_fn close[2]
        loop_fn apart[2]
        loop_fn differ[2]
        loop_fn differ_bits[4]
        loop_fn differ_bool

import_array()
import_ufunc()
try:
    from allcores._shared import SharedArray
    set_shared_array_type(SharedArray)
except ImportError:
    pass    # there is none but on Linux

cdef object LEAST_LONG = np.iinfo(np.int64).min
cdef object LARGEST_LONG = np.iinfo(np.int64).max
# Calls that found a path, for tests.
cdef long long calls_done = 0


cdef inline const ac_composites *composites() noexcept nogil:
    return <const ac_composites *> level().composites


def calls_run():
    """How many calls found a path here, since the import."""
    return calls_done


def worth(a, Py_ssize_t least):
    """Whether `a` is an ndarray or a shared array, of so many elements that our loops are asked at all."""
    cdef Py_ssize_t forced
    cdef npy_intp n
    if not is_plain_array(<PyObject *> a):
        return False
    n = PyArray_SIZE(<PyArrayObject *> <PyObject *> a)
    if n >= least:
        return True
    forced = forced_from()
    return forced >= 0 and n >= forced and n > 1


cdef inline bint numeric(int typenum) noexcept nogil:
    return 0 <= typenum <= NPY_CLONGDOUBLE or typenum == NPY_HALF


cdef inline int float_index(int typenum) noexcept nogil:
    return 0 if typenum == NPY_FLOAT else 1 if typenum == NPY_DOUBLE else -1


cdef void operand(Loop *loop, int index, int typenum, int size) noexcept:
    loop.typenum[index] = typenum
    loop.itemsize[index] = size
    loop.bytes += size


cdef void prepare(Loop *loop, loop_fn fn, ac_composite_values *values, double cost, int nin, int nargs) noexcept:
    memset(loop, 0, sizeof(Loop))
    loop.fn = fn
    loop.data = values
    loop.cost = cost
    loop.nin = nin
    loop.nargs = nargs
    loop.exact = 1


cdef object run(Loop *loop, PyArrayObject **ops, int *raised):
    """Runs a loop with one output or none; returns the output, True where there is none, or NotImplemented."""
    global calls_done
    cdef npy_intp steps[MAX_ARGS]
    cdef char *data[MAX_ARGS]
    cdef PyArrayObject *made[MAX_ARGS]
    cdef npy_intp n = 0
    cdef int i, fortran = 0, last = loop.nin
    cdef bint fresh = loop.nargs > loop.nin and ops[last] == NULL
    outputs = []
    for i in range(loop.nargs):
        made[i] = ops[i]
        if i < loop.nin:
            n = max(n, PyArray_SIZE(ops[i]))
    if wants_processes(n * loop.cost) and can_be_shared_out(loop, ops, NULL):
        done = run_in_processes(loop, ops, raised, n)
        if done is not None:
            return done
    result = True
    if flat_layout(loop, ops, steps, &n, &fortran):
        if fresh:
            result = new_like(ops[fortran >> 1], loop.typenum[last], fortran & 1)
            made[last] = <PyArrayObject *> result
            steps[last] = loop.itemsize[last]
        elif loop.nargs > last:
            result = <object> ops[last]
        for i in range(loop.nargs):
            data[i] = PyArray_BYTES(made[i])
        raised[0] = run_flat(loop, data, steps, n, threads_over(n, n * loop.cost, n * loop.bytes))
        if raised[0] < 0:
            report("", raised[0])
    else:
        if parts() and not make_outputs(loop, made, NPY_KEEPORDER, outputs):
            return NotImplemented
        raised[0] = run_iterated(loop, made, NULL, NPY_KEEPORDER)
        if raised[0] == -2:
            return NotImplemented
        if loop.nargs > last:
            result = <object> made[last]
            if fresh and not outputs:
                Py_XDECREF_raw(<PyObject *> made[last])     # run_iterated gives a reference
    calls_done += 1
    return result


# The functions of the table of loops, in its order, as often as it has loops of them.
cdef list NAMES = (["where"] * 5 + ["nan_to_num"] * 2 + ["round"] * 2 + ["isclose"] * 2 + ["allclose"] * 2
                   + ["array_equal"] * 7)


cdef object run_in_processes(Loop *loop, PyArrayObject **ops, int *raised, npy_intp n):
    """What `run` returns, or None where processes are not to do it."""
    cdef const loop_fn *table = <const loop_fn *> composites()
    cdef ac_composite_values *values = <ac_composite_values *> loop.data
    cdef int i, index = 0
    while table[index] != loop.fn:
        index += 1
    types = tuple([(loop.typenum[i], loop.itemsize[i]) for i in range(loop.nargs)])
    if not begin_call("run_composite", (
            NAMES[index], loop.nin, index, given(loop, ops), types, loop.cost,
            None if values == NULL else (<const char *> values)[:sizeof(values[0])]), n * loop.cost):
        return None
    try:
        result = run(loop, ops, raised)
        if values != NULL:
            values.found |= noted_in_parts()
        return result
    finally:
        end_call()


def run_composite(name, int nin, int index, tuple operands, tuple types, double cost, bytes values):
    """A call of one of these functions whose loop and operands are known; what workers do a part of."""
    cdef Loop loop
    cdef ac_composite_values its
    cdef PyArrayObject *ops[MAX_ARGS]
    cdef int i, raised = 0
    memset(ops, 0, sizeof(ops))
    if values is not None:
        memcpy(&its, <const char *> values, sizeof(its))
    prepare(&loop, (<const loop_fn *> composites())[index], NULL if values is None else &its, cost, nin, len(types))
    for i in range(loop.nargs):
        operand(&loop, i, types[i][0], types[i][1])
        if operands[i] is not None:
            ops[i] = <PyArrayObject *> <PyObject *> operands[i]
    result = run(&loop, ops, &raised)
    if values is not None:
        note_part(its.found)
    return result


cdef bint whole(double value, int index):
    """Whether a finite number stays finite as float32 (index 0) or float64."""
    return index == 1 or not (3.4028234663852886e38 < abs(value) < float("inf"))


# --- where ----------------------------------------------------------------------------------------------------------

cdef object chosen(object value, object dtype):
    """An operand of where as an array; None where NumPy must look at it."""
    cdef PyObject *raw = <PyObject *> value
    if is_plain_array(raw):
        return value if numeric(PyArray_TYPE(<PyArrayObject *> raw)) else None
    if PyLong_CheckExact(raw) and not LEAST_LONG <= value <= LARGEST_LONG:
        return None
    try:
        with np.errstate(all="raise"):
            return np.array(value, dtype)
    except (OverflowError, FloatingPointError):
        return None


def where(condition, x, y):
    """np.where of a numeric ndarray `condition`."""
    cdef Loop loop
    cdef PyArrayObject *ops[MAX_ARGS]
    cdef PyObject *raw
    cdef int typenum, size, index, raised = 0
    memset(ops, 0, sizeof(ops))
    if not numeric(PyArray_TYPE(<PyArrayObject *> <PyObject *> condition)):
        return NotImplemented
    for value in (x, y):
        raw = <PyObject *> value
        if not (is_plain_array(raw) or PyLong_CheckExact(raw) or PyFloat_CheckExact(raw)
                or PyComplex_CheckExact(raw) or type(value) is bool or isinstance(value, (np.number, np.bool))):
            return NotImplemented
    try:
        dtype = np.result_type(x, y)
    except (TypeError, OverflowError):
        return NotImplemented
    typenum = dtype.num
    size = dtype.itemsize
    index = {1: 0, 2: 1, 4: 2, 8: 3, 16: 4}.get(size, -1)
    if not numeric(typenum) or index < 0 or not dtype.isnative:
        return NotImplemented
    first, second = chosen(x, dtype), chosen(y, dtype)
    if first is None or second is None:
        return NotImplemented
    prepare(&loop, composites().choose[index], NULL, 0.01 + 0.028 * size, 3, 4)
    operand(&loop, 0, NPY_BOOL, 1)
    for index in range(1, 4):
        operand(&loop, index, typenum, size)
    ops[0] = <PyArrayObject *> <PyObject *> condition
    ops[1] = <PyArrayObject *> <PyObject *> first
    ops[2] = <PyArrayObject *> <PyObject *> second
    return run(&loop, ops, &raised)


# --- one array in, one out ------------------------------------------------------------------------------------------

cdef object one_to_one(loop_fn *fns, ac_composite_values *values, double cost, x, out, int *raised):
    cdef Loop loop
    cdef PyArrayObject *ops[MAX_ARGS]
    cdef int typenum = PyArray_TYPE(<PyArrayObject *> <PyObject *> x)
    cdef int index = float_index(typenum)
    cdef int size = 4 + 4 * index
    memset(ops, 0, sizeof(ops))
    prepare(&loop, fns[index], values, cost * (1 + index) / 2, 1, 2)
    operand(&loop, 0, typenum, size)
    operand(&loop, 1, typenum, size)
    ops[0] = <PyArrayObject *> <PyObject *> x
    if out is not None:
        ops[1] = <PyArrayObject *> <PyObject *> out
    return run(&loop, ops, raised)


def nan_to_num(x, out, double nan, double high, double low):
    """Writes x into `out` (which may be x), NaN and the infinities replaced; both float32 or float64 ndarrays."""
    cdef ac_composite_values values
    cdef int index = float_index(PyArray_TYPE(<PyArrayObject *> <PyObject *> x)), raised = 0
    if not (whole(nan, index) and whole(high, index) and whole(low, index)):
        return NotImplemented
    memset(&values, 0, sizeof(values))
    values.first, values.second, values.third = nan, high, low
    return one_to_one(<loop_fn *> composites().replace, &values, 0.25, x, out, &raised)


def round_to(x, out, int decimals):
    """x rounded to `decimals`, not 0, into `out`; both float32 or float64 ndarrays."""
    cdef ac_composite_values values
    cdef int index = float_index(PyArray_TYPE(<PyArrayObject *> <PyObject *> x)), raised = 0
    cdef int places = decimals if decimals > 0 else -decimals
    if places > (22 if index else 10):
        return NotImplemented    # powers of ten that are not exact are NumPy's affair
    memset(&values, 0, sizeof(values))
    values.first = 10.0 ** places
    values.flag = decimals < 0
    result = one_to_one(<loop_fn *> composites().round, &values, 0.55, x, out, &raised)
    if result is not NotImplemented:
        # Of NumPy's steps the product alone can overflow, and the first alone meets a signalling NaN.
        report("multiply", raised & FE_OVERFLOW)
        report("multiply" if decimals > 0 else "divide", raised & ~(FE_OVERFLOW | FE_UNDERFLOW))
    return result


# --- comparisons ----------------------------------------------------------------------------------------------------

cdef object compared(loop_fn fn, ac_composite_values *values, double cost, x, y, int typenum, int size, bint result,
                     int *raised):
    cdef Loop loop
    cdef PyArrayObject *ops[MAX_ARGS]
    memset(ops, 0, sizeof(ops))
    prepare(&loop, fn, values, cost * size / 8, 2, 3 if result else 2)
    operand(&loop, 0, typenum, size)
    operand(&loop, 1, typenum, size)
    operand(&loop, 2, NPY_BOOL, 1)
    ops[0] = <PyArrayObject *> <PyObject *> x
    ops[1] = <PyArrayObject *> <PyObject *> y
    return run(&loop, ops, raised)


def close(x, y, dtype, double rtol, double atol, bint equal_nan, bint every):
    """
    np.isclose of ndarrays, or np.allclose (`every`), calculated in `dtype`, float32 or float64.

    NotImplemented also where NumPy has to warn of an overflow, one for each of its steps.
    """
    cdef ac_composite_values values
    cdef int typenum = dtype.num, index = float_index(typenum), raised = 0
    if index < 0 or not (whole(rtol, index) and whole(atol, index)):
        return NotImplemented
    memset(&values, 0, sizeof(values))
    values.first, values.second, values.flag = rtol, atol, equal_nan
    errors = np.geterr()
    watched = ((0 if errors["over"] == "ignore" else FE_OVERFLOW)
               | (0 if errors["under"] == "ignore" else FE_UNDERFLOW))
    values.early = watched == 0
    result = compared(composites().apart[index] if every else composites().close[index], &values,
                      0.28 if every else 0.4, x, y, typenum, 4 + 4 * index, not every, &raised)
    if result is NotImplemented or raised & watched:
        return NotImplemented
    return not values.found if every else result


def array_equal(x, y, dtype, bint equal_nan):
    """Whether two ndarrays of one shape, compared in `dtype`, are equal."""
    cdef ac_composite_values values
    cdef int typenum = dtype.num, size = dtype.itemsize, index = float_index(typenum), raised = 0
    cdef loop_fn fn
    memset(&values, 0, sizeof(values))
    values.flag = equal_nan
    values.early = 1
    if index >= 0:
        fn = composites().differ[index]
    elif dtype.kind == "b":
        fn = composites().differ_bool
    elif dtype.kind in "iu":
        fn = composites().differ_bits[{1: 0, 2: 1, 4: 2, 8: 3}[size]]
    else:
        return NotImplemented
    result = compared(fn, &values, 0.25, x, y, typenum, size, False, &raised)
    return NotImplemented if result is NotImplemented else not values.found
