# The part of NumPy's C API that the extension modules use, with raw pointers: NumPy's own .pxd wraps arrays and dtypes
# in Cython classes, whose reference counting a nogil loop cannot have.
from cpython.object cimport PyObject

cdef extern from "numpy/arrayobject.h" nogil:
    ctypedef Py_ssize_t npy_intp
    ctypedef unsigned int npy_uint32
    ctypedef unsigned char npy_bool
    ctypedef struct PyArrayObject
    ctypedef struct PyArray_Descr
    ctypedef struct NpyIter
    ctypedef int (*IterNext "NpyIter_IterNextFunc *")(NpyIter *) noexcept nogil

    int NPY_BOOL, NPY_HALF, NPY_CLONGDOUBLE, NPY_FLOAT, NPY_DOUBLE, NPY_LONGDOUBLE, NPY_CFLOAT, NPY_CDOUBLE
    int NPY_ANYORDER, NPY_CORDER, NPY_FORTRANORDER, NPY_KEEPORDER
    int NPY_NO_CASTING, NPY_EQUIV_CASTING, NPY_SAFE_CASTING, NPY_SAME_KIND_CASTING, NPY_UNSAFE_CASTING
    int NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_F_CONTIGUOUS, NPY_ARRAY_WRITEABLE
    npy_uint32 NPY_ITER_EXTERNAL_LOOP, NPY_ITER_ZEROSIZE_OK, NPY_ITER_BUFFERED, NPY_ITER_GROWINNER, NPY_ITER_RANGED
    npy_uint32 NPY_ITER_DELAY_BUFALLOC, NPY_ITER_COPY_IF_OVERLAP, NPY_ITER_READONLY, NPY_ITER_READWRITE
    npy_uint32 NPY_ITER_WRITEONLY, NPY_ITER_ALIGNED, NPY_ITER_ALLOCATE, NPY_ITER_NO_BROADCAST, NPY_ITER_NO_SUBTYPE
    npy_uint32 NPY_ITER_OVERLAP_ASSUME_ELEMENTWISE, NPY_ITER_NBO

    int PyArray_NDIM(PyArrayObject *)
    npy_intp *PyArray_DIMS(PyArrayObject *)
    npy_intp *PyArray_STRIDES(PyArrayObject *)
    char *PyArray_BYTES(PyArrayObject *)
    int PyArray_TYPE(PyArrayObject *)
    int PyArray_FLAGS(PyArrayObject *)
    npy_intp PyArray_ITEMSIZE(PyArrayObject *)
    npy_intp PyArray_SIZE(PyArrayObject *)
    bint PyArray_ISALIGNED(PyArrayObject *)
    bint PyArray_ISNOTSWAPPED(PyArrayObject *)

    npy_bool NpyIter_RequiresBuffering(NpyIter *)
    npy_intp NpyIter_GetIterSize(NpyIter *)
    char **NpyIter_GetDataPtrArray(NpyIter *)
    npy_intp *NpyIter_GetInnerStrideArray(NpyIter *)
    npy_intp *NpyIter_GetInnerLoopSizePtr(NpyIter *)

cdef extern from "numpy/arrayobject.h":
    NpyIter *NpyIter_AdvancedNew(int nop, PyArrayObject **op, npy_uint32 flags, int order, int casting,
                                 npy_uint32 *op_flags, PyArray_Descr **op_dtypes, int oa_ndim, int **op_axes,
                                 npy_intp *itershape, npy_intp buffersize) except NULL
    NpyIter *NpyIter_Copy(NpyIter *) except NULL
    int NpyIter_Deallocate(NpyIter *)    # 0 and an error, or one that was set before
    int NpyIter_ResetToIterIndexRange(NpyIter *, npy_intp start, npy_intp stop, char **errmsg) except 0
    IterNext NpyIter_GetIterNext(NpyIter *, char **errmsg) except NULL
    PyArrayObject **NpyIter_GetOperandArray(NpyIter *)
    PyArray_Descr *PyArray_DescrFromType(int) except NULL

cdef extern from "plain_array.h" nogil:
    # Whether it is an ndarray or a shared array, and no other subclass's.
    bint is_plain_array "ac_is_plain_array"(PyObject *)

cdef extern from "plain_array.h":
    void set_shared_array_type "ac_set_shared_array_type"(object)
    # A call of a ufunc's vectorcall, with shared arrays as ndarrays.
    PyObject *ac_call_ufunc(void *, PyObject *, PyObject *const *, size_t, PyObject *)

cdef extern from "Python.h" nogil:
    void Py_INCREF_raw "Py_INCREF"(PyObject *)
    void Py_XDECREF_raw "Py_XDECREF"(PyObject *)
