/* A lock for a few instructions, in code that may or may not hold the GIL. */
#ifndef ALLCORES_SPINLOCK_H
#define ALLCORES_SPINLOCK_H

#include "platform.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <sched.h>
#endif

static void ac_spin_lock(int *lock)
{
    int expected = 0;
    while (!ac_atomic_cas(lock, &expected, 1)) {
        expected = 0;
#if defined(_WIN32)
        SwitchToThread();
#else
        sched_yield();
#endif
    }
}

static void ac_spin_unlock(int *lock)
{
    int expected = 1;
    ac_atomic_cas(lock, &expected, 0);
}

#endif
