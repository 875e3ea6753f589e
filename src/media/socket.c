/* The way in and out that an endpoint has: the shared one (shared.c), or, here, the per-stream one: a
 * UDP socket for each port, in epoll, which needs no privileges. Whichever it is, received datagrams
 * go to media_burst_next/_add with `in` and `from` set, and media_socket_send puts one out.
 *
 * The RTP socket is connected to the peer while the peer is being heard: the kernel then keeps
 * strangers out and knows the route. It is opened to everyone again as soon as the peer falls
 * silent, for that is what a NAT's new port looks like; what comes then is judged by learn.c as
 * ever. Both happen in the clock tick, not per packet. RTCP is too rare to be worth it. */
#include <sys/epoll.h>
#include <unistd.h>

#include "media/worker.h"

/* --- in --- */

/* Between two packets of a stream thousands of others have passed: by the time the burst is run,
 * what it needs of this stream should be in the cache again. */
void media_socket_fetch_ahead(const struct media_endpoint *e)
{
    const struct media_contexts *c = &e->contexts;
    const struct rtp_rx_table *rx = &media_tables(e, false, c->epoch[MEDIA_CTX_RX])->rx;
    __builtin_prefetch(rx, 1);
    __builtin_prefetch(&rx->slots[1], 1);
    __builtin_prefetch(&e->s->loss, 1);
    __builtin_prefetch(e->stats, 1);
    __builtin_prefetch(c->ctx[MEDIA_CTX_RX]);
    if (!e->peer)
        return;
    const struct media_contexts *out = &e->peer->contexts;
    __builtin_prefetch(&media_tables(e->peer, false, out->epoch[MEDIA_CTX_TX])->tx, 1);
    __builtin_prefetch(&e->peer->stats->tx_packets, 1);
    __builtin_prefetch(out->ctx[MEDIA_CTX_TX]);
}

void media_socket_receive(struct media_endpoint *e, int fd, bool rtcp)
{
    struct media_packet *p = media_burst_next(e->role);
    socklen_t from_n = sizeof(p->from);
    ssize_t n = recvfrom(fd, p->data, MEDIA_PACKET_MAX, MSG_TRUNC, &p->from.sa, &from_n);
    /* An error is that of an earlier send (an ICMP message came), or nothing is there after all. */
    if (n <= 0 || n > MEDIA_PACKET_MAX)
        return;
    p->in = e;
    p->out = NULL;
    p->len = p->wire_len = (uint32_t)n;
    p->rtcp = rtcp;
    p->hop.by = 0;
    media_socket_fetch_ahead(e);
    media_burst_add(e->role);
}

/* One datagram a wake-up: at 50 packets a second there is no second one, and if there is, epoll
 * tells again. */
static void on_rtp(void *arg, uint32_t events)
{
    struct media_endpoint *e = arg;
    (void)events;
    media_socket_receive(e, e->rtp.fd, false);
}

static void on_rtcp(void *arg, uint32_t events)
{
    struct media_endpoint *e = arg;
    (void)events;
    media_socket_receive(e, e->rtcp.fd, true);
}

/* Takes fd. */
static int add(struct media_endpoint *e, bool rtcp, int fd)
{
    struct loop_fd *f = rtcp ? &e->rtcp : &e->rtp;
    int r = loop_fd_add(e->role->loop, f, fd, EPOLLIN, rtcp ? on_rtcp : on_rtp, e);
    if (r < 0)
        close(fd);
    return r;
}

static void close_one(struct media_endpoint *e, struct loop_fd *f)
{
    int fd = f->fd;
    if (fd < 0)
        return;
    loop_fd_del(e->role->loop, f);
    close(fd);
    f->fd = -1;
}

/* --- ports --- */

int media_socket_take(struct media_role *r, const struct addr *bound, struct media_sockets *ret)
{
    if (!r->shared || !media_shared_has(r->shared, bound, r->ports.first))
        return media_ports_take(&r->ports, bound, ret);
    if (!media_shared_is_ours(r->shared, bound))
        return -EADDRNOTAVAIL;
    ret->rtp = ret->rtcp = -1;
    return media_ports_pick(&r->ports, &ret->port);
}

int media_socket_retake(struct media_role *r, const struct media_slot *s, struct media_sockets *ret)
{
    return media_ports_take_at(&r->ports, &s->bound, s->port, ret);
}

int media_socket_open(struct media_endpoint *e, const struct media_sockets *s)
{
    struct media_role *r = e->role;
    if (e->shared) {
        media_shared_join(e);
        return 0;
    }
    r->ops.hold(r->ops.arg, media_tag(e->id, false), s->rtp);
    r->ops.hold(r->ops.arg, media_tag(e->id, true), s->rtcp);
    int a = add(e, false, s->rtp);
    int b = add(e, true, s->rtcp);
    return a < 0 ? a : b;
}

