# What _install needs of a parallel ufunc. See _ufuncs.pyx.
from allcores._elementwise cimport Loop, loop_fn
from cpython.object cimport PyObject
from npyapi cimport PyArrayObject, npy_intp, npy_uint32

cdef extern from "numpy/ufuncobject.h":
    ctypedef PyObject *(*vectorcall_fn "vectorcallfunc")(PyObject *, PyObject *const *, size_t, PyObject *) noexcept
    ctypedef struct PyUFuncObject:
        int nin
        int nout
        int nargs
        int ntypes
        int identity
        loop_fn *functions
        void **data
        const char *types
        const char *name
        const char *doc
        void *ptr
        char *core_signature
        int core_enabled
        void *type_resolver
        vectorcall_fn vectorcall
        npy_uint32 *op_flags
        npy_uint32 iter_flags
        PyObject *identity_value

cdef struct Resolved:
    unsigned int key        # of the input types, plus one; 0 is an empty place
    int loop                # index, or -1 for NumPy's alone

cdef enum:
    CACHE_SIZE = 64
    TYPES = 24              # NumPy's type numbers: of numbers, strings, dates; float16 is 23

# One of NumPy's (or anybody's) ufuncs and what we know of it. Never freed: a running call may hold it.
cdef struct Target:
    PyUFuncObject *numpy
    PyObject *owner         # the parallel ufunc that it was made for
    vectorcall_fn original  # NumPy's own call
    Loop *loops             # one a line of numpy.types; fn NULL where we leave it to NumPy
    Loop *numpy_loops       # the same with NumPy's own inner loops
    # For small calls, where some of the loops are our own mathematics; for all of a generalised one; else NULL.
    PyUFuncObject *small
    int integers            # whether it has loops of integers too
    Target *installed       # what calls of NumPy's installed ufunc find: without our mathematics; NULL for this one
    loop_fn *expected       # what numpy.functions hold unless somebody else replaced one: NumPy's loops or trampolines
    int may_raise
    double cost             # nanoseconds an element of float64, for types of which there is no loop
    Py_ssize_t from_size    # elements below which a call goes straight to NumPy, whatever its types
    Py_ssize_t from_size_of[TYPES]  # ... by the greatest type number of its operands
    unsigned int epoch      # of the limits that from_size was made for
    Resolved cache[CACHE_SIZE]

# The target of a parallel ufunc, or NULL.
cdef Target *target_of(PyObject *ufunc) noexcept

# The vectorcall of a parallel ufunc.
cdef PyObject *call(PyObject *ufunc, PyObject *const *args, size_t nargsf, PyObject *kwnames) noexcept

# Makes calls of NumPy's own object find its target too.
cdef int also_for(PyObject *numpy_ufunc, Target *target) except -1
cdef int no_longer_for(PyObject *numpy_ufunc) except -1

cdef void refresh(Target *target) noexcept nogil

# For calls that are done in several processes: whether this one can be; its operands; and its outputs, those that there
# are not yet, which `fresh` keeps. The last is False where operands do not fit.
cdef bint can_be_shared_out(Loop *loop, PyArrayObject **ops, PyArrayObject *mask) except -1
cdef tuple given(Loop *loop, PyArrayObject **ops)
cdef bint make_outputs(Loop *loop, PyArrayObject **made, int order, list fresh) except -1

# Whether every operand that there is (NULL: an output to be made) is one run at a fixed step; n gets the elements,
# fortran what new outputs are to be like: index of the operand << 1 | F order.
cdef bint flat_layout(Loop *loop, PyArrayObject **ops, npy_intp *steps, npy_intp *n, int *fortran) noexcept
