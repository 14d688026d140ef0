/* The number of threads of NumPy's BLAS, held at one while calls of ours use all cores themselves.
 *
 * OpenBLAS with threads of its own has one number for the process. Calls that overlap, of several Python threads, share
 * one holding: the first notes the number and sets one, the last sets what was noted. Whoever sets the number for
 * longer (limit(blas=)) pauses that meanwhile, so that it finds the real number and its own stays. A fork puts it back
 * before, as the child would not: calls under way in the parent go on with BLAS's threads. */
#ifndef ALLCORES_BLAS_THREADS_H
#define ALLCORES_BLAS_THREADS_H

#include "spinlock.h"

typedef int (*ac_blas_get_fn)(void);
typedef void (*ac_blas_set_fn)(int);

typedef struct {
    int lock;
    int known; /* 0: not looked for yet, 1: get and set are there, -1: no such BLAS */
    int calls; /* under way, that hold it */
    int paused;
    int before;
    ac_blas_get_fn get;
    ac_blas_set_fn set;
} ac_blas_t;

static ac_blas_t ac_blas;

/* What products outside of our calls may use. */
static int ac_blas_threads(void)
{
    int threads;
    ac_spin_lock(&ac_blas.lock);
    threads = ac_blas.calls && !ac_blas.paused ? ac_blas.before : ac_blas.get();
    ac_spin_unlock(&ac_blas.lock);
    return threads;
}

static void ac_blas_take(void)
{
    ac_blas.before = ac_blas.get();
    ac_blas.set(1);
}

static void ac_blas_hold(void)
{
    ac_spin_lock(&ac_blas.lock);
    if (ac_blas.calls++ == 0 && !ac_blas.paused) {
        ac_blas_take();
    }
    ac_spin_unlock(&ac_blas.lock);
}

static void ac_blas_let_go(void)
{
    ac_spin_lock(&ac_blas.lock);
    if (--ac_blas.calls == 0 && !ac_blas.paused) {
        ac_blas.set(ac_blas.before);
    }
    ac_spin_unlock(&ac_blas.lock);
}

static void ac_blas_pause(void)
{
    ac_spin_lock(&ac_blas.lock);
    if (ac_blas.paused++ == 0 && ac_blas.calls) {
        ac_blas.set(ac_blas.before);
    }
    ac_spin_unlock(&ac_blas.lock);
}

static void ac_blas_resume(void)
{
    ac_spin_lock(&ac_blas.lock);
    if (ac_blas.paused && --ac_blas.paused == 0 && ac_blas.calls) {
        ac_blas_take();
    }
    ac_spin_unlock(&ac_blas.lock);
}

static void ac_blas_before_fork(void)
{
    ac_spin_lock(&ac_blas.lock);
    if (ac_blas.calls && !ac_blas.paused) {
        ac_blas.set(ac_blas.before);
    }
}

static void ac_blas_in_parent(void)
{
    ac_spin_unlock(&ac_blas.lock);
}

static void ac_blas_in_child(void)
{
    ac_blas.calls = ac_blas.paused = 0;
    ac_spin_unlock(&ac_blas.lock);
}

#endif
