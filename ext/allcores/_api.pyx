"""What other projects' Cython modules call: the functions that _api.pxd promises, on top of _driver.

That file stands in src/allcores, as it is installed with the package. Nothing of ours calls this module, and it is not
loaded before a module that does.
"""
from libc.string cimport memset

from allcores._driver cimport MAY_RAISE as DRIVER_MAY_RAISE
from allcores._driver cimport allowed, asleep, depth, note_region, release, reserve, set_depth
from allcores._driver cimport parallel_for as run_tasks
from allcores._driver cimport raise_flags as raise_in_thread
from allcores._driver cimport report as report_flags
from allcores._driver cimport threads_over as worth_threads

cdef extern from "platform.h":
    long long ac_now_ns() noexcept nogil
    int ac_atomic_load(int *) noexcept nogil
    int ac_atomic_add(int *, int) noexcept nogil
    int ac_atomic_or(int *, int) noexcept nogil
    int ac_atomic_cas(int *, int *, int) noexcept nogil
    int ac_at_fork(void (*)() noexcept nogil, void (*)() noexcept nogil, void (*)() noexcept nogil) noexcept nogil

cdef extern from *:
    """
    static AC_THREAD_LOCAL int ac_last_region;    /* the region that this thread entered last */
    """
    int ac_last_region

cdef extern from "<fenv.h>" nogil:
    ctypedef int fexcept_t
    int FE_ALL_EXCEPT, FE_DIVBYZERO, FE_OVERFLOW, FE_UNDERFLOW, FE_INVALID
    int feclearexcept(int)
    int fetestexcept(int)
    int fegetexceptflag(fexcept_t *, int)
    int fesetexceptflag(const fexcept_t *, int)

cdef extern from "Python.h" nogil:
    void *PyErr_Occurred()

# --- tasks ----------------------------------------------------------------------------------------------------------

# The same without a look at what is returned: the error itself stays where the driver finds it.
ctypedef int (*quiet_fn)(void *context, Py_ssize_t index) noexcept nogil

cdef struct Tasks:
    quiet_fn fn
    void *context
    int failed


cdef int threads_for(Py_ssize_t elements, double nanoseconds, Py_ssize_t bytes) noexcept nogil:
    return allowed(worth_threads(elements, nanoseconds, bytes))    # 1 without OpenMP


cdef void run_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef Tasks *tasks = <Tasks *> context
    if not ac_atomic_load(&tasks.failed) and tasks.fn(tasks.context, index) < 0:
        ac_atomic_or(&tasks.failed, 1)


cdef int parallel_for(
    task_fn fn, void *context, Py_ssize_t tasks, int threads, double nanoseconds, int flags
) except -1 nogil:
    cdef Tasks all
    cdef int raised
    all.fn = <quiet_fn> fn
    all.context = context
    all.failed = 0
    raised = run_tasks(
        run_task, &all, tasks, allowed(threads), nanoseconds, DRIVER_MAY_RAISE if flags & MAY_RAISE else 0
    )
    if raised >= 0 and all.failed:
        # A task may have raised on this thread, or said so without an error.
        with gil:
            if PyErr_Occurred() == NULL:
                raise RuntimeError("tasks that raise need MAY_RAISE")
        return -1
    return raised


cdef int report(const char *name, int raised) except -1:
    return report_flags(name, raised)


cdef void raise_flags(int raised) noexcept nogil:
    raise_in_thread(raised)


# --- regions --------------------------------------------------------------------------------------------------------

cdef struct State:
    long long begun
    long long latest        # first entry of a thread, nanoseconds after that
    fexcept_t before        # exceptions of the calling thread
    int granted
    int depth               # of the calling thread, before
    int number              # tells this region from the one before
    int came                # threads that entered
    int raised
    int was_asleep

assert sizeof(State) <= sizeof(Region)

cdef int regions = 0


cdef int _region_begin(Region *region, int threads, _pause_fn pause) noexcept nogil:
    cdef State *state = <State *> region
    memset(state, 0, sizeof(State))
    if _guard_fork(pause):
        threads = 1
    state.depth = depth()
    state.granted = reserve(allowed(threads))
    state.number = ac_atomic_add(&regions, 1) + 1
    fegetexceptflag(&state.before, FE_ALL_EXCEPT)
    state.begun = ac_now_ns()
    if state.granted > 1:
        state.was_asleep = asleep(state.begun)
    return state.granted


cdef void region_enter(Region *region) noexcept nogil:
    global ac_last_region
    cdef State *state = <State *> region
    cdef long long after
    if ac_last_region != state.number:
        ac_last_region = state.number
        after = ac_now_ns() - state.begun
        if after > state.latest:
            state.latest = after        # a store lost to another thread's is as good
        ac_atomic_add(&state.came, 1)
    set_depth(depth() + 1)
    feclearexcept(FE_ALL_EXCEPT)


cdef void region_leave(Region *region) noexcept nogil:
    cdef State *state = <State *> region
    cdef int raised = fetestexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID)
    if raised:
        ac_atomic_or(&state.raised, raised)
    set_depth(depth() - 1)


cdef int region_end(Region *region) noexcept nogil:
    cdef State *state = <State *> region
    set_depth(state.depth)              # also where an error left from between enter and leave
    release(state.granted)
    note_region(state.granted, state.came, state.latest, ac_now_ns() - state.begun, state.was_asleep)
    fesetexceptflag(&state.before, FE_ALL_EXCEPT)
    return state.raised


# --- fork -----------------------------------------------------------------------------------------------------------
# Each module brings the runtime that it was compiled for, which may be one that _driver does not pause.

cdef enum:
    MOST_RUNTIMES = 256     # modules, each of which counts as a runtime

cdef _pause_fn[MOST_RUNTIMES] pauses
cdef int[MOST_RUNTIMES] failed      # at the last fork
cdef int[MOST_RUNTIMES] serial      # in this process, a forked child
cdef int runtimes = 0
cdef int lock = 0
cdef int forked = 0


cdef int find_runtime(_pause_fn pause) noexcept nogil:
    cdef int i
    for i in range(ac_atomic_load(&runtimes)):
        if pauses[i] == pause:
            return i
    return -1


cdef int _guard_fork(_pause_fn pause) noexcept nogil:
    """Remembers a runtime, and returns whether it must not have threads in this process."""
    cdef int i = find_runtime(pause)
    cdef int unlocked = 0
    cdef int locked = 1
    if i < 0:
        while not ac_atomic_cas(&lock, &unlocked, 1):
            unlocked = 0
        i = find_runtime(pause)
        if i < 0 and runtimes < MOST_RUNTIMES:
            i = runtimes
            pauses[i] = pause
            ac_atomic_add(&runtimes, 1)
        ac_atomic_cas(&lock, &locked, 0)
    return serial[i] if i >= 0 else forked      # one too many is not paused


cdef void before_fork() noexcept nogil:
    cdef int i
    for i in range(ac_atomic_load(&runtimes)):
        failed[i] = pauses[i] != NULL and pauses[i]() != 0


cdef void after_fork_in_child() noexcept nogil:
    global lock, forked
    cdef int i
    lock = 0        # its holder was not copied
    forked = 1
    for i in range(runtimes):
        serial[i] |= failed[i]


ac_at_fork(before_fork, NULL, after_fork_in_child)
