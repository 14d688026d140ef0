# The C interface for other projects, which cimport its names from `allcores` (__init__.pxd); those that begin with an
# underscore are not for them. docs/library-authors.md shows how it is used. A signature never changes: a function
# that must differ gets another name, as modules compiled against the old one check it when they are imported.

cdef extern from "allcores.h" nogil:
    ctypedef int (*_pause_fn "ac_pause_fn")() noexcept nogil
    int _pause_openmp "ac_pause_openmp"() noexcept
    int _in_parallel "ac_in_parallel"() noexcept

# --- tasks on allcores' threads: the module that calls needs no OpenMP ---

# One piece of work. Return 0 (which `cdef int` functions do by themselves), or raise, if MAY_RAISE says so; raising
# without it can end the process, as the thread has no Python thread state. No task may wait for another.
ctypedef int (*task_fn)(void *context, Py_ssize_t index) except -1 nogil

cdef enum:
    MAY_RAISE = 1    # tasks may raise: each runs with a Python thread state of its own, which takes some 0.3 us

# Threads that a call is worth which handles so many elements, would take so many nanoseconds on one thread and reads
# and writes so many bytes of memory (0: not known). 1 where threads do not pay, under limit(threads=1) and
# using("serial"), inside of a task, and in a forked child that must not have threads.
cdef int threads_for(Py_ssize_t elements, double nanoseconds, Py_ssize_t bytes) noexcept nogil

# Runs fn(context, i) for i in range(tasks), in any order, on at most `threads` threads, and returns the floating-point
# exceptions of all tasks, for `report`. Fewer threads run where limits, other calls or a task around it leave fewer.
# The GIL is released if held. `nanoseconds` is what all would take on one thread: long calls look for Ctrl-C about
# every 50 ms, if the GIL was held. `flags` is 0 or MAY_RAISE. The first error of a task is raised, and tasks that have
# not begun are left out.
cdef int parallel_for(
    task_fn fn, void *context, Py_ssize_t tasks, int threads, double nanoseconds, int flags
) except -1 nogil

# --- floating-point exceptions, as parallel_for and region_end return them ---

# Gives the warnings or errors that np.errstate asks for, "divide by zero encountered in NAME" and so on.
cdef int report(const char *name, int raised) except -1

# Raises them in the calling thread, for a caller that tests them itself (NumPy does after a ufunc's inner loop).
cdef void raise_flags(int raised) noexcept nogil

# --- a prange of your own ---

# A call under way. On the stack of its function; what is inside is allcores' own.
cdef struct Region:
    long long _inside[16]

# Begins a call, from outside of the parallel section, and returns how many threads it may have: at most `threads`, at
# least 1. They are taken from the cores that all calls share until region_end. From the first one on a fork pauses
# the OpenMP runtime of the calling module; where that failed, the child is given one thread.
cdef int _region_begin(Region *region, int threads, _pause_fn pause) noexcept nogil

cdef inline int region_begin(Region *region, int threads) noexcept nogil:
    return _region_begin(region, 1 if _in_parallel() else threads, _pause_openmp)

# Around what one thread does, once a thread or once a piece, always as a pair on one thread: floating-point exceptions
# are gathered, and calls of allcores from inside stay on this thread. No error may leave from between them.
cdef void region_enter(Region *region) noexcept nogil
cdef void region_leave(Region *region) noexcept nogil

# Ends the call: exactly one for each region_begin, on the same thread, also when an error ends the function. Returns
# the floating-point exceptions, >= 0, and leaves those of the calling thread as region_begin found them.
cdef int region_end(Region *region) noexcept nogil

# For modules with loops outside of a Region: from now on a fork pauses the calling module's OpenMP runtime, so that a
# child can use it. May be called any number of times.
cdef int _guard_fork(_pause_fn pause) noexcept nogil

cdef inline void guard_fork() noexcept nogil:
    _guard_fork(_pause_openmp)
