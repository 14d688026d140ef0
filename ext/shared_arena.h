/* Arenas of shared memory as one process sees them: mapping, locking, who of the others still lives, fork.
 *
 * An arena is a memfd, sealed against a change of its size, with tables at its start (shared_tables.h). It is larger
 * than what is in use: pages take memory once they are touched. The process that made it takes blocks from it; others
 * open it as /proc/<pid>/fd/<number> of a process that has it, which a handle names, and hold or drop blocks.
 *
 * Everything here is called with the GIL and a mutex is never held across its release, so that fork, which takes every
 * mutex, waits for other processes only. Included by _shared.pyx only, which is
 * built on Linux only. */
#ifndef ALLCORES_SHARED_ARENA_H
#define ALLCORES_SHARED_ARENA_H

#include "platform.h"

#define AC_ARENAS 512         /* mapped at a time, own and others' */

#include "shared_tables.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_SEAL_SEAL 1
#define F_SEAL_SHRINK 2
#define F_SEAL_GROW 4
#endif

#define AC_FORK_NS INT64_C(10000000000) /* a fork that has not come by then has failed */
#define AC_LOOK_NS INT64_C(500000000)   /* between two looks for dead processes */
#define AC_IDLE_NS INT64_C(2000000000)  /* another process's arena without arrays here is unmapped after */

typedef struct {
    ac_head *head;        /* NULL: this entry is free */
    char *data;
    uint64_t id, inode;
    int64_t idle;         /* since when nothing here refers to it */
    uint32_t me, child;   /* members: this process, and the one that a fork under way makes */
    int fd, own, users;   /* users: threads between ac_use and ac_leave, the arena stays mapped */
} ac_arena;

static ac_arena ac_arenas[AC_ARENAS];
static uint64_t ac_keep_most = (uint64_t)256 << 20; /* bytes of free blocks that are kept for the next */
static int64_t ac_last_look;
static uint64_t ac_started_at, ac_names; /* of this process, see ac_member; 0: not known */

#include "shared_processes.h"

/* --- memory ------------------------------------------------------------------------------------------------------ */

/* Makes a range of the data zero, and gives its whole pages back. */
static int ac_clear(const ac_arena *a, uint64_t offset, uint64_t size)
{
    uint64_t first = (offset + AC_PAGE - 1) & ~(uint64_t)(AC_PAGE - 1), last = (offset + size) & ~(uint64_t)(AC_PAGE - 1);
    if (last <= first) {
        memset(a->data + offset, 0, size);
        return 0;
    }
    if (fallocate(a->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(a->head->data + first),
                  (off_t)(last - first)) < 0)
        return -1;
    memset(a->data + offset, 0, first - offset);
    memset(a->data + last, 0, offset + size - last);
    return 0;
}

#define AC_HUGE ((uintptr_t)2 << 20)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Touches pages of the ordinary size, so that they are there; -1: there is no memory. */
static int ac_populate_small(char *at, size_t size)
{
    char *first = (char *)((uintptr_t)at & ~(uintptr_t)(AC_PAGE - 1));
    size_t bytes = size + (size_t)(at - first);
    volatile char *page;
    if (size == 0 || madvise(first, bytes, MADV_POPULATE_WRITE) == 0)
        return 0;
    if (errno == ENOMEM || errno == EFAULT)
        return -1;
    for (page = at; page < at + size; page += AC_PAGE)
        *page = *page;
    return 0;
}

/* The same with huge pages where whole ones fit. Systems give shared memory none by themselves (shmem_enabled is "never"),
 * but do when told to collapse a range (Linux 6.1), of which one page each must be there. */
static int ac_populate(char *at, size_t size)
{
    char *first = (char *)(((uintptr_t)at + AC_HUGE - 1) & ~(AC_HUGE - 1)), *last = (char *)((uintptr_t)(at + size) & ~(AC_HUGE - 1));
    char *one;
    if (last <= first)
        return ac_populate_small(at, size);
    for (one = first; one < last; one += AC_HUGE)
        if (ac_populate_small(one, 1) < 0)
            return -1;
    if (madvise(first, (size_t)(last - first), MADV_COLLAPSE) < 0)
        return ac_populate_small(at, size);
    return ac_populate_small(at, (size_t)(first - at)) < 0 ? -1 : ac_populate_small(last, (size_t)(at + size - last));
}

