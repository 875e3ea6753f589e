#include "txn/answers.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CHUNK_BYTES (64u << 10)
#define PAGE 4096u
#define SPARE_MAX 16 /* chunks */
#define SLOTS_MIN 256
#define DROP_BURST 16 /* whose slots come from memory together */

struct txn_answer {
    uint64_t key, merge_key, until;
    size_t n;
    char text[];
};

struct txn_answers_chunk {
    struct txn_answers_chunk *next;
    size_t cap, start, end; /* answers lie in b[start, end) */
    _Alignas(8) char b[];
};

static size_t bytes_of(size_t text_n)
{
    return (sizeof(struct txn_answer) + text_n + 7) & ~(size_t)7;
}

int txn_answers_init(struct txn_answers *a)
{
    *a = (struct txn_answers){.slots = calloc(SLOTS_MIN, sizeof(*a->slots)), .mask = SLOTS_MIN - 1};
    return a->slots ? 0 : -ENOMEM;
}

static void chunks_free(struct txn_answers_chunk *c)
{
    while (c) {
        struct txn_answers_chunk *next = c->next;
        free(c);
        c = next;
    }
}

void txn_answers_fini(struct txn_answers *a)
{
    chunks_free(a->first);
    chunks_free(a->spare);
    free(a->slots);
    *a = (struct txn_answers){0};
}

/* --- slots --- */

static void slot_put(struct txn_answers *a, uint64_t key, struct txn_answer *at)
{
    size_t i = key & a->mask;
    while (a->slots[i].at)
        i = (i + 1) & a->mask;
    a->slots[i] = (struct txn_answers_slot){key, at};
    a->used++;
}

static bool slots_grow(struct txn_answers *a)
{
    struct txn_answers_slot *old = a->slots;
    size_t n = a->mask + 1;
    a->slots = calloc(2 * n, sizeof(*a->slots));
    if (!a->slots) {
        a->slots = old;
        return false;
    }
    a->mask = 2 * n - 1;
    a->used = 0;
    for (size_t i = 0; i < n; i++) {
        if (old[i].at)
            slot_put(a, old[i].key, old[i].at);
    }
    free(old);
    return true;
}

static struct txn_answers_slot *slot_find(const struct txn_answers *a, uint64_t key)
{
    for (size_t i = key & a->mask; a->slots[i].at; i = (i + 1) & a->mask) {
        if (a->slots[i].key == key)
            return &a->slots[i];
    }
    return NULL;
}

/* What lies behind moves up where it may, so that no search ends too early. */
static void slot_close(struct txn_answers *a, size_t hole)
{
    for (size_t i = (hole + 1) & a->mask; a->slots[i].at; i = (i + 1) & a->mask) {
        size_t home = a->slots[i].key & a->mask;
        if (((i - home) & a->mask) < ((i - hole) & a->mask))
            continue; /* its home lies behind the hole */
        a->slots[hole] = a->slots[i];
        hole = i;
    }
    a->slots[hole].at = NULL;
    a->used--;
}

static void slot_remove(struct txn_answers *a, uint64_t key, const struct txn_answer *at)
{
    for (size_t i = key & a->mask; a->slots[i].at; i = (i + 1) & a->mask) {
        if (a->slots[i].at == at && a->slots[i].key == key) {
            slot_close(a, i);
            return;
        }
    }
    assert(false); /* every answer is in by each of its keys */
}

/* --- chunks --- */

/* All its pages at once: one by one they would be faults while answers are written, which in a virtual
 * machine cost more than the writing. */
static struct txn_answers_chunk *chunk_alloc(size_t cap)
{
    size_t n = (sizeof(struct txn_answers_chunk) + cap + PAGE - 1) & ~(size_t)(PAGE - 1);
    struct txn_answers_chunk *c = aligned_alloc(PAGE, n);
    if (c)
        (void)madvise(c, n, MADV_POPULATE_WRITE); /* an older kernel does without */
    return c;
}

