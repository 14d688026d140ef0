"""Parallel ufuncs: objects of np.ufunc's kind whose calls run on all cores when they are large.

A call looks at its operands' sizes first and, unless they are worth it, goes on to NumPy's own ufunc at once, with
the arguments as they came. So does everything that is not a plain case: subclasses, `__array_ufunc__` owners, dtypes
other than the built-in numeric ones, arguments that do not fit. NumPy resolves the types of every combination once;
then _elementwise runs the loop.

Called by allcores.functions and allcores.install.
"""
from importlib import import_module

import numpy as np
from allcores._driver cimport forced_from, limits_epoch, report, threads_for, worth_from
from allcores._elementwise cimport MAX_ARGS, Loop, elementwise_safe, loop_fn, run_flat, run_iterated
from cpython.mem cimport PyMem_Calloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from npyapi cimport *
from numpy cimport import_array, import_ufunc

import_array()
import_ufunc()

cdef extern from "ufunc_type.h":
    ctypedef struct PyTypeObject:
        pass
    PyTypeObject ac_ufunc_type
    int ac_ufunc_type_ready(PyTypeObject *base, object methods, const char *doc) except -1
    void ac_ufunc_adopt(object)

cdef extern from "numpy/ufuncobject.h":
    object PyUFunc_FromFuncAndDataAndSignatureAndIdentity(
        loop_fn *, void **, const char *, int, int, int, int, const char *, const char *, int, const char *, PyObject *)

cdef extern from "numpy/arrayobject.h":
    PyObject *PyArray_EMPTY(int, npy_intp *, int, int) except NULL
    object PyArray_FromAny(object, PyArray_Descr *, int, int, int, object)

cdef extern from "Python.h":
    PyTypeObject *Py_TYPE(PyObject *) nogil
    bint PyLong_CheckExact(PyObject *)
    bint PyFloat_CheckExact(PyObject *)
    bint PyComplex_CheckExact(PyObject *)
    bint PyBool_Check(PyObject *)
    bint PyUnicode_CheckExact(PyObject *)
    Py_ssize_t PY_SSIZE_T_MAX
    Py_ssize_t PyVectorcall_NARGS(size_t) nogil
    Py_ssize_t PyTuple_GET_SIZE(PyObject *)
    PyObject *PyTuple_GET_ITEM(PyObject *, Py_ssize_t)
    bint PyTuple_CheckExact(PyObject *)
    PyObject *Py_None_raw "Py_None"
    PyObject *Py_True_raw "Py_True"
    PyObject *Py_NotImplemented "Py_NotImplemented"

# A function that returns an object, called as the C function it is: NULL and an error set, or a reference to give on.
ctypedef PyObject *(*pointer_fn)(Target *, PyObject *const *, Py_ssize_t, PyObject *, Py_ssize_t) noexcept

cdef extern from "table.h":
    ctypedef struct ac_numpy_loop:
        loop_fn loop
        void *data
    ctypedef struct ac_loop_entry:
        const char *ufunc
        const char *types
        loop_fn loop
    ctypedef struct ac_table:
        const char *isa
        const ac_loop_entry *loops
        npy_intp loops_count
    const ac_table *ac_select(const char *, int *)
    const char *ac_compiled_levels()
    const char *ac_compiler()
    int AC_ISA_UNKNOWN, AC_ISA_NOT_COMPILED, AC_ISA_NOT_ON_THIS_CPU

from libc.string cimport memset, strcmp

cdef enum:
    WEAK_INT = 24       # codes beside the type numbers, for Python's own numbers
    WEAK_FLOAT = 25
    WEAK_COMPLEX = 26
    LEAST_SIZE = 1024   # calls below it are NumPy's, whatever the costs say
    PLACES = 1024       # of the map from NumPy's objects to targets

