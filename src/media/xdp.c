/* The role's part of the AF_XDP way.
 *
 * In: what waits in a socket's ring is copied into the burst, and the frames are the kernel's again at
 * once; from there on a packet is like one of the shared socket.
 *
 * Out: a frame needs the next hop's Ethernet address. It is that which the peer's own frames come from:
 * the peer, or the router, whatever the routes in between are. It is learned like the peer's address
 * itself, from packets that may tell where the peer is (pipe.c), and believed only as long as the peer is
 * being heard; before and after, the raw socket asks the kernel. */
#include "media/xdp.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "media/datagram.h"
#include "media/worker.h"
#include "media/xdp_ring.h"

#define ROUNDS_MAX 16  /* bursts taken in one wake-up of a socket */
#define HOP_MS 1000u   /* of silence: the peer's way may have changed */
#define PAUSE_MS 1000u /* after the interface refused frames */

struct lane {
    struct media_xdp_way *way;
    struct media_xdp_lane *s;
    struct loop_fd in;
    int fd;
    uint8_t *frames;
    struct media_xdp_ring rx, fill, tx, done;
    /* sends: */
    uint32_t queued;          /* frames written and not yet shown to the kernel */
    uint32_t fresh;           /* of them, never used before: the first ones */
    uint64_t paused_until;    /* ms */
    struct lane *next_queued; /* of those with something queued */
};

struct media_xdp_way {
    struct media_role *role;
    struct media_xdp_head *head;
    size_t size;
    struct lane *queued;
    struct lane *out[MEDIA_XDP_INTERFACES_MAX]; /* by number */
    uint16_t id;                                /* of datagrams over IPv4 */
    uint32_t lanes;
    struct lane lane[MEDIA_XDP_SOCKETS_MAX];
};

/* --- in --- */

/* False: no datagram, or nobody's. */
static bool receive(struct lane *l, const struct xdp_desc *d, struct media_packet *p)
{
    struct frame f;
    if (d->addr + d->len > (uint64_t)l->s->in_frames * MEDIA_XDP_CHUNK ||
        !frame_parse(l->frames + d->addr, d->len, &f) || f.n > MEDIA_PACKET_MAX)
        return false;
    if (addr_family(&f.from) == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&f.from.in6.sin6_addr))
        f.from.in6.sin6_scope_id = f.to.in6.sin6_scope_id = l->s->interface;
    p->from = f.from;
    memcpy(p->data, f.payload, f.n);
    memcpy(p->hop.mac, f.mac, FRAME_MAC);
    p->hop.by = (uint8_t)(l->s->number + 1);
    return media_shared_address(l->way->role->shared, p, &f.to.sa, f.n);
}

static bool receive_round(struct lane *l)
{
    struct media_role *r = l->way->role;
    struct media_packet *places = media_burst_next(r); /* a full burst has been run */
    uint32_t room = (uint32_t)(SRTP_BURST_MAX - r->burst_n);
    uint32_t at = *l->rx.consumer, fill = *l->fill.producer;
    uint32_t n = media_xdp_load(l->rx.producer) - at;
    n = n < room ? n : room;
    for (uint32_t i = 0; i < n; i++)
        __builtin_prefetch(l->frames + media_xdp_desc(&l->rx, at + i)->addr);
    for (uint32_t i = 0; i < n; i++) {
        const struct xdp_desc *d = media_xdp_desc(&l->rx, at + i);
        if (!receive(l, d, &places[i]))
            places[i].in = NULL;
        *media_xdp_addr(&l->fill, fill + i) = d->addr & ~(uint64_t)(MEDIA_XDP_CHUNK - 1);
    }
    media_xdp_store(l->rx.consumer, at + n); /* first; see lane_repair */
    media_xdp_store(l->fill.producer, fill + n);
    l->s->in += n;
    media_shared_take(r, places, n);
    return n == room;
}