static struct txn_answers_chunk *chunk_new(struct txn_answers *a, size_t need)
{
    struct txn_answers_chunk *c = a->spare;
    size_t cap = CHUNK_BYTES - sizeof(*c);
    if (c && need <= cap) {
        a->spare = c->next;
        a->spare_count--;
    } else {
        cap = need > cap ? need : cap;
        c = chunk_alloc(cap);
        if (!c)
            return NULL;
        c->cap = cap;
    }
    c->next = NULL;
    c->start = c->end = 0;
    return c;
}

static struct txn_answers_chunk *chunk_with_room(struct txn_answers *a, size_t need)
{
    if (a->last && need <= a->last->cap - a->last->end)
        return a->last;
    struct txn_answers_chunk *c = chunk_new(a, need);
    if (!c)
        return NULL;
    if (a->last)
        a->last->next = c;
    else
        a->first = c;
    a->last = c;
    return c;
}

static void chunk_drop_first(struct txn_answers *a)
{
    struct txn_answers_chunk *c = a->first;
    a->first = c->next;
    if (!a->first)
        a->last = NULL;
    if (a->spare_count == SPARE_MAX || c->cap != CHUNK_BYTES - sizeof(*c)) {
        free(c);
        return;
    }
    c->next = a->spare;
    a->spare = c;
    a->spare_count++;
}

/* --- answers --- */

void txn_answers_put(struct txn_answers *a, uint64_t key, uint64_t merge_key, uint64_t until,
                     struct slice text)
{
    size_t need = bytes_of(text.n);
    if (a->used + 2 > (a->mask + 1) / 2 && !slots_grow(a) && a->used + 2 > a->mask)
        return;
    struct txn_answers_chunk *c = chunk_with_room(a, need);
    if (!c)
        return;
    struct txn_answer *at = (struct txn_answer *)(void *)(c->b + c->end);
    c->end += need;
    *at = (struct txn_answer){.key = key, .merge_key = merge_key, .until = until, .n = text.n};
    if (text.n)
        memcpy(at->text, text.p, text.n);
    slot_put(a, key, at);
    if (merge_key)
        slot_put(a, merge_key, at);
    a->count++;
}

void txn_answers_prefetch(const struct txn_answers *a, uint64_t key)
{
    __builtin_prefetch(&a->slots[key & a->mask]);
}

bool txn_answers_has(const struct txn_answers *a, uint64_t key)
{
    return slot_find(a, key) != NULL;
}

bool txn_answers_find(const struct txn_answers *a, uint64_t key, struct slice *ret)
{
    const struct txn_answers_slot *s = slot_find(a, key);
    if (s)
        *ret = slice_from(s->at->text, s->at->n);
    return s != NULL;
}

static struct txn_answer *oldest(const struct txn_answers *a)
{
    return (struct txn_answer *)(void *)(a->first->b + a->first->start);
}

uint64_t txn_answers_oldest(const struct txn_answers *a)
{
    return a->count ? oldest(a)->until : UINT64_MAX;
}

void txn_answers_drop(struct txn_answers *a)
{
    assert(a->count);
    struct txn_answer *at = oldest(a);
    slot_remove(a, at->key, at);
    if (at->merge_key)
        slot_remove(a, at->merge_key, at);
    a->first->start += bytes_of(at->n);
    a->count--;
    if (a->first->start == a->first->end)
        chunk_drop_first(a);
}

/* Of those that follow the oldest in its chunk. */
static void prefetch_oldest(const struct txn_answers *a, unsigned n)
{
    const struct txn_answers_chunk *c = a->first;
    for (size_t at = c->start; at < c->end && n > 0; n--) {
        const struct txn_answer *it = (const struct txn_answer *)(const void *)(c->b + at);
        txn_answers_prefetch(a, it->key);
        at += bytes_of(it->n);
    }
}

void txn_answers_drop_until(struct txn_answers *a, uint64_t now)
{
    for (unsigned i = 0; txn_answers_oldest(a) <= now; i++) {
        if (i % DROP_BURST == 0)
            prefetch_oldest(a, DROP_BURST);
        txn_answers_drop(a);
    }
}