cdef const ac_table *table = ac_select(NULL, NULL)
cdef const unsigned int *limits = limits_epoch()
cdef object reduce_hook = None
cdef PyObject *place_key[PLACES]
cdef Target *place_target[PLACES]
cdef object REDUCE_KEYWORDS = ("axis", "dtype", "out", "keepdims", "initial", "where")
cdef object SCALARS = frozenset(np.sctypeDict.values())
cdef dict weak_dtypes = {WEAK_FLOAT: np.dtype("e"), WEAK_COMPLEX: np.dtype("F")}
cdef object LEAST_LONG = np.iinfo(np.int64).min
cdef object LARGEST_LONG = np.iinfo(np.int64).max


# --- targets --------------------------------------------------------------------------------------------------------

cdef inline bint numeric(int typenum) noexcept nogil:
    return 0 <= typenum <= NPY_CLONGDOUBLE or typenum == NPY_HALF


cdef double loop_cost(double cost, bint exact, int typenum, int itemsize) noexcept:
    """Scales what one float64 element costs to another type."""
    if typenum == NPY_HALF:
        return cost * 4     # converted on the way in and out
    if typenum == NPY_LONGDOUBLE:
        return cost * 4     # no vector instructions
    if exact:
        return cost * itemsize / 8
    if typenum == NPY_FLOAT:
        return cost / 2
    if typenum > NPY_LONGDOUBLE:
        return cost * 3
    return cost


cdef Target *make_target(object ufunc, double cost, bint exact, bint may_raise) except NULL:
    cdef PyUFuncObject *numpy = <PyUFuncObject *> ufunc
    cdef Target *target = <Target *> PyMem_Calloc(1, sizeof(Target))
    cdef Loop *loop
    cdef ac_numpy_loop *plain
    cdef int i, op, typenum, usable
    cdef bint mine
    cdef Py_ssize_t entry
    if target == NULL:
        raise MemoryError
    Py_INCREF(ufunc)
    target.numpy = numpy
    target.original = numpy.vectorcall
    target.may_raise = may_raise
    target.cost = cost
    target.loops = <Loop *> PyMem_Calloc(numpy.ntypes + 1, sizeof(Loop))
    target.numpy_loops = <Loop *> PyMem_Calloc(numpy.ntypes + 1, sizeof(Loop))
    plain = <ac_numpy_loop *> PyMem_Calloc(numpy.ntypes + 1, sizeof(ac_numpy_loop))
    if target.loops == NULL or target.numpy_loops == NULL or plain == NULL:
        raise MemoryError
    if numpy.core_enabled or numpy.nargs > MAX_ARGS or numpy.nin < 1 or numpy.nin > 6:
        return target
    names = ufunc.types
    mine = is_numpys(ufunc)
    for i in range(numpy.ntypes):
        loop = &target.numpy_loops[i]
        usable = numpy.functions[i] != NULL
        for op in range(numpy.nargs):
            typenum = numpy.types[i * numpy.nargs + op]
            usable = usable and numeric(typenum)
            if usable:
                loop.typenum[op] = typenum
                loop.itemsize[op] = np.dtype(names[i].replace("->", "")[op]).itemsize
        if not usable:
            continue
        loop.fn = numpy.functions[i]
        loop.data = numpy.data[i] if numpy.data != NULL else NULL
        loop.nin = numpy.nin
        loop.nargs = numpy.nargs
        # Of NumPy's own, integer loops alone raise (power). Complex products may be fused, and so depend on the layout.
        loop.may_raise = may_raise and (not mine or loop.typenum[0] < NPY_FLOAT)
        loop.exact = exact and (loop.typenum[0] <= NPY_LONGDOUBLE or loop.typenum[0] == NPY_HALF)
        loop.cost = loop_cost(cost, exact, loop.typenum[0], loop.itemsize[0])
        target.loops[i] = loop[0]
        plain[i].loop = loop.fn
        plain[i].data = loop.data
        if not mine:
            continue
        for entry in range(table.loops_count):
            if (strcmp(table.loops[entry].ufunc, numpy.name) == 0
                    and table.loops[entry].types == <bytes> names[i].encode()):
                target.loops[i].fn = table.loops[entry].loop
                target.loops[i].data = &plain[i]
    return target


