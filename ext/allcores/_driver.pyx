"""The prange loop under every kernel: how many threads, whose turn, which errors.

Called by the other extension modules through `_driver.pxd`; Python sees only settings and counters. A call goes
through three steps:

    threads_for   is it worth it? size, measured costs, limits, and whether the OpenMP team is awake (hot) or has gone
                  to sleep (cold: what waking it costs is measured whenever it is done)
    reserve       what the cores have left: calls from several Python threads share them
    parallel_for  GIL released, tasks run by a prange, floating-point exceptions gathered from every thread, errors of
                  tasks carried to the caller, Ctrl-C looked for between rounds of some 50 ms
"""
from cython.parallel cimport prange
from cpython.object cimport PyObject
from libc.stdlib cimport free, malloc
from openmp cimport ac_omp_pause, ac_openmp_version, omp_get_thread_num, omp_in_parallel

cdef extern from "platform.h":
    long long ac_now_ns() noexcept nogil
    long long ac_cpu_ns() noexcept nogil
    int ac_atomic_load(int *) noexcept nogil
    int ac_atomic_add(int *, int) noexcept nogil
    int ac_atomic_or(int *, int) noexcept nogil
    int ac_atomic_cas(int *, int *, int) noexcept nogil
    unsigned long long ac_atomic_or64(unsigned long long *, unsigned long long) noexcept nogil
    int ac_holds_gil() noexcept nogil
    int ac_at_fork(void (*)() noexcept nogil, void (*)() noexcept nogil, void (*)() noexcept nogil) noexcept nogil

cdef extern from *:
    """
    static AC_THREAD_LOCAL int ac_depth;        /* tasks of ours this thread is inside of */
    static AC_THREAD_LOCAL int ac_local_limit;  /* 0: the process's limit holds */
    static AC_THREAD_LOCAL int ac_engine;       /* an ENGINE; 0: costs decide */
    static AC_THREAD_LOCAL int ac_last_threads, ac_last_tasks;
    static AC_THREAD_LOCAL unsigned long long ac_last_who;
    /* Of a call whose tasks are done in several processes: see _driver_parts.pxi. */
    static AC_THREAD_LOCAL PyObject *ac_call;
    static AC_THREAD_LOCAL int ac_parts, ac_part, ac_part_raised, ac_part_noted;
    static AC_THREAD_LOCAL Py_ssize_t ac_part_tasks;
    """
    int ac_depth, ac_local_limit, ac_engine, ac_last_threads, ac_last_tasks
    unsigned long long ac_last_who
    PyObject *ac_call
    int ac_parts, ac_part, ac_part_raised, ac_part_noted
    Py_ssize_t ac_part_tasks

cdef extern from "<fenv.h>" nogil:
    ctypedef int fexcept_t
    int FE_ALL_EXCEPT, FE_DIVBYZERO, FE_OVERFLOW, FE_UNDERFLOW, FE_INVALID
    int feclearexcept(int)
    int fetestexcept(int)
    int feraiseexcept(int)
    int fegetexceptflag(fexcept_t *, int)
    int fesetexceptflag(const fexcept_t *, int)

cdef extern from "<math.h>" nogil:
    double INFINITY

cdef extern from "Python.h" nogil:
    ctypedef struct PyThreadState
    ctypedef int PyGILState_STATE
    PyThreadState *PyEval_SaveThread()
    void PyEval_RestoreThread(PyThreadState *)
    PyGILState_STATE PyGILState_Ensure()
    void PyGILState_Release(PyGILState_STATE)
    int PyErr_CheckSignals()
    PyObject *PyErr_Occurred()
    void PyErr_Fetch(PyObject **, PyObject **, PyObject **)
    void PyErr_Restore(PyObject *, PyObject *, PyObject *)
    void Py_XDECREF(PyObject *)

cdef extern from "numpy/arrayobject.h":
    pass

cdef extern from "numpy/ufuncobject.h":
    int NPY_FPE_DIVIDEBYZERO, NPY_FPE_OVERFLOW, NPY_FPE_UNDERFLOW, NPY_FPE_INVALID
    int PyUFunc_GiveFloatingpointErrors(const char *, int) except -1

from numpy cimport import_ufunc

import_ufunc()

cdef enum:
    STEPS = 32

# What allcores.plan has worked out from costs, its seeds or measured ones, set by set_costs(). Least serial nanoseconds
# for a team of more than 2**(k-1) and at most 2**k threads: while the team spins, which it does for some 4 ms, and when
# it sleeps.
cdef double[STEPS] hot_from
cdef double[STEPS] cold_from
for _step in range(STEPS):
    hot_from[_step] = cold_from[_step] = INFINITY
