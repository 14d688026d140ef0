# Part of _shared.pyx: arrays over blocks, and how they travel.

cdef extern from *:
    """
    /* A subclass whose instances, as ndarrays, are none of the garbage collector's: a class statement's would be. They
     * can so be made ordinary arrays by a change of type, and are made faster. */
    static PyObject *ac_subclass(binaryfunc subscript)
    {
        PyType_Slot slots[] = {{Py_mp_subscript, (void *)subscript}, {0, NULL}};
        PyType_Spec spec = {"allcores._shared.SharedArray", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
        PyObject *bases = PyTuple_Pack(1, (PyObject *)&PyArray_Type), *type;
        if (bases == NULL)
            return NULL;
        type = PyType_FromSpecWithBases(&spec, bases);
        Py_DECREF(bases);
        return type;
    }
    static PyObject *ac_numpy_subscript(PyObject *array, PyObject *key)
    {
        return PyArray_Type.tp_as_mapping->mp_subscript(array, key);
    }
    static void ac_make_plain(PyObject *array)
    {
        PyTypeObject *type = Py_TYPE(array); /* a class: each of its instances holds it */
        Py_SET_TYPE(array, &PyArray_Type);
        Py_DECREF((PyObject *)type);
    }
    """
    ctypedef object (*subscript_fn "binaryfunc")(object, object)
    object ac_numpy_subscript(object, object)
    object ac_subclass(subscript_fn)
    void ac_make_plain(object)
    PyTypeObject *Py_TYPE(object)
    bint PyObject_TypeCheck(object, PyTypeObject *)

cdef extern from "numpy/arrayobject.h":
    bint PyArray_CheckExact(PyObject *) nogil
    bint PyArray_CHKFLAGS(PyArrayObject *, int) nogil
    int NPY_ARRAY_OWNDATA
    object PyArray_View(PyArrayObject *, PyArray_Descr *, PyTypeObject *)
    PyObject *PyArray_BASE(PyArrayObject *) nogil


cdef Block found_block(object array):
    """The block that an array's memory belongs to, by the chain of its bases; None if there is none that is shared."""
    cdef int depth
    owner = array
    for depth in range(64):
        if type(owner) is Block:
            return None if (<Block> owner).mapped else <Block> owner
        owner = owner.obj if PyMemoryView_Check(owner) else getattr(owner, "base", None)
        if owner is None:
            return None
    return None


def block_of(array):
    """Return (block, offset of the first element in it) of an array in shared memory, None of any other."""
    cdef PyArrayObject *raw
    cdef Block block = found_block(array)
    if block is None:
        return None
    low, high = np.lib.array_utils.byte_bounds(array)
    if low < <size_t> block.at or high > <size_t> block.at + <size_t> block.nbytes:
        return None
    raw = <PyArrayObject *> <PyObject *> array
    return block, PyArray_BYTES(raw) - block.at


cdef PyTypeObject *shared_type = NULL


cdef object plain(object array):
    """Makes an array that is a copy, but of the subclass because NumPy keeps the type, an ordinary one."""
    cdef PyArrayObject *raw = <PyArrayObject *> <PyObject *> array
    cdef PyObject *base
    if Py_TYPE(array) != shared_type:
        return array
    base = PyArray_BASE(raw)
    if base == NULL:
        if not PyArray_CHKFLAGS(raw, NPY_ARRAY_OWNDATA):
            return array
    elif PyArray_CheckExact(base) or Py_TYPE(<object> base) == shared_type:     # a copy in another shape
        if not PyArray_CHKFLAGS(<PyArrayObject *> base, NPY_ARRAY_OWNDATA):
            return array
    else:
        return array
    ac_make_plain(array)
    return array


cdef object subscript(object self, object key):
    return plain(ac_numpy_subscript(self, key))


_ndarray = np.ndarray
parallel = {}   # NumPy's functions -> ours


def set_parallel(functions):
    """Sets what is called for NumPy's functions whose arguments are shared arrays."""
    parallel.clear()
    parallel.update(functions)