cdef bint is_numpys(object ufunc):
    return getattr(np, ufunc.__name__, None) is ufunc


cdef void refresh(Target *target) noexcept nogil:
    cdef double size
    target.epoch = limits[0]
    if forced_from() >= 0:
        target.from_size = forced_from() if forced_from() > 2 else 2
        return
    size = worth_from() / target.cost
    target.from_size = <Py_ssize_t> size if size < PY_SSIZE_T_MAX // 2 else PY_SSIZE_T_MAX
    if target.from_size < LEAST_SIZE:
        target.from_size = LEAST_SIZE


cdef inline size_t place_of(PyObject *key) noexcept nogil:
    return ((<size_t> key) >> 4) * 2654435761u % <size_t> PLACES


cdef Target *target_of(PyObject *ufunc) noexcept:
    cdef size_t place
    if Py_TYPE(ufunc) == &ac_ufunc_type:
        return <Target *> (<PyUFuncObject *> ufunc).ptr
    place = place_of(ufunc)
    while place_key[place] != NULL:
        if place_key[place] == ufunc:
            return place_target[place]
        place = (place + 1) % PLACES
    return NULL


cdef int also_for(PyObject *numpy_ufunc, Target *target) except -1:
    cdef size_t place = place_of(numpy_ufunc)
    cdef int tried = 0
    while place_key[place] != NULL and place_key[place] != numpy_ufunc:
        place = (place + 1) % PLACES
        tried += 1
        if tried > PLACES // 2:
            raise RuntimeError(f"more than {PLACES // 2} ufuncs cannot be accelerated")
    place_target[place] = target
    place_key[place] = numpy_ufunc
    return 0


cdef int no_longer_for(PyObject *numpy_ufunc) except -1:
    # The place stays: a call in another thread may be on its way to it.
    return 0


# --- calls ----------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t call_size(PyObject *const *args, Py_ssize_t count) noexcept nogil:
    """Elements of the broadcast operands, as far as they are arrays; an operand too many makes it too large at most."""
    cdef Py_ssize_t size = 1, axis, largest
    cdef int i, ndim = 1, here
    cdef PyArrayObject *array
    cdef npy_intp extent
    for i in range(count):
        if PyArray_CheckExact(args[i]):
            array = <PyArrayObject *> args[i]
            here = PyArray_NDIM(array)
            if here == 1:
                if PyArray_DIMS(array)[0] > size:
                    size = PyArray_DIMS(array)[0]
            elif here > ndim:
                ndim = here
    if ndim == 1:
        return size
    size = 1
    for axis in range(1, ndim + 1):
        largest = 1
        for i in range(count):
            if PyArray_CheckExact(args[i]):
                array = <PyArrayObject *> args[i]
                here = PyArray_NDIM(array)
                if axis <= here:
                    extent = PyArray_DIMS(array)[here - axis]
                    if extent == 0:
                        return 0
                    if extent > largest:
                        largest = extent
        if largest > PY_SSIZE_T_MAX // 16 // size:
            return 0    # more than memory holds: NumPy says so
        size *= largest
    return size


cdef PyObject *call(PyObject *ufunc, PyObject *const *args, size_t nargsf, PyObject *kwnames) noexcept:
    cdef Target *target = target_of(ufunc)
    cdef Py_ssize_t count = PyVectorcall_NARGS(nargsf)
    if target.epoch != limits[0]:
        refresh(target)
    cdef Py_ssize_t size = 0
    if target.numpy.nin <= count <= target.numpy.nargs:
        size = call_size(args, target.numpy.nin)
    if size < target.from_size:
        return target.original(<PyObject *> target.numpy, args, nargsf, kwnames)
    return call_large(target, args, nargsf, kwnames, size)


