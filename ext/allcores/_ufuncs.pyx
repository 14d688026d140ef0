"""Parallel ufuncs: objects of np.ufunc's kind whose calls run on all cores when they are large.

A call looks at its operands' sizes first and, unless they are worth it, goes on to NumPy's own ufunc at once, with
the arguments as they came. So does everything that is not a plain case: subclasses, `__array_ufunc__` owners, dtypes
other than the built-in numeric ones, arguments that do not fit. NumPy resolves the types of every combination once;
then _elementwise runs the loop.

Called by allcores.functions and allcores.install.
"""
from importlib import import_module

import numpy as np
from allcores._driver cimport (
    begin_call, end_call, forced_from, limits_epoch, parts, report, threads_over, wants_processes, worth_from,
)
from allcores._isa cimport ac_math_entry, ac_numpy_loop, level
from allcores._memory cimport end_recycle, is_large_output, new_array, new_like, recycle
from allcores._elementwise cimport MAX_ARGS, Loop, elementwise_safe, loop_fn, run_flat, run_iterated
from cpython.mem cimport PyMem_Calloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from npyapi cimport *
from numpy cimport import_array, import_ufunc

import_array()
import_ufunc()
try:
    from allcores._shared import SharedArray
    set_shared_array_type(SharedArray)
except ImportError:
    pass    # there is none but on Linux

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
# And the other way round.
ctypedef object (*object_fn)(PyObject *, PyObject *const *, size_t, PyObject *)

from libc.math cimport INFINITY
from libc.string cimport memcpy, memset, strcmp

cdef extern from "string.h":
    char *strdup(const char *)

cdef enum:
    WEAK_INT = 24       # codes beside the type numbers, for Python's own numbers
    WEAK_FLOAT = 25
    WEAK_COMPLEX = 26
    LEAST_SIZE = 64     # calls below it are NumPy's, whatever the costs say
    NARROW = 64         # rows of fewer elements, NARROW_ROWS of them: NumPy's call of a loop a row takes longest
    NARROW_ROWS = 256
    PLACES = 1024       # of the map from NumPy's objects to targets

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
    target.expected = <loop_fn *> PyMem_Calloc(numpy.ntypes + 1, sizeof(loop_fn))
    plain = <ac_numpy_loop *> PyMem_Calloc(numpy.ntypes + 1, sizeof(ac_numpy_loop))
    if target.loops == NULL or target.numpy_loops == NULL or plain == NULL or target.expected == NULL:
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
        loop.fn = target.expected[i] = numpy.functions[i]
        loop.data = numpy.data[i] if numpy.data != NULL else NULL
        loop.nin = numpy.nin
        loop.nargs = numpy.nargs
        # Of NumPy's own, integer loops alone raise (power). Complex products may be fused, and so depend on the layout.
        loop.may_raise = may_raise and (not mine or loop.typenum[0] < NPY_FLOAT)
        loop.exact = exact and (loop.typenum[0] <= NPY_LONGDOUBLE or loop.typenum[0] == NPY_HALF)
        loop.cost = loop_cost(cost, exact, loop.typenum[0], loop.itemsize[0])
        for op in range(loop.nargs):
            loop.bytes += loop.itemsize[op]
        target.loops[i] = loop[0]
        plain[i].loop = loop.fn
        plain[i].data = loop.data
        if not mine:
            for entry in range(level().math.loops_count):
                if level().math.loops[entry].loop == <void *> loop.fn:
                    target.loops[i].cost = level().math.loops[entry].cost
            continue
        for entry in range(level().loops_count):
            if (strcmp(level().loops[entry].ufunc, numpy.name) == 0
                    and level().loops[entry].types == <bytes> names[i].encode()):
                target.loops[i].fn = level().loops[entry].loop
                target.loops[i].data = &plain[i]
    if mine:
        use_mathematics(target, names)
    return target


