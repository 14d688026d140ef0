/* What stands at the start of every arena of shared memory: who has it mapped, which blocks it is divided into, and
 * who refers to which. All processes that map the arena read and write these tables, only under the arena's mutex.
 *
 *     head | members | blocks | refs | scratch || data: block, block, ...
 *
 * A process may be killed between any two stores. So three things alone are the truth, each stored before the word
 * that makes it valid: members, blocks in use (offset, size, generation, then `state`), and refs (member, count, then
 * `block`). Neighbours, free lists and counters follow from them, and ac_rebuild makes them anew when the mutex says
 * that its holder died. Included by shared_arena.h only. */
#ifndef ALLCORES_SHARED_TABLES_H
#define ALLCORES_SHARED_TABLES_H

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#define AC_MAGIC UINT64_C(0x3173657261636c61)
#define AC_GRAIN 64u       /* bytes; sizes and offsets are multiples */
#define AC_PAGE 4096u
#define AC_LEVELS 48       /* free lists: powers of two ... */
#define AC_STEPS 16        /* ... in so many equal steps */
#define AC_MEMBERS 2048u   /* processes that may map an arena at a time */
#define AC_BLOCKS_MOST (UINT32_C(1) << 20)
#define AC_REFS_EACH 4u    /* refs a block that there is room for */

enum { AC_NONE, AC_ALIVE, AC_FORKING };        /* a member's state */
enum { AC_UNUSED, AC_FREE, AC_USED };          /* a block's */

typedef struct {
    uint64_t started;         /* when the process began, in ticks since boot: tells a process from a later one */
    uint64_t names;           /* the namespace that its number belongs to */
    uint32_t pid, state;
    int32_t fd;               /* of the arena, there */
    uint32_t refs;
    uint64_t since;           /* ns; AC_FORKING: when, and pid is the parent's */
} ac_member;

typedef struct {
    uint64_t offset, size;    /* in the data */
    uint64_t generation;      /* of this use of the block, never twice the same in an arena; 0: no handle is good */
    uint64_t dirty;           /* while free: bytes from its start that may not be zero */
    uint32_t below, above;    /* neighbours by address, 0: none */
    uint32_t before, after;   /* in the free list; `after` also in the stack of unused ones */
    uint32_t first;           /* ref, while in use */
    uint32_t state;
    uint64_t reserved;
} ac_block;

typedef struct {
    uint64_t token;           /* 0: arrays of a process; else a pin, of one handle in flight */
    uint64_t since;           /* ns, of a pin */
    uint32_t block, member, count, next;
} ac_ref;

typedef struct {
    uint64_t magic, id, inode;
    uint64_t bytes, data, room;             /* of the file; where the data begins; its size */
    uint32_t blocks, refs;                  /* entries of the tables, the first of each is not used */
    uint32_t retired;                       /* its maker has given it back */
    uint32_t recovered;                     /* how often a holder of the mutex died */
    pthread_mutex_t mutex;
    uint64_t generation, token;             /* last given */
    uint64_t live, live_bytes, kept, pins;  /* blocks and bytes in use; dirty bytes of free blocks; handles in flight */
    uint32_t block_top, ref_top;            /* entries used so far: what lies above was never written */
    uint32_t spare_block, spare_ref;        /* stacks of those used and left */
    uint64_t level_map;
    uint32_t step_map[AC_LEVELS];
    uint32_t lists[AC_LEVELS][AC_STEPS];
    ac_member member[AC_MEMBERS];
} ac_head;

#define AC_BLOCKS(h) ((ac_block *)((char *)(h) + sizeof(ac_head)))
#define AC_REFS(h) ((ac_ref *)(AC_BLOCKS(h) + (h)->blocks))
#define AC_SCRATCH(h) ((uint32_t *)(AC_REFS(h) + (h)->refs))
#define AC_PUBLISH(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELEASE)

