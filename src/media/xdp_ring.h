/* The rings of an AF_XDP socket: single producer, single consumer, the kernel at the other end. Indices
 * run on and wrap; an entry is at index & mask. */
#ifndef SOTTO_MEDIA_XDP_RING_H
#define SOTTO_MEDIA_XDP_RING_H

#include <linux/if_xdp.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct media_xdp_ring {
    uint32_t *producer, *consumer;
    void *entries; /* struct xdp_desc (rx, tx), or uint64_t addresses (fill, done) */
    uint32_t mask;
    void *map; /* NULL: none */
    size_t size;
};

enum media_xdp_ring_kind { MEDIA_XDP_RX, MEDIA_XDP_TX, MEDIA_XDP_FILL, MEDIA_XDP_DONE };

/* entries: as the socket was told, a power of 2. */
int media_xdp_ring_map(int socket, enum media_xdp_ring_kind kind, uint32_t entries,
                       struct media_xdp_ring *ret) MUST_CHECK;
void media_xdp_ring_unmap(struct media_xdp_ring *r);

static inline uint32_t media_xdp_load(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static inline void media_xdp_store(uint32_t *index, uint32_t v)
{
    __atomic_store_n(index, v, __ATOMIC_RELEASE);
}

static inline struct xdp_desc *media_xdp_desc(const struct media_xdp_ring *r, uint32_t index)
{
    return (struct xdp_desc *)r->entries + (index & r->mask);
}

static inline uint64_t *media_xdp_addr(const struct media_xdp_ring *r, uint32_t index)
{
    return (uint64_t *)r->entries + (index & r->mask);
}

#endif
