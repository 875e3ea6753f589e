#include "call/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "call/call.h"
#include "ipc/ipc.h"

/* One in so many slots of a size may keep its memory while it is free, for the next calls: where calls
 * come and go, none of them gets fresh pages. */
#define WARM_SHARE 32u
#define REGION_ALIGN 65536u /* at least a page, whatever the machine's is */

/* Most calls over one m-line take 2 to 4 KiB; the largest are those that ring in many places. */
static const uint32_t sizes[SLOT_KINDS] = {
    1280, 1536, 1792, 2048, 2304, 2560,  3072,
    3584, 4096, 5120, 6144, 8192, 12288, CALL_SNAPSHOT_MAX,
};

static size_t region_size(size_t kind, uint32_t count)
{
    size_t n = (size_t)sizes[kind] * count;
    return (n + REGION_ALIGN - 1) & ~(size_t)(REGION_ALIGN - 1);
}

size_t slots_size(uint32_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < SLOT_KINDS; i++)
        n += region_size(i, count);
    return n;
}

int slots_init(struct slots *s, int fd, uint32_t count)
{
    void *p;
    *s = (struct slots){.fd = fd, .count = count};
    int r = ipc_memfd_map(fd, slots_size(count), true, &p);
    if (r < 0)
        return r;
    s->mem = p;
    s->mem_n = slots_size(count);
    uint8_t *at = p;
    for (size_t i = 0; i < SLOT_KINDS; i++) {
        struct slot_kind *k = &s->kinds[i];
        *k = (struct slot_kind){.mem = at,
                                .size = sizes[i],
                                .used = calloc(count, sizeof(*k->used)),
                                .free = calloc(count, sizeof(*k->free))};
        at += region_size(i, count);
        if (!k->used || !k->free) {
            slots_fini(s);
            return -ENOMEM;
        }
    }
    return 0;
}

void slots_fini(struct slots *s)
{
    if (s->mem)
        munmap(s->mem, s->mem_n);
    for (size_t i = 0; i < SLOT_KINDS; i++) {
        free(s->kinds[i].used);
        free(s->kinds[i].free);
    }
    *s = (struct slots){0};
}

static const struct slot_kind *kind_of(const struct slots *s, uint32_t slot)
{
    return &s->kinds[slot / s->count];
}

uint8_t *slots_at(const struct slots *s, uint32_t slot)
{
    const struct slot_kind *k = kind_of(s, slot);
    return k->mem + (size_t)(slot % s->count) * k->size;
}

uint32_t slots_cap(const struct slots *s, uint32_t slot)
{
    return kind_of(s, slot)->size;
}

bool slots_is_best(const struct slots *s, uint32_t slot, size_t n)
{
    size_t kind = slot / s->count;
    return n <= sizes[kind] && (kind == 0 || n > sizes[kind - 1]);
}

static bool kind_take(struct slots *s, struct slot_kind *k, uint32_t *ret)
{
    if (k->free_n > 0) {
        *ret = k->free[--k->free_n];
        if (k->cold_n > k->free_n)
            k->cold_n = k->free_n;
    } else if (k->fresh < s->count) {
        *ret = k->fresh++;
    } else {
        return false;
    }
    k->used[*ret] = 1;
    return true;
}

uint32_t slots_take(struct slots *s, size_t n)
{
    uint32_t at;
    for (uint32_t i = 0; i < SLOT_KINDS; i++) {
        if (n <= sizes[i] && kind_take(s, &s->kinds[i], &at))
            return i * s->count + at;
    }
    return SLOT_NONE;
}

/* Gives back the pages of a free slot, but for those that it shares with one in use. What a free
 * neighbour keeps there is nothing. */
static void kind_cool(const struct slots *s, const struct slot_kind *k, uint32_t at)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), begin = (size_t)at * k->size;
    for (size_t p = begin / page * page; p < begin + k->size; p += page) {
        bool used = false;
        for (size_t i = p / k->size; i < s->count && i * k->size < p + page; i++)
            used = used || k->used[i];
        if (!used) /* all are wiped: it is for the memory alone */
            (void)madvise(k->mem + p, page, MADV_REMOVE);
    }
}

void slots_release(struct slots *s, uint32_t slot)
{
    struct slot_kind *k = &s->kinds[slot / s->count];
    uint32_t at = slot % s->count;
    k->used[at] = 0;
    k->free[k->free_n++] = at;
    if (k->free_n - k->cold_n > s->count / WARM_SHARE + 1)
        kind_cool(s, k, k->free[k->cold_n++]);
}

/* --- what an earlier life has left ------------------------------------------------------------- */

/* The first slot from `from` on that begins where there is memory; count: none. */
static uint32_t kind_next(const struct slots *s, const struct slot_kind *k, uint32_t from)
{
    if (from >= s->count)
        return s->count;
    size_t base = (size_t)(k->mem - s->mem), begin = (size_t)from * k->size;
    off_t data = lseek(s->fd, (off_t)(base + begin), SEEK_DATA);
    if (data < 0) /* ENXIO: no data behind; where the kernel cannot tell, look at each */
        return errno == ENXIO ? s->count : from;
    size_t at = ((size_t)data - base + k->size - 1) / k->size;
    return at < s->count ? (uint32_t)at : s->count;
}

uint32_t slots_next(struct slots *s, uint32_t from)
{
    for (uint32_t i = from / s->count; i < SLOT_KINDS; i++, from = i * s->count) {
        uint32_t at = kind_next(s, &s->kinds[i], from % s->count);
        if (at < s->count) {
            s->kinds[i].fresh = at + 1;
            return i * s->count + at;
        }
    }
    return SLOT_NONE;
}

void slots_claim(struct slots *s, uint32_t slot)
{
    s->kinds[slot / s->count].used[slot % s->count] = 1;
}

void slots_settle(struct slots *s)
{
    for (size_t i = 0; i < SLOT_KINDS; i++) {
        struct slot_kind *k = &s->kinds[i];
        k->free_n = 0;
        for (uint32_t at = 0; at < k->fresh; at++) {
            if (k->used[at])
                continue;
            k->free[k->free_n++] = at;
            kind_cool(s, k, at);
        }
        k->cold_n = k->free_n;
    }
}
