# Running a Job. Two shapes of work:
#
#   kept      the innermost axis is not reduced: blocks of columns, each in order over its rows
#   reduced   it is: every output is a chain of rows. Of many outputs a task has whole ones; few are made of partial
#             results, rows or parts of rows, that are then joined in NumPy's order (sums) or a fixed one
#
# Which of the two (_reduce_kept.pxi, _reduce_rows.pxi), and into which parts, follows from shapes alone.

cdef struct Work:
    Job *job
    int nk
    int nr
    Axis kept[MAX_DIMS]     # outer axes
    Axis red[MAX_DIMS]
    npy_intp outputs        # over kept
    npy_intp rounds         # over red
    npy_intp units
    npy_intp tasks
    npy_intp blocks         # kept: of columns
    npy_intp block
    npy_intp rows           # reduced: of an output
    npy_intp chunks         # of a row
    npy_intp pieces         # of a row, or 0
    npy_intp group          # rows of a unit
    npy_intp beside
    npy_intp groups         # of an output
    npy_intp slots          # partial results of an output
    npy_intp *start         # of each piece
    char *partial
    char *means             # of `beside` rows, packed
    char *decided           # a byte for each output: any and all need not look further
    char neutral[WIDEST]
    int nothing
    int failed

ctypedef struct Place:
    npy_intp a
    npy_intp o
    npy_intp c


cdef inline npy_intp tasks_of(npy_intp units, int threads, double ns) noexcept nogil:
    # In a short call every thread has one share, the same in the next call, whose data its caches may still hold; in a
    # long one more, so that a thread that the machine held up is helped.
    return min(units, <npy_intp> threads if parts() or ns < ALIKE_NS * threads else <npy_intp> (4 * threads))


cdef void fill(char *out, npy_intp step, npy_intp n, npy_intp size, const char *value) noexcept nogil:
    cdef npy_intp i
    if size == 8 and step == 8:
        for i in range(n):
            (<long long *> out)[i] = (<const long long *> value)[0]
    elif size == 4 and step == 4:
        for i in range(n):
            (<int *> out)[i] = (<const int *> value)[0]
    elif size == 1 and step == 1:
        memset(out, value[0], n)
    else:
        for i in range(n):
            memcpy(out + i * step, value, size)


cdef Place place_of(Axis *axes, int n, npy_intp index) noexcept nogil:
    cdef Place place
    cdef npy_intp at
    cdef int i
    place.a = place.o = place.c = 0
    for i in range(n):
        at = index % axes[i].n
        index //= axes[i].n
        place.a += at * axes[i].a
        place.o += at * axes[i].o
        place.c += at * axes[i].c
    return place


cdef npy_intp take_outer(Axis *to, int *count, Job *job, int first, int skip, bint reduced) noexcept nogil:
    # The axes of a sort from `first` on, without `skip`; returns how many elements they span.
    cdef npy_intp span = 1
    cdef int i
    count[0] = 0
    for i in range(first, job.nd):
        if i != skip and job.axes[i].reduced == reduced:
            to[count[0]] = job.axes[i]
            count[0] += 1
            span *= job.axes[i].n
    return span


cdef inline void store(Work *work, char *out, npy_intp step, const char *partial, npy_intp n) noexcept nogil:
    if work.job.store != NULL and work.job.store(out, step, partial, n, work.job.parameter):
        work.nothing = 1


cdef int no_memory() except -1:
    # Whoever was asked for it may have said why.
    if PyErr_Occurred() == NULL:
        raise MemoryError
    return -1