cdef int use_mathematics(Target *target, object names) except -1:
    """Where our own mathematics is in use: it takes calls of every size, and NumPy's installed ufunc keeps NumPy's."""
    cdef PyUFuncObject *numpy = target.numpy
    cdef PyUFuncObject *small
    cdef const ac_math_entry *entry
    cdef loop_fn *functions = NULL
    cdef void **data = NULL
    cdef int i, j
    for i in range(numpy.ntypes):
        if target.loops[i].fn != NULL and target.loops[i].typenum[0] < NPY_FLOAT:
            target.integers = True
        for j in range(level().math.loops_count):
            entry = &level().math.loops[j]
            if (not entry.used or target.loops[i].fn == NULL or strcmp(entry.ufunc, numpy.name) != 0
                    or <bytes> entry.types != <bytes> names[i].encode()):
                continue
            if target.small == NULL:
                target.installed = <Target *> PyMem_Calloc(1, sizeof(Target))
                functions = <loop_fn *> PyMem_Calloc(numpy.ntypes, sizeof(loop_fn))
                data = <void **> PyMem_Calloc(numpy.ntypes, sizeof(void *))
                if target.installed == NULL or functions == NULL or data == NULL:
                    raise MemoryError
                memcpy(functions, numpy.functions, numpy.ntypes * sizeof(loop_fn))
                if numpy.data != NULL:
                    memcpy(data, numpy.data, numpy.ntypes * sizeof(void *))
                made = PyUFunc_FromFuncAndDataAndSignatureAndIdentity(
                    functions, data, numpy.types, numpy.ntypes, numpy.nin, numpy.nout, numpy.identity,
                    numpy.name, numpy.doc, 0, NULL, numpy.identity_value)
                Py_INCREF(made)
                small = <PyUFuncObject *> made
                small.type_resolver = numpy.type_resolver
                target.installed[0] = target[0]
                target.installed.loops = <Loop *> PyMem_Calloc(numpy.ntypes + 1, sizeof(Loop))
                if target.installed.loops == NULL:
                    raise MemoryError
                memcpy(target.installed.loops, target.loops, numpy.ntypes * sizeof(Loop))
                target.small = small
            functions[i] = target.loops[i].fn = entry.loop
            data[i] = target.loops[i].data = NULL
            target.loops[i].exact = True
            target.loops[i].cost = entry.cost
            if entry.types[0] == b"d":
                target.cost = entry.cost
    return 0


cdef bint is_numpys(object ufunc):
    return getattr(np, ufunc.__name__, None) is ufunc


cdef inline Py_ssize_t elements_for(double ns, double cost) noexcept nogil:
    cdef double size = ns / cost
    if size < LEAST_SIZE:
        return LEAST_SIZE
    return <Py_ssize_t> size if size < PY_SSIZE_T_MAX // 2 else PY_SSIZE_T_MAX


cdef void refresh(Target *target) noexcept nogil:
    cdef double ns = worth_from()
    cdef int i, op, typenum
    cdef Py_ssize_t size, least = PY_SSIZE_T_MAX
    target.epoch = limits[0]
    if forced_from() >= 0:
        target.from_size = forced_from() if forced_from() > 2 else 2
        for i in range(TYPES):
            target.from_size_of[i] = target.from_size
        return
    for i in range(TYPES):
        target.from_size_of[i] = PY_SSIZE_T_MAX
    for i in range(target.numpy.ntypes):
        if target.loops[i].fn == NULL:
            continue
        typenum = 0
        for op in range(target.loops[i].nin):
            if target.loops[i].typenum[op] > typenum:
                typenum = target.loops[i].typenum[op]
        size = elements_for(ns, target.loops[i].cost)
        if size < target.from_size_of[typenum]:
            target.from_size_of[typenum] = size
        if size < least:
            least = size
    for i in range(TYPES):
        if target.from_size_of[i] == PY_SSIZE_T_MAX and ns < INFINITY:
            # Operands that are cast to a type of which there is a loop; or to none, and NumPy does it.
            target.from_size_of[i] = elements_for(ns, target.cost)
            if target.from_size_of[i] < least:
                least = target.from_size_of[i]
    target.from_size = least


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


include "_ufuncs_call.pxi"
include "_ufuncs_parts.pxi"


include "_ufuncs_methods.pxi"


# --- for Python -----------------------------------------------------------------------------------------------------

def make(numpy_ufunc, double cost, bint exact, bint may_raise, own=None):
    """
    Returns the parallel ufunc over `numpy_ufunc`; `cost` in ns an element of float64, `exact` as in Loop. `own`: where
    it is a generalised one, the same with loops that use all cores, for calls with plain operands.
    """
    cdef PyUFuncObject *numpy = <PyUFuncObject *> numpy_ufunc
    cdef PyUFuncObject *ours
    cdef Target *target_of_own
    if not isinstance(numpy_ufunc, np.ufunc):
        raise TypeError(f"ufunc must be a numpy.ufunc, got {type(numpy_ufunc).__name__}")
    made = PyUFunc_FromFuncAndDataAndSignatureAndIdentity(
        numpy.functions, numpy.data, numpy.types, numpy.ntypes, numpy.nin, numpy.nout, numpy.identity, numpy.name,
        numpy.doc, 0, numpy.core_signature if numpy.core_enabled else NULL, numpy.identity_value)
    ours = <PyUFuncObject *> made
    ours.type_resolver = numpy.type_resolver
    ours.iter_flags = numpy.iter_flags
    memcpy(ours.op_flags, numpy.op_flags, numpy.nargs * sizeof(numpy.op_flags[0]))
    ours.ptr = make_target(numpy_ufunc, cost, exact, may_raise)
    ours.vectorcall = <vectorcall_fn> call
    if own is not None:
        Py_INCREF(own)
        target_of_own = <Target *> ours.ptr
        target_of_own.small = <PyUFuncObject *> own
        ours.vectorcall = <vectorcall_fn> call_generalised
    ac_ufunc_adopt(made)
    Py_INCREF(made)     # immortal, as NumPy's own are: ptr is not NumPy's to free
    target_of_own = <Target *> ours.ptr
    target_of_own.owner = <PyObject *> made
    if target_of_own.installed != NULL:
        target_of_own.installed.owner = <PyObject *> made
    return made