/* Maps a part of an arena, from a multiple of `AC_HUGE` on, where huge pages may stand; MAP_FAILED: errno. With `own`,
 * what is changed there is seen in this process alone. */
static void *ac_map(int fd, uint64_t offset, size_t bytes, int own)
{
    char *room = mmap(NULL, bytes + AC_HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *at;
    void *result;
    int error;
    if (room == MAP_FAILED)
        return room;
    at = (char *)(((uintptr_t)room + AC_HUGE - 1) & ~(AC_HUGE - 1));
    result = mmap(at, bytes, PROT_READ | PROT_WRITE, (own ? MAP_PRIVATE : MAP_SHARED) | MAP_NORESERVE | MAP_FIXED, fd,
                  (off_t)offset);
    error = errno;
    if (result == MAP_FAILED) {
        munmap(room, bytes + AC_HUGE);
    } else {
        if (at > room)
            munmap(room, (size_t)(at - room));
        munmap(at + bytes, (size_t)(room + AC_HUGE - at));
    }
    errno = error;
    return result;
}

/* --- the mutex --------------------------------------------------------------------------------------------------- */

static void ac_recover(ac_arena *a)
{
    ac_block *block;
    uint32_t b;
    ac_rebuild(a->head);
    for (b = 1; b < a->head->block_top; b++) {
        block = AC_BLOCKS(a->head) + b;
        if (block->state == AC_FREE && ac_clear(a, block->offset, block->size) < 0) {
            block->dirty = block->size;
            a->head->kept += block->dirty;
        }
    }
    a->head->recovered++;
    pthread_mutex_consistent(&a->head->mutex);
}

/* 0: held. 1: another process holds it. */
static int ac_try(ac_arena *a)
{
    int error = pthread_mutex_trylock(&a->head->mutex);
    if (error == EOWNERDEAD)
        ac_recover(a);
    return !(error == 0 || error == EOWNERDEAD);
}

static void ac_unlock(ac_arena *a) { pthread_mutex_unlock(&a->head->mutex); }

static struct timespec ac_deadline(int64_t ns)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    ns += t.tv_nsec;
    t.tv_sec += ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    return t;
}

/* Waits, for at most `ns`, until the mutex could be had; without the GIL, so it is not kept. */
static void ac_wait(ac_arena *a, int64_t ns)
{
    struct timespec until = ac_deadline(ns);
    int error = pthread_mutex_timedlock(&a->head->mutex, &until);
    if (error == EOWNERDEAD)
        ac_recover(a);
    if (error == 0 || error == EOWNERDEAD)
        ac_unlock(a);
}

static int ac_make_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t kind;
    int error;
    if (pthread_mutexattr_init(&kind))
        return -1;
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
    error = pthread_mutex_init(mutex, &kind);
    pthread_mutexattr_destroy(&kind);
    return error ? -1 : 0;
}

/* --- members; the mutex is held ------------------------------------------------------------------------------------ */

static void ac_end_member(ac_head *h, uint32_t m)
{
    ac_ref *refs = AC_REFS(h);
    uint32_t r, b;
    for (r = 1; r < h->ref_top && h->member[m].refs; r++) {
        b = refs[r].block;
        if (b && refs[r].member == m) {
            ac_end_ref(h, r);
            if (!AC_BLOCKS(h)[b].first)
                ac_free(h, b, AC_BLOCKS(h)[b].size);
        }
    }
    AC_PUBLISH(h->member[m].state, AC_NONE);
}

/* Drops what dead processes held; returns how many there were. */
static int ac_bury(ac_arena *a)
{
    uint32_t m;
    int dead = 0;
    for (m = 1; m < AC_MEMBERS; m++)
        if (m != a->me && m != a->child && a->head->member[m].state != AC_NONE && !ac_lives(a, a->head->member + m)) {
            ac_end_member(a->head, m);
            dead++;
        }
    return dead;
}

