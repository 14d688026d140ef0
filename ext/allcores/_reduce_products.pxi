# Inner products of many pairs of vectors, and matrix products that BLAS does not take: the inner loops of generalised
# ufuncs, each of which is given all that there is to do at once. NumPy converts, broadcasts, makes outputs and looks
# for overlap; here the work is cut, by shapes alone.

cdef struct Product:
    const ac_product_entry *entry
    inner_fn numpy          # NumPy's own loop, for little work
    void *numpy_data

cdef struct Dots:
    const ac_product_entry *entry
    const char *a
    const char *b
    npy_intp m              # pairs of vectors, `ma` and `mb` apart,
    npy_intp ma
    npy_intp mb
    npy_intp n              # of n elements
    npy_intp na
    npy_intp nb
    npy_intp longest        # part of a vector that is not split
    npy_intp group          # pairs of a unit
    npy_intp groups
    npy_intp tasks
    npy_intp units
    npy_intp *start         # of each part
    char *partial           # m of each part
    int decided             # of one truth value

cdef struct Panels:
    const ac_product_entry *entry
    const char *a
    const char *b
    char *out
    npy_intp m
    npy_intp k
    npy_intp n
    npy_intp steps[6]       # of a, b and the output
    npy_intp rows           # of a unit
    npy_intp columns
    npy_intp across         # units
    npy_intp units
    npy_intp tasks
    int failed

cdef enum:
    PANEL = 128             # of a matrix: rows that are packed at a time,
    PANEL_BYTES = 2048      # bytes of one,
    PANEL_ROWS = 64         # and how many rows it is multiplied with at least


cdef npy_intp cut_dots(Dots *job, npy_intp count, npy_intp first, npy_intp n) noexcept nogil:
    # Appends where the parts of a vector start; `start` may be NULL, to count.
    cdef npy_intp half = n // 2 - n // 2 % 32
    if n <= job.longest:
        if job.start != NULL:
            job.start[count] = first
        return count + 1
    count = cut_dots(job, count, first, half)
    return cut_dots(job, count, first + half, n - half)


cdef char *join_dots(Dots *job, npy_intp n, npy_intp *used) noexcept nogil:
    # Adds the parts as `cut_dots` made them, in place.
    cdef npy_intp half = n // 2 - n // 2 % 32
    cdef char *left
    if n <= job.longest:
        used[0] += 1
        return job.partial + (used[0] - 1) * job.m * job.entry.acc
    left = join_dots(job, half, used)
    job.entry.plus(left, join_dots(job, n - half, used), job.m)
    return left