# Bytes that caches hold, and bytes a nanosecond from memory by one thread and by all. Infinite: not known.
cdef double cache_bytes = INFINITY
cdef double bandwidth_of_one = INFINITY
cdef double bandwidth_of_all = INFINITY

# Nanoseconds.
cdef long long ASLEEP_AFTER = 3000000
cdef double ROUND = 50e6         # between two looks for Ctrl-C
# Waking a sleeping team costs 10-60 us while this process keeps a core busy, and up to several ms on a virtual machine
# of which all cores slept: measured at each waking, one figure for either case. An estimate that keeps calls serial
# wears off, so that it is looked at again.
cdef double[2] wake_cost = [60e3, 150e3]
cdef double LEAST_WAKE = 20e3
cdef double MOST_WAKE = 10e6
cdef double WEARS_OFF = 0.99
# A region ends when its last thread has been let run. On a machine crowded with other programs that can take a
# scheduler's time slice, ten times the work itself: then calls with less to gain than was lost stay serial for a
# while, twice as long after each late region in a row.
cdef double LATE = 300e3
cdef double LATE_COLD = 5e6      # a sleeping team may take as long to come, on an idle machine too
cdef long long FIRST_PAUSE = 1000000
cdef long long LONGEST_PAUSE = 32000000

cdef int cores = 1               # what the process may use
cdef int default_limit = 1       # threads of one call
cdef int busy = 0                # threads at work in all calls
cdef int serial_child = 0        # a forked child whose OpenMP runtime could not be paused before the fork
cdef int pause_failed = 0
cdef int regions = 0
cdef Py_ssize_t from_elements = -1
cdef long long last_region = 0
cdef long long last_region_cpu = 0
cdef double burst = 0            # what threads would have gained in the latest calls, which found the team asleep
cdef long long burst_end = 0
cdef long long crowded_until = 0
cdef long long pause = FIRST_PAUSE
cdef double lost = 0             # nanoseconds, by the last late region
cdef unsigned int epoch = 1
cdef bint local_limits = False   # whether any thread ever set a limit of more than one
cdef int forcing = 0             # Python threads that force calls onto OpenMP threads or processes now

cdef enum ENGINE:
    BY_COST, SERIAL, THREADS, PROCESSES

cdef struct Region:
    task_fn fn
    void *context
    int flags
    int raised
    int failed
    unsigned long long who
    long long shortest      # task, nanoseconds
    long long begun
    long long latest        # first task of a thread, nanoseconds after that
    PyObject *error[3]


include "_driver_decide.pxi"
include "_driver_parts.pxi"


# --- running --------------------------------------------------------------------------------------------------------

cdef void keep_error(Region *region) noexcept nogil:
    # With the GIL held. The first error to arrive stays, as a serial loop would have stopped there.
    cdef PyObject *error[3]
    PyErr_Fetch(&error[0], &error[1], &error[2])
    if region.failed:
        Py_XDECREF(error[0])
        Py_XDECREF(error[1])
        Py_XDECREF(error[2])
        return
    region.error[0] = error[0]
    region.error[1] = error[1]
    region.error[2] = error[2]
    region.failed = 1


cdef void run_guarded(Region *region, Py_ssize_t index) noexcept nogil:
    cdef PyGILState_STATE state = PyGILState_Ensure()
    cdef PyThreadState *thread = PyEval_SaveThread()
    region.fn(region.context, index)
    PyEval_RestoreThread(thread)
    if PyErr_Occurred() != NULL:
        keep_error(region)
    PyGILState_Release(state)


cdef void run_one(Region *region, Py_ssize_t index) noexcept nogil:
    global ac_depth
    cdef int raised
    cdef long long started
    cdef unsigned long long me = <unsigned long long> 1 << (omp_get_thread_num() & 63)
    if region.failed:
        return
    ac_depth += 1
    started = ac_now_ns()
    if not region.who & me and started - region.begun > region.latest:
        region.latest = started - region.begun      # a store lost to another thread's is as good
    feclearexcept(FE_ALL_EXCEPT)
    if region.flags & MAY_RAISE:
        run_guarded(region, index)
    else:
        region.fn(region.context, index)
    raised = fetestexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID)
    if raised:
        ac_atomic_or(&region.raised, raised)
    ac_atomic_or64(&region.who, me)
    started = ac_now_ns() - started
    if started < region.shortest:
        region.shortest = started
    ac_depth -= 1


