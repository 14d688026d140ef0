/* The type of our ufuncs: a subtype of np.ufunc, so that isinstance() and everything that takes a ufunc accept them.
 *
 * NumPy does not let Python classes derive from np.ufunc, and its object has no room for a base class in another
 * module, as its size changes from version to version. A static type of the same size has neither problem: it adds
 * methods only, and its objects are ufuncs that NumPy itself made. */
#ifndef ALLCORES_UFUNC_TYPE_H
#define ALLCORES_UFUNC_TYPE_H

#include <Python.h>

static PyTypeObject ac_ufunc_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "allcores.ufunc",
};

static PyObject *ac_ufunc_repr(PyObject *self)
{
    PyObject *name = PyObject_GetAttrString(self, "__name__"), *text;
    if (name == NULL) {
        return NULL;
    }
    text = PyUnicode_FromFormat("<allcores ufunc '%U'>", name);
    Py_DECREF(name);
    return text;
}

/* Adds the functions of `methods` to the type and finishes it. */
static int ac_ufunc_type_ready(PyTypeObject *base, PyObject *methods, const char *doc)
{
    PyObject *name, *method;
    Py_ssize_t position = 0;
    ac_ufunc_type.tp_base = base;
    ac_ufunc_type.tp_basicsize = base->tp_basicsize;
    ac_ufunc_type.tp_itemsize = base->tp_itemsize;
    ac_ufunc_type.tp_vectorcall_offset = base->tp_vectorcall_offset;
    ac_ufunc_type.tp_call = base->tp_call;
    ac_ufunc_type.tp_repr = ac_ufunc_repr;
    ac_ufunc_type.tp_str = ac_ufunc_repr;
    ac_ufunc_type.tp_doc = doc;
    ac_ufunc_type.tp_dealloc = base->tp_dealloc;
    ac_ufunc_type.tp_traverse = base->tp_traverse;
    ac_ufunc_type.tp_clear = base->tp_clear;
    ac_ufunc_type.tp_free = base->tp_free;
    ac_ufunc_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | (base->tp_flags & Py_TPFLAGS_HAVE_GC);
    if (PyType_Ready(&ac_ufunc_type) < 0) {
        return -1;
    }
    while (PyDict_Next(methods, &position, &name, &method)) {
        if (PyDict_SetItem(ac_ufunc_type.tp_dict, name, method) < 0) {
            return -1;
        }
    }
    /* np.ufunc computes __doc__ an object; the type's own text would hide that. */
    if (PyDict_DelItemString(ac_ufunc_type.tp_dict, "__doc__") < 0) {
        return -1;
    }
    PyType_Modified(&ac_ufunc_type);
    return 0;
}

/* Makes `ufunc`, fresh from NumPy and in nobody else's hands, one of ours. */
static void ac_ufunc_adopt(PyObject *ufunc)
{
    Py_SET_TYPE(ufunc, &ac_ufunc_type);
}

#endif