cdef void dots_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef Dots *job = <Dots *> context
    cdef npy_intp unit, part, pair
    cdef char *out
    for unit in range(job.units * index // job.tasks, job.units * (index + 1) // job.tasks):
        part = unit // job.groups
        pair = unit % job.groups * job.group
        out = job.partial + (part * job.m + pair) * job.entry.acc
        if job.decided:
            out[0] = 1
            continue
        job.entry.dots(out, job.a + pair * job.ma + job.start[part] * job.na, job.ma, job.na,
                       job.b + pair * job.mb + job.start[part] * job.nb, job.mb, job.nb,
                       min(job.group, job.m - pair), job.start[part + 1] - job.start[part])
        if job.m == 1 and job.entry.plus == reductions().products[AC_B1].plus and out[0]:
            job.decided = 1


cdef void vecdot_loop(char **args, const npy_intp *dims, const npy_intp *steps, void *data) noexcept nogil:
    # (n),(n)->() over dims[0] pairs.
    cdef Product *product = <Product *> data
    cdef Dots job
    cdef double ns = product.entry.ns * dims[0] * dims[1]
    cdef npy_intp parts = 0
    cdef int threads, raised
    memset(&job, 0, sizeof(job))
    job.entry = product.entry
    job.a, job.b = args[0], args[1]
    job.m, job.n = dims[0], dims[1]
    job.ma, job.mb = steps[0], steps[1]
    job.na, job.nb = steps[3], steps[4]
    if job.m * job.n < LEAST and forced_from() < 0 or job.m == 0 or job.n == 0:
        product.numpy(args, dims, steps, product.numpy_data)
        return
    if magnitude(job.na) > 64 and magnitude(job.na) > magnitude(job.ma):
        ns *= 2
    threads = threads_for(job.m * job.n, ns + 2 * job.m)
    job.longest = job.n
    if job.m < OWN_OUTPUTS:
        job.longest = min(<npy_intp> PIECE, max(<npy_intp> 256, 4 * PIECE // job.m))
    parts = cut_dots(&job, 0, 0, job.n)
    job.group = min(<npy_intp> 128, 1 + PIECE * parts // job.n)
    job.groups = (job.m + job.group - 1) // job.group
    job.units = parts * job.groups
    job.tasks = tasks_of(job.units, threads, ns)
    job.start = <npy_intp *> malloc((parts + 1) * sizeof(npy_intp))
    job.partial = <char *> malloc(parts * job.m * job.entry.acc)
    if job.start == NULL or job.partial == NULL:
        product.numpy(args, dims, steps, product.numpy_data)
    else:
        job.start[cut_dots(&job, 0, 0, job.n)] = job.n
        raised = parallel_for(dots_task, &job, job.tasks, threads, ns, 0)
        parts = 0
        job.entry.store(args[2], steps[2], join_dots(&job, job.n, &parts), job.m)
        raise_flags(raised)
    free(job.start)
    free(job.partial)


cdef void panels_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef Panels *job = <Panels *> context
    cdef const ac_product_entry *entry = job.entry
    cdef npy_intp unit, row, column, rows, columns, first, some, i
    cdef char *panel = <char *> malloc(PANEL * job.columns * entry.acc)
    cdef char *sums = <char *> malloc(job.rows * job.columns * entry.acc)
    if panel == NULL or sums == NULL:
        job.failed = 1
    else:
        for unit in range(job.units * index // job.tasks, job.units * (index + 1) // job.tasks):
            row = unit // job.across * job.rows
            column = unit % job.across * job.columns
            rows = min(job.rows, job.m - row)
            columns = min(job.columns, job.n - column)
            memset(sums, 0, rows * columns * entry.acc)
            first = 0
            while first < job.k:
                some = min(<npy_intp> PANEL, job.k - first)
                entry.pack(panel, job.b + first * job.steps[2] + column * job.steps[3], job.steps[2], job.steps[3],
                           some, columns)
                entry.panel(sums, job.a + row * job.steps[0] + first * job.steps[1], job.steps[0], job.steps[1], panel,
                            rows, some, columns)
                first += some
            for i in range(rows):
                entry.store(job.out + (row + i) * job.steps[4] + column * job.steps[5], job.steps[5],
                            sums + i * columns * entry.acc, columns)
    free(panel)
    free(sums)


cdef void matmul_loop(char **args, const npy_intp *dims, const npy_intp *steps, void *data) noexcept nogil:
    # (m,k),(k,n)->(m,n) over dims[0] pairs; matrices of one row or column are NumPy's vectors.
    cdef Product *product = <Product *> data
    cdef Panels job
    cdef double ns = product.entry.ns * dims[1] * dims[2] * dims[3]
    cdef npy_intp one = 1
    cdef npy_intp inner[4]
    cdef char *at[3]
    cdef npy_intp i
    cdef int j, threads, raised = 0
    memset(&job, 0, sizeof(job))
    job.entry = product.entry
    job.m, job.k, job.n = dims[1], dims[2], dims[3]
    memcpy(job.steps, steps + 3, 6 * sizeof(npy_intp))
    job.columns = min(max(one, job.n), <npy_intp> PANEL_BYTES // product.entry.acc)
    job.across = (job.n + job.columns - 1) // job.columns
    threads = threads_for(job.m * job.n * job.k, ns)
    job.rows = min(max(one, job.m), max(<npy_intp> PANEL_ROWS, job.m * job.across // (4 * 64)))
    job.units = (job.m + job.rows - 1) // job.rows * job.across
    job.tasks = tasks_of(job.units, threads, ns)
    inner[0], inner[1], inner[2], inner[3] = 1, job.m, job.k, job.n
    for i in range(dims[0]):
        for j in range(3):
            at[j] = args[j] + i * steps[j]
        job.a, job.b, job.out = at[0], at[1], at[2]
        job.failed = 1
        if min(job.m, job.n) > 1 and (job.m * job.k * job.n >= LEAST or forced_from() >= 0) and job.k > 0:
            job.failed = 0
            raised = parallel_for(panels_task, &job, job.tasks, threads, ns, 0)
            raise_flags(raised)
        if job.failed:
            product.numpy(at, inner, steps, product.numpy_data)


def generalised(numpy_ufunc, bint matrices):
    """
    A plain ufunc with the types of `numpy_ufunc`, np.vecdot or np.matmul (`matrices`), and loops of ours where there
    are any, which use all cores; the others are NumPy's.
    """
    cdef PyUFuncObject *numpy = <PyUFuncObject *> numpy_ufunc
    cdef loop_fn *functions = <loop_fn *> malloc(numpy.ntypes * sizeof(loop_fn))
    cdef void **data = <void **> malloc(numpy.ntypes * sizeof(void *))
    cdef Product *product
    cdef int i, number, kind
    if functions == NULL or data == NULL:
        raise MemoryError
    for i in range(numpy.ntypes):
        functions[i] = numpy.functions[i]
        data[i] = numpy.data[i] if numpy.data != NULL else NULL
        number = numpy.types[i * numpy.nargs]
        if number != numpy.types[i * numpy.nargs + 1] or number != numpy.types[i * numpy.nargs + 2] or number > 31:
            continue
        if matrices and use_stacks(number, &functions[i], &data[i]):
            continue
        kind = AC_LONG_DOUBLE if number == NPY_LONGDOUBLE else KINDS[number]
        if kind < 0 or (reductions().products[kind].panel if matrices else reductions().products[kind].dots) == NULL:
            continue
        product = <Product *> malloc(sizeof(Product))
        if product == NULL:
            raise MemoryError
        product.entry = &reductions().products[kind]
        product.numpy = <inner_fn> functions[i]
        product.numpy_data = data[i]
        functions[i] = <loop_fn> matmul_loop if matrices else <loop_fn> vecdot_loop
        data[i] = product
    made = PyUFunc_FromFuncAndDataAndSignatureAndIdentity(
        functions, data, numpy.types, numpy.ntypes, numpy.nin, numpy.nout, numpy.identity, numpy.name, numpy.doc, 0,
        numpy.core_signature, numpy.identity_value)
    (<PyUFuncObject *> made).type_resolver = numpy.type_resolver
    # matmul's say that an output may not be an input itself, as it may be where elements are taken one by one.
    (<PyUFuncObject *> made).iter_flags = numpy.iter_flags
    memcpy((<PyUFuncObject *> made).op_flags, numpy.op_flags, numpy.nargs * sizeof(numpy.op_flags[0]))
    Py_INCREF(<PyObject *> made)    # immortal, with what it points to
    return made