cdef void run_round(Region *region, Py_ssize_t start, Py_ssize_t stop, int threads) noexcept nogil:
    cdef Py_ssize_t i
    if threads <= 1:
        for i in range(start, stop):
            run_one(region, i)
    elif stop - start <= threads:
        for i in prange(start, stop, num_threads=threads, schedule="static", chunksize=1):
            run_one(region, i)
    else:
        for i in prange(start, stop, num_threads=threads, schedule="dynamic", chunksize=1):
            run_one(region, i)


cdef inline int threads_in(unsigned long long who) noexcept nogil:
    cdef int count = 0
    while who:
        who &= who - 1
        count += 1
    return count


cdef void learn_wake(bint cold, double cost) noexcept nogil:
    # One late waking, which may be another program's doing, at most doubles the estimate.
    cost = min(max(cost, LEAST_WAKE), MOST_WAKE, 3 * wake_cost[cold])
    wake_cost[cold] += (cost - wake_cost[cold]) / 2


cdef void watch(long long took, long long serial, double expected, bint cold) noexcept nogil:
    """Notes whether a region took longer than its tasks, all of about one size, would have one after another."""
    global crowded_until, pause, lost
    cdef double alone = 1.2 * (serial if serial > expected else expected)
    if took > (LATE_COLD if cold else LATE) + alone:
        lost = took - alone
        crowded_until = last_region + pause
        if pause < LONGEST_PAUSE:
            pause *= 2
    else:
        pause = FIRST_PAUSE


cdef int parallel_for(task_fn fn, void *context, Py_ssize_t tasks, int threads, double ns, int flags) noexcept nogil:
    global last_region, last_region_cpu, regions, ac_last_threads, ac_last_tasks, ac_last_who
    cdef Region region
    cdef Py_ssize_t start = 0
    cdef Py_ssize_t stop
    cdef Py_ssize_t step = tasks
    cdef int granted = reserve(threads if threads < tasks else <int> tasks)
    cdef int held = ac_holds_gil()
    cdef PyThreadState *thread = NULL
    cdef fexcept_t before
    cdef long long took
    cdef long long started = ac_now_ns()
    cdef bint cold = granted > 1 and started - last_region > ASLEEP_AFTER
    cdef bint after_sleep = cold and slept(started)
    region.fn = fn
    region.context = context
    region.flags = flags
    region.raised = 0
    region.failed = 0
    region.who = 0
    region.shortest = 1 << 62
    region.latest = 0
    region.begun = started
    if ac_parts and (ac_part >= 0 or tasks > 1):
        ac_atomic_add(&busy, -granted)
        return run_part(&region, tasks) if ac_part >= 0 else run_elsewhere(tasks)
    if ns > 2 * ROUND * granted:
        step = <Py_ssize_t> (tasks * (ROUND * granted / ns))
        if step < granted:
            step = granted
    fegetexceptflag(&before, FE_ALL_EXCEPT)
    if held:
        thread = PyEval_SaveThread()
    while start < tasks and not region.failed:
        stop = tasks if tasks - start < 2 * step else start + step
        run_round(&region, start, stop, granted)
        start = stop
        if start < tasks and held and not region.failed:
            PyEval_RestoreThread(thread)
            if PyErr_CheckSignals() < 0:
                keep_error(&region)
            thread = PyEval_SaveThread()
    ac_atomic_add(&busy, -granted)
    if granted > 1:
        took = ac_now_ns() - started
        if cold and regions:    # the first one makes the threads
            learn_wake(after_sleep, region.latest if threads_in(region.who) >= granted else took)
        last_region = started + took
        last_region_cpu = ac_cpu_ns()
        ac_atomic_add(&regions, 1)
        watch(took, region.shortest * tasks, ns, cold)
    ac_last_threads = granted
    ac_last_tasks = <int> tasks
    ac_last_who = region.who
    fesetexceptflag(&before, FE_ALL_EXCEPT)
    if held:
        PyEval_RestoreThread(thread)
    if region.failed:
        if held:
            PyErr_Restore(region.error[0], region.error[1], region.error[2])
        else:
            restore_without_gil(&region)
        return -1
    return region.raised


cdef void restore_without_gil(Region *region) noexcept nogil:
    # NumPy calls long loops without the GIL, and looks for an error once it has it again.
    cdef PyGILState_STATE state = PyGILState_Ensure()
    PyErr_Restore(region.error[0], region.error[1], region.error[2])
    PyGILState_Release(state)


cdef void raise_flags(int raised) noexcept nogil:
    if raised > 0:
        feraiseexcept(raised)