cdef PyObject *call_large(Target *target, PyObject *const *args, size_t nargsf, PyObject *kwnames,
                          Py_ssize_t size) noexcept:
    # An operand whose type overrides ufuncs, or a request we have no path for, is found by large_call before anything
    # is written.
    cdef PyObject *result = (<pointer_fn> <void *> large_call)(target, args, PyVectorcall_NARGS(nargsf), kwnames, size)
    if result == Py_NotImplemented:
        Py_XDECREF_raw(result)
        return target.original(<PyObject *> target.numpy, args, nargsf, kwnames)
    return result


cdef int weak_code(PyObject *value) noexcept:
    if PyLong_CheckExact(value):
        return WEAK_INT
    if PyFloat_CheckExact(value):
        return WEAK_FLOAT
    if PyComplex_CheckExact(value):
        return WEAK_COMPLEX
    return -1


cdef object dtype_of(int typenum):
    cdef PyArray_Descr *descr = PyArray_DescrFromType(typenum)
    dtype = <object> <PyObject *> descr
    Py_XDECREF_raw(<PyObject *> descr)
    return dtype


cdef object large_call(Target *target, PyObject *const *args, Py_ssize_t count, PyObject *kwnames, Py_ssize_t size):
    cdef PyUFuncObject *numpy = target.numpy
    cdef int nin = numpy.nin, nout = numpy.nout, nargs = numpy.nargs
    cdef PyArrayObject *ops[MAX_ARGS]
    cdef int codes[MAX_ARGS]
    cdef PyArrayObject *mask = NULL
    cdef PyObject *value
    cdef PyObject *item
    cdef Loop *loop
    cdef int i, index, order = NPY_KEEPORDER, code
    cdef bint plain = True
    dtype = None
    casting = "same_kind"
    keep = []
    memset(ops, 0, sizeof(ops))
    if numpy.core_enabled or nargs > MAX_ARGS:
        return NotImplemented
    if count > nin and (strcmp(numpy.name, "maximum") == 0 or strcmp(numpy.name, "minimum") == 0):
        return NotImplemented    # NumPy 2.4 warns of a third positional argument
    # outputs and keywords
    for i in range(nin, count):
        if args[i] != Py_None_raw:
            ops[i] = <PyArrayObject *> args[i]
    if kwnames != NULL:
        for i in range(PyTuple_GET_SIZE(kwnames)):
            name = <object> PyTuple_GET_ITEM(kwnames, i)
            value = args[count + i]
            if name == "out":
                if count > nin:
                    return NotImplemented
                if PyTuple_CheckExact(value):
                    if PyTuple_GET_SIZE(value) != nout:
                        return NotImplemented
                    for code in range(nout):
                        item = PyTuple_GET_ITEM(value, code)
                        if item != Py_None_raw:
                            ops[nin + code] = <PyArrayObject *> item
                elif nout == 1:
                    if value != Py_None_raw:
                        ops[nin] = <PyArrayObject *> value
                else:
                    return NotImplemented
            elif name == "where":
                if value != Py_True_raw:
                    if not PyArray_CheckExact(value) or PyArray_TYPE(<PyArrayObject *> value) != NPY_BOOL:
                        return NotImplemented
                    mask = <PyArrayObject *> value
            elif name == "casting":
                if not PyUnicode_CheckExact(value):
                    return NotImplemented
                casting = <object> value
                if casting != "same_kind" and casting != "safe" and casting != "unsafe":
                    return NotImplemented    # "no" and "equiv" look at byte order too
                plain = False
            elif name == "dtype":
                if value != Py_None_raw:
                    dtype = <object> value
                    plain = False
            elif name == "order":
                if not PyUnicode_CheckExact(value):
                    return NotImplemented
                if <object> value == "C":
                    order = NPY_CORDER
                elif <object> value == "F":
                    order = NPY_FORTRANORDER
                elif <object> value != "K":
                    return NotImplemented
            elif name == "subok":
                if not PyBool_Check(value):
                    return NotImplemented
            else:
                return NotImplemented
    for i in range(nin, nargs):
        if ops[i] != NULL:
            if (not PyArray_CheckExact(<PyObject *> ops[i]) or not numeric(PyArray_TYPE(ops[i]))
                    or not PyArray_FLAGS(ops[i]) & NPY_ARRAY_WRITEABLE):
                return NotImplemented
    # inputs
    for i in range(nin):
        value = args[i]
        if PyArray_CheckExact(value):
            ops[i] = <PyArrayObject *> value
            codes[i] = PyArray_TYPE(ops[i])
            if not numeric(codes[i]):
                return NotImplemented
            continue
        codes[i] = weak_code(value)
        if codes[i] < 0:
            if not (PyBool_Check(value) or type(<object> value) in SCALARS):
                return NotImplemented
            array = np.asarray(<object> value)
            if type(array) is not np.ndarray or not numeric(array.dtype.num):
                return NotImplemented
            keep.append(array)
            ops[i] = <PyArrayObject *> array
            codes[i] = PyArray_TYPE(ops[i])
    if mask != NULL:
        for i in range(nin, nargs):
            if ops[i] == NULL:
                return NotImplemented    # uninitialised elements, of which NumPy warns
    # the loop
    index = cached(target, codes, nin) if plain else -2
    if index == -2:
        index = resolve(target, codes, dtype, casting)
        if plain:
            remember(target, codes, nin, index)
    if index < 0:
        return NotImplemented
    loop = &target.loops[index]
    if loop.fn == NULL:
        return NotImplemented
    for i in range(nin):
        if ops[i] == NULL:
            if codes[i] == WEAK_INT and not LEAST_LONG <= <object> args[i] <= LARGEST_LONG:
                return NotImplemented    # an error for some ufuncs, a float for others
            if codes[i] != WEAK_INT and not np.can_cast(weak_dtypes[codes[i]], dtype_of(loop.typenum[i]), "same_kind"):
                return NotImplemented
            try:
                with np.errstate(all="raise"):
                    array = np.array(<object> args[i], dtype=dtype_of(loop.typenum[i]))
            except (OverflowError, FloatingPointError):
                return NotImplemented    # as in uint8 < 300, which NumPy answers by itself
            keep.append(array)
            ops[i] = <PyArrayObject *> array
    for i in range(nargs):
        if ops[i] == NULL or PyArray_TYPE(ops[i]) == loop.typenum[i]:
            continue
        if mask != NULL and i >= nin:
            return NotImplemented
        # Casts that can lose or overflow have floating-point errors of their own, which NumPy tells apart.
        one, other = (<object> ops[i]).dtype, dtype_of(loop.typenum[i])
        if not np.can_cast(one, other, "safe") if i < nin else not np.can_cast(other, one, "safe"):
            return NotImplemented
    if not loop.exact:
        for i in range(nin, nargs):
            for code in range(nin):
                if ops[i] != NULL and ops[i] != ops[code] and np.may_share_memory(<object> ops[i], <object> ops[code]):
                    return NotImplemented    # NumPy's loops do overlapping operands by other instructions
    return run(target, loop, ops, mask, order, size)


