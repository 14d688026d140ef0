# From arrays and axes to a Job: the axes in the order in which NumPy's iterator walks them.

cdef struct Axis:
    npy_intp n
    npy_intp a          # steps in bytes, of the operand,
    npy_intp o          # of the output: 0 on a reduced axis,
    npy_intp c          # and of the mean: 0 on a reduced axis
    int place           # in the operand
    bint reduced

cdef struct Job:
    int op
    int kind            # type of the elements
    int acc             # type of the output
    npy_intp in_size
    npy_intp acc_size   # of a partial result
    int nd
    Axis axes[MAX_DIMS]     # innermost first
    const char *a
    char *out
    const char *mean
    npy_intp total
    reduce_fn rows      # of gathered elements if there is a gather
    reduce_fn cols
    reduce_fn join      # folds partial results, as cols
    store_fn store      # makes outputs of partial results; NULL: they are outputs
    double parameter    # for store
    int nothing         # whether store found an output of no elements
    gather_fn gather
    bint pairwise       # the order is NumPy's and must be kept
    bint halved         # a sum of floats: long rows are halved, and again, as NumPy does
    bint packed         # only where NumPy's own copy would have the operand's layout
    bint direct         # rows are summed where they lie, whole
    bint pieces         # long rows can be split: not where NumPy's own rows are at most a buffer long
    int core            # innermost axes that together make a row,
    npy_intp row        # its elements,
    npy_intp chunk      # and how many of them NumPy adds to an output at a time
    char start[WIDEST]
    double ns


cdef npy_intp size_of(int kind) noexcept nogil:
    if kind == AC_B1 or kind == AC_I1 or kind == AC_U1:
        return 1
    if kind == AC_I2 or kind == AC_U2 or kind == AC_F2:
        return 2
    if kind == AC_I4 or kind == AC_U4 or kind == AC_F4:
        return 4
    return 16 if kind == AC_C16 else 8


cdef int[32] KINDS
cdef int number
for number in range(32):
    KINDS[number] = -1


cdef void learn_kinds() noexcept:
    cdef int bytes_of_long = sizeof(long)
    KINDS[NPY_BOOL] = AC_B1
    KINDS[NPY_BYTE] = AC_I1
    KINDS[NPY_SHORT] = AC_I2
    KINDS[NPY_INT] = AC_I4
    KINDS[NPY_LONG] = AC_I8 if bytes_of_long == 8 else AC_I4
    KINDS[NPY_LONGLONG] = AC_I8
    KINDS[NPY_UBYTE] = AC_U1
    KINDS[NPY_USHORT] = AC_U2
    KINDS[NPY_UINT] = AC_U4
    KINDS[NPY_ULONG] = AC_U8 if bytes_of_long == 8 else AC_U4
    KINDS[NPY_ULONGLONG] = AC_U8
    KINDS[NPY_HALF] = AC_F2
    KINDS[NPY_FLOAT] = AC_F4
    KINDS[NPY_DOUBLE] = AC_F8
    KINDS[NPY_CFLOAT] = AC_C8
    KINDS[NPY_CDOUBLE] = AC_C16

learn_kinds()


cdef inline int kind_of(ndarray a) noexcept:
    # -1: not for us
    cdef int number = PyArray_TYPE(a)
    if number > 31 or not PyArray_ISALIGNED(a) or not PyArray_ISNOTSWAPPED(a):
        return -1
    return KINDS[number]


cdef inline npy_intp magnitude(npy_intp x) noexcept nogil:
    return -x if x < 0 else x


cdef int before(Axis *x, Axis *y) noexcept nogil:
    # Where axis x, outside of y so far, belongs: 1 inside of y, 0 outside, -1 when the steps do not say. The output
    # is asked first; where output and operand disagree the axes stay as they are.
    cdef int answer = -1
    if x.o != 0 and y.o != 0:
        answer = magnitude(y.o) > magnitude(x.o)
    if x.a != 0 and y.a != 0:
        if magnitude(y.a) <= magnitude(x.a):
            answer = 0
        elif answer < 0:
            answer = 1
    return answer