cdef int report(const char *name, int raised) except -1:
    cdef int bits = 0
    if raised < 0:
        return -1
    if raised == 0:
        return 0
    if raised & FE_DIVBYZERO:
        bits |= NPY_FPE_DIVIDEBYZERO
    if raised & FE_OVERFLOW:
        bits |= NPY_FPE_OVERFLOW
    if raised & FE_UNDERFLOW:
        bits |= NPY_FPE_UNDERFLOW
    if raised & FE_INVALID:
        bits |= NPY_FPE_INVALID
    # What users have it call, or put into the place of warnings, is outside of this call.
    return outside(name, bits) if ac_parts else PyUFunc_GiveFloatingpointErrors(name, bits)


include "_driver_others.pxi"


# --- fork -----------------------------------------------------------------------------------------------------------
# GNU OpenMP waits for ever in a forked child for threads that the fork did not copy. Ending its team before the fork
# lets parent and child start anew; where that fails (inside somebody's parallel region) the child stays serial.

cdef void before_fork() noexcept nogil:
    global pause_failed
    pause_failed = ac_omp_pause()


cdef void after_fork_in_parent() noexcept nogil:
    global last_region
    last_region = 0


cdef void after_fork_in_child() noexcept nogil:
    global last_region, busy, serial_child, forcing
    last_region = 0
    busy = 0
    forcing = ac_engine >= THREADS
    if pause_failed:
        serial_child = 1


if ac_openmp_version():
    ac_at_fork(before_fork, after_fork_in_parent, after_fork_in_child)


# --- for Python -----------------------------------------------------------------------------------------------------

def configure(*, usable_cores=None, threads=None, parallel_from=None):
    """Sets the process's cores, its threads a call, and the elements from which every call is split (-1: by cost)."""
    global cores, default_limit, from_elements, epoch
    if usable_cores is not None:
        cores = usable_cores
    if threads is not None:
        default_limit = threads
    if parallel_from is not None:
        from_elements = parallel_from
    epoch += 1


def set_costs(hot, cold, wake, double caches, double of_one, double of_all):
    """
    Sets what allcores.plan.plan.thresholds returns, the first guesses of what waking a team costs (while the process
    computes, after it slept), and caches and bandwidths as plan.Costs has them.
    """
    global epoch, cache_bytes, bandwidth_of_one, bandwidth_of_all
    cdef int i
    if len(hot) < 2 or len(cold) < 2:
        raise ValueError("hot and cold must have a figure for one thread and for two")
    for i in range(STEPS):
        hot_from[i] = hot[min(i, len(hot) - 1)]
        cold_from[i] = cold[min(i, len(cold) - 1)]
    wake_cost[0], wake_cost[1] = wake
    cache_bytes = caches
    bandwidth_of_one = of_one
    bandwidth_of_all = of_all
    epoch += 1


def team_of(int limit, double ns, double bytes, bint cold):
    """The threads that a call gets which nothing else prevents."""
    return team(limit, ns, bytes, cold)


def decide(Py_ssize_t n, double ns, double bytes=0):
    """The threads that a call made here and now would get; as such a call, it is remembered."""
    return threads_over(n, ns, bytes)


def state():
    """What, besides costs and limits, decides about a call made here and now; times in nanoseconds."""
    cdef long long now = ac_now_ns()
    cdef bint asleep = slept(now)
    return {
        "awake": now - last_region <= ASLEEP_AFTER,
        "wake_ns": wake_cost[asleep],
        "crowded_ns": lost if now < crowded_until else 0.0,
        "in_parallel": bool(omp_in_parallel()) or ac_depth > 0,
    }


def set_local_limit(int threads):
    """Sets this thread's limit (0: the process's) and returns what it was."""
    global ac_local_limit, epoch, local_limits
    was = ac_local_limit
    ac_local_limit = threads
    if threads > 1 and not local_limits:
        local_limits = True
        epoch += 1
    return was


def set_engine(int engine):
    """Sets what this thread's calls run on (0: as costs say, or an ENGINE) and returns what it was."""
    global ac_engine, epoch, forcing
    was = ac_engine
    ac_engine = engine
    forcing += (engine >= THREADS) - (was >= THREADS)
    epoch += 1
    return was


def settings():
    """What holds for a call made here and now."""
    return {
        "openmp": ac_openmp_version(),
        "cores": cores,
        "threads": limit_here(),
        "parallel_from": from_elements,
        "limit": ac_local_limit,
        "engine": ac_engine,
        "serial_child": bool(serial_child),
        "busy": busy,
        "crowded": ac_now_ns() < crowded_until,
        "regions": regions,
    }


def last_region_of_this_thread():
    """Threads granted, tasks, and how many threads ran at least one, in this thread's last parallel_for."""
    return ac_last_threads, ac_last_tasks, bin(ac_last_who).count("1")