static inline int ac_log2(uint64_t n) { return 63 - __builtin_clzll(n); }

/* The list that a free block of `size` bytes stands in. */
static void ac_class_of(uint64_t size, int *level, int *step)
{
    uint64_t grains = size / AC_GRAIN;
    if (grains < AC_STEPS) {
        *level = 0, *step = (int)grains;
        return;
    }
    *level = ac_log2(grains) - 3;
    *step = (int)(grains >> (*level - 1)) & (AC_STEPS - 1);
}

static void ac_list_add(ac_head *h, uint32_t b)
{
    ac_block *block = AC_BLOCKS(h) + b;
    int level, step;
    ac_class_of(block->size, &level, &step);
    block->before = 0;
    block->after = h->lists[level][step];
    if (block->after)
        AC_BLOCKS(h)[block->after].before = b;
    h->lists[level][step] = b;
    h->step_map[level] |= UINT32_C(1) << step;
    h->level_map |= UINT64_C(1) << level;
    h->kept += block->dirty;
}

static void ac_list_remove(ac_head *h, uint32_t b)
{
    ac_block *block = AC_BLOCKS(h) + b;
    int level, step;
    ac_class_of(block->size, &level, &step);
    if (block->after)
        AC_BLOCKS(h)[block->after].before = block->before;
    if (block->before)
        AC_BLOCKS(h)[block->before].after = block->after;
    else {
        h->lists[level][step] = block->after;
        if (!block->after && !(h->step_map[level] &= ~(UINT32_C(1) << step)))
            h->level_map &= ~(UINT64_C(1) << level);
    }
    h->kept -= block->dirty;
}

/* A free block that has `size` bytes surely, 0 if there is none: the first of the first list that holds no smaller. */
static uint32_t ac_find(ac_head *h, uint64_t size)
{
    int level, step;
    uint64_t grains = size / AC_GRAIN, map;
    if (grains >= AC_STEPS)
        size += (((uint64_t)1 << (ac_log2(grains) - 4)) - 1) * AC_GRAIN;
    ac_class_of(size, &level, &step);
    if (level >= AC_LEVELS)
        return 0;
    map = h->step_map[level] & (~UINT32_C(0) << step);
    if (!map) {
        map = level + 1 < AC_LEVELS ? h->level_map & (~UINT64_C(0) << (level + 1)) : 0;
        if (!map)
            return 0;
        level = __builtin_ctzll(map);
        map = h->step_map[level];
    }
    return h->lists[level][__builtin_ctzll(map)];
}

static uint32_t ac_new_block(ac_head *h)
{
    uint32_t b = h->spare_block;
    if (b)
        h->spare_block = AC_BLOCKS(h)[b].after;
    else if (h->block_top < h->blocks)
        b = h->block_top++;
    return b;
}

static void ac_end_block(ac_head *h, uint32_t b)
{
    AC_PUBLISH(AC_BLOCKS(h)[b].state, AC_UNUSED);
    AC_BLOCKS(h)[b].after = h->spare_block;
    h->spare_block = b;
}

static uint32_t ac_new_ref(ac_head *h, uint32_t b, uint32_t member, uint64_t token, uint64_t since)
{
    uint32_t r = h->spare_ref;
    ac_ref *ref;
    if (r)
        h->spare_ref = AC_REFS(h)[r].next;
    else if (h->ref_top < h->refs)
        r = h->ref_top++;
    else
        return 0;
    ref = AC_REFS(h) + r;
    ref->token = token, ref->since = since;
    ref->member = member, ref->count = 1;
    ref->next = AC_BLOCKS(h)[b].first;
    AC_PUBLISH(ref->block, b);
    AC_BLOCKS(h)[b].first = r;
    h->member[member].refs++;
    h->pins += token != 0;
    return r;
}

