# Part of _shared.pyx: blocks and handles.

cdef int64 WAIT = 50_000_000    # ns, between two looks whether to give up


class SharedArrayGone(RuntimeError):
    """The memory that a handle names is not there: its last array was dropped, or the process that sent it ended."""


# What travels: in host order, as it never leaves the machine.
cdef packed struct Handle:
    uint64 id
    uint64 inode
    uint64 generation
    uint64 token
    uint64 nbytes
    uint32 pid
    int fd
    uint32 block
    uint32 pin
    unsigned char readonly


# --- the mutex of an arena --------------------------------------------------------------------------------------------

cdef void enter(ac_arena *a) noexcept:
    a.users += 1
    while ac_try(a):
        with nogil:
            ac_wait(a, WAIT)


cdef void leave(ac_arena *a) noexcept:
    ac_unlock(a)
    a.users -= 1


cdef bint unused(ac_arena *a) noexcept:
    """Whether nothing of this process refers to the arena; its mutex is held."""
    return a.users == 1 and (a.me == 0 or a.head.member[a.me].refs == 0)


cdef extern from *:
    """
    #define AC_REFS_OF(a) ((a)->me ? (a)->head->member[(a)->me].refs : 0)
    """
    uint32 AC_REFS_OF(ac_arena *)


cdef void look(bint now) noexcept:
    """Drops what dead processes held, and the arenas of others that this process has not used for a while."""
    global ac_last_look
    cdef int64 time = ac_now_ns()
    cdef ac_arena *a
    cdef int i
    if not now and time - ac_last_look < AC_LOOK_NS:
        return
    ac_last_look = time
    for i in range(AC_ARENAS):
        a = &ac_arenas[i]
        if a.head == NULL:
            continue
        enter(a)
        ac_bury(a)
        if AC_REFS_OF(a):
            a.idle = time
        if not a.own and unused(a) and (now or time - a.idle > AC_IDLE_NS):
            a.users = 0
            ac_close(a)
        else:
            leave(a)


cdef void end_empty(ac_arena *a) noexcept:
    """Gives an arena back: an own one that is empty, if another is too; one that a dead process left, if this process
    has nothing of it any more. Its mutex is held, and left."""
    cdef int i
    cdef ac_arena *other
    if not a.own and unused(a) and ac_alone(a):
        a.users = 0
        ac_close(a)
        return
    if a.own and a.head.live == 0 and unused(a):
        for i in range(AC_ARENAS):
            other = &ac_arenas[i]
            if other != a and other.head != NULL and other.own and other.head.live == 0:
                a.users = 0
                ac_close(a)
                return
    leave(a)


# --- blocks -----------------------------------------------------------------------------------------------------------

