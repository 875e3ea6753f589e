/* The snapshot of the one call there is, for tests that damage it. */
#ifndef SOTTO_SIGNAL_TESTSLOT_H
#define SOTTO_SIGNAL_TESTSLOT_H

#include "signal/testkit.h"

struct kit_slot {
    uint8_t *mem; /* of all calls */
    size_t mem_n;
    uint8_t *at; /* the call's */
    uint8_t kept[CALL_SNAPSHOT_MAX];
};

/* Free slots that have memory hold zeros. */
static inline uint8_t *kit_slot_find(const struct kit *k, uint8_t *mem, size_t mem_n)
{
    off_t at = 0;
    while ((at = lseek(k->snapshot_fd, at, SEEK_DATA)) >= 0 && (size_t)at < mem_n) {
        off_t hole = lseek(k->snapshot_fd, at, SEEK_HOLE);
        for (; at < hole; at++) {
            if (mem[at])
                return &mem[at];
        }
    }
    return NULL;
}

static inline struct kit_slot *kit_slot_new(const struct kit *k)
{
    struct kit_slot *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->mem_n = call_snapshot_size(KIT_CALLS);
    s->mem = mmap(NULL, s->mem_n, PROT_READ | PROT_WRITE, MAP_SHARED, k->snapshot_fd, 0);
    assert_true(s->mem != MAP_FAILED);
    s->at = kit_slot_find(k, s->mem, s->mem_n);
    assert_non_null(s->at);
    memcpy(s->kept, s->at, sizeof(s->kept));
    return s;
}

static inline void kit_slot_clear(struct kit_slot *s)
{
    assert_int_equal(madvise(s->mem, s->mem_n, MADV_REMOVE), 0);
}

/* As it was when it was kept, and nothing else. */
static inline void kit_slot_put(struct kit_slot *s)
{
    kit_slot_clear(s);
    memcpy(s->at, s->kept, sizeof(s->kept));
}

static inline void kit_slot_free(struct kit_slot *s)
{
    munmap(s->mem, s->mem_n);
    free(s);
}

#endif