def original(parallel_ufunc):
    """Returns NumPy's ufunc under a parallel one."""
    if type(parallel_ufunc) is not ufunc:
        raise TypeError(f"parallel_ufunc must be made by allcores.parallel, got {type(parallel_ufunc).__name__}")
    return numpys(parallel_ufunc)


def own_mathematics(str name, str doc=None):
    """Returns a plain, serial ufunc of our own loops for `name` at the level in use, whether calls use them or not."""
    cdef const char *text = NULL
    cdef const ac_math_entry *entry
    cdef int count = 0, nin = 1, nargs, i
    cdef npy_intp j
    cdef loop_fn *functions = <loop_fn *> PyMem_Calloc(8, sizeof(loop_fn))
    cdef void **data = <void **> PyMem_Calloc(8, sizeof(void *))
    cdef char *types = <char *> PyMem_Calloc(8 * MAX_ARGS, 1)
    if functions == NULL or data == NULL or types == NULL:
        raise MemoryError
    if doc is not None:
        encoded = doc.encode()
        text = strdup(encoded)
    wanted = name.encode()
    for j in range(level().math.loops_count):
        entry = &level().math.loops[j]
        if <bytes> entry.ufunc != wanted:
            continue
        nin = (<bytes> entry.types).index(b"->")
        operands = (<bytes> entry.types).replace(b"->", b"")
        nargs = len(operands)
        functions[count] = entry.loop
        for i in range(nargs):
            types[count * nargs + i] = np.dtype(chr(operands[i])).num
        count += 1
    if count == 0:
        raise ValueError(f"no loop of our own for {name!r}")
    made = PyUFunc_FromFuncAndDataAndSignatureAndIdentity(
        functions, data, types, count, nin, nargs - nin, -1, strdup(wanted), text, 0, NULL, NULL)
    Py_INCREF(made)     # immortal, with what it points to
    return made


def mathematics():
    """Returns (ufunc, types, cost, used) of every loop of our own mathematics at the level in use."""
    return [(level().math.loops[i].ufunc.decode(), level().math.loops[i].types.decode(), level().math.loops[i].cost,
             bool(level().math.loops[i].used)) for i in range(level().math.loops_count)]


def from_size(parallel_ufunc):
    """Returns the elements below which calls go straight to NumPy."""
    cdef Target *target = target_of(<PyObject *> parallel_ufunc)
    refresh(target)
    return target.from_size


cdef Py_ssize_t line_of(Target *target, object types) except -2:
    """The first line of the ufunc's types that is `types` and has a loop that can be cut, or -1."""
    cdef Py_ssize_t i
    names = (<object> <PyObject *> target.numpy).types
    for i in range(target.numpy.ntypes):
        if target.loops[i].fn != NULL and names[i] == types:
            return i
    return -1


def cost_of(parallel_ufunc, str types):
    """Returns the nanoseconds an element of a loop such as "dd->d"; None where calls of it are NumPy's alone."""
    cdef Target *target = target_of(<PyObject *> parallel_ufunc)
    cdef Py_ssize_t line = line_of(target, types)
    return None if line < 0 else target.loops[line].cost


def set_costs(parallel_ufunc, costs):
    """
    Sets those figures, of a dict by types, where there are such loops; also of NumPy's installed ufunc where its loop
    is the same. set_costs of the driver follows.
    """
    cdef Target *target = target_of(<PyObject *> parallel_ufunc)
    cdef Py_ssize_t line
    for types, ns in costs.items():
        if not 0 < ns < 1e12:
            raise ValueError(f"no cost of {types}: {ns}")
    names = (<object> <PyObject *> target.numpy).types
    for line in range(target.numpy.ntypes):
        ns = costs.get(names[line])
        if ns is None or target.loops[line].fn == NULL:
            continue
        target.loops[line].cost = ns
        if target.loops[line].typenum[0] == NPY_DOUBLE:
            target.cost = ns
        if target.small == NULL:
            target.numpy_loops[line].cost = ns


def own_loops():
    """Returns (ufunc, types) of every inner loop of our own at the level in use."""
    return [(level().loops[i].ufunc.decode(), level().loops[i].types.decode()) for i in range(level().loops_count)]


def set_reduce(function):
    """Sets what `reduce` asks first: function(numpy_ufunc, array, ...) -> result or NotImplemented."""
    global reduce_hook
    reduce_hook = function