cdef object run(Target *target, Loop *loop, PyArrayObject **ops, PyArrayObject *mask, int order,
                Py_ssize_t size):
    cdef npy_intp steps[MAX_ARGS]
    cdef char *data[MAX_ARGS]
    cdef PyArrayObject *made[MAX_ARGS]
    cdef npy_intp n = 0
    cdef int i, threads, result, fortran = 0
    cdef int nin = loop.nin, nargs = loop.nargs
    fresh = []      # outputs of the flat way; run_iterated gives references
    for i in range(nargs):
        made[i] = ops[i]
    if mask == NULL and order == NPY_KEEPORDER and flat_layout(loop, ops, steps, &n, &fortran):
        threads = threads_for(n, n * loop.cost)
        if threads == 1 and loop.fn == target.numpy_loops[loop - target.loops].fn:
            return NotImplemented
        for i in range(nin, nargs):
            if ops[i] == NULL:
                array = new_array(ops[fortran >> 1], loop.typenum[i], fortran & 1)
                fresh.append(array)
                made[i] = <PyArrayObject *> array
                steps[i] = loop.itemsize[i]
        for i in range(nargs):
            data[i] = PyArray_BYTES(made[i])
        result = run_flat(loop, data, steps, n, threads)
    else:
        # One thread is worth it only for rows that can be tiled.
        if not loop.exact and threads_for(size, size * loop.cost) == 1:
            return NotImplemented
        result = run_iterated(loop, made, mask, order)
        if result == -2:
            return NotImplemented
    outputs = []
    for i in range(nin, nargs):
        outputs.append(<object> made[i])
        if ops[i] == NULL and not fresh:
            Py_XDECREF_raw(<PyObject *> made[i])
    report(target.numpy.name, result)
    return outputs[0] if nargs - nin == 1 else tuple(outputs)


