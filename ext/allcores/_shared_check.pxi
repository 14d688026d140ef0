# Part of _shared.pyx: for the tests.

cdef str wrong_in(ac_arena *a):
    """What is inconsistent in an arena's tables, None if nothing; its mutex is held."""
    cdef ac_head *h = a.head
    cdef ac_block *blocks = AC_BLOCKS(h)
    cdef ac_ref *refs = AC_REFS(h)
    cdef uint32 b, r, below = 0, count = 0, first = 0, refs_seen = 0, refs_valid = 0
    cdef uint64 end = 0, live = 0, live_bytes = 0, kept = 0, pins = 0
    for b in range(1, h.block_top):
        if blocks[b].state != AC_UNUSED and blocks[b].below == 0:
            if first:
                return "two lowest blocks"
            first = b
    b = first
    while b:
        if blocks[b].offset != end or blocks[b].below != below or count > h.block_top:
            return f"block {b} is not where the one before ends"
        if blocks[b].state == AC_USED:
            live += 1
            live_bytes += blocks[b].size
            if blocks[b].first == 0:
                return f"block {b} is in use by nobody"
            r = blocks[b].first
            while r:
                if refs[r].block != b:
                    return f"ref {r} is in the list of block {b}, but not its"
                refs_seen += 1
                pins += refs[r].token != 0
                r = refs[r].next
        elif blocks[b].state == AC_FREE:
            kept += blocks[b].dirty
            if below and blocks[below].state == AC_FREE and h.recovered == 0:
                return f"blocks {below} and {b} are free and not joined"
        else:
            return f"block {b} is neither free nor in use"
        end += blocks[b].size
        below = b
        b = blocks[b].above
        count += 1
    for r in range(1, h.ref_top):
        refs_valid += refs[r].block != 0
    if end != h.room:
        return f"blocks end at {end}, not {h.room}"
    if (live, live_bytes, kept, pins) != (h.live, h.live_bytes, h.kept, h.pins):
        return f"counters: {(live, live_bytes, kept, pins)}, not {(h.live, h.live_bytes, h.kept, h.pins)}"
    if refs_valid != refs_seen:
        return f"{refs_valid} refs, of which {refs_seen} are in lists"
    return None


def check():
    """Raise AssertionError where the tables of an arena are inconsistent."""
    cdef int i
    cdef ac_arena *a
    for i in range(AC_ARENAS):
        a = &ac_arenas[i]
        if a.head != NULL:
            enter(a)
            found = wrong_in(a)
            leave(a)
            assert found is None, found


def die_in_tables(array):
    """Kill this process while it holds the mutex of an array's arena."""
    cdef Block block = found_block(array)
    enter(block.arena)
    kill(getpid(), SIGKILL)


def pretend(array, *, int pid=0, unsigned long long started=0):
    """Change how this process is entered in an array's arena, as if it were another."""
    cdef Block block = found_block(array)
    cdef ac_arena *a = block.arena
    enter(a)
    was = a.head.member[a.me].pid, a.head.member[a.me].started
    if pid:
        a.head.member[a.me].pid = pid
    if started:
        a.head.member[a.me].started = started
    leave(a)
    return was