cdef inline object ordinary(object value):
    """The same memory as an ndarray: NumPy's functions, called with it, do not come here again."""
    if PyObject_TypeCheck(value, shared_type):
        return PyArray_View(<PyArrayObject *> <PyObject *> value, NULL, &PyArray_Type)
    return value


cdef object on_all_cores(object function, tuple args, dict kwargs):
    cdef dict given = kwargs
    plain_args = tuple([ordinary(value) for value in args])
    outs = None
    for value in kwargs.values():
        if type(value) is tuple or PyObject_TypeCheck(value, shared_type):
            outs = kwargs.get("out")
            given = {name: ordinary(value) for name, value in kwargs.items()}
            if type(outs) is tuple:
                given["out"] = tuple([ordinary(value) for value in outs])
            break
    result = function(*plain_args, **given)
    # What was given is given back, not a view of it.
    if type(outs) is tuple:
        views = given["out"]
        if type(result) is tuple and len(result) == len(outs):
            return tuple([out if one is view else one for one, out, view in zip(result, outs, views)])
        for out, view in zip(outs, views):
            if view is not None and result is view:
                return out
        return result   # also what another type has made of the call
    if outs is not None and result is given["out"]:
        return outs
    for value, one in zip(args, plain_args):
        if result is one and result is not value:
            return value    # an output by place
    return result


class SharedArray:
    """An array in memory that processes share; made by the functions of `allcores.shared`.

    It is an ndarray in every respect, but that it travels to other processes as a handle of some 150 bytes instead of
    its contents: there it is an array over the same memory. So do views of it (slices, reshapes, transposes), which are
    SharedArrays too and keep the memory alive. What is computed from it, and its copies, are ordinary arrays.
    """

    __array_priority__ = -1.0   # what is made of one and an ndarray is an ndarray

    def __new__(cls, *args, **kwargs):
        raise TypeError("shared arrays are made by allcores.shared.empty, zeros, array, ...")

    def __array_wrap__(self, array, context=None, return_scalar=False):
        return array[()] if return_scalar and array.ndim == 0 else array

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        function = parallel.get(ufunc, ufunc)
        return on_all_cores(function if method == "__call__" else getattr(function, method), inputs, kwargs)

    def __array_function__(self, func, types, args, kwargs):
        if func in parallel:
            for one in types:   # another type, whose way of doing it is its own
                if not issubclass(one, SharedArray) and one.__array_function__ is not _ndarray.__array_function__:
                    return NotImplemented
            return on_all_cores(parallel[func], args, kwargs)
        return _ndarray.__array_function__(self, func, types, args, kwargs)

    def __reduce_ex__(self, protocol):
        found = block_of(self)
        if found is None:
            return _ndarray.__reduce_ex__(self.view(_ndarray), protocol)
        block, offset = found
        flags = self.flags
        return _from_handle, (
            travelling_handle(block, not flags.writeable),
            _short(self.dtype),
            self.shape,
            offset,
            None if flags.c_contiguous else self.strides,
        )

    def __reduce__(self):
        return self.__reduce_ex__(2)

    def std(self, *args, **kwargs):
        """As numpy.std."""
        return on_all_cores(parallel.get(np.std, _ndarray.std), (self, *args), kwargs)

    def var(self, *args, **kwargs):
        """As numpy.var."""
        return on_all_cores(parallel.get(np.var, _ndarray.var), (self, *args), kwargs)

    def __copy__(self):
        return plain(_ndarray.__copy__(self))

    def __deepcopy__(self, memo):
        return plain(_ndarray.__deepcopy__(self, memo))

    def copy(self, order="C"):
        return plain(_ndarray.copy(self, order))

    def astype(self, *args, **kwargs):
        return plain(_ndarray.astype(self, *args, **kwargs))

    def flatten(self, order="C"):
        return plain(_ndarray.flatten(self, order))

    def ravel(self, order="C"):
        return plain(_ndarray.ravel(self, order))

    def reshape(self, *args, **kwargs):
        return plain(_ndarray.reshape(self, *args, **kwargs))

    def byteswap(self, inplace=False):
        return plain(_ndarray.byteswap(self, inplace))

    def take(self, *args, **kwargs):
        return plain(_ndarray.take(self, *args, **kwargs))

    def repeat(self, *args, **kwargs):
        return plain(_ndarray.repeat(self, *args, **kwargs))

    def compress(self, *args, **kwargs):
        return plain(_ndarray.compress(self, *args, **kwargs))

    def choose(self, *args, **kwargs):
        return plain(_ndarray.choose(self, *args, **kwargs))

    def argsort(self, *args, **kwargs):
        return plain(_ndarray.argsort(self, *args, **kwargs))

    def argpartition(self, *args, **kwargs):
        return plain(_ndarray.argpartition(self, *args, **kwargs))


