# Part of _driver.pyx: what _api needs to run loops of other projects as if they were run_round's.

cdef int allowed(int threads) noexcept nogil:
    if threads <= 1 or ac_depth > 0 or serial_child or ac_engine == SERIAL or not ac_openmp_version():
        return 1
    if omp_in_parallel():
        return 1
    return threads if threads < limit_here() else limit_here()


cdef void release(int granted) noexcept nogil:
    ac_atomic_add(&busy, -granted)


cdef int depth() noexcept nogil:
    return ac_depth


cdef void set_depth(int tasks) noexcept nogil:
    global ac_depth
    ac_depth = tasks


cdef int asleep(long long now) noexcept nogil:
    if now - last_region <= ASLEEP_AFTER:
        return 0
    return 2 if slept(now) else 1


cdef void note_region(int granted, int came, long long latest, long long took, int was_asleep) noexcept nogil:
    global last_region, last_region_cpu, ac_last_threads, ac_last_tasks, ac_last_who
    if granted > 1:
        if was_asleep and regions:
            learn_wake(was_asleep == 2, latest if came >= granted else took)
        last_region = ac_now_ns()
        last_region_cpu = ac_cpu_ns()
        ac_atomic_add(&regions, 1)
    ac_last_threads = granted
    ac_last_tasks = came
    ac_last_who = (<unsigned long long> 1 << (came if came < 63 else 63)) - 1
