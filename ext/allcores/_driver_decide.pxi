# Part of _driver.pyx: how many threads a call is worth, and what the cores have left.

cdef inline int limit_here() noexcept nogil:
    return ac_local_limit if ac_local_limit > 0 else default_limit


cdef inline bint slept(long long now) noexcept nogil:
    """Whether the process used less than half a core since the last region."""
    return 2 * (ac_cpu_ns() - last_region_cpu) < now - last_region


cdef bint worth_waking(long long now, double ns, double gain) noexcept nogil:
    """Whether this call alone, or those that followed each other closely up to it, gain more than waking costs."""
    global burst, burst_end
    cdef double together = gain if now - burst_end > ASLEEP_AFTER else burst + gain
    cdef double more = wake_cost[0] if wake_cost[0] > wake_cost[1] else wake_cost[1]
    cdef double less = wake_cost[0] if wake_cost[0] < wake_cost[1] else wake_cost[1]
    # Whether the process slept is asked only where it matters: the system call takes longer than all else here.
    cdef bint cold = wake_cost[1] <= wake_cost[0]
    burst = together
    burst_end = now + <long long> ns
    if together >= more:
        return True
    if together >= less:
        cold = slept(now)
        if together >= wake_cost[cold]:
            return True
    wake_cost[cold] = max(LEAST_WAKE, wake_cost[cold] * WEARS_OFF)
    return False


cdef int team(int limit, double ns, double bytes, bint cold) noexcept nogil:
    """
    Threads of a call, all else being equal; allcores.plan.plan says the same in Python.

    Halves of the limit rather than any number: OpenMP ends and makes threads whenever a team's size changes. Beyond the
    caches, no more threads than the memory can feed.
    """
    cdef const double *least = &hot_from[0]
    cdef int threads = limit
    cdef int step = 0
    cdef double fed = INFINITY
    if cold:
        least = &cold_from[0]
    if bytes > cache_bytes:
        if ns < bytes / bandwidth_of_one:
            ns = bytes / bandwidth_of_one
        fed = bandwidth_of_all * ns / bytes
    while step < STEPS - 1 and threads > 1 << step:
        step += 1
    while threads > 1 and (ns < least[step] or (threads + 1) // 2 >= fed):
        threads = (threads + 1) // 2
        step -= 1
    return threads


cdef int threads_for(Py_ssize_t n, double ns) noexcept nogil:
    return threads_over(n, ns, 0)


cdef int threads_over(Py_ssize_t n, double ns, double bytes) noexcept nogil:
    cdef int limit = limit_here()
    cdef bint cold = False
    cdef long long now
    if ac_parts and ac_depth == 0:
        return ac_parts if n > 1 else 1
    if limit <= 1 or n < 2 or ac_depth > 0 or serial_child or ac_engine == SERIAL:
        return 1
    if ac_engine == THREADS:
        return limit if not omp_in_parallel() else 1
    if from_elements >= 0:
        return limit if n >= from_elements and not omp_in_parallel() else 1
    if ns < hot_from[1] or omp_in_parallel():
        return 1
    if ns < ROUND:
        now = ac_now_ns()
        if now < crowded_until and ns - ns / limit < lost:
            return 1
        if now - last_region > ASLEEP_AFTER:
            if not worth_waking(now, ns, ns - ns / limit):
                return 1
            cold = True
    return team(limit, ns, bytes, cold)


cdef double worth_from() noexcept nogil:
    # Cached by whoever asks, so not this thread's limit, which threads_for looks at: another's may be higher.
    if (default_limit > 1 or local_limits) and not serial_child:
        return hot_from[1]
    return PROCESSES_FROM if threadless() else INFINITY


cdef Py_ssize_t forced_from() noexcept nogil:
    # For every thread where one forces an engine: threads_for still answers each by its own wish.
    return 2 if forcing > 0 or ac_parts else from_elements


cdef bint inside_task() noexcept nogil:
    return ac_depth > 0


cdef const unsigned int *limits_epoch() noexcept nogil:
    return &epoch


cdef int reserve(int wanted) noexcept nogil:
    cdef int seen = ac_atomic_load(&busy)
    cdef int granted
    while True:
        granted = wanted
        # A call that finds the machine idle gets what it asked for, also where a limit exceeds the cores.
        while granted > 1 and seen > 0 and granted > cores - seen:
            granted = granted // 2
        if ac_atomic_cas(&busy, &seen, seen + granted):
            return granted
