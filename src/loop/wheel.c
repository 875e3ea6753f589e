#include "loop/wheel.h"

#include <assert.h>

void loop_wheel_init(struct loop_wheel *w, uint64_t tick)
{
    assert(tick < LOOP_WHEEL_END / 2);
    w->tick = tick;
    memset(w->occupied, 0, sizeof(w->occupied));
    for (size_t i = 0; i < ARRAY_LEN(w->slots); i++)
        list_init(&w->slots[i]);
}

void loop_wheel_fini(struct loop_wheel *w)
{
    for (size_t i = 0; i < ARRAY_LEN(w->slots); i++) {
        while (!list_is_empty(&w->slots[i]))
            list_remove(w->slots[i].next);
    }
}

void loop_wheel_insert(struct loop_wheel *w, struct loop_timer *t)
{
    assert(t->due > w->tick);
    if (t->due >= LOOP_WHEEL_END)
        t->due = LOOP_WHEEL_END - 1;
    unsigned high = 63u - (unsigned)__builtin_clzll(t->due ^ w->tick);
    unsigned level = high / LOOP_WHEEL_BITS;
    unsigned slot = (unsigned)(t->due >> (level * LOOP_WHEEL_BITS)) & (LOOP_WHEEL_SLOTS - 1);
    w->occupied[level] |= (uint64_t)1 << slot;
    list_push_back(&w->slots[level * LOOP_WHEEL_SLOTS + slot], &t->node);
}

void loop_wheel_remove(struct loop_wheel *w, struct loop_timer *t)
{
    struct list *head = t->node.next;
    bool is_last = head == t->node.prev;
    list_remove(&t->node);
    /* The neighbour on both sides of the only node is the list's head: a slot, unless it is the
     * list of timers being run. */
    uintptr_t first = (uintptr_t)&w->slots[0], at = (uintptr_t)head;
    if (!is_last || at < first || at >= first + sizeof(w->slots))
        return;
    size_t i = (at - first) / sizeof(w->slots[0]);
    w->occupied[i / LOOP_WHEEL_SLOTS] &= ~((uint64_t)1 << (i % LOOP_WHEEL_SLOTS));
}

static int first_level(const struct loop_wheel *w)
{
    for (int level = 0; level < LOOP_WHEEL_LEVELS; level++) {
        if (w->occupied[level])
            return level;
    }
    return -1;
}

/* The start of the first occupied slot of a level: later than the tick, and equal to it in all
 * digits above the level's. */
static uint64_t slot_start(const struct loop_wheel *w, int level, unsigned slot)
{
    unsigned shift = (unsigned)level * LOOP_WHEEL_BITS;
    uint64_t above = w->tick >> (shift + LOOP_WHEEL_BITS) << (shift + LOOP_WHEEL_BITS);
    return above | (uint64_t)slot << shift;
}

uint64_t loop_wheel_next(const struct loop_wheel *w)
{
    int level = first_level(w);
    if (level < 0)
        return UINT64_MAX;
    return slot_start(w, level, (unsigned)__builtin_ctzll(w->occupied[level]));
}

/* Every timer of the slot is due now (level 0, or its due time is the slot's start), or moves to a
 * level below. */
static void slot_open(struct loop_wheel *w, int level, unsigned slot, struct list *due)
{
    struct list *head = &w->slots[(unsigned)level * LOOP_WHEEL_SLOTS + slot];
    w->occupied[level] &= ~((uint64_t)1 << slot);
    while (!list_is_empty(head)) {
        struct loop_timer *t = CONTAINER_OF(head->next, struct loop_timer, node);
        list_remove(&t->node);
        if (t->due <= w->tick)
            list_push_back(due, &t->node);
        else
            loop_wheel_insert(w, t);
    }
}

void loop_wheel_advance(struct loop_wheel *w, uint64_t now, struct list *due)
{
    for (int level = first_level(w); level >= 0; level = first_level(w)) {
        unsigned slot = (unsigned)__builtin_ctzll(w->occupied[level]);
        uint64_t start = slot_start(w, level, slot);
        if (start > now)
            break;
        w->tick = start;
        slot_open(w, level, slot, due);
    }
    if (now > w->tick)
        w->tick = now;
}
