#include "media/xdp_ring.h"

#include <sys/mman.h>
#include <sys/socket.h>

static const struct {
    off_t page;
    size_t entry;
    size_t offset; /* of its struct xdp_ring_offset */
} kinds[] = {
    [MEDIA_XDP_RX] = {XDP_PGOFF_RX_RING, sizeof(struct xdp_desc),
                      offsetof(struct xdp_mmap_offsets, rx)},
    [MEDIA_XDP_TX] = {XDP_PGOFF_TX_RING, sizeof(struct xdp_desc),
                      offsetof(struct xdp_mmap_offsets, tx)},
    [MEDIA_XDP_FILL] = {(off_t)XDP_UMEM_PGOFF_FILL_RING, sizeof(uint64_t),
                        offsetof(struct xdp_mmap_offsets, fr)},
    [MEDIA_XDP_DONE] = {(off_t)XDP_UMEM_PGOFF_COMPLETION_RING, sizeof(uint64_t),
                        offsetof(struct xdp_mmap_offsets, cr)},
};

int media_xdp_ring_map(int socket, enum media_xdp_ring_kind kind, uint32_t entries,
                       struct media_xdp_ring *ret)
{
    struct xdp_mmap_offsets all;
    socklen_t n = sizeof(all);
    if (getsockopt(socket, SOL_XDP, XDP_MMAP_OFFSETS, &all, &n) < 0)
        return -errno;
    if (n != sizeof(all)) /* before Linux 5.4 */
        return -ENOSYS;
    const struct xdp_ring_offset *o =
        (const struct xdp_ring_offset *)(const void *)((const char *)&all + kinds[kind].offset);
    size_t size = o->desc + entries * kinds[kind].entry;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, socket,
                   kinds[kind].page);
    if (p == MAP_FAILED)
        return -errno;
    *ret = (struct media_xdp_ring){.producer = (uint32_t *)(void *)(p + o->producer),
                                   .consumer = (uint32_t *)(void *)(p + o->consumer),
                                   .entries = p + o->desc,
                                   .mask = entries - 1,
                                   .map = p,
                                   .size = size};
    return 0;
}

void media_xdp_ring_unmap(struct media_xdp_ring *r)
{
    if (r->map)
        munmap(r->map, r->size);
    r->map = NULL;
}
