#include "base/arena.h"

#include <stdlib.h>

struct block {
    struct block *next;
    size_t cap;
    _Alignas(16) char data[];
};

struct arena {
    struct block *head; /* the one being filled */
    struct block *spare;
    size_t used; /* in head */
    size_t total;
    size_t block;
};

struct arena *arena_new(size_t block)
{
    struct arena *a = calloc(1, sizeof(*a));
    if (a)
        a->block = block < 256 ? 256 : block;
    return a;
}

static void blocks_free(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
}

struct arena *arena_free(struct arena *a)
{
    if (a) {
        blocks_free(a->head);
        blocks_free(a->spare);
        free(a);
    }
    return NULL;
}

static struct block *block_get(struct arena *a, size_t need)
{
    struct block **at = &a->spare;
    for (; *at; at = &(*at)->next) {
        if ((*at)->cap >= need) {
            struct block *b = *at;
            *at = b->next;
            return b;
        }
    }
    size_t cap = need > a->block ? need : a->block;
    if (a->total + cap > ARENA_LIMIT)
        return NULL;
    struct block *b = malloc(sizeof(*b) + cap);
    if (b) {
        b->cap = cap;
        a->total += cap;
    }
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > ARENA_LIMIT)
        return NULL;
    size_t need = (n + 15) & ~(size_t)15;
    if (!a->head || a->head->cap - a->used < need) {
        struct block *b = block_get(a, need);
        if (!b)
            return NULL;
        b->next = a->head;
        a->head = b;
        a->used = 0;
    }
    void *p = a->head->data + a->used;
    a->used += need;
    memset(p, 0, need);
    return p;
}

struct slice arena_dup(struct arena *a, struct slice s)
{
    char *p = arena_alloc(a, s.n ? s.n : 1);
    if (!p)
        return SLICE_NONE;
    if (s.n)
        memcpy(p, s.p, s.n);
    return slice_from(p, s.n);
}

void arena_reset(struct arena *a)
{
    while (a->head) {
        struct block *b = a->head;
        a->head = b->next;
        b->next = a->spare;
        a->spare = b;
    }
    a->used = 0;
}