cdef void sort_axes(Job *job) noexcept nogil:
    cdef int i, j, to
    cdef int answer
    cdef Axis axis
    for i in range(1, job.nd):
        axis = job.axes[i]
        to = i
        j = i - 1
        while j >= 0:
            answer = before(&axis, &job.axes[j])
            if answer == 1:
                to = j
            elif answer == 0:
                break
            j -= 1
        j = i
        while j > to:
            job.axes[j] = job.axes[j - 1]
            j -= 1
        job.axes[to] = axis


cdef void drop_single(Job *job) noexcept nogil:
    # Axes of length 1.
    cdef int i
    cdef int left = 0
    for i in range(job.nd):
        if job.axes[i].n != 1:
            job.axes[left] = job.axes[i]
            left += 1
    job.nd = left


cdef void join_axes(Job *job) noexcept nogil:
    cdef int i
    cdef int last = 0
    cdef Axis *x
    cdef Axis *y
    for i in range(1, job.nd):
        x = &job.axes[last]
        y = &job.axes[i]
        if x.a * x.n == y.a and x.o * x.n == y.o and x.c * x.n == y.c and x.reduced == y.reduced:
            x.n *= y.n
        else:
            last += 1
            job.axes[last] = y[0]
    job.nd = last + 1


cdef void find_rows(Job *job, bint cast, npy_intp buffer) noexcept nogil:
    # Which elements NumPy's inner loop gets at a time, where the innermost axis is reduced. Its iterator weighs calls
    # against buffers: `cost` counts operands that need one, here the input and, once an axis is not reduced, the
    # output. (NumPy's own reasoning is told at npyiter_find_buffering_setup.)
    cdef npy_intp size = job.axes[0].n
    cdef npy_intp best_size = size
    cdef npy_intp best_core = 1
    cdef npy_intp core
    cdef int cost = 2 if cast else 1
    cdef int best_cost = cost
    cdef int best = 0
    cdef int i
    cdef int flip = 0
    cdef bint a_joins = True
    cdef bint o_joins = True
    cdef double reach
    cdef Axis *x
    cdef Axis *y
    for i in range(1, job.nd):
        if flip or (size >= buffer and cost > 1):
            break
        x = &job.axes[i - 1]
        y = &job.axes[i]
        if o_joins and x.o * x.n != y.o:
            o_joins = False
            cost += 1
        if not o_joins and (x.o == 0 or y.o == 0):
            flip = i
        if a_joins and x.a * x.n != y.a:
            a_joins = False
            if not cast:
                cost += 1
        core = size
        size *= y.n
        reach = size
        if size > buffer and cost > 1:
            reach = buffer
        if cost * <double> best_size <= best_cost * reach:
            best_cost = cost
            best_core = core
            best_size = size
            best = i
    job.core = best if flip and best == flip else best + 1
    job.row = 1
    for i in range(job.core):
        job.row *= job.axes[i].n
    if flip and best == flip:
        job.chunk = job.row
    elif (cast or job.core > 1) and best_size > buffer:
        job.chunk = best_core * (buffer // best_core)
    else:
        job.chunk = job.row


cdef void find_rows_before_2_3(Job *job, npy_intp buffer) noexcept nogil:
    # All reduced axes up to the first that is not, in pieces of a buffer.
    job.core = 1
    job.row = job.axes[0].n
    while job.core < job.nd and job.axes[job.core].reduced:
        job.row *= job.axes[job.core].n
        job.core += 1
    job.chunk = min(job.row, buffer)


cdef int plan_rows(Job *job, bint cast) except -1:
    job.core = 1
    job.row = job.chunk = job.axes[0].n
    job.pieces = True
    if job.axes[0].reduced and job.pairwise:
        if not buffers_rows:
            find_rows_before_2_3(job, np.getbufsize())
        elif cast or job.nd > 1:
            find_rows(job, cast, np.getbufsize())
        if job.core > 1 and job.gather == NULL:
            job.gather = reductions().same[job.kind]
        job.pieces = job.core == 1 and job.chunk == job.row and not cast
    job.direct = job.gather == NULL and job.chunk == job.row
    return 0
