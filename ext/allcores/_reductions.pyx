"""Reductions over any axes of any layout, on all cores: sums, products, extremes and where they are, any, all, counts,
sums of squared deviations, and sums of products of two operands.

A reduction is first brought into the order in which NumPy walks it (_reduce_plan.pxi): that fixes which elements make
a row, and so the result of a floating-point sum to the last bit. What is then done in parallel (_reduce_run.pxi) is
what that order leaves open: other outputs, other rows of the same output, and the subtrees of one long row. Nothing
depends on the number of threads. Every function answers NotImplemented for what it has no path for; the caller, in
functions/reductions.py or _ufuncs, then asks NumPy.
"""
import numpy as np

from cpython.object cimport PyObject
from libc.math cimport INFINITY
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from allcores._driver cimport (
    begin_call, end_call, forced_from, is_part, note_part, noted_in_parts, parallel_for, part_free, part_memory,
    parts, raise_flags, report, threads_for, threads_over, wants_processes,
)
from allcores._isa cimport level, loop_fn
from allcores._memory cimport new_array
from allcores._ufuncs cimport PyUFuncObject

from numpy cimport (
    NPY_ARRAY_WRITEABLE, PyArray_DATA, PyArray_DIMS, PyArray_FLAGS, PyArray_ISALIGNED,
    PyArray_ISNOTSWAPPED, PyArray_ITEMSIZE, PyArray_NDIM, PyArray_SIZE, PyArray_STRIDES, PyArray_TYPE, import_array,
    import_ufunc, ndarray, npy_intp,
)

cdef extern from "plain_array.h" nogil:
    bint is_plain_array "ac_is_plain_array"(PyObject *)

cdef extern from "plain_array.h":
    void set_shared_array_type "ac_set_shared_array_type"(object)
    object ac_as_ndarray(object)

cdef extern from "numpy/arrayobject.h":
    # Cython's own declarations of these want typed arguments or hide reference counts.
    npy_intp PyArray_CountNonzero(ndarray) except -1
    int NPY_BOOL, NPY_BYTE, NPY_SHORT, NPY_INT, NPY_LONG, NPY_LONGLONG
    int NPY_UBYTE, NPY_USHORT, NPY_UINT, NPY_ULONG, NPY_ULONGLONG
    int NPY_HALF, NPY_FLOAT, NPY_DOUBLE, NPY_LONGDOUBLE, NPY_CFLOAT, NPY_CDOUBLE, NPY_INTP, NPY_UINTP

cdef extern from "numpy/ufuncobject.h":
    object PyUFunc_FromFuncAndDataAndSignatureAndIdentity(
        loop_fn *, void **, const char *, int, int, int, int, const char *, const char *, int, const char *, PyObject *)

cdef extern from "<fenv.h>" nogil:
    ctypedef int fexcept_t
    int FE_ALL_EXCEPT, FE_DIVBYZERO, FE_OVERFLOW, FE_UNDERFLOW, FE_INVALID
    int feclearexcept(int)
    int fetestexcept(int)
    int fegetexceptflag(fexcept_t *, int)
    int fesetexceptflag(const fexcept_t *, int)

cdef extern from "Python.h":
    void Py_INCREF "Py_XINCREF"(PyObject *)
    PyObject *PyErr_Occurred()

