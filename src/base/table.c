#include "base/table.h"

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"

#define POINTER_BITS 48
#define POINTER_MASK (((uint64_t)1 << POINTER_BITS) - 1)
#define SLOTS_MIN 16

static uint64_t slot_of(uint64_t hash, const void *object)
{
    uint64_t p = (uint64_t)(uintptr_t)object;
    assert(p && p <= POINTER_MASK); /* what user space gets without asking for more */
    return (hash & ~POINTER_MASK) | p;
}

static void *pointer(uint64_t slot)
{
    return (void *)(uintptr_t)(slot & POINTER_MASK);
}

static bool has_print(uint64_t slot, uint64_t hash)
{
    return ((slot ^ hash) & ~POINTER_MASK) == 0;
}

int table_init(struct table *t, size_t hint, struct slice (*key_of)(const void *object))
{
    size_t n = SLOTS_MIN;
    while (n < hint)
        n *= 2;
    uint64_t *slots = calloc(n, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    *t = (struct table){.slots = slots, .mask = n - 1, .key_of = key_of};
    return 0;
}

void table_fini(struct table *t)
{
    free(t->slots);
    *t = (struct table){0};
}

void table_clear(struct table *t)
{
    if (t->slots)
        memset(t->slots, 0, (t->mask + 1) * sizeof(*t->slots));
    t->count = 0;
}

struct table_key table_key(struct slice s)
{
    return (struct table_key){s, map_hash(s)};
}

/* Slots are asked for one behind the other: eight lie in a cache line. */
void *table_find(const struct table *t, const struct table_key *k)
{
    if (t->count == 0)
        return NULL;
    for (size_t i = k->hash & t->mask; t->slots[i]; i = (i + 1) & t->mask) {
        if (has_print(t->slots[i], k->hash) && slice_eq(t->key_of(pointer(t->slots[i])), k->s))
            return pointer(t->slots[i]);
    }
    return NULL;
}

static void insert(struct table *t, uint64_t hash, void *object)
{
    size_t i = hash & t->mask;
    while (t->slots[i])
        i = (i + 1) & t->mask;
    t->slots[i] = slot_of(hash, object);
    t->count++;
}

static uint64_t hash_of(const struct table *t, uint64_t slot)
{
    return map_hash(t->key_of(pointer(slot)));
}

static int grow(struct table *t)
{
    size_t n = t->mask + 1;
    uint64_t *old = t->slots, *slots = calloc(2 * n, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    *t = (struct table){.slots = slots, .mask = 2 * n - 1, .key_of = t->key_of};
    for (size_t i = 0; i < n; i++) {
        if (old[i])
            insert(t, hash_of(t, old[i]), pointer(old[i]));
    }
    free(old);
    return 0;
}

int table_put(struct table *t, const struct table_key *k, void *object)
{
    /* Three quarters: without memory it gets slower, but one slot must stay free to end a search. */
    if (t->count >= (t->mask + 1) / 4 * 3 && grow(t) < 0 && t->count == t->mask)
        return -ENOMEM;
    insert(t, k->hash, object);
    return 0;
}

static uint64_t *slot_find(const struct table *t, const struct table_key *k, const void *object)
{
    uint64_t slot = slot_of(k->hash, object);
    size_t i = k->hash & t->mask;
    while (t->slots[i] != slot) {
        assert(t->slots[i]); /* it is in */
        i = (i + 1) & t->mask;
    }
    return &t->slots[i];
}

void table_replace(struct table *t, const struct table_key *k, const void *old, void *object)
{
    *slot_find(t, k, old) = slot_of(k->hash, object);
}

/* What lies behind moves up where it may, so that no search ends too early. */
void table_remove(struct table *t, const struct table_key *k, const void *object)
{
    size_t hole = (size_t)(slot_find(t, k, object) - t->slots);
    for (size_t i = (hole + 1) & t->mask; t->slots[i]; i = (i + 1) & t->mask) {
        size_t home = hash_of(t, t->slots[i]) & t->mask;
        if (((i - home) & t->mask) < ((i - hole) & t->mask))
            continue; /* its home lies behind the hole */
        t->slots[hole] = t->slots[i];
        hole = i;
    }
    t->slots[hole] = 0;
    t->count--;
}

void table_prefetch(const struct table *t, uint64_t hash)
{
    __builtin_prefetch(&t->slots[hash & t->mask]);
}

const void *table_guess(const struct table *t, uint64_t hash)
{
    for (size_t i = hash & t->mask; t->slots[i]; i = (i + 1) & t->mask) {
        if (has_print(t->slots[i], hash))
            return pointer(t->slots[i]);
    }
    return NULL;
}

void *table_at(const struct table *t, size_t i)
{
    return t->slots[i] ? pointer(t->slots[i]) : NULL;
}
