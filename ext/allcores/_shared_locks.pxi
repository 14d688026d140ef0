# Part of _shared.pyx: the lock, and atomic updates of elements.

cdef extern from "shared_arena.h" nogil:
    """
    static int ac_lock_wait(pthread_mutex_t *mutex, int64_t ns)
    {
        struct timespec until = ac_deadline(ns);
        return pthread_mutex_timedlock(mutex, &until);
    }
    /* What a lock's block holds. */
    typedef struct {
        pthread_mutex_t mutex;
        int died; /* a holder did, and nobody has acquired the lock since */
    } ac_lock;
    """
    ctypedef struct ac_lock:
        pthread_mutex_t mutex
        int died
    int ac_lock_wait(pthread_mutex_t *, int64)
    int pthread_mutex_trylock(pthread_mutex_t *)
    int pthread_mutex_unlock(pthread_mutex_t *)
    int pthread_mutex_consistent(pthread_mutex_t *)

cdef extern from "errno.h" nogil:
    int EOWNERDEAD, EBUSY, ETIMEDOUT, EDEADLK, EPERM

cdef extern from "shared_atomics.h" nogil:
    int AC_ADD, AC_MAX, AC_MIN, AC_EXCHANGE
    uint64 ac_update(void *, int, int, int, uint64, uint64)


cdef class Lock:
    """A lock between the threads of all processes that have it. Made by allcores.shared.Lock, which tells about it."""

    cdef Block block
    cdef int held                   # how often this object has it: 0 or 1
    cdef readonly bint abandoned

    def __init__(self, Block block):
        if block.nbytes < <Py_ssize_t> sizeof(ac_lock):
            raise ValueError(f"block must have {sizeof(ac_lock)} bytes, got {block.nbytes}")
        self.block = block

    def __dealloc__(self):
        if self.held and self.block is not None:
            # The system's list of what a thread holds leads through this memory until the thread ends.
            Py_INCREF(self.block)

    def __reduce__(self):
        return _lock_at, (travelling_handle(self.block, False),)

    def acquire(self, blocking=True, timeout=-1):
        cdef ac_lock *lock = <ac_lock *> self.block.at
        cdef pthread_mutex_t *mutex = &lock.mutex
        cdef int error
        cdef int64 end = 0, left
        if not blocking and timeout != -1:
            raise ValueError("timeout must not be given for a call that does not block")
        if timeout < 0 and timeout != -1:
            raise ValueError(f"timeout must not be negative, got {timeout}")
        if timeout != -1:
            end = ac_now_ns() + <int64> (min(timeout, 1e9) * 1e9)
        error = pthread_mutex_trylock(mutex)
        if error == EBUSY and self.held and blocking:
            # trylock does not tell whose it is; a wait that starts after its end does
            error = ac_lock_wait(mutex, 0)
            if error == ETIMEDOUT:
                error = EBUSY
        while (error == EBUSY or error == ETIMEDOUT) and blocking:
            left = WAIT
            if timeout != -1:
                left = min(left, end - ac_now_ns())
                if left <= 0:
                    break
            with nogil:
                error = ac_lock_wait(mutex, left)
            if error == ETIMEDOUT:
                PyErr_CheckSignals()
        if error == EBUSY or error == ETIMEDOUT:
            return False
        if error == EDEADLK:
            raise RuntimeError("this thread holds the lock already")
        if error != 0 and error != EOWNERDEAD:
            raise OSError(error, "the lock cannot be acquired")
        if error == EOWNERDEAD:
            pthread_mutex_consistent(mutex)
        self.abandoned = error == EOWNERDEAD or lock.died
        lock.died = 0
        self.held = 1
        return True

    def release(self):
        cdef int error
        # Before, as another thread may acquire it through this object at once.
        abandoned, held = self.abandoned, self.held
        self.abandoned, self.held = False, 0
        error = pthread_mutex_unlock(&(<ac_lock *> self.block.at).mutex)
        if error:
            self.abandoned, self.held = abandoned, held
            raise RuntimeError("a lock must be released by the thread that acquired it")

    def locked(self):
        """Return whether any thread of any process holds the lock now."""
        cdef ac_lock *lock = <ac_lock *> self.block.at
        cdef pthread_mutex_t *mutex = &lock.mutex
        cdef int error = pthread_mutex_trylock(mutex)
        if error == EOWNERDEAD:
            pthread_mutex_consistent(mutex)
            lock.died = 1
        if error == 0 or error == EOWNERDEAD:
            pthread_mutex_unlock(mutex)
            return False
        return True

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *error):
        self.release()


def new_lock(headroom):
    """Return a Lock."""
    cdef Block block = allocate(max(64, <Py_ssize_t> sizeof(ac_lock)), headroom, True)
    if ac_make_mutex(&(<ac_lock *> block.at).mutex) < 0:
        raise OSError("this system has no mutex between processes")
    return Lock(block)


def _lock_at(handle):
    """The lock that a pickle names."""
    return Lock(attach(handle))


# --- atomic updates ---------------------------------------------------------------------------------------------------

OPERATIONS = {"add": AC_ADD, "max": AC_MAX, "min": AC_MIN, "exchange": AC_EXCHANGE}

cdef uint64 bits_of(object value, object dtype) except? 0xDEADBEEF:
    cdef uint64 bits = 0
    one = np.asarray(value)
    if one.ndim != 0:
        raise ValueError(f"value must be a scalar, got an array of shape {one.shape}")
    if type(value) is not int and not np.can_cast(one.dtype, dtype, "same_kind"):
        raise TypeError(f"value must be of the array's type {dtype}, got {one.dtype}")
    one = np.array(value, dtype) if type(value) is int or dtype.kind == "f" else one.astype(dtype)
    memcpy(&bits, PyArray_BYTES(<PyArrayObject *> <PyObject *> one), <size_t> dtype.itemsize)
    return bits


def update(int operation, array, index, value, expected=None):
    """Change one element atomically; return what it was."""
    cdef uint64 bits, before = 0
    cdef int size, kind
    cdef PyArrayObject *at
    cdef PyArrayObject *result
    if not isinstance(array, np.ndarray):
        raise TypeError(f"array must be an ndarray, got {type(array).__name__}")
    dtype = array.dtype
    if dtype.kind not in "iuf" or dtype.itemsize > 8 or dtype.char == "e" or not dtype.isnative:
        raise TypeError(f"array must be of integers, float32 or float64 in native byte order, got {dtype}")
    if not array.flags.writeable:
        raise ValueError("array must be writable, got a read-only one")
    element = array[(*index, ...) if isinstance(index, tuple) else (index, ...)]
    if element.ndim != 0:
        raise IndexError(f"index must name one element of an array of {array.ndim} dimensions, got {index!r}")
    at = <PyArrayObject *> <PyObject *> element
    size = dtype.itemsize
    if <size_t> PyArray_BYTES(at) % <size_t> size:
        raise ValueError("array must be aligned")
    kind = ord(dtype.kind)
    bits = bits_of(value, dtype)
    if expected is not None:
        before = bits_of(expected, dtype)
    before = ac_update(PyArray_BYTES(at), operation, kind, size, bits, before)
    was = np.empty((), dtype)
    result = <PyArrayObject *> <PyObject *> was
    memcpy(PyArray_BYTES(result), &before, <size_t> size)
    return was[()]