/* Whether no other process has it mapped, as far as is known. */
static int ac_alone(const ac_arena *a)
{
    uint32_t m;
    for (m = 1; m < AC_MEMBERS; m++)
        if (m != a->me && a->head->member[m].state != AC_NONE)
            return 0;
    return 1;
}

static uint32_t ac_new_member(ac_head *h, uint32_t pid, uint64_t started, int fd, uint32_t state)
{
    uint32_t m = 1;
    while (m < AC_MEMBERS && h->member[m].state != AC_NONE)
        m++;
    if (m == AC_MEMBERS)
        return 0;
    h->member[m].pid = pid, h->member[m].started = started, h->member[m].fd = fd;
    h->member[m].names = ac_names;
    h->member[m].refs = 0, h->member[m].since = (uint64_t)ac_now_ns();
    AC_PUBLISH(h->member[m].state, state);
    return m;
}

/* --- mapping ----------------------------------------------------------------------------------------------------- */

static int ac_free_place(void)
{
    int i = 0;
    while (i < AC_ARENAS && ac_arenas[i].head)
        i++;
    return i < AC_ARENAS ? i : -1;
}

static void ac_fill(ac_arena *a, ac_head *head, int fd, uint32_t me, int own)
{
    a->head = head, a->data = (char *)head + head->data;
    a->id = head->id, a->inode = head->inode;
    a->fd = fd, a->me = me, a->own = own, a->users = 0, a->child = 0;
    a->idle = ac_now_ns();
}

/* A new arena with `room` bytes of data; its place in ac_arenas, or -1 and errno. */
static int ac_make(uint64_t room)
{
    int place = ac_free_place(), fd, error;
    uint64_t tables, bytes, entries;
    struct stat st;
    ac_head *h;
    ac_block *whole;
    if (place < 0) {
        errno = EMFILE;
        return -1;
    }
    entries = room / 512 < AC_BLOCKS_MOST ? room / 512 : AC_BLOCKS_MOST;
    tables = ac_tables_bytes((uint32_t)entries);
    bytes = tables + room;
    fd = (int)syscall(SYS_memfd_create, "allcores", 11u /* MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL */);
    if (fd < 0 && errno == EINVAL) /* a kernel before 6.3 */
        fd = (int)syscall(SYS_memfd_create, "allcores", 3u);
    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)bytes) < 0 || fstat(fd, &st) < 0)
        goto fail;
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    h = ac_map(fd, 0, bytes, 0);
    if (h == MAP_FAILED)
        goto fail;
    h->inode = st.st_ino;
    h->bytes = bytes, h->data = tables, h->room = room;
    h->blocks = (uint32_t)entries, h->refs = AC_REFS_EACH * (uint32_t)entries;
    h->block_top = h->ref_top = 1;
    if (getrandom(&h->id, sizeof h->id, 0) != sizeof h->id)
        h->id = (uint64_t)ac_now_ns() ^ (uint64_t)getpid() << 40;
    if (ac_make_mutex(&h->mutex) < 0) {
        munmap(h, bytes);
        goto fail;
    }
    if (!ac_started_at)
        ac_know_self();
    ac_fill(ac_arenas + place, h, fd, ac_new_member(h, (uint32_t)getpid(), ac_started_at, fd, AC_ALIVE), 1);
    whole = AC_BLOCKS(h) + ac_new_block(h);
    whole->size = room;
    whole->state = AC_FREE;
    ac_list_add(h, 1);
    AC_PUBLISH(h->magic, AC_MAGIC);
#ifdef MADV_HUGEPAGE
    madvise(ac_arenas[place].data, room, MADV_HUGEPAGE);
#endif
    return place;
fail:
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int ac_place_of(uint64_t id, uint64_t inode)
{
    int i;
    for (i = 0; i < AC_ARENAS; i++)
        if (ac_arenas[i].head && ac_arenas[i].id == id && ac_arenas[i].inode == inode)
            return i;
    return -1;
}