/* Takes a ref out of its block's list. */
static void ac_end_ref(ac_head *h, uint32_t r)
{
    ac_ref *refs = AC_REFS(h), *ref = refs + r;
    uint32_t *at = &AC_BLOCKS(h)[ref->block].first;
    while (*at && *at != r)
        at = &refs[*at].next;
    if (*at)
        *at = ref->next;
    AC_PUBLISH(ref->block, 0);
    h->member[ref->member].refs--;
    h->pins -= ref->token != 0;
    ref->next = h->spare_ref;
    h->spare_ref = r;
}

/* Makes what lies after the first `size` bytes of a block that is in no list a free block. -1: no entry is left. */
static int ac_split(ac_head *h, uint32_t b, uint64_t size)
{
    ac_block *block = AC_BLOCKS(h) + b, *rest;
    uint32_t r;
    if (block->size == size)
        return 0;
    r = ac_new_block(h);
    if (!r)
        return -1;
    rest = AC_BLOCKS(h) + r;
    rest->offset = block->offset + size;
    rest->size = block->size - size;
    rest->dirty = block->dirty > size ? block->dirty - size : 0;
    rest->below = b, rest->above = block->above;
    rest->first = 0;
    rest->state = AC_FREE;
    if (rest->above)
        AC_BLOCKS(h)[rest->above].below = r;
    block->above = r;
    block->size = size;
    block->dirty = block->dirty < size ? block->dirty : size;
    ac_list_add(h, r);
    return 0;
}

/* Appends the free block `b`, its upper neighbour, to `a`. Neither is in a list. */
static void ac_join(ac_head *h, uint32_t a, uint32_t b)
{
    ac_block *low = AC_BLOCKS(h) + a, *high = AC_BLOCKS(h) + b;
    if (high->dirty)
        low->dirty = low->size + high->dirty;
    low->size += high->size;
    low->above = high->above;
    if (low->above)
        AC_BLOCKS(h)[low->above].below = a;
    ac_end_block(h, b);
}

/* A block of `size` bytes for `member`, with one ref; *dirty: bytes from its start that may not be zero. 0: no room. */
static uint32_t ac_take(ac_head *h, uint32_t member, uint64_t size, uint64_t align, uint64_t *dirty)
{
    uint64_t gap;
    uint32_t b = ac_find(h, align > AC_GRAIN ? size + align - AC_GRAIN : size), front;
    ac_block *block;
    if (!b)
        return 0;
    block = AC_BLOCKS(h) + b;
    ac_list_remove(h, b);
    gap = (align - block->offset % align) % align;
    if (gap) {
        front = b;
        if (ac_split(h, front, gap) < 0) {
            ac_list_add(h, front);
            return 0;
        }
        b = AC_BLOCKS(h)[front].above;
        ac_list_remove(h, b);
        ac_list_add(h, front);
        block = AC_BLOCKS(h) + b;
    }
    if (ac_split(h, b, size) < 0 && block->size > 2 * size) {
        ac_list_add(h, b);
        return 0;
    }
    block->first = 0;
    if (!ac_new_ref(h, b, member, 0, 0)) {
        ac_list_add(h, b); /* two free neighbours, which the next rebuild or free joins */
        return 0;
    }
    *dirty = block->dirty;
    block->generation = ++h->generation;
    AC_PUBLISH(block->state, AC_USED);
    h->live++;
    h->live_bytes += block->size;
    return b;
}

/* Frees a block that nothing refers to; its first `dirty` bytes may not be zero. */
static void ac_free(ac_head *h, uint32_t b, uint64_t dirty)
{
    ac_block *blocks = AC_BLOCKS(h), *block = blocks + b;
    uint32_t other;
    h->live--;
    h->live_bytes -= block->size;
    AC_PUBLISH(block->state, AC_FREE);
    block->generation = 0;
    block->dirty = dirty;
    other = block->above;
    if (other && blocks[other].state == AC_FREE) {
        ac_list_remove(h, other);
        ac_join(h, b, other);
    }
    other = block->below;
    if (other && blocks[other].state == AC_FREE) {
        ac_list_remove(h, other);
        ac_join(h, other, b);
        b = other;
    }
    ac_list_add(h, b);
}

