# Part of _driver.pyx: calls whose tasks are done by several processes, which have the operands in shared memory.
#
# The caller goes the ordinary way, with one task a process; where it would run them, a Python object (`call`, of
# allcores.engines.processes) has workers do it. Each of them makes the same call with the same operands, so goes the
# same way, and runs the tasks of its own part alone. What is cut where is decided by the code that does it for threads,
# and results are the same bits.

cdef extern from "Python.h":
    void Py_INCREF_raw "Py_INCREF"(PyObject *)
    void PyErr_SetObject(PyObject *, PyObject *)

# Serial nanoseconds from which a call asks, where there are no threads, whether processes pay.
cdef double PROCESSES_FROM = 1e6

cdef object processes = None    # (name, arguments, nanoseconds, whether it is forced) -> call or None


cdef inline bint threadless() noexcept nogil:
    return serial_child or not ac_openmp_version()


cdef bint wants_processes(double ns) noexcept nogil:
    if ac_parts or ac_depth > 0:
        return False
    return ac_engine == PROCESSES or (ac_engine == BY_COST and ns >= PROCESSES_FROM and threadless())


cdef bint begin_call(str name, tuple args, double ns) except -1:
    global ac_call, ac_parts, ac_part, ac_part_noted
    if processes is None:
        return False
    call = processes(name, args, ns, ac_engine == PROCESSES)
    if call is None:
        return False
    parts = call.parts
    Py_INCREF_raw(<PyObject *> call)
    ac_call = <PyObject *> call
    ac_parts = parts
    ac_part = -1
    ac_part_noted = 0
    return True


cdef void end_call() noexcept:
    global ac_call, ac_parts
    cdef PyObject *call = ac_call
    ac_call = NULL
    ac_parts = 0
    Py_XDECREF(call)


cdef int parts() noexcept nogil:
    return ac_parts


cdef bint is_part() noexcept nogil:
    return ac_parts > 0 and ac_part >= 0


cdef bint is_done_here(Py_ssize_t task, Py_ssize_t tasks) noexcept nogil:
    if ac_parts == 0 or (ac_part < 0 and tasks == 1):
        return True
    return ac_part >= 0 and task % ac_parts == ac_part


cdef struct Within:
    PyObject *call
    int parts, part, engine


cdef Within leave_call() noexcept:
    global ac_call, ac_parts, ac_engine
    cdef Within within
    within.call, within.parts, within.part, within.engine = ac_call, ac_parts, ac_part, ac_engine
    ac_call = NULL
    ac_parts = 0
    ac_engine = BY_COST
    return within


cdef void enter_call(Within within) noexcept:
    global ac_call, ac_parts, ac_part, ac_engine
    ac_call, ac_parts, ac_part, ac_engine = within.call, within.parts, within.part, within.engine


cdef object asked(str method, tuple args):
    """What a method of the call answers; what it calls is outside of the call."""
    cdef Within within = leave_call()
    try:
        return getattr(<object> within.call, method)(*args)
    finally:
        enter_call(within)


cdef int outside(const char *name, int bits) except -1:
    cdef Within within = leave_call()
    try:
        return PyUFunc_GiveFloatingpointErrors(name, bits)
    finally:
        enter_call(within)


cdef object part_output(object dtype, tuple shape, object steps):
    return asked("output", (dtype, shape, steps))


cdef Py_ssize_t answer(str method, Py_ssize_t argument) noexcept with gil:
    """A number, or -1 with an error set."""
    failed = None
    try:
        return asked(method, (argument,))
    except BaseException as error:
        failed = error
    kind = type(failed)
    PyErr_SetObject(<PyObject *> kind, <PyObject *> failed)
    return -1


cdef void *part_memory(size_t size) noexcept nogil:
    cdef Py_ssize_t at
    if not ac_parts:
        return malloc(size)
    at = answer("memory", size)
    return NULL if at < 0 else <void *> at


cdef void part_free(void *memory) noexcept nogil:
    if not ac_parts:    # else the call has it
        free(memory)


cdef void note_part(int bits) noexcept nogil:
    global ac_part_noted
    ac_part_noted |= bits


cdef int noted_in_parts() noexcept nogil:
    return ac_part_noted if ac_parts else 0


cdef int run_elsewhere(Py_ssize_t tasks) noexcept nogil:
    """The caller's side of a region: flags, or -1 with an error set."""
    cdef Py_ssize_t found = answer("run", tasks)
    if found < 0:
        return -1
    note_part(<int> (found >> 32))
    return <int> (found & 0x7fffffff)


cdef int run_part(Region *region, Py_ssize_t tasks) noexcept nogil:
    """A worker's side: flags go to do_part, so that whatever is done about them is done by the caller."""
    global ac_part_raised, ac_part_tasks
    cdef int held = ac_holds_gil()
    cdef PyThreadState *thread = NULL
    cdef fexcept_t before
    cdef Py_ssize_t i = ac_part
    ac_part_tasks = tasks
    fegetexceptflag(&before, FE_ALL_EXCEPT)
    if held:
        thread = PyEval_SaveThread()
    while i < tasks and not region.failed:
        run_one(region, i)
        i += ac_parts
    fesetexceptflag(&before, FE_ALL_EXCEPT)
    if held:
        PyEval_RestoreThread(thread)
    ac_part_raised |= region.raised
    if region.failed:
        if held:
            PyErr_Restore(region.error[0], region.error[1], region.error[2])
        else:
            restore_without_gil(region)
        return -1
    return 0


def set_processes(function):
    """Sets what is asked for the object that has a call done in processes; it may say None."""
    global processes
    processes = function


def do_part(call, int part, int parts, function, args):
    """
    Makes the call and runs the tasks of one of its parts. Returns (result, tasks there were in all, floating-point
    flags, what was noted).
    """
    global ac_call, ac_parts, ac_part, ac_part_raised, ac_part_noted, ac_part_tasks
    ac_call = <PyObject *> call
    ac_parts = parts
    ac_part = part
    ac_part_raised = ac_part_noted = 0
    ac_part_tasks = 0
    try:
        result = function(*args)
    finally:
        ac_call = NULL
        ac_parts = 0
    return result, ac_part_tasks, ac_part_raised, ac_part_noted
