# The inner loops of the instruction-set level in use. See _isa.pyx.
from npyapi cimport npy_intp

# NumPy's inner-loop signature.
ctypedef void (*loop_fn)(char **args, const npy_intp *dims, const npy_intp *steps, void *data) noexcept nogil

cdef extern from "table.h" nogil:
    ctypedef struct ac_numpy_loop:
        loop_fn loop
        void *data
    ctypedef struct ac_loop_entry:
        const char *ufunc
        const char *types
        loop_fn loop
    ctypedef struct ac_math_entry:
        const char *ufunc
        const char *types
        loop_fn loop
        double cost
        int used
    ctypedef struct ac_math_table:
        const ac_math_entry *loops
        npy_intp loops_count
    ctypedef struct ac_table:
        const char *isa
        const ac_loop_entry *loops
        npy_intp loops_count
        void (*stream_copy)(char *, const char *, size_t) noexcept nogil
        const ac_math_table *math
        const void *reductions      # struct ac_reductions of reduce_table.h
        const void *composites      # struct ac_composites of composite_table.h

cdef const ac_table *level() noexcept nogil