static void on_readable(void *arg, uint32_t events)
{
    struct lane *l = arg;
    if (events & (EPOLLERR | EPOLLHUP)) { /* its interface has gone */
        loop_fd_del(l->way->role->loop, &l->in);
        return;
    }
    for (int i = 0; i < ROUNDS_MAX && receive_round(l); i++)
        continue;
}

/* --- the next hop --- */

void media_xdp_learn(struct media_endpoint *e, const struct media_packet *p)
{
    e->hop = p->hop;
    e->hop_host = p->from;
}

/* NULL: the kernel has to find the way. */
static struct lane *lane_to(struct media_xdp_way *w, const struct media_endpoint *e,
                            const struct addr *to, uint32_t udp_n)
{
    uint32_t n = udp_n + (addr_family(to) == AF_INET6 ? FRAME_IP6 : FRAME_IP4);
    uint64_t now = loop_now(w->role->loop);
    if (e->hop.by == 0 || !addr_host_eq(to, &e->hop_host) || now - e->last_rx > HOP_MS)
        return NULL;
    struct lane *l = w->out[e->hop.by - 1];
    return !l || n > l->s->packet_max || now < l->paused_until ? NULL : l;
}

/* --- out --- */

/* A frame's place: one that is new, or one that is done. */
static bool frame_take(struct lane *l, uint64_t *ret)
{
    uint32_t used = l->s->out_used + l->fresh, done = l->queued - l->fresh;
    uint32_t at = *l->done.consumer + done;
    if (used < l->s->out_frames) {
        *ret = (uint64_t)(l->s->in_frames + used) * MEDIA_XDP_CHUNK;
        l->fresh++;
        return true;
    }
    if (media_xdp_load(l->done.producer) == at)
        return false;
    *ret = *media_xdp_addr(&l->done, at) & ~(uint64_t)(MEDIA_XDP_CHUNK - 1);
    return *ret < (uint64_t)(l->s->in_frames + l->s->out_frames) * MEDIA_XDP_CHUNK;
}

bool media_xdp_send(struct media_xdp_way *w, const struct media_endpoint *e, const uint8_t *udp,
                    uint32_t udp_n, const struct addr *from, const struct addr *to)
{
    struct lane *l = lane_to(w, e, to, udp_n);
    uint64_t at;
    if (!l || !frame_take(l, &at))
        return false;
    uint8_t *f = l->frames + at;
    uint32_t head = frame_head(to);
    frame_put_head(f, e->hop.mac, l->s->mac, from, to, udp_n, w->id++);
    memcpy(f + head, udp, udp_n);
    *media_xdp_desc(&l->tx, *l->tx.producer + l->queued) =
        (struct xdp_desc){.addr = at, .len = head + udp_n};
    if (l->queued++ == 0) {
        l->next_queued = w->queued;
        w->queued = l;
    }
    return true;
}