cdef object new_array(PyArrayObject *model, int typenum, bint fortran):
    cdef PyObject *array = PyArray_EMPTY(PyArray_NDIM(model), PyArray_DIMS(model), typenum, fortran)
    made = <object> array
    Py_XDECREF_raw(array)
    return made


cdef bint flat_layout(Loop *loop, PyArrayObject **ops, npy_intp *steps, npy_intp *n, int *fortran) noexcept:
    """Whether every operand is one run at a fixed step; fortran gets the model for outputs (index << 1 | F order)."""
    cdef PyArrayObject *model = NULL
    cdef PyArrayObject *op
    cdef int i, j, axis, ndim = 0, both = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS
    for i in range(loop.nargs):
        op = ops[i]
        if op == NULL:
            continue
        if PyArray_TYPE(op) != loop.typenum[i] or not PyArray_ISALIGNED(op) or not PyArray_ISNOTSWAPPED(op):
            return False
        if PyArray_NDIM(op) == 0:
            if i >= loop.nin:
                return False
            steps[i] = 0
            continue
        if model == NULL:
            if i >= loop.nin:
                return False
            model = op
            ndim = PyArray_NDIM(op)
            fortran[0] = i << 1
        elif PyArray_NDIM(op) != ndim:
            return False
        for axis in range(ndim):
            if PyArray_DIMS(op)[axis] != PyArray_DIMS(model)[axis]:
                return False
        if ndim == 1:
            steps[i] = PyArray_STRIDES(op)[0]
        else:
            steps[i] = loop.itemsize[i]
            both &= PyArray_FLAGS(op)
            if both == 0:
                return False
    if model == NULL:
        return False
    if ndim > 1 and not both & NPY_ARRAY_C_CONTIGUOUS:
        fortran[0] |= 1
    n[0] = PyArray_SIZE(model)
    if n[0] < 2:
        return False
    for i in range(loop.nin, loop.nargs):
        if ops[i] == NULL:
            continue
        for j in range(loop.nargs):
            if j == i or ops[j] == NULL or (loop.nin <= j < i):
                continue
            if not elementwise_safe(PyArray_BYTES(ops[i]), steps[i], loop.itemsize[i],
                                    PyArray_BYTES(ops[j]), steps[j], loop.itemsize[j], n[0]):
                return False
            if j >= loop.nin and PyArray_BYTES(ops[i]) == PyArray_BYTES(ops[j]):
                return False
        if -loop.itemsize[i] < steps[i] < loop.itemsize[i]:
            return False
    return True


# --- types ----------------------------------------------------------------------------------------------------------

cdef inline unsigned int key_of(const int *codes, int nin) noexcept:
    cdef unsigned int key = 0
    cdef int i
    for i in range(nin):
        key = key << 5 | <unsigned int> codes[i]
    return key + 1


