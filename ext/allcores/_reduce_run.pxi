# Running a Job. Two shapes of work:
#
#   kept      the innermost axis is not reduced: blocks of columns, each in order over its rows
#   reduced   it is: every output is a chain of rows. Of many outputs a task has whole ones; few are made of partial
#             results, rows or parts of rows, that are then joined in NumPy's order (sums) or a fixed one
#
# Which of the two, and into which parts, follows from shapes alone.

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


# --- kept -----------------------------------------------------------------------------------------------------------

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
    work.tasks = min(work.units, <npy_intp> (4 * threads))
    # The last row is for outputs that are not partial results.
    work.partial = <char *> malloc((work.units * work.beside + 1) * along.n * job.acc_size)
    if work.partial == NULL:
        return -2
    if job.mean != NULL:
        work.means = <char *> malloc(work.beside * along.n * size)
        if work.means == NULL:
            free(work.partial)
            return -2
        for i in range(work.beside * along.n):
            memcpy(work.means + i * size, job.mean + i % along.n * along.c, size)
    raised = parallel_for(strip_task, work, work.tasks, threads, job.ns, 0)
    free(work.means)
    if job.store != NULL:
        out = work.partial + work.units * work.beside * along.n * job.acc_size
        step = job.acc_size
    fill(out, step, along.n, job.acc_size, job.start)
    job.join(out, step, work.partial, work.units * work.beside, along.n * job.acc_size, along.n, job.acc_size, NULL, 0)
    store(work, job.out, along.o, out, along.n)
    free(work.partial)
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
    work.tasks = min(work.units, <npy_intp> (4 * threads))
    raised = parallel_for(kept_task, work, work.tasks, threads, job.ns, 0)
    return -2 if work.failed else raised


# --- reduced --------------------------------------------------------------------------------------------------------

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
    job.rows(out, 0, scratch, 1, 0, n, job.acc_size, NULL, 0)


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
            work.tasks = min(work.outputs, <npy_intp> (4 * threads))
            raised = parallel_for(outputs_task, work, work.tasks, threads, job.ns, 0)
            return -2 if work.failed else raised
    work.tasks = min(work.units, <npy_intp> (4 * threads))
    work.partial = <char *> malloc(work.outputs * work.slots * job.acc_size)
    work.decided = <char *> malloc(work.outputs)
    work.start = <npy_intp *> malloc((work.pieces + 1) * sizeof(npy_intp))
    if work.partial == NULL or work.decided == NULL or work.start == NULL:
        raised = -2
    else:
        if work.pieces:
            work.start[cut(job, work.start, 0, 0, job.row)] = job.row
        memset(work.decided, 0, work.outputs)
        fill(work.partial, job.acc_size, work.outputs * work.slots, job.acc_size, work.neutral)
        raised = parallel_for(parts_task, work, work.tasks, threads, job.ns, 0)
        if work.failed:
            raised = -2
        elif raised >= 0:
            raised |= joined(work)
    free(work.partial)
    free(work.decided)
    free(work.start)
    return raised
