# How every kernel of ours runs on several threads. See _driver.pyx.

# One piece of work. Never raises by itself; with MAY_RAISE it may leave a Python error set.
ctypedef void (*task_fn)(void *context, Py_ssize_t index) noexcept nogil

cdef enum:
    MAY_RAISE = 1    # tasks may set a Python error: each runs with a thread state of its own, the first error is kept

# How many threads a call over n elements, serially `ns` nanoseconds long, is worth. 1: stay on the calling thread.
cdef int threads_for(Py_ssize_t n, double ns) noexcept nogil

# The same for work that reads and writes so many bytes.
cdef int threads_over(Py_ssize_t n, double ns, double bytes) noexcept nogil

# The least serial nanoseconds for which threads_for can answer more than 1; infinity when it never does.
cdef double worth_from() noexcept nogil

# Elements from which calls may be split whatever they cost (ALLCORES_PARALLEL_FROM, using("threads")); -1 when costs
# decide.
cdef Py_ssize_t forced_from() noexcept nogil

# Runs fn(context, i) for i in range(tasks) on up to `threads` threads. Releases the GIL if it is held. Returns the
# floating-point exceptions raised by the tasks (FE_* bits, >= 0), or -1 with a Python error set.
cdef int parallel_for(task_fn fn, void *context, Py_ssize_t tasks, int threads, double ns, int flags) noexcept nogil

# Whether this thread is running a task of parallel_for.
cdef bint inside_task() noexcept nogil

# Gives NumPy's warnings, errors or calls for what parallel_for returned, as np.errstate asks. A negative `raised`
# passes the error on that is set.
cdef int report(const char *name, int raised) except -1

# Raises the flags in the calling thread, for a caller that tests them itself.
cdef void raise_flags(int raised) noexcept nogil

# Where to read a number that changes whenever limits do: who caches a threshold compares it.
cdef const unsigned int *limits_epoch() noexcept nogil

# --- for _api: loops that are not parallel_for's ---

# The threads that a call may have here and now, of those that it asks for: 1 inside of a task.
cdef int allowed(int threads) noexcept nogil

# Takes up to `wanted` threads, at least one, from what the cores have left; release gives back what was taken.
cdef int reserve(int wanted) noexcept nogil
cdef void release(int granted) noexcept nogil

# How many tasks this thread is inside of.
cdef int depth() noexcept nogil
cdef void set_depth(int tasks) noexcept nogil

# Whether a team must be woken: 0 no, 1 yes, 2 yes and the process slept as well.
cdef int asleep(long long now) noexcept nogil

# A region has ended that had `granted` threads, of which `came` ran something, the last of them after `latest` ns.
cdef void note_region(int granted, int came, long long latest, long long took, int was_asleep) noexcept nogil

# --- calls in processes: _driver_parts.pxi ---

# Whether a call of so many nanoseconds made here and now should ask for them.
cdef bint wants_processes(double ns) noexcept nogil

# Whether the call named is done so; end_call must follow. Between the two, threads_over answers the number of parts and
# parallel_for has workers run the tasks.
cdef bint begin_call(str name, tuple args, double ns) except -1
cdef void end_call() noexcept

# Into how many parts the present call is cut, 0 of an ordinary one; and whether this process does one for another.
cdef int parts() noexcept nogil
cdef bint is_part() noexcept nogil

# Whether this process runs that one of so many tasks.
cdef bint is_done_here(Py_ssize_t task, Py_ssize_t tasks) noexcept nogil

# An output, and memory for partial results: the caller's and the workers' are the same. Ordinary memory of an ordinary
# call; NULL without any.
cdef object part_output(object dtype, tuple shape, object steps)
cdef void *part_memory(size_t size) noexcept nogil
cdef void part_free(void *memory) noexcept nogil

# What workers have to say besides: bits, all of which the caller has after parallel_for.
cdef void note_part(int bits) noexcept nogil
cdef int noted_in_parts() noexcept nogil