cdef int cached(Target *target, const int *codes, int nin) noexcept:
    cdef unsigned int key = key_of(codes, nin)
    cdef unsigned int _, place = key * 2654435761u >> 26
    for _ in range(CACHE_SIZE):
        if target.cache[place].key == key:
            return target.cache[place].loop
        if target.cache[place].key == 0:
            break
        place = (place + 1) % CACHE_SIZE
    return -2


cdef void remember(Target *target, const int *codes, int nin, int index) noexcept:
    cdef unsigned int key = key_of(codes, nin)
    cdef unsigned int _, place = key * 2654435761u >> 26
    for _ in range(CACHE_SIZE - 1):
        if target.cache[place].key == 0:
            target.cache[place].loop = index
            target.cache[place].key = key
            return
        place = (place + 1) % CACHE_SIZE


cdef int resolve(Target *target, const int *codes, object dtype, object casting) except -3:
    """The index of the loop that NumPy takes, -1 where it is none of ours or there is none."""
    cdef PyUFuncObject *numpy = target.numpy
    cdef int i, op
    ufunc = <object> <PyObject *> numpy
    weak = {WEAK_INT: int, WEAK_FLOAT: float, WEAK_COMPLEX: complex}
    given = [weak[codes[i]] if codes[i] in weak else dtype_of(codes[i]) for i in range(numpy.nin)]
    options = {"casting": casting}
    try:
        if dtype is not None:
            options["signature"] = (None,) * numpy.nin + (np.dtype(dtype),) * numpy.nout
        resolved = ufunc.resolve_dtypes((*given, *(None,) * numpy.nout), **options)
    except (TypeError, ValueError):
        return -1    # NumPy's own call says it in its own words
    for i in range(numpy.ntypes):
        if target.loops[i].fn == NULL:
            continue
        for op in range(numpy.nargs):
            if resolved[op].num != target.loops[i].typenum[op] or not resolved[op].isnative:
                break
        else:
            return i
    return -1


# --- the type's methods ---------------------------------------------------------------------------------------------

cdef inline object numpys(object ufunc):
    cdef Target *target = target_of(<PyObject *> ufunc)
    return <object> <PyObject *> target.numpy


def reduce(self, *args, **kwargs):
    """As np.ufunc.reduce, on all cores where the operation and the layout allow."""
    ufunc = numpys(self)
    # What is not plainly right goes to NumPy, which says what is wrong.
    if args and type(args[0]) is np.ndarray and reduce_hook is not None and len(args) <= 7:
        if PyArray_SIZE(<PyArrayObject *> <PyObject *> args[0]) >= LEAST_SIZE or forced_from() >= 0:
            if not kwargs or kwargs.keys() <= set(REDUCE_KEYWORDS[len(args) - 1:]):
                result = reduce_hook(ufunc, *args, **kwargs)
                if result is not NotImplemented:
                    return result
    return ufunc.reduce(*args, **kwargs)


def accumulate(self, *args, **kwargs):
    """As np.ufunc.accumulate; NumPy's own, as each element needs the one before."""
    return numpys(self).accumulate(*args, **kwargs)


def reduceat(self, *args, **kwargs):
    """As np.ufunc.reduceat; NumPy's own."""
    return numpys(self).reduceat(*args, **kwargs)


def at(self, *args, **kwargs):
    """As np.ufunc.at; NumPy's own, as indices may repeat."""
    return numpys(self).at(*args, **kwargs)


def outer(self, *args, **kwargs):
    """As np.ufunc.outer, on all cores."""
    ufunc = numpys(self)
    if len(args) == 2 and ufunc.nin == 2 and type(args[0]) is np.ndarray and type(args[1]) is np.ndarray:
        first, second = args
        if first.ndim + second.ndim <= 32:
            return self(first.reshape(first.shape + (1,) * second.ndim), second, **kwargs)
    return ufunc.outer(*args, **kwargs)


def resolve_dtypes(self, *args, **kwargs):
    """As np.ufunc.resolve_dtypes."""
    return numpys(self).resolve_dtypes(*args, **kwargs)