_type = ac_subclass(subscript)
for _name, _value in list(vars(SharedArray).items()):
    if _name in ("__dict__", "__weakref__"):
        continue
    if not _name.startswith("_") and _value.__doc__ is None:
        _value.__doc__ = f"As ndarray.{_name}; what is a copy is an ordinary array."
    setattr(_type, _name, _value)
SharedArray = _type
del _name, _value, _type
shared_type = <PyTypeObject *> <PyObject *> SharedArray


cdef object _short(object dtype):
    """What makes the dtype again: a few letters where they are all of it."""
    if dtype.kind in "?biufc" and dtype.metadata is None:
        return dtype.str
    return dtype


cdef object array_over(Block block, object dtype, tuple shape, Py_ssize_t offset, object strides):
    cdef Py_ssize_t dims[64]
    cdef Py_ssize_t steps[64]
    cdef int i, nd = <int> len(shape)
    if nd > NPY_MAXDIMS or nd > 64:
        raise ValueError(f"maximum supported dimension for an ndarray is currently {NPY_MAXDIMS}, found {nd}")
    for i in range(nd):
        dims[i] = shape[i]
        if strides is not None:
            steps[i] = strides[i]
    Py_INCREF(dtype)    # stolen by the next call
    array = PyArray_NewFromDescr(shared_type, <PyArray_Descr *> <PyObject *> dtype, nd, dims,
                                 NULL if strides is None else steps, block.at + offset,
                                 0 if block.readonly else NPY_ARRAY_WRITEABLE, NULL)
    Py_INCREF(block)    # stolen too
    PyArray_SetBaseObject(<PyArrayObject *> <PyObject *> array, block)
    return array


def _from_handle(handle, dtype, shape, offset, strides):
    """The array that a pickle names."""
    return array_over(attach(handle), np.dtype(dtype), shape, offset, strides)


def new_array(shape, dtype, order, headroom, zero):
    """Return a SharedArray; `order` is "C" or "F"."""
    dtype = np.dtype(dtype)
    if dtype.hasobject or dtype.kind == "T":
        raise TypeError(f"dtype must hold no Python objects, which no other process could read, got {dtype}")
    try:
        shape = tuple([n.__index__() for n in shape])
    except TypeError:
        shape = (shape.__index__(),)
    if dtype.subdtype is not None:
        dtype, inner = dtype.subdtype
        shape += inner
    nbytes = dtype.itemsize
    for n in shape:
        if n < 0:
            raise ValueError("negative dimensions are not allowed")
        nbytes *= n
    if nbytes > 1 << 46:
        raise MemoryError(f"{nbytes} bytes of shared memory are more than any machine has")
    strides = None
    if order == "F" and len(shape) > 1:
        strides = []
        step = dtype.itemsize
        for n in shape:
            strides.append(step)
            step *= n or 1
    return array_over(allocate(nbytes, headroom, zero), dtype, shape, 0, strides)


def copy_to(to, source):
    """Copy all bytes of one C-contiguous array over another of the same size, on all cores."""
    cdef Range part
    part.to = PyArray_BYTES(<PyArrayObject *> <PyObject *> to)
    part.source = PyArray_BYTES(<PyArrayObject *> <PyObject *> source)
    part.bytes = to.nbytes
    part.pattern = source.nbytes if source.nbytes != to.nbytes else 0
    if part.pattern and (source.nbytes > to.nbytes or PIECE % part.pattern):
        raise ValueError(f"source must have {to.nbytes} bytes or a power of two below {PIECE}, got {source.nbytes}")
    over(2, &part)
