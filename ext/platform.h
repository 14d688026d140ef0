/* The few things that C leaves to the platform: atomics, a monotonic clock, thread-local storage, whether this
 * thread holds the GIL, and the fork hook. Included by the extension modules only, never by ext/simd. */
#ifndef ALLCORES_PLATFORM_H
#define ALLCORES_PLATFORM_H

#include <Python.h>
#include <stdint.h>

#if defined(_MSC_VER)
#include <intrin.h>
#define AC_THREAD_LOCAL __declspec(thread)
#define ac_atomic_load(p) (_InterlockedOr((volatile long *)(p), 0))
#define ac_atomic_add(p, v) (_InterlockedExchangeAdd((volatile long *)(p), (v)))
#define ac_atomic_or(p, v) (_InterlockedOr((volatile long *)(p), (v)))
#define ac_atomic_or64(p, v) (_InterlockedOr64((volatile long long *)(p), (long long)(v)))
static inline int ac_atomic_cas(int *p, int *expected, int desired)
{
    long was = _InterlockedCompareExchange((volatile long *)p, desired, *expected);
    int same = was == *expected;
    *expected = (int)was;
    return same;
}
#else
#define AC_THREAD_LOCAL __thread
#define ac_atomic_load(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define ac_atomic_add(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define ac_atomic_or(p, v) __atomic_fetch_or((p), (v), __ATOMIC_RELAXED)
#define ac_atomic_or64(p, v) __atomic_fetch_or((p), (v), __ATOMIC_RELAXED)
static inline int ac_atomic_cas(int *p, int *expected, int desired)
{
    return __atomic_compare_exchange_n(p, expected, desired, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}
#endif

#if defined(_WIN32)
#include <windows.h>
static inline int64_t ac_now_ns(void)
{
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (int64_t)((double)count.QuadPart * 1e9 / (double)frequency.QuadPart);
}
/* Of all threads of the process. */
static inline int64_t ac_cpu_ns(void)
{
    FILETIME created, ended, kernel, user;
    ULARGE_INTEGER k, u;
    GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user);
    k.LowPart = kernel.dwLowDateTime, k.HighPart = kernel.dwHighDateTime;
    u.LowPart = user.dwLowDateTime, u.HighPart = user.dwHighDateTime;
    return (int64_t)(k.QuadPart + u.QuadPart) * 100;
}
#define ac_at_fork(prepare, parent, child) ((void)(prepare), (void)(parent), (void)(child), 0)
#else
#include <pthread.h>
#include <time.h>
static inline int64_t ac_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
static inline int64_t ac_cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
#define ac_at_fork(prepare, parent, child) pthread_atfork((prepare), (parent), (child))
#endif

/* PyGILState_Check() says yes always once a subinterpreter was made; from 3.12 on the current thread state is
 * thread-local, so that its presence is the answer. */
static inline int ac_holds_gil(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyThreadState_GetUnchecked() != NULL;
#elif PY_VERSION_HEX >= 0x030C0000
    return _PyThreadState_UncheckedGet() != NULL;
#else
    return PyGILState_Check();
#endif
}

#endif