/* The kernel takes some 32 frames a call. */
static void kick(struct lane *l)
{
    uint32_t end = *l->tx.producer, before;
    do {
        before = media_xdp_load(l->tx.consumer);
        if (sendto(l->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN &&
            errno != EBUSY && errno != ENOBUFS) {
            l->paused_until = loop_now(l->way->role->loop) + PAUSE_MS;
            return;
        }
    } while (media_xdp_load(l->tx.consumer) != end && media_xdp_load(l->tx.consumer) != before);
}

static void lane_flush(struct lane *l)
{
    uint32_t done = l->queued - l->fresh;
    /* In this order; see lane_repair. */
    media_xdp_store(&l->s->out_used, l->s->out_used + l->fresh);
    media_xdp_store(l->done.consumer, *l->done.consumer + done);
    media_xdp_store(l->tx.producer, *l->tx.producer + l->queued);
    l->s->out += l->queued;
    l->queued = l->fresh = 0;
    kick(l);
}

void media_xdp_flush(struct media_xdp_way *w)
{
    while (w->queued) {
        struct lane *l = w->queued;
        w->queued = l->next_queued;
        lane_flush(l);
    }
}

/* --- life --- */

/* Sums that do not stand tell that the life before ended between two stores; entries were written before
 * the first of them. */
static void lane_repair(struct lane *l)
{
    media_xdp_store(l->fill.producer, *l->rx.consumer + l->s->in_frames);
    if (l->s->out_frames)
        media_xdp_store(l->tx.producer, *l->done.consumer + l->s->out_used);
}

static int lane_start(struct lane *l)
{
    int r = media_xdp_ring_map(l->fd, MEDIA_XDP_RX, l->s->in_frames, &l->rx);
    if (r == 0)
        r = media_xdp_ring_map(l->fd, MEDIA_XDP_FILL, l->s->in_frames, &l->fill);
    if (r == 0 && l->s->out_frames)
        r = media_xdp_ring_map(l->fd, MEDIA_XDP_TX, l->s->out_frames, &l->tx);
    if (r == 0 && l->s->out_frames)
        r = media_xdp_ring_map(l->fd, MEDIA_XDP_DONE, l->s->out_frames, &l->done);
    if (r == -EBUSY) { /* its interface went, and with it the socket's place */
        log_event(LOG_WARN, "media_xdp_gone", LOG_I("queue", l->s->queue),
                  LOG_STR("then", "media goes by sockets until the server is started again"));
        return 0;
    }
    if (r < 0)
        return r;
    lane_repair(l);
    if (l->s->out_frames)
        l->way->out[l->s->number] = l;
    return loop_fd_add(l->way->role->loop, &l->in, l->fd, EPOLLIN, on_readable, l);
}

static int memory_take(struct media_xdp_way *w, int fd)
{
    void *p;
    int r = ipc_memfd_map(fd, MEDIA_XDP_HEAD, false, &p);
    if (r < 0)
        return r;
    const struct media_xdp_head *h = p;
    uint64_t n = MEDIA_XDP_HEAD;
    if (h->lanes > MEDIA_XDP_SOCKETS_MAX) {
        munmap(p, MEDIA_XDP_HEAD);
        return -EINVAL;
    }
    for (uint32_t i = 0; i < h->lanes; i++)
        n += (uint64_t)(h->lane[i].in_frames + h->lane[i].out_frames) * MEDIA_XDP_CHUNK;
    munmap(p, MEDIA_XDP_HEAD);
    r = ipc_memfd_map(fd, n, true, &p);
    if (r < 0)
        return r;
    (void)madvise(p, n, MADV_POPULATE_WRITE); /* now, and not in a call; before Linux 5.14 then */
    w->head = p;
    w->size = n;
    w->lanes = w->head->lanes;
    return 0;
}

int media_xdp_new(struct media_role *r, struct media_xdp_way **ret)
{
    const struct media_xdp_fds *fds = r->cfg.xdp;
    struct media_xdp_way *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->role = r;
    int v = memory_take(w, fds->memory);
    for (uint32_t i = 0; i < w->lanes && v == 0; i++) {
        struct lane *l = &w->lane[i];
        l->way = w;
        l->fd = fds->socket[i];
        l->in.fd = -1;
        l->s = &w->head->lane[i];
        l->frames = (uint8_t *)w->head + l->s->at;
        v = lane_start(l);
    }
    if (v < 0) {
        media_xdp_free(w);
        return v;
    }
    *ret = w;
    return 0;
}

struct media_xdp_way *media_xdp_free(struct media_xdp_way *w)
{
    if (!w)
        return NULL;
    for (uint32_t i = 0; i < w->lanes; i++) {
        struct lane *l = &w->lane[i];
        if (!l->way)
            break;
        loop_fd_del(w->role->loop, &l->in);
        media_xdp_ring_unmap(&l->rx);
        media_xdp_ring_unmap(&l->fill);
        media_xdp_ring_unmap(&l->tx);
        media_xdp_ring_unmap(&l->done);
    }
    if (w->head)
        munmap(w->head, w->size);
    free(w);
    return NULL;
}
