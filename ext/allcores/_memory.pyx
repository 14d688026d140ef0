"""Outputs on recycled memory: NumPy asks our handler (ext/recycler.h) for the data of large new arrays.

    old = recycle(bytes)    before an array is made: sets the handler for this thread
    end_recycle(old)        after it

An array carries the handler that made it, so it may live as long as it likes, be resized, and be freed anywhere.
Called by _ufuncs and _elementwise.
"""
from cpython.object cimport PyObject
from numpy cimport import_array

cdef extern from "numpy/arrayobject.h":
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

import_array()

cdef object handler = PyCapsule_New(ac_memory_handler_address, "mem_handler", NULL)

# A thread that forks while another holds the lock would leave the child with a lock that nobody opens.
ac_at_fork(ac_recycler_lock, ac_recycler_unlock, ac_recycler_unlock)


cdef PyObject *recycle(Py_ssize_t size) except? NULL:
    if <size_t> size < ac_recycler.from_size or ac_recycler.bound == 0:
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
