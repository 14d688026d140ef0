# Stacks of matrices that are BLAS's: NumPy's own loop calls BLAS once a pair of matrices, one after another. Here the
# stack is cut, each thread runs that loop over its part, and BLAS keeps to one thread meanwhile. A stack goes this way
# by its shape and by BLAS's number of threads, never by ours, as BLAS's bits depend on how many threads it has: on one
# thread of ours, too, a stack that may be cut is done with BLAS at one.

cdef extern from "blas_threads.h" nogil:
    ctypedef int (*blas_get_fn "ac_blas_get_fn")()
    ctypedef void (*blas_set_fn "ac_blas_set_fn")(int)
    ctypedef struct ac_blas_t:
        int known
        int calls
        blas_get_fn get
        blas_set_fn set
    ac_blas_t ac_blas
    int ac_blas_threads()
    void ac_blas_hold()
    void ac_blas_let_go()
    void ac_blas_pause()
    void ac_blas_resume()
    void ac_blas_before_fork()
    void ac_blas_in_parent()
    void ac_blas_in_child()
    int ac_at_fork(void (*)() noexcept nogil, void (*)() noexcept nogil, void (*)() noexcept nogil)

# As loop_fn, with the npy_intp of NumPy's own declarations.
ctypedef void (*inner_fn)(char **, const npy_intp *, const npy_intp *, void *) noexcept nogil

cdef struct Stack:
    inner_fn numpy
    void *numpy_data
    double ns               # of one multiplication
    # of a call
    char **args
    const npy_intp *dims
    const npy_intp *steps
    npy_intp tasks

cdef enum:
    ALONE = 4096            # multiplications of a product up to which no BLAS uses threads

# Multiplications from which OpenBLAS surely uses threads; it starts between 64 * 64 * 64 and this.
cdef double TOGETHER = 1e6
# Nanoseconds: of a product beside its multiplications; that BLAS's threads cost a product; and of a stack, up to which
# BLAS is not even asked.
cdef double PRODUCT_NS = 60
cdef double TOGETHER_NS = 18e3
cdef double LITTLE_NS = 20e3
# Times as fast as NumPy's way a stack must be expected to be; more where that way would use BLAS's threads: they spin
# some 100 ms after a product, and then take cores from ours.
cdef double BETTER = 1.3
cdef double MUCH_BETTER = 2.1


cdef object find_blas = None


cdef void look_for_blas() noexcept with gil:
    # Addresses of `int get(void)` and `void set(int)`, or None.
    try:
        found = None if find_blas is None else find_blas()
    except Exception:
        found = None
    if found is not None:
        ac_blas.get = <blas_get_fn> <size_t> found[0]
        ac_blas.set = <blas_set_fn> <size_t> found[1]
    ac_blas.known = -1 if found is None else 1


cdef bint stack_pays(npy_intp count, double each, double ns) noexcept nogil:
    # Whether so many products, each of so many multiplications in `ns` nanoseconds, are faster side by side than on
    # BLAS's threads one by one.
    cdef int threads = ac_blas_threads()
    cdef double ours, blas
    if threads == 1:
        return True
    ours = <double> count / ((count + threads - 1) // threads)
    blas = max(1.0, threads / (1 + threads * TOGETHER_NS / ns))
    return ours >= (BETTER if each <= TOGETHER else MUCH_BETTER) * blas


cdef void stack_task(void *context, Py_ssize_t index) noexcept nogil:
    cdef Stack *job = <Stack *> context
    cdef npy_intp first = job.dims[0] * index // job.tasks
    cdef npy_intp inner[4]
    cdef char *at[3]
    cdef int i
    memcpy(inner, job.dims, sizeof(inner))
    inner[0] = job.dims[0] * (index + 1) // job.tasks - first
    for i in range(3):
        at[i] = job.args[i] + first * job.steps[i]
    job.numpy(at, inner, job.steps, job.numpy_data)


cdef void stack_loop(char **args, const npy_intp *dims, const npy_intp *steps, void *data) noexcept nogil:
    # (m,k),(k,n)->(m,n) over dims[0] pairs.
    cdef Stack job = (<Stack *> data)[0]
    cdef double each = <double> dims[1] * dims[2] * dims[3]
    cdef double ns = dims[0] * (PRODUCT_NS + each * job.ns)
    cdef bint held = False
    cdef int threads
    if dims[0] > 1 and each > ALONE:
        if ns < LITTLE_NS:
            job.numpy(args, dims, steps, job.numpy_data)
            return
        if ac_blas.known == 0:
            look_for_blas()
        if ac_blas.known < 0 or not stack_pays(dims[0], each, each * job.ns):
            job.numpy(args, dims, steps, job.numpy_data)
            return
        held = True
        ac_blas_hold()
    threads = threads_for(dims[0], ns) if dims[0] > 1 else 1
    if threads == 1:
        job.numpy(args, dims, steps, job.numpy_data)
    else:
        job.args, job.dims, job.steps = args, dims, steps
        job.tasks = tasks_of(dims[0], threads, ns)
        raise_flags(parallel_for(stack_task, &job, job.tasks, threads, ns, 0))
    if held:
        ac_blas_let_go()


cdef bint use_stacks(int number, loop_fn *function, void **data) except -1:
    # Where the matrices of a type number are BLAS's.
    cdef Stack *stack
    cdef double ns
    if number == NPY_FLOAT:
        ns = 0.015
    elif number == NPY_DOUBLE:
        ns = 0.03
    elif number == NPY_CFLOAT:
        ns = 0.06
    elif number == NPY_CDOUBLE:
        ns = 0.12
    else:
        return False
    stack = <Stack *> malloc(sizeof(Stack))
    if stack == NULL:
        raise MemoryError
    memset(stack, 0, sizeof(Stack))
    stack.numpy = <inner_fn> function[0]
    stack.numpy_data = data[0]
    stack.ns = ns
    function[0] = <loop_fn> stack_loop
    data[0] = stack
    return True


def find_blas_with(function):
    """Set what is asked, once, for the addresses of the functions that get and set BLAS's threads; it may say None."""
    global find_blas
    find_blas = function
    ac_blas.known = 0


def blas_held():
    """Whether a call holds BLAS at one thread now; for tests."""
    return ac_blas.calls > 0


def pause_blas_hold():
    """Let BLAS have its own number of threads, which may then be changed, until `resume_blas_hold`."""
    ac_blas_pause()


def resume_blas_hold():
    """Hold it again, if calls still do, from then on."""
    ac_blas_resume()


ac_at_fork(ac_blas_before_fork, ac_blas_in_parent, ac_blas_in_child)
