# Running a Job whose innermost axis is not reduced: blocks of columns, or strips of rows where the order is free.

cdef void kept_unit(Work *work, Axis *over, npy_intp unit, char *scratch, char *partial) noexcept nogil:
    cdef Job *job = work.job
    cdef Axis *along = &job.axes[0]
    cdef npy_intp first = unit % work.blocks * work.block
    cdef npy_intp n = min(work.block, along.n - first)
    cdef Place at = place_of(work.kept, work.nk, unit // work.blocks)
    cdef char *out = job.out + at.o + first * along.o
    cdef npy_intp step = along.o
    cdef const char *a = job.a + at.a + first * along.a
    cdef const char *mean = NULL
    cdef const char *row
    cdef npy_intp i, j, k, rows
    if job.store != NULL:
        out = partial
        step = job.acc_size
    if job.mean != NULL:
        mean = job.mean + at.c + first * along.c
    fill(out, step, n, job.acc_size, job.start)
    for i in range(work.rounds):
        row = a + (place_of(work.red, work.nr, i).a if work.nr else 0)
        if job.gather == NULL:
            job.cols(out, step, row, over.n, over.a, n, along.a, mean, along.c)
            continue
        j = 0
        while j < over.n:
            rows = min(<npy_intp> GATHERED_ROWS, over.n - j)
            for k in range(rows):
                job.gather(scratch + k * n * job.acc_size, row + (j + k) * over.a, n, along.a, NULL)
            job.cols(out, step, scratch, rows, n * job.acc_size, n, job.acc_size, NULL, 0)
            j += rows
    store(work, job.out + at.o + first * along.o, along.o, out, n)


cdef void kept_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef Work *work = <Work *> context
    cdef Job *job = work.job
    cdef int r = 1
    cdef npy_intp unit
    cdef char *scratch = NULL
    cdef char *partial = NULL
    while not job.axes[r].reduced:
        r += 1
    if job.gather != NULL:
        scratch = <char *> malloc(GATHERED_ROWS * work.block * job.acc_size)
    if job.store != NULL:
        partial = <char *> malloc(work.block * job.acc_size)
    if (job.gather != NULL and scratch == NULL) or (job.store != NULL and partial == NULL):
        work.failed = 1
    else:
        for unit in range(work.units * index // work.tasks, work.units * (index + 1) // work.tasks):
            kept_unit(work, &job.axes[r], unit, scratch, partial)
    free(scratch)
    free(partial)


cdef void strip_task(void *context, Py_ssize_t index) noexcept nogil:
    # A strip of the rows of a narrow matrix, where the order is free. Where rows follow each other without a gap,
    # `beside` of them are taken as one: each row would otherwise wait for the last.
    cdef Work *work = <Work *> context
    cdef Job *job = work.job
    cdef npy_intp size = job.acc_size
    cdef Axis *along = &job.axes[0]
    cdef Axis *over = &job.axes[1]
    cdef npy_intp width = along.n * work.beside
    cdef npy_intp mean = size_of(job.acc)
    cdef npy_intp unit, rows
    cdef char *out
    cdef const char *a
    for unit in range(work.units * index // work.tasks, work.units * (index + 1) // work.tasks):
        out = work.partial + unit * width * size
        a = job.a + unit * work.group * over.a
        rows = min(work.group, over.n - unit * work.group)
        fill(out, size, width, size, work.neutral)
        job.cols(out, size, a, rows // work.beside, work.beside * over.a, width, along.a, work.means, mean)
        a += rows // work.beside * work.beside * over.a
        job.cols(out, size, a, rows % work.beside, over.a, along.n, along.a, work.means, mean)


cdef int run_strips(Work *work, int threads) noexcept nogil:
    cdef Job *job = work.job
    cdef Axis *along = &job.axes[0]
    cdef npy_intp step = along.o
    cdef npy_intp size = size_of(job.acc)
    cdef npy_intp i
    cdef char *out = job.out
    cdef int raised
    work.beside = 1
    if along.n < 32 and along.a * along.n == job.axes[1].a:
        work.beside = 128 // along.n
    # Wide rows are kept whole too: columns of a matrix, cut apart, are read in crumbs.
    work.group = max(1 + PIECE // along.n, (job.axes[1].n + 15) // 16 if along.n > NARROW else <npy_intp> 1)
    work.units = (job.axes[1].n + work.group - 1) // work.group
    work.tasks = tasks_of(work.units, threads, job.ns)
    # The last row is for outputs that are not partial results.
    work.partial = <char *> part_memory((work.units * work.beside + 1) * along.n * job.acc_size)
    if work.partial == NULL:
        return -2
    if job.mean != NULL:
        work.means = <char *> malloc(work.beside * along.n * size)
        if work.means == NULL:
            part_free(work.partial)
            return -2
        for i in range(work.beside * along.n):
            memcpy(work.means + i * size, job.mean + i % along.n * along.c, size)
    raised = parallel_for(strip_task, work, work.tasks, threads, job.ns, 0)
    free(work.means)
    if raised < 0 or is_part():
        part_free(work.partial)
        return raised
    if job.store != NULL:
        out = work.partial + work.units * work.beside * along.n * job.acc_size
        step = job.acc_size
    fill(out, step, along.n, job.acc_size, job.start)
    job.join(out, step, work.partial, work.units * work.beside, along.n * job.acc_size, along.n, job.acc_size, NULL, 0)
    store(work, job.out, along.o, out, along.n)
    part_free(work.partial)
    return raised


cdef int run_kept(Work *work, int threads, bint any_order) noexcept nogil:
    cdef Job *job = work.job
    cdef npy_intp n = job.axes[0].n
    cdef npy_intp wanted = 1
    cdef int r = 1
    cdef int raised
    while not job.axes[r].reduced:
        r += 1
    work.outputs = take_outer(work.kept, &work.nk, job, 1, -1, False)
    work.rounds = take_outer(work.red, &work.nr, job, 1, r, True)
    if any_order and job.nd == 2 and n <= WIDE and job.gather == NULL and job.total > 2 * PIECE:
        return run_strips(work, threads)
    if threads > 1 and work.outputs < 2 * threads:
        wanted = (2 * threads + work.outputs - 1) // work.outputs
    work.block = (n + wanted - 1) // wanted
    # Blocks of whole cache lines, and not so narrow that rows are read in crumbs.
    work.block = min(max((work.block + 15) // 16 * 16, <npy_intp> 32), <npy_intp> COLUMNS)
    work.blocks = (n + work.block - 1) // work.block
    work.units = work.outputs * work.blocks
    work.tasks = tasks_of(work.units, threads, job.ns)
    raised = parallel_for(kept_task, work, work.tasks, threads, job.ns, 0)
    return -2 if work.failed else raised
