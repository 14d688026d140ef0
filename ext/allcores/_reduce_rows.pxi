# Running a Job whose innermost axis is reduced: whole outputs, or partial results that are then joined.

cdef void part_of_row(Work *work, char *out, const char *a, npy_intp first, npy_intp n, char *scratch,
                        const char *mean) noexcept nogil:
    # Adds the sum of n elements from `first` on of a row, which several axes, or a conversion, may make.
    cdef Job *job = work.job
    cdef npy_intp left = n
    cdef npy_intp width = job.axes[0].n
    cdef npy_intp at, run
    cdef char *to = scratch
    if job.gather == NULL:
        job.rows(out, 0, a + first * job.axes[0].a, 1, 0, n, job.axes[0].a, mean, 0)
        return
    while left > 0:
        at = first % width
        run = min(width - at, left)
        job.gather(to, a + place_of(job.axes, job.core, first).a, run, job.axes[0].a, mean)
        to += run * job.acc_size
        first += run
        left -= run
    job.rows(out, 0, scratch, 1, 0, n, job.acc_size, mean, 0)


cdef void some_rows(Work *work, char *out, npy_intp so, const char *a, npy_intp m, npy_intp sm, const char *mean,
                    npy_intp smean, char *scratch) noexcept nogil:
    # m rows, whole, into outputs `so` apart.
    cdef Job *job = work.job
    cdef npy_intp j, first, batch
    if job.direct:
        job.rows(out, so, a, m, sm, job.row, job.axes[0].a, mean, smean)
        return
    if job.core == 1 and job.chunk == job.row and job.row <= SHORT_ROW:
        # As many rows as fit are gathered before they are summed.
        while m > 0:
            batch = min(m, GATHERED // job.row)
            if mean == NULL and sm == job.row * job.axes[0].a:
                job.gather(scratch, a, batch * job.row, job.axes[0].a, NULL)
            else:
                for j in range(batch):
                    job.gather(scratch + j * job.row * job.acc_size, a + j * sm, job.row, job.axes[0].a,
                               mean + j * smean)
            job.rows(out, so, scratch, batch, job.row * job.acc_size, job.row, job.acc_size, NULL, 0)
            m -= batch
            out += batch * so
            a += batch * sm
            mean += batch * smean
        return
    for j in range(m):
        first = 0
        while first < job.row:
            part_of_row(work, out + j * so, a + j * sm, first, min(job.chunk, job.row - first), scratch,
                          mean + j * smean)
            first += job.chunk


cdef char *scratch_for(Work *work) noexcept nogil:
    cdef char *scratch = NULL
    if work.job.gather != NULL:
        scratch = <char *> malloc(work.job.acc_size * max(
            <npy_intp> GATHERED, PIECE if work.pieces else min(work.job.chunk, work.job.row)))
        if scratch == NULL:
            work.failed = 1
    return scratch


cdef void outputs_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef Work *work = <Work *> context
    cdef Job *job = work.job
    cdef npy_intp at = work.outputs * index // work.tasks
    cdef npy_intp end = work.outputs * (index + 1) // work.tasks
    cdef npy_intp run, i, step
    cdef Axis along
    cdef Place place
    cdef char *out
    cdef char *scratch = scratch_for(work)
    cdef char *partial = NULL
    if job.store != NULL:
        partial = <char *> malloc(STORED * job.acc_size)
        if partial == NULL:
            work.failed = 1
    memset(&along, 0, sizeof(Axis))
    along.n = 1
    if work.nk:
        along = work.kept[0]
    while at < end and not work.failed:
        run = min(along.n - at % along.n, end - at)
        place = place_of(work.kept, work.nk, at)
        out = job.out + place.o
        step = along.o
        if job.store != NULL:
            run = min(run, <npy_intp> STORED)
            out = partial
            step = job.acc_size
        fill(out, step, run, job.acc_size, job.start)
        for i in range(work.rounds):
            some_rows(work, out, step,
                      job.a + place.a + (place_of(work.red, work.nr, i).a if work.nr else 0), run, along.a,
                      job.mean + place.c, along.c, scratch)
        store(work, job.out + place.o, along.o, out, run)
        at += run
    free(scratch)
    free(partial)


cdef void piece_unit(Work *work, npy_intp unit, char *scratch) noexcept nogil:
    cdef Job *job = work.job
    cdef npy_intp piece = unit % work.pieces
    cdef npy_intp row = unit // work.pieces
    cdef npy_intp output = row // work.rounds
    cdef Place place = place_of(work.kept, work.nk, output)
    cdef const char *a = job.a + place.a + place_of(work.red, work.nr, row % work.rounds).a
    cdef npy_intp first = work.start[piece]
    cdef npy_intp n = work.start[piece + 1] - first
    cdef char *out = work.partial + unit * job.acc_size
    memcpy(out, work.neutral, job.acc_size)
    if work.decided[output]:
        return
    part_of_row(work, out, a, first, n, scratch, job.mean + place.c)
    if (job.op == AC_ANY and out[0]) or (job.op == AC_ALL and not out[0]):
        work.decided[output] = 1


cdef void group_unit(Work *work, npy_intp unit, char *scratch) noexcept nogil:
    # Consecutive rows of one output; of a sum each has a partial result of its own.
    cdef Job *job = work.job
    cdef npy_intp output = unit // work.groups
    cdef npy_intp row = unit % work.groups * work.group
    cdef npy_intp end = min(row + work.group, work.rows)
    cdef npy_intp step = job.acc_size if job.pairwise else 0
    cdef Place place = place_of(work.kept, work.nk, output)
    cdef npy_intp round, chunk, run
    cdef const char *a
    cdef char *out = work.partial + job.acc_size * (
        output * work.slots + (row if job.pairwise else unit % work.groups))
    fill(out, job.acc_size, end - row if job.pairwise else 1, job.acc_size, work.neutral)
    if work.decided[output]:
        return
    while row < end:
        round = row // work.chunks
        chunk = row % work.chunks
        a = job.a + place.a + place_of(work.red, work.nr, round).a
        if not job.direct:
            part_of_row(work, out, a, chunk * job.chunk, min(job.chunk, job.row - chunk * job.chunk), scratch,
                          job.mean + place.c)
            run = 1
        elif work.nr == 0:
            job.rows(out, 0, a, 1, 0, job.row, job.axes[0].a, job.mean + place.c, 0)
            run = 1
        else:
            run = min(end - row, work.red[0].n - round % work.red[0].n)
            job.rows(out, step, a, run, work.red[0].a, job.row, job.axes[0].a, job.mean + place.c, 0)
        out += run * step
        row += run
    if job.op == AC_ANY or job.op == AC_ALL:
        out = work.partial + unit
        if (job.op == AC_ANY) == (out[0] != 0):
            work.decided[output] = 1


cdef void parts_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef Work *work = <Work *> context
    cdef npy_intp unit
    cdef char *scratch = scratch_for(work)
    if work.failed:
        return
    for unit in range(work.units * index // work.tasks, work.units * (index + 1) // work.tasks):
        if work.pieces:
            piece_unit(work, unit, scratch)
        else:
            group_unit(work, unit, scratch)
    free(scratch)


cdef inline npy_intp half_of(Job *job, npy_intp n) noexcept nogil:
    # Of a complex sum NumPy counts real and imaginary parts.
    if job.acc == AC_C8 or job.acc == AC_C16:
        return (n - n % 8) // 2
    return n // 2 - n // 2 % 8


cdef npy_intp cut(Job *job, npy_intp *starts, npy_intp count, npy_intp first, npy_intp n) noexcept nogil:
    # Appends where the parts of a row start; `starts` may be NULL, to count.
    cdef npy_intp half
    if n <= PIECE:
        if starts != NULL:
            starts[count] = first
        return count + 1
    half = half_of(job, n) if job.halved else PIECE
    count = cut(job, starts, count, first, half)
    return cut(job, starts, count, first + half, n - half)


cdef char *join_tree(Work *work, char *parts, npy_intp n, npy_intp *used) noexcept nogil:
    # Adds the parts of a row as `cut` divided it, in place; returns where the sum is.
    cdef Job *job = work.job
    cdef npy_intp half
    cdef char *left
    cdef char *right
    if n <= PIECE:
        used[0] += 1
        return parts + (used[0] - 1) * job.acc_size
    half = half_of(job, n)
    left = join_tree(work, parts, half, used)
    right = join_tree(work, parts, n - half, used)
    job.join(left, job.acc_size, right, 1, job.acc_size, 1, job.acc_size, NULL, 0)
    return left


cdef void join_parts(Work *work) noexcept nogil:
    cdef Job *job = work.job
    cdef npy_intp output, row, used, left
    cdef npy_intp size = job.acc_size
    cdef char partial[WIDEST]
    cdef char *out
    cdef char *parts
    cdef char *to
    for output in range(work.outputs):
        to = job.out + place_of(work.kept, work.nk, output).o
        out = to if job.store == NULL else partial
        parts = work.partial + output * work.slots * size
        memcpy(out, job.start, size)
        if work.pieces and job.halved:
            for row in range(work.rows):
                used = 0
                job.join(out, size, join_tree(work, parts + row * work.pieces * size, job.row, &used), 1, size, 1, size,
                         NULL, 0)
        else:
            left = work.slots
            while job.halved and not job.pairwise and left > 1:
                used = left // 2
                job.join(parts, size, parts + (left - used) * size, 1, size, used, size, NULL, 0)
                left -= used
            job.join(out, size, parts, left, size, 1, size, NULL, 0)
        store(work, to, 0, out, 1)


cdef int joined(Work *work) noexcept nogil:
    # On the calling thread, whose own flags stay as they were; a join may overflow too.
    cdef fexcept_t mine
    cdef int raised
    fegetexceptflag(&mine, FE_ALL_EXCEPT)
    feclearexcept(FE_ALL_EXCEPT)
    join_parts(work)
    raised = fetestexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID)
    fesetexceptflag(&mine, FE_ALL_EXCEPT)
    return raised


cdef int run_reduced(Work *work, int threads) noexcept nogil:
    cdef Job *job = work.job
    cdef int raised
    work.outputs = take_outer(work.kept, &work.nk, job, job.core, -1, False)
    work.rounds = take_outer(work.red, &work.nr, job, job.core, -1, True)
    work.chunks = (job.row + job.chunk - 1) // job.chunk
    work.rows = work.rounds * work.chunks
    if job.pieces and job.row > PIECE and (work.outputs < OWN_OUTPUTS or job.gather != NULL):
        work.pieces = cut(job, NULL, 0, 0, job.row)
        work.slots = work.rounds * work.pieces
        work.units = work.outputs * work.slots
    else:
        work.group = 1 + (PIECE - 1) // job.chunk
        work.groups = (work.rows + work.group - 1) // work.group
        work.slots = work.rows if job.pairwise else work.groups
        work.units = work.outputs * work.groups
        # One group an output is the same as a whole output, but for the place of an initial factor, and for sums whose
        # rows are halved too.
        if work.outputs >= OWN_OUTPUTS or (
                work.units == work.outputs and work.outputs * 2 >= threads
                and job.op != AC_MUL and job.op != AC_NAN_MUL and (job.pairwise or not job.halved)):
            work.tasks = tasks_of(work.outputs, threads, job.ns)
            raised = parallel_for(outputs_task, work, work.tasks, threads, job.ns, 0)
            return -2 if work.failed else raised
    work.tasks = tasks_of(work.units, threads, job.ns)
    work.partial = <char *> part_memory(work.outputs * work.slots * job.acc_size)
    work.decided = <char *> malloc(work.outputs)
    work.start = <npy_intp *> malloc((work.pieces + 1) * sizeof(npy_intp))
    if work.partial == NULL or work.decided == NULL or work.start == NULL:
        raised = -2
    else:
        if work.pieces:
            work.start[cut(job, work.start, 0, 0, job.row)] = job.row
        memset(work.decided, 0, work.outputs)
        raised = parallel_for(parts_task, work, work.tasks, threads, job.ns, 0)
        if work.failed:
            raised = -2
        elif raised >= 0 and not is_part():
            raised |= joined(work)
    part_free(work.partial)
    free(work.decided)
    free(work.start)
    return raised