bool media_socket_is_open(const struct media_endpoint *e)
{
    return e->s->bundle || e->shared || (e->rtp.fd >= 0 && e->rtcp.fd >= 0);
}

void media_socket_held(struct media_endpoint *e, bool rtcp, int fd)
{
    struct media_role *r = e->role;
    if (e->shared) /* it was opened by a life that had the other way */
        r->ops.unhold(r->ops.arg, media_tag(e->id, rtcp));
    if (e->shared || (rtcp ? &e->rtcp : &e->rtp)->fd >= 0) {
        close(fd);
        return;
    }
    if (add(e, rtcp, fd) < 0)
        return; /* opened again by start */
    if (!rtcp)
        media_socket_disconnect(e); /* who is heard has to be learned again */
}

static void leave(struct media_endpoint *e, bool for_good)
{
    e->connected = false;
    if (e->shared) {
        media_shared_leave(e, for_good);
    } else {
        close_one(e, &e->rtp);
        close_one(e, &e->rtcp);
    }
    media_second_leave(e);
}

void media_socket_leave(struct media_endpoint *e)
{
    leave(e, false);
}

void media_socket_release(struct media_endpoint *e)
{
    struct media_role *r = e->role;
    if (e->s->bundle) /* another one's */
        return;
    media_second_close(e);
    leave(e, true);
    media_ports_release(&r->ports, e->s->port);
    if (e->shared)
        return;
    r->ops.unhold(r->ops.arg, media_tag(e->id, false));
    r->ops.unhold(r->ops.arg, media_tag(e->id, true));
}

void media_socket_connect(struct media_endpoint *e)
{
    const struct addr *to = &e->s->learned_rtp;
    e->connected = e->shared || connect(e->rtp.fd, &to->sa, addr_len(to)) == 0;
}

void media_socket_disconnect(struct media_endpoint *e)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    /* Cannot fail for a bound UDP socket; address and port stay, for they were bound by us. */
    if (!e->shared)
        (void)connect(e->rtp.fd, &none, sizeof(none));
    e->connected = false;
}

/* --- out --- */

/* Of the IP version of `to`. */
static int fd_to(const struct media_endpoint *e, bool rtcp, const struct addr *to)
{
    if (media_second_for(e, to))
        return rtcp ? e->second->rtcp.fd : e->second->rtp.fd;
    return rtcp ? e->rtcp.fd : e->rtp.fd;
}

static ssize_t put(const struct media_endpoint *e, const struct media_packet *p)
{
    if (e->connected && !p->rtcp) /* held, or moved: it would not be connected */
        return send(e->rtp.fd, p->data, p->len, MSG_NOSIGNAL);
    const struct addr *to = media_remote(e, p->rtcp);
    if (addr_family(to) == 0)
        return 0;
    if (e->connected && e->s->terms.rtcp_mux)
        return send(e->rtp.fd, p->data, p->len, MSG_NOSIGNAL);
    int fd = fd_to(e, p->rtcp && !e->s->terms.rtcp_mux, to);
    return sendto(fd, p->data, p->len, MSG_NOSIGNAL, &to->sa, addr_len(to));
}

void media_socket_put(struct media_endpoint *e, bool rtcp, const void *p, size_t n,
                      const struct addr *to)
{
    if (addr_family(to) == 0)
        return;
    if (e->shared) {
        media_shared_put(e, rtcp, p, n, to);
        return;
    }
    int fd = fd_to(e, rtcp, to);
    /* As in media_socket_send: the first may tell of an earlier one. What is lost is said again. */
    if (sendto(fd, p, n, MSG_NOSIGNAL, &to->sa, addr_len(to)) < 0 && errno == ECONNREFUSED)
        (void)sendto(fd, p, n, MSG_NOSIGNAL, &to->sa, addr_len(to));
}

void media_socket_send(struct media_endpoint *e, const struct media_packet *p)
{
    struct media_endpoint *by = media_transport(e);
    if (by->shared) {
        media_shared_send(by, e, p);
        return;
    }
    ssize_t n = put(by, p);
    if (n < 0 && errno == ECONNREFUSED) /* of an earlier packet; this one was not tried yet */
        n = put(by, p);
    if (n <= 0 || p->rtcp)
        return;
    e->s->tx_ssrc = p->hdr.ssrc;
    e->stats->tx_packets++;
    e->stats->tx_bytes += p->len;
}

void media_socket_flush(struct media_role *r)
{
    if (r->shared)
        media_shared_flush(r->shared);
}
