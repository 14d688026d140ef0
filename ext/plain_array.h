/* Which objects our fast paths take as arrays: ndarrays, and shared arrays, whose type adds nothing to how they are
 * computed with. What a path makes is an ndarray. A module says which type the latter is when it is imported. */
#ifndef ALLCORES_PLAIN_ARRAY_H
#define ALLCORES_PLAIN_ARRAY_H

#include <Python.h>
#include <numpy/arrayobject.h>

static PyTypeObject *ac_shared_array_type; /* NULL where there are none */

static inline void ac_set_shared_array_type(PyObject *type)
{
    Py_INCREF(type);
    ac_shared_array_type = (PyTypeObject *)type;
}

static inline int ac_is_plain_array(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    return type == &PyArray_Type || type == ac_shared_array_type;
}

/* The same memory as an ndarray: a new reference. */
static inline PyObject *ac_as_ndarray(PyObject *array)
{
    if (Py_TYPE(array) != ac_shared_array_type)
        return Py_NewRef(array);
    return PyArray_View((PyArrayObject *)array, NULL, &PyArray_Type);
}

enum { AC_MOST_ARGUMENTS = 16 };

/* Calls one of NumPy's ufuncs, with shared arrays among the arguments as ndarrays: NumPy would ask their type, which
 * asks us. Those within a tuple stay. */
static inline PyObject *ac_call_ufunc(
    void *vectorcall, PyObject *ufunc, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    Py_ssize_t count = PyVectorcall_NARGS(nargsf) + (kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames)), i;
    PyObject *plain[AC_MOST_ARGUMENTS], *result = NULL;
    vectorcallfunc call = (vectorcallfunc)vectorcall;
    int any = 0;
    if (ac_shared_array_type != NULL && count <= AC_MOST_ARGUMENTS)
        for (i = 0; i < count; i++)
            any |= Py_TYPE(args[i]) == ac_shared_array_type;
    if (!any)
        return call(ufunc, args, nargsf, kwnames);
    for (i = 0; i < count; i++)
        if ((plain[i] = ac_as_ndarray(args[i])) == NULL)
            break;
    if (i == count)
        result = call(ufunc, plain, PyVectorcall_NARGS(nargsf), kwnames);
    while (i-- > 0) {
        if (result == plain[i] && result != args[i]) { /* an output: what was given is given back */
            Py_DECREF(result);
            result = Py_NewRef(args[i]);
        }
        Py_DECREF(plain[i]);
    }
    return result;
}

#endif
