/* Places in the snapshot memfd, of several sizes, so that a call has little more memory than it needs:
 * many slots of one size lie side by side, several in a page. A slot's number says its size, too.
 *
 * Where there is no call there is no memory: pages of which nothing is in use are given back, but for
 * some that the next calls will want, and a free slot is not even read, because that alone would make
 * it resident. Which ones hold something the memfd itself tells (lseek). */
#ifndef SOTTO_CALL_SLOTS_H
#define SOTTO_CALL_SLOTS_H

#include "base/slice.h"

#define SLOT_NONE UINT32_MAX
#define SLOT_KINDS 14

struct slot_kind {
    uint8_t *mem; /* `count` slots of `size` bytes */
    uint32_t size;
    uint32_t fresh; /* this slot and those behind it were never used */
    uint8_t *used;  /* of each slot: 1, somebody has it */
    uint32_t *free; /* used ones that are free: first those without memory, on top the latest */
    uint32_t free_n, cold_n;
};

struct slots {
    int fd; /* borrowed */
    uint8_t *mem;
    size_t mem_n;
    uint32_t count; /* of each size */
    struct slot_kind kinds[SLOT_KINDS];
};

/* Bytes of a memfd for so many calls. */
size_t slots_size(uint32_t count);
/* Maps it, read and written. -errno; -EINVAL: it is too small. */
int slots_init(struct slots *s, int fd, uint32_t count) MUST_CHECK;
void slots_fini(struct slots *s);

uint8_t *slots_at(const struct slots *s, uint32_t slot);
uint32_t slots_cap(const struct slots *s, uint32_t slot); /* bytes */
/* Is there no smaller size that n bytes fit into? */
bool slots_is_best(const struct slots *s, uint32_t slot, size_t n);
/* The smallest for n bytes; SLOT_NONE: too many, or all are taken. */
uint32_t slots_take(struct slots *s, size_t n);
/* Whoever has it has wiped it. */
void slots_release(struct slots *s, uint32_t slot);

/* Of an earlier life: the first slot from `from` on that may hold something; SLOT_NONE: none. The
 * caller claims each that it takes over, wipes the others, and calls slots_settle at the end. */
uint32_t slots_next(struct slots *s, uint32_t from);
void slots_claim(struct slots *s, uint32_t slot);
void slots_settle(struct slots *s);

#endif
