# Part of _ufuncs.pyx: the methods of parallel ufuncs, and their type.

cdef inline object numpys(object ufunc):
    cdef Target *target = target_of(<PyObject *> ufunc)
    return <object> <PyObject *> target.numpy


def reduce(self, *args, **kwargs):
    """As np.ufunc.reduce, on all cores where the operation and the layout allow."""
    ufunc = numpys(self)
    # What is not plainly right goes to NumPy, which says what is wrong.
    if args and is_plain_array(<PyObject *> args[0]) and reduce_hook is not None and len(args) <= 7:
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
    if (len(args) == 2 and ufunc.nin == 2 and is_plain_array(<PyObject *> args[0])
            and is_plain_array(<PyObject *> args[1])):
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
    if is_numpys(ufunc) or getattr(import_module("allcores"), ufunc.__name__, None) is self:
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
