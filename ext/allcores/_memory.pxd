# Outputs on recycled memory. See _memory.pyx.
from cpython.object cimport PyObject

# Before an array of so many bytes is made; what it returns goes to end_recycle.
cdef PyObject *recycle(Py_ssize_t size) except? NULL
cdef int end_recycle(PyObject *old) except -1
