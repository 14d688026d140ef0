# Part of _shared.pyx: where a block comes from, and its first touch.

cdef enum:
    SMALLEST_ROOM = 64 << 20    # bytes of the first arena's data; each further one is twice as large
    MOST_DOUBLINGS = 14
    PAGES_FROM = 32 << 10       # blocks of so many bytes are whole pages ...
    HUGE_FROM = 4 << 20         # ... and these stand where huge pages may
    HUGE = 2 << 20
    CHECK_FROM = 1 << 20        # fresh bytes, of one block or of several, before which the headroom is looked at
    PIECE = 2 << 20             # of what one thread clears or copies at a time
    TOUCHED = 16 << 20          # of what it touches: each request for huge pages first waits for all processors

cdef uint64 unchecked = 0       # fresh bytes of blocks since the last look at the machine's memory


cdef uint32 take_from(ac_arena *a, uint64 size, uint64 align, uint64 *dirty) noexcept:
    cdef uint32 index
    if a.head == NULL or not a.own or a.head.room < size:
        return 0
    enter(a)
    index = ac_take(a.head, a.me, size, align, dirty)
    leave(a)
    return index


cdef int latest = 0             # the arena that blocks came from


cdef int take(uint64 size, uint64 align, uint32 *index, uint64 *dirty) except -1:
    """Finds a place for a block, in a new arena if need be; returns the arena's."""
    global latest
    cdef int place, turn, own = 0
    cdef uint64 room
    index[0] = take_from(&ac_arenas[latest], size, align, dirty)
    if index[0]:
        return latest
    for turn in range(2):
        own = 0
        for place in range(AC_ARENAS):
            if ac_arenas[place].head == NULL or not ac_arenas[place].own:
                continue
            own += 1
            index[0] = take_from(&ac_arenas[place], size, align, dirty)
            if index[0]:
                latest = place
                return place
        if turn == 0:
            look(True)
    room = <uint64> SMALLEST_ROOM << min(own, <int> MOST_DOUBLINGS)
    least = (size + size // 8 + 3 * HUGE) // HUGE * HUGE    # free blocks are looked for in classes up to 1/16 larger
    place = ac_make(max(room, <uint64> least))
    if place < 0 and room > least:
        place = ac_make(least)
    if place < 0:
        if errno == ENOMEM:
            raise MemoryError(f"no room for {size} more bytes of shared memory among the addresses of this process")
        raise OSError(errno, "shared memory cannot be made")
    index[0] = take_from(&ac_arenas[place], size, align, dirty)
    if index[0] == 0:
        raise MemoryError(f"no room for {size} more bytes of shared memory")
    latest = place
    return place


cdef struct Range:
    char *to
    const char *source
    Py_ssize_t bytes
    Py_ssize_t pattern      # bytes that are repeated; 0: as long as all
    int failed


cdef void touch_task(void *context, Py_ssize_t i) noexcept nogil:
    cdef Range *all = <Range *> context
    cdef Py_ssize_t start = i * TOUCHED
    if ac_populate(all.to + start, <size_t> min(<Py_ssize_t> TOUCHED, all.bytes - start)) < 0:
        all.failed = 1


cdef void clear_task(void *context, Py_ssize_t i) noexcept nogil:
    cdef Range *all = <Range *> context
    cdef Py_ssize_t start = i * PIECE
    memset(all.to + start, 0, <size_t> min(<Py_ssize_t> PIECE, all.bytes - start))


cdef void copy_task(void *context, Py_ssize_t i) noexcept nogil:
    cdef Range *all = <Range *> context
    cdef Py_ssize_t start = i * PIECE, stop = min(start + PIECE, all.bytes), size
    if all.pattern == 0:
        memcpy(all.to + start, all.source + start, <size_t> (stop - start))
        return
    while start < stop:     # PIECE is a multiple of the pattern
        size = min(all.pattern, stop - start)
        memcpy(all.to + start, all.source, <size_t> size)
        start += size


cdef int over(int which, Range *all) except -1:
    """Runs a task over a range, on several threads where that pays."""
    cdef Py_ssize_t piece = TOUCHED if which == 0 else PIECE
    cdef Py_ssize_t tasks = (all.bytes + piece - 1) // piece
    cdef double ns = all.bytes * (0.15 if which == 0 else 0.06)
    cdef int threads = threads_over(tasks, ns, 0 if which == 0 else all.bytes)
    all.failed = 0
    if which == 0:
        parallel_for(touch_task, all, tasks, threads, ns, 0)
    elif which == 1:
        parallel_for(clear_task, all, tasks, threads, ns, 0)
    else:
        parallel_for(copy_task, all, tasks, threads, ns, 0)
    PyErr_CheckSignals()
    return all.failed


def allocate(Py_ssize_t nbytes, headroom, bint zero=False):
    """Return a new Block.

    Parameters
    ----------
    nbytes : int
        Its size.
    headroom : callable
        Tells how many bytes this process may still take; asked before fresh memory is touched.
    zero : bool
        Whether its bytes must be 0.
    """
    global unchecked
    cdef uint64 size, align = AC_GRAIN, dirty = 0, fresh
    cdef uint32 index = 0
    cdef int place
    cdef Range part
    cdef ac_arena *a
    if nbytes < 0:
        raise ValueError(f"nbytes must not be negative, got {nbytes}")
    if nbytes > <Py_ssize_t> 1 << 46:
        raise MemoryError(f"{nbytes} bytes of shared memory are more than any machine has")
    if nbytes >= PAGES_FROM:
        align = HUGE if nbytes >= HUGE_FROM else AC_PAGE
    size = max(<uint64> 1, (<uint64> nbytes + align - 1) // align) * align
    look(False)
    place = take(size, align, &index, &dirty)
    a = &ac_arenas[place]
    fresh = <uint64> nbytes - dirty if dirty < <uint64> nbytes else 0
    unchecked += fresh
    if unchecked >= CHECK_FROM:
        try:
            room = headroom()
            if room < fresh:
                trim()
                room = headroom()
            if room < fresh:
                raise MemoryError(f"a shared array of {nbytes} bytes is more than the {int(room)} bytes that the "
                                  "machine or its control group leaves")
        except BaseException:
            unchecked -= fresh
            enter(a)
            ac_end_ref(a.head, ac_my_ref(a, index))
            ac_free(a.head, index, dirty)
            end_empty(a)
            raise
        unchecked = 0
    block = new_block(a, index, nbytes, False)
    if fresh >= PAGES_FROM:
        part.to = block.at + (<uint64> nbytes - fresh)
        part.bytes = <Py_ssize_t> fresh
        if over(0, &part):
            raise MemoryError(f"no memory for a shared array of {nbytes} bytes")
    if zero and dirty:
        part.to = block.at
        part.bytes = min(<Py_ssize_t> dirty, nbytes)
        over(1, &part)
    return block


cdef void trim() noexcept:
    cdef int i
    for i in range(AC_ARENAS):
        if ac_arenas[i].head != NULL:
            enter(&ac_arenas[i])
            ac_trim(&ac_arenas[i])
            leave(&ac_arenas[i])