/* Maps the arena that process `pid` has open as `its_fd`. Its place; -1: it is not that one; -2: errno. */
static int ac_open(uint32_t pid, int its_fd, uint64_t id, uint64_t inode)
{
    char path[64];
    int place = ac_free_place(), fd;
    struct stat st;
    ac_head *h;
    if (place < 0) {
        errno = EMFILE;
        return -2;
    }
    snprintf(path, sizeof path, "/proc/%u/fd/%d", pid, its_fd);
    /* Opening another file could wait (a pipe) or do something (a device). */
    if (stat(path, &st) < 0 || (uint64_t)st.st_ino != inode || !S_ISREG(st.st_mode))
        return -1;
    fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -2 : -1;
    if (fstat(fd, &st) < 0 || (uint64_t)st.st_ino != inode || (size_t)st.st_size < sizeof(ac_head)) {
        close(fd);
        return -1;
    }
    h = ac_map(fd, 0, (size_t)st.st_size, 0);
    if (h == MAP_FAILED) {
        close(fd);
        return -2;
    }
    if (h->magic != AC_MAGIC || h->id != id || h->inode != inode || h->bytes != (uint64_t)st.st_size || h->retired) {
        munmap(h, (size_t)st.st_size);
        close(fd);
        return -1;
    }
#ifdef MADV_HUGEPAGE
    madvise((char *)h + h->data, h->room, MADV_HUGEPAGE);
#endif
    ac_fill(ac_arenas + place, h, fd, 0, 0); /* a member once the mutex is held */
    return place;
}

/* This process becomes a member; the mutex is held. -1: there are too many. */
static int ac_join_arena(ac_arena *a)
{
    if (a->me)
        return 0;
    if (!ac_started_at)
        ac_know_self();
    a->me = ac_new_member(a->head, (uint32_t)getpid(), ac_started_at, a->fd, AC_ALIVE);
    if (!a->me && ac_bury(a))
        a->me = ac_new_member(a->head, (uint32_t)getpid(), ac_started_at, a->fd, AC_ALIVE);
    return a->me ? 0 : -1;
}

/* Gives the mapping up; the mutex is held, and nothing here refers to the arena. */
static void ac_close(ac_arena *a)
{
    ac_head *h = a->head;
    if (a->me)
        ac_end_member(h, a->me);
    if (a->own) {
        h->retired = 1;
        ac_clear(a, 0, h->room); /* others may have it mapped a while longer */
    }
    ac_unlock(a);
    a->head = NULL;
    munmap(h, h->bytes);
    close(a->fd);
}

/* --- blocks; the mutex is held ------------------------------------------------------------------------------------ */

static uint64_t ac_kept(void)
{
    uint64_t kept = 0;
    int i;
    for (i = 0; i < AC_ARENAS; i++)
        if (ac_arenas[i].head)
            kept += ac_arenas[i].head->kept;
    return kept;
}

static uint32_t ac_my_ref(const ac_arena *a, uint32_t b)
{
    const ac_ref *refs = AC_REFS(a->head);
    uint32_t r = AC_BLOCKS(a->head)[b].first;
    while (r && (refs[r].member != a->me || refs[r].token))
        r = refs[r].next;
    return r;
}

static void ac_end_pin(ac_arena *a, uint32_t pin, uint64_t token)
{
    ac_ref *ref = AC_REFS(a->head) + pin;
    uint32_t b;
    if (pin == 0 || pin >= a->head->ref_top || ref->token != token || !ref->block)
        return; /* taken back already */
    b = ref->block;
    ac_end_ref(a->head, pin);
    if (!AC_BLOCKS(a->head)[b].first)
        ac_free(a->head, b, AC_BLOCKS(a->head)[b].size);
}