cdef extern from "reduce_table.h" nogil:
    enum:
        AC_B1, AC_I1, AC_I2, AC_I4, AC_I8, AC_U1, AC_U2, AC_U4, AC_U8, AC_F2, AC_F4, AC_F8, AC_C8, AC_C16, AC_TYPE_COUNT
        AC_ADD, AC_MUL, AC_MIN, AC_MAX, AC_ANY, AC_ALL, AC_COUNT, AC_SQUARES, AC_ABSOLUTES, AC_MIN_ABSOLUTE
        AC_MAX_ABSOLUTE, AC_NAN_ADD, AC_NAN_MUL, AC_NAN_MIN, AC_NAN_MAX, AC_NAN_MEAN, AC_NAN_VARIANCE, AC_SPREAD
        AC_MOMENTS, AC_REDUCE_OP_COUNT
        AC_LONG_DOUBLE
    ctypedef void (*reduce_fn "ac_reduce_fn *")(
        char *, npy_intp, const char *, npy_intp, npy_intp, npy_intp, npy_intp, const char *, npy_intp) noexcept nogil
    ctypedef npy_intp (*arg_fn "ac_arg_fn *")(const char *, npy_intp, npy_intp) noexcept nogil
    ctypedef void (*arg_cols_fn "ac_arg_cols_fn *")(
        char *, npy_intp, const char *, npy_intp, npy_intp, npy_intp, npy_intp) noexcept nogil
    ctypedef int (*store_fn "ac_store_fn *")(char *, npy_intp, const char *, npy_intp, double) noexcept nogil
    ctypedef int (*nothing_fn)(const char *) noexcept nogil
    ctypedef int (*better_fn)(const char *, const char *) noexcept nogil
    ctypedef void (*gather_fn "ac_gather_fn *")(char *, const char *, npy_intp, npy_intp, const char *) noexcept nogil
    ctypedef struct ac_reduce_entry:
        reduce_fn rows
        reduce_fn cols
        int out
        int size
        reduce_fn join
        const void *neutral
        store_fn store
    ctypedef struct ac_arg_entry:
        arg_fn flat
        arg_cols_fn cols
        better_fn better
        nothing_fn nothing
    ctypedef void (*dots_fn "ac_dots_fn *")(
        char *, const char *, npy_intp, npy_intp, const char *, npy_intp, npy_intp, npy_intp, npy_intp) noexcept nogil
    ctypedef void (*dots_plus_fn "ac_dots_plus_fn *")(char *, const char *, npy_intp) noexcept nogil
    ctypedef void (*dots_store_fn "ac_dots_store_fn *")(char *, npy_intp, const char *, npy_intp) noexcept nogil
    ctypedef void (*pack_fn "ac_pack_fn *")(char *, const char *, npy_intp, npy_intp, npy_intp, npy_intp) noexcept nogil
    ctypedef void (*panel_fn "ac_panel_fn *")(
        char *, const char *, npy_intp, npy_intp, const char *, npy_intp, npy_intp, npy_intp) noexcept nogil
    ctypedef struct ac_product_entry:
        dots_fn dots
        dots_plus_fn plus
        dots_store_fn store
        pack_fn pack
        panel_fn panel
        int size
        int acc
        double ns
    struct ac_reductions:
        ac_reduce_entry fold[19][14]
        ac_arg_entry argmin[14]
        ac_arg_entry argmax[14]
        ac_arg_entry nanargmin[14]
        ac_arg_entry nanargmax[14]
        gather_fn to_f4[14]
        gather_fn to_f8[14]
        gather_fn same[14]
        gather_fn squares[14]
        ac_product_entry products[15]

import_array()
import_ufunc()
try:
    from allcores._shared import SharedArray
    set_shared_array_type(SharedArray)
except ImportError:
    pass    # there is none but on Linux

cdef enum:
    MAX_DIMS = 64       # NumPy's own limit
    LEAST = 4096        # elements: below, NumPy's own call is as fast
    PIECE = 16384       # elements of the largest part of a row that is not split
    OWN_OUTPUTS = 256   # from so many outputs on, a task has whole outputs; below, outputs are made of parts
    COLUMNS = 2048      # of one output block, which stays in the first-level cache
    NARROW = 512        # columns of a matrix that is cut by rows, where the order is free
    WIDE = 4096         # and that is cut into few such strips
    GATHERED_ROWS = 8
    GATHERED = 2048     # elements of short rows that are gathered together
    SHORT_ROW = 64
    WIDEST = 32         # bytes of a partial result
    STORED = 512        # partial results that become outputs together

cdef tuple numpy_version = tuple(int(part) for part in np.__version__.split(".")[:2])
# Where an axis of rows does not join the next, NumPy's iterator copies several rows into a buffer, from 2.3 on.
cdef bint buffers_rows = numpy_version >= (2, 3)
# With an `out`, it walked axes of negative step backwards up to 2.1: another order of sums, and wrong extremes.
cdef bint turns_axes = numpy_version < (2, 2)

# Serial nanoseconds of each thread's share, up to which a call has as many tasks as threads.
cdef double ALIKE_NS = 300e3

# Calls that found a path, for tests.
cdef long long reductions_done = 0


cdef inline const ac_reductions *reductions() noexcept nogil:
    return <const ac_reductions *> level().reductions


include "_reduce_plan.pxi"
include "_reduce_run.pxi"
include "_reduce_kept.pxi"
include "_reduce_rows.pxi"
include "_reduce_arg.pxi"
include "_reduce_job.pxi"
include "_reduce_api.pxi"
include "_reduce_stacks.pxi"
include "_reduce_products.pxi"

# For functions/reductions.py.
ADD, MUL, MIN, MAX, ANY, ALL = AC_ADD, AC_MUL, AC_MIN, AC_MAX, AC_ANY, AC_ALL
SQUARES, ABSOLUTES, MIN_ABSOLUTE, MAX_ABSOLUTE = AC_SQUARES, AC_ABSOLUTES, AC_MIN_ABSOLUTE, AC_MAX_ABSOLUTE
NAN_ADD, NAN_MUL, NAN_MIN, NAN_MAX = AC_NAN_ADD, AC_NAN_MUL, AC_NAN_MIN, AC_NAN_MAX
NAN_MEAN, NAN_VARIANCE, SPREAD, MOMENTS = AC_NAN_MEAN, AC_NAN_VARIANCE, AC_SPREAD, AC_MOMENTS
