/* Memory of outputs, kept when an array is gone and used again for the next: the pages of a fresh large block cost as
 * much time, at their first touch, as an element-wise function takes to fill them.
 *
 * Blocks come from the system directly and are given back when more than `bound` bytes are kept, the oldest first. What
 * is kept is offered to the kernel (MADV_FREE) once it is old: the kernel may take the pages when memory is short, and
 * until then they count as this process's. Not at once, as offering pages of 4 KiB and touching them again takes longer
 * than many a function. NumPy frees an array's memory through the handler that the array carries, with or without the
 * GIL, so everything here is behind a lock of its own.
 *
 * While the handler is set NumPy asks it for small things too, temporary arrays and outputs that turn out small: those
 * are the heap's. */
#ifndef ALLCORES_RECYCLER_H
#define ALLCORES_RECYCLER_H

#include "spinlock.h"

#include <numpy/arrayobject.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/mman.h>
#endif

#define AC_HEAD 64                    /* before the data: an ac_head; keeps data on a cache line */
#define AC_KEPT_MOST 64               /* blocks */
#define AC_HUGE ((size_t)2 << 20)     /* a huge page */
#define AC_HUGE_FROM ((size_t)4 << 20)
#define AC_GRAIN ((size_t)64 << 10)
#define AC_WARM_SHARE 4               /* the latest blocks, up to 1/4 of the bound, are not offered to the kernel ... */
#define AC_WARM_NS ((int64_t)1000000000) /* ... as long as they are not older than this when another block is freed */

typedef struct {
    size_t capacity; /* with the head */
    int heap;        /* whether the block is malloc's */
} ac_head;

typedef struct {
    void *at;
    size_t capacity;
    int64_t since; /* it was freed; -1: offered to the kernel */
} ac_kept;

typedef struct {
    int lock;
    int count;
    int huge_pages; /* whether they are asked for */
    size_t bound, held;
    size_t from; /* bytes of an output from which it comes from here */
    uint64_t reused, fresh;
    ac_kept kept[AC_KEPT_MOST]; /* oldest first */
} ac_recycler_t;

static ac_recycler_t ac_recycler = {.huge_pages = 1, .from = (size_t)1 << 20};

static void ac_recycler_lock(void)
{
    ac_spin_lock(&ac_recycler.lock);
}

static void ac_recycler_unlock(void)
{
    ac_spin_unlock(&ac_recycler.lock);
}

/* --- the system's memory --- */

static void *ac_pages_new(size_t size)
{
#if defined(_WIN32)
    return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
#else
    const size_t slack = size >= AC_HUGE_FROM ? AC_HUGE : 0;
    char *at = (char *)mmap(NULL, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == (char *)MAP_FAILED) {
        return NULL;
    }
    if (slack) { /* on a boundary of huge pages */
        const size_t before = (AC_HUGE - (size_t)at % AC_HUGE) % AC_HUGE;
        if (before) {
            munmap(at, before);
        }
        at += before;
        munmap(at + size, slack - before);
#if defined(MADV_HUGEPAGE)
        if (ac_recycler.huge_pages) {
            madvise(at, size, MADV_HUGEPAGE); /* a wish: EINVAL where the kernel has none */
        }
#endif
    }
    return at;
#endif
}

static void ac_pages_free(void *at, size_t size)
{
#if defined(_WIN32)
    (void)size;
    VirtualFree(at, 0, MEM_RELEASE);
#else
    munmap(at, size);
#endif
}

static void ac_pages_offer(void *at, size_t size)
{
#if !defined(_WIN32) && defined(MADV_FREE)
    madvise(at, size, MADV_FREE);
#else
    (void)at, (void)size;
#endif
}

/* --- keeping --- */

static size_t ac_capacity(size_t size)
{
    const size_t grain = size >= AC_HUGE_FROM ? AC_HUGE : AC_GRAIN;
    return (size + AC_HEAD + grain - 1) / grain * grain;
}

/* With the lock held: takes kept block `i` out. */
static ac_kept ac_remove(int i)
{
    const ac_kept one = ac_recycler.kept[i];
    ac_recycler.held -= one.capacity;
    ac_recycler.count--;
    memmove(&ac_recycler.kept[i], &ac_recycler.kept[i + 1], (size_t)(ac_recycler.count - i) * sizeof(ac_kept));
    return one;
}

/* With the lock held: puts a block at place `i`; 0 where it does not fit. */
static int ac_insert(int i, ac_kept one)
{
    if (ac_recycler.count >= AC_KEPT_MOST || ac_recycler.held + one.capacity > ac_recycler.bound) {
        return 0;
    }
    memmove(&ac_recycler.kept[i + 1], &ac_recycler.kept[i], (size_t)(ac_recycler.count - i) * sizeof(ac_kept));
    ac_recycler.kept[i] = one;
    ac_recycler.held += one.capacity;
    ac_recycler.count++;
    return 1;
}

