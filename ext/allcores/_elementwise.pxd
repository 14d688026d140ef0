# Running one inner loop over whole operands. See _elementwise.pyx.
from allcores._isa cimport loop_fn
from npyapi cimport PyArrayObject, npy_intp

cdef enum:
    MAX_ARGS = 8    # operands of a loop; ufuncs with more are NumPy's alone

cdef struct Loop:
    loop_fn fn          # ours where there is one, else NumPy's
    void *data
    double cost         # nanoseconds an element, serial
    double bytes        # an element of all operands
    int nin
    int nargs           # nin where a loop has no output, but leaves what it found in `data`
    int may_raise       # may set a Python error
    int exact           # same bits whatever the strides: IEEE operations, integers, comparisons
    int typenum[MAX_ARGS]
    int itemsize[MAX_ARGS]

# Over n elements at fixed steps. Returns as _driver.parallel_for does.
cdef int run_flat(const Loop *loop, char **data, const npy_intp *steps, npy_intp n, int threads) noexcept nogil

# Whether output `out` may be written while `inp` is read element by element, at these steps.
cdef bint elementwise_safe(char *out, npy_intp out_step, int out_size,
                           char *inp, npy_intp in_step, int in_size, npy_intp n) noexcept nogil

# Broadcasting, casting and allocating as NumPy's iterator does it; ops[i] may be NULL for an output and then becomes a
# new array. mask may be NULL. Returns the flags raised, or -2 without an error where NumPy has to do it.
cdef int run_iterated(const Loop *loop, PyArrayObject **ops, PyArrayObject *mask, int order) except -1