def __reduce__(self):
    ufunc = numpys(self)
    cdef Target *target = target_of(<PyObject *> self)
    if is_numpys(ufunc):
        return public, (ufunc.__name__,)
    return public("parallel"), (ufunc, bool(target.may_raise), target.cost)


def public(name):
    """Returns the public `name`; what pickles of parallel ufuncs are read with."""
    return getattr(import_module("allcores"), name)


cdef object methods = {
    f.__name__: f for f in (reduce, accumulate, reduceat, at, outer, resolve_dtypes, __reduce__)
}
methods["__module__"] = "allcores"

ac_ufunc_type_ready(
    <PyTypeObject *> <PyObject *> np.ufunc, methods,
    b"A NumPy ufunc whose large calls run on all cores; everything else about it is NumPy's.\n\n"
    b"Made by allcores.parallel(ufunc); allcores.add and its like are such objects.")
ufunc = <object> <PyObject *> &ac_ufunc_type


# --- for Python -----------------------------------------------------------------------------------------------------

def make(numpy_ufunc, double cost, bint exact, bint may_raise):
    """Returns the parallel ufunc over `numpy_ufunc`; `cost` in ns an element of float64, `exact` as in Loop."""
    cdef PyUFuncObject *numpy = <PyUFuncObject *> numpy_ufunc
    cdef PyUFuncObject *ours
    if not isinstance(numpy_ufunc, np.ufunc):
        raise TypeError(f"ufunc must be a numpy.ufunc, got {type(numpy_ufunc).__name__}")
    made = PyUFunc_FromFuncAndDataAndSignatureAndIdentity(
        numpy.functions, numpy.data, numpy.types, numpy.ntypes, numpy.nin, numpy.nout, numpy.identity, numpy.name,
        numpy.doc, 0, numpy.core_signature if numpy.core_enabled else NULL, numpy.identity_value)
    ours = <PyUFuncObject *> made
    ours.type_resolver = numpy.type_resolver
    ours.ptr = make_target(numpy_ufunc, cost, exact, may_raise)
    ours.vectorcall = <vectorcall_fn> call
    ac_ufunc_adopt(made)
    Py_INCREF(made)     # immortal, as NumPy's own are: ptr is not NumPy's to free
    return made


def original(parallel_ufunc):
    """Returns NumPy's ufunc under a parallel one."""
    if type(parallel_ufunc) is not ufunc:
        raise TypeError(f"parallel_ufunc must be made by allcores.parallel, got {type(parallel_ufunc).__name__}")
    return numpys(parallel_ufunc)


def from_size(parallel_ufunc):
    """Returns the elements below which calls go straight to NumPy."""
    cdef Target *target = target_of(<PyObject *> parallel_ufunc)
    refresh(target)
    return target.from_size


def own_loops():
    """Returns (ufunc, types) of every inner loop of our own at the level in use."""
    return [(table.loops[i].ufunc.decode(), table.loops[i].types.decode()) for i in range(table.loops_count)]


def isa():
    """Returns the instruction-set level in use, those compiled in, and the compiler."""
    return table.isa.decode(), ac_compiled_levels().decode().split(), ac_compiler().decode()


def set_isa(str name):
    """Uses the level `name` ('' for the best); call it before any ufunc is made."""
    global table
    cdef int why = 0
    text = name.encode()
    found = ac_select(text, &why)
    if found == NULL:
        levels = ", ".join(ac_compiled_levels().decode().split())
        reason = {
            AC_ISA_UNKNOWN: f"is no instruction-set level; this build has: {levels}",
            AC_ISA_NOT_COMPILED: f"is not in this build, which has: {levels}",
            AC_ISA_NOT_ON_THIS_CPU: "is not what this CPU has",
        }[why]
        raise ValueError(f"ALLCORES_ISA={name} {reason}")
    table = found


def set_reduce(function):
    """Sets what `reduce` asks first: function(numpy_ufunc, array, ...) -> result or NotImplemented."""
    global reduce_hook
    reduce_hook = function