/* The smallest kept block of at least `capacity` and at most an eighth more, taken out; NULL if there is none. */
static void *ac_take(size_t *capacity)
{
    void *found = NULL;
    int i, best = -1;
    ac_recycler_lock();
    for (i = ac_recycler.count - 1; i >= 0; i--) { /* of equals the latest, which caches may still have */
        const size_t one = ac_recycler.kept[i].capacity;
        if (one >= *capacity && one <= *capacity + *capacity / 8
            && (best < 0 || one < ac_recycler.kept[best].capacity)) {
            best = i;
        }
    }
    if (best >= 0) {
        const ac_kept one = ac_remove(best);
        found = one.at;
        *capacity = one.capacity;
        ac_recycler.reused++;
    }
    else {
        ac_recycler.fresh++;
    }
    ac_recycler_unlock();
    return found;
}

/* Gives back kept blocks, oldest first, until at most `bound` bytes and `count` blocks are left. */
static void ac_shrink(size_t bound, int count)
{
    for (;;) {
        ac_kept oldest = {NULL, 0, 0};
        ac_recycler_lock();
        if (ac_recycler.count > 0 && (ac_recycler.held > bound || ac_recycler.count > count)) {
            oldest = ac_remove(0);
        }
        ac_recycler_unlock();
        if (oldest.at == NULL) {
            return;
        }
        ac_pages_free(oldest.at, oldest.capacity);
    }
}

/* Offers to the kernel what is not warm any more; such blocks become the oldest. */
static void ac_offer_old(int64_t now)
{
    for (;;) {
        ac_kept old = {NULL, 0, 0};
        size_t warm = 0;
        int i, kept;
        ac_recycler_lock();
        for (i = ac_recycler.count - 1; i >= 0 && old.at == NULL; i--) {
            if (ac_recycler.kept[i].since >= 0) {
                warm += ac_recycler.kept[i].capacity;
                if (warm > ac_recycler.bound / AC_WARM_SHARE || now - ac_recycler.kept[i].since > AC_WARM_NS) {
                    old = ac_remove(i);
                }
            }
        }
        ac_recycler_unlock();
        if (old.at == NULL) {
            return;
        }
        ac_pages_offer(old.at, old.capacity); /* outside the lock: it takes its time */
        old.since = -1;
        ac_recycler_lock();
        kept = ac_insert(0, old);
        ac_recycler_unlock();
        if (!kept) {
            ac_pages_free(old.at, old.capacity);
        }
    }
}

static void ac_keep(void *at, size_t capacity)
{
    int kept = 0;
    if (capacity <= ac_recycler.bound) {
        const ac_kept one = {at, capacity, ac_now_ns()};
        ac_shrink(ac_recycler.bound - capacity, AC_KEPT_MOST - 1);
        ac_recycler_lock();
        kept = ac_insert(ac_recycler.count, one);
        ac_recycler_unlock();
        if (kept) {
            ac_offer_old(one.since);
        }
    }
    if (!kept) {
        ac_pages_free(at, capacity);
    }
}

/* --- what NumPy calls (PyDataMemAllocator) --- */

static ac_head *ac_head_of(void *data)
{
    return (ac_head *)((char *)data - AC_HEAD);
}

static void *ac_memory_malloc(void *context, size_t size)
{
    const int heap = size < ac_recycler.from;
    size_t capacity;
    char *at;
    (void)context;
    if (size > PTRDIFF_MAX - 2 * AC_HUGE - AC_HEAD) {
        return NULL;
    }
    capacity = heap ? size + AC_HEAD : ac_capacity(size);
    at = (char *)(heap ? malloc(capacity) : ac_take(&capacity));
    if (at == NULL && !heap) {
        at = (char *)ac_pages_new(capacity);
        if (at == NULL) {
            ac_shrink(0, 0);
            at = (char *)ac_pages_new(capacity);
        }
    }
    if (at == NULL) {
        return NULL;
    }
    ((ac_head *)at)->capacity = capacity;
    ((ac_head *)at)->heap = heap;
    return at + AC_HEAD;
}

static void ac_memory_free(void *context, void *data, size_t size)
{
    (void)context, (void)size;
    if (data != NULL) {
        ac_head *at = ac_head_of(data);
        if (at->heap) {
            free(at);
        }
        else {
            ac_keep(at, at->capacity);
        }
    }
}

static void *ac_memory_calloc(void *context, size_t count, size_t size)
{
    void *data;
    if (size && count > PTRDIFF_MAX / size) {
        return NULL;
    }
    data = ac_memory_malloc(context, count * size);
    return data == NULL ? NULL : memset(data, 0, count * size);
}

static void *ac_memory_realloc(void *context, void *data, size_t size)
{
    size_t capacity;
    void *moved;
    if (data == NULL) {
        return ac_memory_malloc(context, size);
    }
    capacity = ac_head_of(data)->capacity;
    if (ac_head_of(data)->heap ? size == capacity - AC_HEAD
                               : size <= capacity - AC_HEAD && ac_capacity(size) >= capacity / 2) {
        return data;
    }
    moved = ac_memory_malloc(context, size);
    if (moved != NULL) {
        memcpy(moved, data, size < capacity - AC_HEAD ? size : capacity - AC_HEAD);
        ac_memory_free(context, data, 0);
    }
    return moved;
}

static PyDataMem_Handler ac_memory_handler = {
    "allcores", 1, {NULL, ac_memory_malloc, ac_memory_calloc, ac_memory_realloc, ac_memory_free}};

#endif
