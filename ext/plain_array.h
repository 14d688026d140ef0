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

#endif
