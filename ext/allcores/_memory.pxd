# Outputs on recycled memory. See _memory.pyx.
from cpython.object cimport PyObject
from npyapi cimport PyArrayObject

# A new array, uninitialised; `steps` may be NULL, then it is packed in C or Fortran order.
cdef object new_array(object dtype, int nd, const Py_ssize_t *dims, const Py_ssize_t *steps, bint fortran)

# The same with a model's shape.
cdef object new_like(PyArrayObject *model, int typenum, bint fortran)

# Whether an output of so many bytes is recycled, if the process keeps any and the thread has no handler of its own.
cdef bint is_large_output(Py_ssize_t size) noexcept nogil

# Before NumPy makes an array of so many bytes; what it returns goes to end_recycle.
cdef PyObject *recycle(Py_ssize_t size) except? NULL
cdef int end_recycle(PyObject *old) except -1
