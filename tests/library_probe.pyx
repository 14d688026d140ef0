# cython: language_level=3
# What test_library_authors.py asks of the C interface beyond the example project.
from cython.parallel cimport parallel, prange, threadid
from libc.math cimport sqrt

from allcores cimport (
    MAY_RAISE, Region, guard_fork, parallel_for, raise_flags, region_begin, region_end, region_enter, region_leave,
    report, threads_for,
)

cdef extern from *:
    """
    #ifdef _OPENMP
    #define PROBE_OPENMP 1
    #else
    #define PROBE_OPENMP 0
    #endif
    static volatile double probe_number = 0.0;
    """
    int PROBE_OPENMP
    double probe_number

cdef extern from "<fenv.h>" nogil:
    int FE_ALL_EXCEPT, FE_INVALID, FE_DIVBYZERO
    int feclearexcept(int)
    int fetestexcept(int)

openmp = bool(PROBE_OPENMP)
region_size = sizeof(Region)


cdef struct Failing:
    Py_ssize_t first
    int ran


cdef int fail(void *context, Py_ssize_t index) except -1 nogil:
    cdef Failing *failing = <Failing *> context
    if index >= failing.first:
        with gil:
            raise ValueError(f"task {index}")
    return 0


def failing(Py_ssize_t tasks, Py_ssize_t first, int threads, bint without_gil=False):
    """All tasks from `first` on raise."""
    cdef Failing job = Failing(first=first, ran=0)
    if without_gil:
        with nogil:
            return_value = parallel_for(fail, &job, tasks, threads, 0, MAY_RAISE)
    else:
        return_value = parallel_for(fail, &job, tasks, threads, 0, MAY_RAISE)
    return return_value


cdef int refuse(void *context, Py_ssize_t index) except -1 nogil:
    return -1


def refusing(Py_ssize_t tasks, int threads):
    """All tasks say that they failed, without an error."""
    return parallel_for(refuse, NULL, tasks, threads, 0, 0)


cdef struct Seen:
    int threads
    int granted


cdef int look(void *context, Py_ssize_t index) except -1 nogil:
    cdef Seen *seen = <Seen *> context + index
    cdef Region region
    seen.threads = threads_for(10**9, 1e12, 0)
    seen.granted = region_begin(&region, 8)
    region_end(&region)
    return 0


def inside_tasks(int threads):
    """What threads_for and region_begin say inside of tasks."""
    cdef Seen[4] seen
    parallel_for(look, seen, 4, threads, 1e9, 0)
    return [(seen[i].threads, seen[i].granted) for i in range(4)]


def inside_region(int threads):
    cdef Seen[4] seen
    cdef Region region
    cdef int i
    cdef int granted = region_begin(&region, threads)
    for i in prange(4, nogil=True, num_threads=granted):
        region_enter(&region)
        seen[i].threads = 0
        look(seen, i)
        region_leave(&region)
    region_end(&region)
    return [(seen[i].threads, seen[i].granted) for i in range(4)]


def in_region(int threads, callback):
    """Call `callback` between enter and leave, on the calling thread, and let its error out."""
    cdef Region region
    region_begin(&region, threads)
    try:
        region_enter(&region)
        callback()
        region_leave(&region)
    finally:
        region_end(&region)


def in_prange_without_region(callback):
    """Call `callback` in the first thread of a parallel section that allcores knows nothing of."""
    with nogil, parallel(num_threads=2):
        if threadid() == 0:
            with gil:
                callback()


def guard():
    guard_fork()
    guard_fork()


def granted_to(*wishes):
    """What regions get that are open at the same time, each after the ones before."""
    cdef Region[8] regions
    granted = [region_begin(&regions[i], wish) for i, wish in enumerate(wishes)]
    for i in range(len(wishes)):
        region_end(&regions[i])
    return granted


def worth(Py_ssize_t elements, double nanoseconds):
    return threads_for(elements, nanoseconds, 16 * elements)


cdef void set_invalid() noexcept nogil:
    global probe_number
    probe_number = -1.0
    probe_number = sqrt(probe_number)


def flags_of_caller():
    """Flags of this thread before and after a region that raises others, and what that region returned."""
    cdef Region region
    cdef int raised, after
    feclearexcept(FE_ALL_EXCEPT)
    raise_flags(FE_DIVBYZERO)
    region_begin(&region, 1)
    region_enter(&region)
    set_invalid()
    region_leave(&region)
    raised = region_end(&region)
    after = fetestexcept(FE_DIVBYZERO | FE_INVALID)
    feclearexcept(FE_ALL_EXCEPT)
    return after == FE_DIVBYZERO, raised == FE_INVALID


def reported(str name):
    """Report an invalid operation and a division by zero under this name."""
    return report(name.encode(), FE_INVALID | FE_DIVBYZERO)