cdef class Block:
    """Bytes in shared memory, a buffer. Made by `allocate` and `attach`; they live as long as any process has one."""

    cdef ac_arena *arena
    cdef uint32 index
    cdef uint64 generation
    cdef char *at
    cdef readonly Py_ssize_t nbytes
    cdef readonly bint readonly
    cdef uint64 mapped      # bytes of a mapping of its own, whose changes nobody else sees; 0: there is none

    def __init__(self):
        raise TypeError("blocks are made by allocate() and attach()")

    def __len__(self):
        return self.nbytes

    def __repr__(self):
        return f"<allcores shared block of {self.nbytes} bytes{', readonly' * self.readonly}>"

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.at, self.nbytes, self.readonly, flags)

    def __dealloc__(self):
        cdef int cleared
        cdef ac_block *block
        cdef ac_arena *a = self.arena
        if self.index == 0:
            return
        if self.mapped:
            munmap(<void *> (<size_t> self.at // HUGE * HUGE), self.mapped)
        enter(a)
        if a.me and ac_drop(a, self.index):
            ac_unlock(a)    # clearing takes long; the arena stays, as this thread counts as its user
            block = AC_BLOCKS(a.head) + self.index
            with nogil:
                cleared = ac_clear(a, block.offset, block.size) == 0
            while ac_try(a):
                with nogil:
                    ac_wait(a, WAIT)
            ac_drop_cleared(a, self.index, cleared)
        if a.head.live == 0 or AC_REFS_OF(a) == 0:
            a.idle = ac_now_ns()
            end_empty(a)
        else:
            leave(a)
        look(False)

    def handle(self, *, readonly=False):
        """Return what `attach` takes in another process; the block stays for it until then.

        The pin is this process's: it ends with the first `attach` of this handle, with `unpin`, or with the process.
        """
        return block_handle(self, readonly)

    def pin(self):
        """Return a Pin: a handle that ends with it, for a message that may be lost."""
        return new_pin(self, False)

    def write(self, Py_ssize_t offset, source):
        """Copy a contiguous buffer to a place in it, on several threads where that pays."""
        cdef Py_buffer view
        cdef Range part
        PyObject_GetBuffer(source, &view, PyBUF_SIMPLE)
        try:
            if self.readonly or not 0 <= offset <= self.nbytes - view.len:
                raise ValueError(f"{view.len} bytes cannot be written at {offset} of {self!r}")
            part.to = self.at + offset
            part.source = <const char *> view.buf
            part.bytes = view.len
            part.pattern = 0
            over(2, &part)
        finally:
            PyBuffer_Release(&view)

    def __reduce__(self):
        return attach, (travelling_handle(self, False),)


cdef class Pin:
    """A handle that this process takes back when the Pin is dropped, if nobody has loaded it until then."""

    cdef Handle data
    cdef readonly bytes handle

    def __init__(self):
        raise TypeError("pins are made by Block.pin()")

    def __dealloc__(self):
        if self.data.pid == <uint32> getpid():     # not in a forked child: its parent has the message
            end_pin(&self.data)


cdef Pin new_pin(Block block, bint readonly):
    cdef Pin self = Pin.__new__(Pin)
    self.handle = block_handle(block, readonly)
    read_handle(self.handle, &self.data)
    return self


cdef bytes block_handle(Block self, bint readonly):
    cdef Handle handle
    cdef ac_arena *a = self.arena
    if self.mapped:
        raise ValueError("a block that was attached with private=True is this process's alone")
    enter(a)
    a.head.token += 1
    handle.token = a.head.token
    handle.pin = ac_new_ref(a.head, self.index, a.me, handle.token, <uint64> ac_now_ns()) if a.me else 0
    leave(a)
    if handle.pin == 0:
        raise MemoryError("too many handles of shared arrays were made and never loaded: see allcores.shared.forget")
    handle.id = a.id
    handle.inode = a.inode
    handle.generation = self.generation
    handle.nbytes = <uint64> self.nbytes
    handle.pid = <uint32> getpid()
    handle.fd = a.fd
    handle.block = self.index
    handle.readonly = readonly or self.readonly
    return PyBytes_FromStringAndSize(<char *> &handle, sizeof(Handle))


cdef extern from *:
    """
    static AC_THREAD_LOCAL PyObject *ac_collected; /* a list that this thread's `collecting` has, or NULL */
    """
    PyObject *ac_collected


cdef bytes travelling_handle(Block self, bint readonly):
    """The handle of a pickle."""
    if ac_collected == NULL:
        return block_handle(self, readonly)
    pin = new_pin(self, readonly)
    (<list> ac_collected).append((self, pin))
    return pin.handle


def collecting(work):
    """Call `work`, which pickles, and return what it returns and what keeps the shared memory of the pickle.

    Such a pickle may be loaded never, once or often, as long as that is there, by whoever; others keep their memory
    until they are loaded first.
    """
    global ac_collected
    cdef PyObject *before = ac_collected
    held = []
    ac_collected = <PyObject *> held
    try:
        return work(), held
    finally:
        ac_collected = before


cdef object when_used = None        # called when a process has its first block


def on_first_block(callback):
    """Set what is called when this process has its first block; its forked children do not call it again."""
    global when_used
    when_used = callback


cdef Block new_block(ac_arena *a, uint32 index, Py_ssize_t nbytes, bint readonly):
    """For a hold that this process has already."""
    global when_used
    cdef Block self = Block.__new__(Block)
    cdef ac_block *block = AC_BLOCKS(a.head) + index
    self.arena = a
    self.index = index
    self.generation = block.generation
    self.at = a.data + block.offset
    self.nbytes = nbytes
    self.readonly = readonly
    if when_used is not None:
        callback, when_used = when_used, None
        callback()
    return self


cdef int read_handle(object data, Handle *handle) except -1:
    if type(data) is not bytes or PyBytes_GET_SIZE(data) != sizeof(Handle):
        raise TypeError(f"handle must be what Block.handle() returns, got {data!r}")
    memcpy(handle, PyBytes_AS_STRING(data), sizeof(Handle))
    return 0


cdef ac_arena *arena_of(Handle *handle) except NULL:
    """Maps it if need be."""
    cdef int place = ac_place_of(handle.id, handle.inode)
    if place == -1:
        place = ac_open(handle.pid, handle.fd, handle.id, handle.inode)
    if place == -2:
        raise OSError(errno, "a shared array's memory cannot be mapped")
    if place < 0:
        raise SharedArrayGone(f"the process that sent this shared array ({handle.pid}) has ended or dropped it")
    return &ac_arenas[place]


cdef int map_privately(Block self) except -1:
    """Gives it a mapping of its own, in which changes are not seen by others."""
    cdef uint64 place = self.arena.head.data + AC_BLOCKS(self.arena.head)[self.index].offset, below = place % HUGE
    cdef uint64 size = (below + <uint64> self.nbytes + AC_PAGE - 1) // AC_PAGE * AC_PAGE
    cdef void *start = ac_map(self.arena.fd, place - below, size, 1)
    if start == MAP_FAILED:
        raise OSError(errno, "a block of shared memory cannot be mapped")
    self.at = <char *> start + below
    self.mapped = size
    return 0


def attach(handle, *, readonly=False, private=False):
    """Return the Block that a handle names.

    With `private`, what this process changes in it is not seen by others; what others change meanwhile may be seen
    here or not.

    Raises
    ------
    SharedArrayGone
        Nobody has it any more, or the process that made the handle ended before this one had anything of its memory.
    """
    cdef Handle data
    cdef int error
    read_handle(handle, &data)
    look(False)
    cdef ac_arena *a = arena_of(&data)
    enter(a)
    error = -2 if ac_join_arena(a) < 0 else ac_hold(a, data.block, data.generation, data.pin, data.token)
    if error == 0 and data.nbytes > AC_BLOCKS(a.head)[data.block].size:
        ac_drop(a, data.block)
        error = -1
    leave(a)
    if error == -1:
        raise SharedArrayGone("this shared array's last owner has dropped it")
    if error:
        raise MemoryError("the tables of shared memory are full: too many processes, or handles never loaded")
    block = new_block(a, data.block, <Py_ssize_t> data.nbytes, readonly or data.readonly)
    if private:
        map_privately(block)
    return block


cdef void end_pin(Handle *data) noexcept:
    cdef int place = ac_place_of(data.id, data.inode)
    if place >= 0:
        enter(&ac_arenas[place])
        ac_end_pin(&ac_arenas[place], data.pin, data.token)
        end_empty(&ac_arenas[place])


def unpin(handle):
    """Take back a handle that nobody will load: its message was lost. No harm where it was loaded."""
    cdef Handle data
    read_handle(handle, &data)
    end_pin(&data)


def reclaim():
    """Drop now what dead processes held, and mappings that nothing here uses."""
    look(True)


def forget(double older_than):
    """Take back this process's handles that were made `older_than` seconds ago and never loaded; return how many."""
    cdef ac_arena *a
    cdef ac_ref *ref
    cdef int i
    cdef uint32 r
    cdef Py_ssize_t count = 0
    cdef int64 before = ac_now_ns() - <int64> (older_than * 1e9)
    for i in range(AC_ARENAS):
        a = &ac_arenas[i]
        if a.head == NULL or a.me == 0:
            continue
        enter(a)
        for r in range(1, a.head.ref_top):
            ref = AC_REFS(a.head) + r
            if ref.block and ref.token and ref.member == a.me and <int64> ref.since <= before:
                ac_end_pin(a, r, ref.token)
                count += 1
        end_empty(a)
    return count


def newest_pin():
    """Return how many seconds ago the latest handle of this process was made that nobody has loaded; -1: none."""
    cdef ac_arena *a
    cdef ac_ref *ref
    cdef int i
    cdef uint32 r
    cdef uint64 since = 0
    for i in range(AC_ARENAS):
        a = &ac_arenas[i]
        if a.head == NULL or a.me == 0 or a.head.pins == 0:
            continue
        enter(a)
        for r in range(1, a.head.ref_top):
            ref = AC_REFS(a.head) + r
            if ref.block and ref.token and ref.member == a.me and ref.since > since:
                since = ref.since
        leave(a)
    return (ac_now_ns() - <int64> since) / 1e9 if since else -1.0


def release():
    """Give back the memory that is kept for later blocks, empty arenas, and mappings that nothing here uses."""
    cdef int i
    cdef ac_arena *a
    look(True)
    for i in range(AC_ARENAS):
        a = &ac_arenas[i]
        if a.head == NULL:
            continue
        enter(a)
        ac_trim(a)
        if a.own and a.head.live == 0 and unused(a):
            a.users = 0
            ac_close(a)
        else:
            leave(a)


def configure(*, keep):
    """Set how many bytes of free blocks are kept for later ones."""
    global ac_keep_most
    was = ac_keep_most
    ac_keep_most = keep
    return was


def usage():
    """Return sums over the arenas that this process has mapped."""
    cdef ac_arena *a
    cdef int i
    cdef uint32 m
    cdef uint64 arenas = 0, arrays = 0, nbytes = 0, in_flight = 0, kept = 0, reserved = 0, processes = 0, recovered = 0
    look(True)
    for i in range(AC_ARENAS):
        a = &ac_arenas[i]
        if a.head == NULL:
            continue
        enter(a)
        arenas += 1
        arrays += a.head.live
        nbytes += a.head.live_bytes
        in_flight += a.head.pins
        kept += a.head.kept
        reserved += a.head.bytes
        recovered += a.head.recovered
        for m in range(1, AC_MEMBERS):
            processes += a.head.member[m].state != AC_NONE and a.head.member[m].refs != 0
        leave(a)
    return {"arenas": arenas, "arrays": arrays, "bytes": nbytes, "in_flight": in_flight, "kept": kept,
            "reserved": reserved, "processes": processes, "recovered": recovered}
