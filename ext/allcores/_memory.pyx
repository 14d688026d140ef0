"""Outputs on recycled memory: NumPy asks our handler (ext/recycler.h) for the data of large new arrays.

    new_array, new_like     make an array; every output of ours that NumPy does not make comes from here
    old = recycle(bytes)    before NumPy makes an array: sets the handler for this thread
    end_recycle(old)        after it

An array carries the handler that made it, so it may live as long as it likes, be resized, and be freed anywhere.
Called by every module that makes outputs.
"""
import numpy as np

from allcores._driver cimport part_output, parts
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from npyapi cimport *
from numpy cimport import_array

cdef extern from "numpy/arrayobject.h":
    object PyArray_NewFromDescr(
        PyTypeObject *, PyArray_Descr *, int, const Py_ssize_t *, const Py_ssize_t *, void *, int, PyObject *)
    PyTypeObject PyArray_Type
    Py_ssize_t PyDataType_ELSIZE(PyArray_Descr *)
    PyObject *PyDataMem_SetHandler(PyObject *) except NULL
    object PyDataMem_GetHandler()
    PyObject *PyDataMem_DefaultHandler

cdef extern from "recycler.h":
    ctypedef struct ac_recycler_t:
        size_t bound, held
        unsigned long long reused, fresh
        int count, huge_pages
        size_t from_size "from"
    ac_recycler_t ac_recycler
    void *ac_memory_handler_address "&ac_memory_handler"
    void ac_shrink(size_t, int) noexcept nogil
    void ac_recycler_lock() noexcept nogil
    void ac_recycler_unlock() noexcept nogil
    int ac_at_fork(void (*)() noexcept nogil, void (*)() noexcept nogil, void (*)() noexcept nogil) noexcept nogil

cdef extern from "Python.h":
    object PyCapsule_New(void *, const char *, void *)
    void Py_DECREF_raw "Py_DECREF"(PyObject *)
    Py_ssize_t PY_SSIZE_T_MAX

import_array()

cdef object handler = PyCapsule_New(ac_memory_handler_address, "mem_handler", NULL)

# A thread that forks while another holds the lock would leave the child with a lock that nobody opens.
ac_at_fork(ac_recycler_lock, ac_recycler_unlock, ac_recycler_unlock)


cdef bint is_large_output(Py_ssize_t size) noexcept nogil:
    return <size_t> size >= ac_recycler.from_size and ac_recycler.bound != 0


cdef PyObject *recycle(Py_ssize_t size) except? NULL:
    if not is_large_output(size):
        return NULL
    current = PyDataMem_GetHandler()
    if <PyObject *> current != PyDataMem_DefaultHandler:
        return NULL    # the caller's own, who wants it so
    return PyDataMem_SetHandler(<PyObject *> handler)


cdef int end_recycle(PyObject *old) except -1:
    if old != NULL:
        Py_DECREF_raw(PyDataMem_SetHandler(old))
        Py_DECREF_raw(old)
    return 0


cdef object new_array(object dtype, int nd, const Py_ssize_t *dims, const Py_ssize_t *steps, bint fortran):
    cdef Py_ssize_t size = PyDataType_ELSIZE(<PyArray_Descr *> <PyObject *> dtype)
    cdef PyObject *before
    cdef int i
    if parts():
        shape = tuple([dims[i] for i in range(nd)])
        if steps != NULL:
            return part_output(dtype, shape, tuple([steps[i] for i in range(nd)]))
        return part_output(dtype, shape, np.empty(shape, dtype, "F").strides if fortran else None)
    for i in range(nd):
        # What is too much for memory NumPy says itself.
        size = size * dims[i] if dims[i] == 0 or size <= PY_SSIZE_T_MAX // dims[i] else PY_SSIZE_T_MAX
    before = recycle(size)
    try:
        Py_INCREF(dtype)    # stolen by the next call
        return PyArray_NewFromDescr(
            &PyArray_Type, <PyArray_Descr *> <PyObject *> dtype, nd, dims, steps, NULL, fortran, NULL)
    finally:
        end_recycle(before)


cdef object new_like(PyArrayObject *model, int typenum, bint fortran):
    cdef PyArray_Descr *descr = PyArray_DescrFromType(typenum)
    dtype = <object> <PyObject *> descr
    Py_XDECREF_raw(<PyObject *> descr)
    return new_array(dtype, PyArray_NDIM(model), PyArray_DIMS(model), NULL, fortran)


def empty_like(model, str order):
    """np.empty_like of an ndarray."""
    cdef PyObject *before = recycle(model.nbytes)
    try:
        return np.empty_like(model, order=order, subok=False)
    finally:
        end_recycle(before)


def configure(*, Py_ssize_t bound, bint huge_pages):
    """Set the bytes to keep at most, and whether huge pages are asked for."""
    ac_recycler.huge_pages = huge_pages
    set_bound(bound)


def set_bound(Py_ssize_t bound):
    """Keep at most `bound` bytes, give back what is more, and return the bound before; 0 leaves outputs to NumPy."""
    was = ac_recycler.bound
    ac_recycler.bound = <size_t> bound
    with nogil:
        ac_shrink(ac_recycler.bound, 1 << 30)
    return was


def release():
    """Give back all that is kept."""
    with nogil:
        ac_shrink(0, 0)


def usage():
    """Return what is kept and how often it was of use."""
    return {"bound": ac_recycler.bound, "kept": ac_recycler.held, "blocks": ac_recycler.count,
            "reused": ac_recycler.reused, "fresh": ac_recycler.fresh}