static void ac_sift(uint32_t *list, uint32_t i, uint32_t n, const ac_block *blocks)
{
    uint32_t child, moved = list[i];
    for (; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && blocks[list[child]].offset < blocks[list[child + 1]].offset;
        if (blocks[list[child]].offset <= blocks[moved].offset)
            break;
        list[i] = list[child];
    }
    list[i] = moved;
}

static void ac_sort_by_offset(uint32_t *list, uint32_t n, const ac_block *blocks)
{
    uint32_t i, last;
    for (i = n / 2; i-- > 0;)
        ac_sift(list, i, n, blocks);
    for (i = n; i-- > 1;) {
        last = list[i], list[i] = list[0], list[0] = last;
        ac_sift(list, 0, i, blocks);
    }
}

/* Makes everything but the truth anew. All free blocks count as zero: the caller makes them so. */
static void ac_rebuild(ac_head *h)
{
    ac_block *blocks = AC_BLOCKS(h);
    ac_ref *refs = AC_REFS(h);
    uint32_t *list = AC_SCRATCH(h), i, b, r, count = 0, below = 0;
    uint64_t end = 0;
    h->live = h->live_bytes = h->kept = h->pins = 0;
    h->spare_block = h->spare_ref = 0;
    h->level_map = 0;
    memset(h->step_map, 0, sizeof h->step_map);
    memset(h->lists, 0, sizeof h->lists);
    for (i = 1; i < AC_MEMBERS; i++)
        h->member[i].refs = 0;
    for (b = 1; b < h->block_top; b++)
        blocks[b].first = 0;
    for (r = 1; r < h->ref_top; r++) {
        b = refs[r].block;
        if (b && b < h->block_top && blocks[b].state == AC_USED && h->member[refs[r].member].state != AC_NONE) {
            refs[r].next = blocks[b].first;
            blocks[b].first = r;
            h->member[refs[r].member].refs++;
            h->pins += refs[r].token != 0;
        }
        else {
            refs[r].block = 0;
            refs[r].next = h->spare_ref;
            h->spare_ref = r;
        }
    }
    for (b = 1; b < h->block_top; b++) {
        if (blocks[b].state == AC_USED && blocks[b].first) {
            list[count++] = b;
            h->live++;
            h->live_bytes += blocks[b].size;
        }
        else
            ac_end_block(h, b);
    }
    ac_sort_by_offset(list, count, blocks);
    for (i = 0; i <= count; i++) {
        uint64_t next = i < count ? blocks[list[i]].offset : h->room;
        if (next > end && (b = ac_new_block(h)) != 0) {
            blocks[b].offset = end, blocks[b].size = next - end;
            blocks[b].dirty = 0, blocks[b].first = 0, blocks[b].generation = 0;
            blocks[b].below = below, blocks[b].above = 0;
            blocks[b].state = AC_FREE;
            if (below)
                blocks[below].above = b;
            ac_list_add(h, b);
            below = b;
        }
        if (i < count) {
            b = list[i];
            blocks[b].below = below, blocks[b].above = 0;
            if (below)
                blocks[below].above = b;
            below = b;
            end = blocks[b].offset + blocks[b].size;
        }
    }
}

/* The tables of an arena of `room` bytes of data with `blocks` entries: the bytes before the data. */
static uint64_t ac_tables_bytes(uint32_t blocks)
{
    uint64_t bytes = sizeof(ac_head) + (uint64_t)blocks * (sizeof(ac_block) + AC_REFS_EACH * sizeof(ac_ref) + sizeof(uint32_t));
    return (bytes + (2u << 20) - 1) & ~(uint64_t)((2u << 20) - 1);
}

#endif