/* Another array of this process for a block that a handle names. 0; -1: the block is gone; -2: the table is full. */
static int ac_hold(ac_arena *a, uint32_t b, uint64_t generation, uint32_t pin, uint64_t token)
{
    ac_head *h = a->head;
    uint32_t r;
    if (b == 0 || b >= h->block_top || AC_BLOCKS(h)[b].state != AC_USED || AC_BLOCKS(h)[b].generation != generation)
        return -1;
    r = ac_my_ref(a, b);
    if (r)
        AC_REFS(h)[r].count++;
    else if (!ac_new_ref(h, b, a->me, 0, 0))
        return -2;
    ac_end_pin(a, pin, token);
    return 0;
}

/* One array of this process less. 1: the last, and enough is kept: clear the block without the mutex, then call
 * ac_drop_cleared with it. */
static int ac_drop(ac_arena *a, uint32_t b)
{
    ac_head *h = a->head;
    ac_block *block = AC_BLOCKS(h) + b;
    uint32_t r = ac_my_ref(a, b);
    ac_ref *ref = AC_REFS(h) + r;
    if (!r)
        return 0;
    if (ref->count > 1) {
        ref->count--;
        return 0;
    }
    if (block->first == r && !ref->next && block->size >= 16 * AC_PAGE && ac_kept() + block->size > ac_keep_most) {
        block->generation = 0; /* no handle finds it any more */
        return 1;
    }
    ac_end_ref(h, r);
    if (!block->first)
        ac_free(h, b, block->size);
    return 0;
}

static void ac_drop_cleared(ac_arena *a, uint32_t b, int cleared)
{
    ac_end_ref(a->head, ac_my_ref(a, b));
    ac_free(a->head, b, cleared ? 0 : AC_BLOCKS(a->head)[b].size);
}

/* Gives the pages of all free blocks back. */
static void ac_trim(ac_arena *a)
{
    ac_head *h = a->head;
    ac_block *block;
    uint32_t b;
    for (b = 1; h->kept && b < h->block_top; b++) {
        block = AC_BLOCKS(h) + b;
        if (block->state == AC_FREE && block->dirty && ac_clear(a, block->offset, block->dirty) == 0) {
            h->kept -= block->dirty;
            block->dirty = 0;
        }
    }
}

/* --- fork -------------------------------------------------------------------------------------------------------- */

/* The child will have the parent's arrays: it becomes a member before it is, so that the parent, dropping its own
 * meanwhile, does not free them. */
static void ac_before_fork(void)
{
    int i, error;
    uint32_t r, top;
    for (i = 0; i < AC_ARENAS; i++) {
        ac_arena *a = ac_arenas + i;
        if (!a->head || !a->me)
            continue;
        error = pthread_mutex_lock(&a->head->mutex);
        if (error == EOWNERDEAD)
            ac_recover(a);
        else if (error)
            continue;
        a->child = ac_new_member(a->head, (uint32_t)getpid(), ac_started_at, a->fd, AC_FORKING);
        for (r = 1, top = a->head->ref_top; r < top; r++) {
            ac_ref *ref = AC_REFS(a->head) + r;
            uint32_t copy;
            if (!ref->block || ref->member != a->me || ref->token)
                continue;
            copy = a->child ? ac_new_ref(a->head, ref->block, a->child, 0, 0) : 0;
            if (copy)
                AC_REFS(a->head)[copy].count = ref->count;
            else
                ref->count++; /* the tables are full: the parent keeps the block as long as it lives */
        }
        ac_unlock(a);
    }
}

static void ac_after_fork_in_parent(void)
{
    int i;
    for (i = 0; i < AC_ARENAS; i++)
        ac_arenas[i].child = 0;
}

static void ac_after_fork_in_child(void)
{
    int i;
    ac_know_self();
    for (i = 0; i < AC_ARENAS; i++) {
        ac_arena *a = ac_arenas + i;
        if (!a->head)
            continue;
        a->own = 0;
        a->users = 0;
        a->me = a->child;
        a->child = 0;
        if (a->me) {
            a->head->member[a->me].pid = (uint32_t)getpid();
            a->head->member[a->me].started = ac_started_at;
            a->head->member[a->me].names = ac_names;
            AC_PUBLISH(a->head->member[a->me].state, AC_ALIVE);
        }
    }
}

#endif
