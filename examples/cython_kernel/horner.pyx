# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Polynomials at many points by Horner's rule, on all cores, in two ways.

`evaluate` gives its pieces to allcores' threads. `evaluate_prange` runs a prange of its own. Both obey allcores.limit
and allcores.using, share the cores with other calls, warn as np.errstate says, and work in forked children.
"""
import numpy as np

from cython.parallel cimport parallel, prange

from allcores cimport (
    Region, parallel_for, region_begin, region_end, region_enter, region_leave, report, threads_for,
)

cdef enum:
    PIECE = 2048                # elements: arguments and results of a piece fit into the first cache

cdef double COST = 0.2          # nanoseconds an element and coefficient, measured on one core
cdef double TASK = 20e3         # nanoseconds, below which handing out tasks would show

cdef struct Job:
    const double *coefficients  # the highest power's first
    Py_ssize_t terms
    const double *x
    double *out
    Py_ssize_t size
    Py_ssize_t pieces
    Py_ssize_t pieces_a_task


cdef void run_piece(const Job *job, Py_ssize_t index) noexcept nogil:
    cdef Py_ssize_t start = index * PIECE
    cdef Py_ssize_t size = min(job.size - start, PIECE)
    cdef const double *x = job.x + start
    cdef double *out = job.out + start
    cdef double c = job.coefficients[0]
    cdef Py_ssize_t i, k
    for i in range(size):
        out[i] = c
    for k in range(1, job.terms):
        c = job.coefficients[k]
        for i in range(size):
            out[i] = out[i] * x[i] + c


cdef int task(void *context, Py_ssize_t index) except -1 nogil:
    cdef const Job *job = <const Job *> context
    cdef Py_ssize_t start = index * job.pieces_a_task
    cdef Py_ssize_t i
    for i in range(start, min(start + job.pieces_a_task, job.pieces)):
        run_piece(job, i)
    return 0


def _prepared(coefficients, x):
    """Both as contiguous float64, and an array for the result."""
    arrays = []
    for name, value in (("coefficients", coefficients), ("x", x)):
        value = np.asarray(value)
        if not np.can_cast(value.dtype, np.float64):
            raise TypeError(f"{name} must be of a type that casts safely to float64, got {value.dtype}")
        arrays.append(value)
    if arrays[0].ndim != 1 or arrays[0].size == 0:
        raise ValueError(f"coefficients must be one-dimensional and not empty, got shape {arrays[0].shape}")
    coefficients, x = (np.ascontiguousarray(value, np.float64) for value in arrays)
    return coefficients, x.ravel(), np.empty(arrays[1].shape)


cdef double describe(Job *job, const double[::1] coefficients, const double[::1] x, double[::1] out):
    """Fill in `job` and return what it takes on one core, in nanoseconds."""
    job.coefficients = &coefficients[0]
    job.terms = coefficients.shape[0]
    job.size = x.shape[0]
    job.pieces = (job.size + PIECE - 1) // PIECE
    job.pieces_a_task = 1 + <Py_ssize_t> (TASK / (COST * PIECE * job.terms))
    job.x = &x[0] if job.size else NULL
    job.out = &out[0] if job.size else NULL
    return COST * job.size * job.terms


def evaluate(coefficients, x):
    """Return the polynomial's values at `x`, computed by tasks on allcores' threads.

    Parameters
    ----------
    coefficients : array_like of shape (n,)
        The highest power's first, as for np.polyval.
    x : array_like
        Points, of any shape.

    Returns
    -------
    ndarray of float64
        Of the shape of `x`.
    """
    coefficients, x, result = _prepared(coefficients, x)
    cdef Job job
    cdef double ns = describe(&job, coefficients, x, result.reshape(-1))
    cdef Py_ssize_t tasks = (job.pieces + job.pieces_a_task - 1) // job.pieces_a_task
    cdef int threads = threads_for(job.size, ns, 16 * job.size)
    report(b"evaluate", parallel_for(task, &job, tasks, threads, ns, 0))
    return result


def evaluate_prange(coefficients, x):
    """Return the same, computed in a parallel section of this module. Parameters as for `evaluate`."""
    coefficients, x, result = _prepared(coefficients, x)
    cdef Job job
    cdef Region region
    cdef double ns = describe(&job, coefficients, x, result.reshape(-1))
    cdef Py_ssize_t i
    cdef int threads = region_begin(&region, threads_for(job.size, ns, 16 * job.size))
    with nogil, parallel(num_threads=threads):
        region_enter(&region)
        for i in prange(job.pieces, schedule="static"):
            run_piece(&job, i)
        region_leave(&region)
    report(b"evaluate_prange", region_end(&region))
    return result
