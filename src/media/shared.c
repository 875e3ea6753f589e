/* The shared way in and out: for all ports of the worker one socket of each IP version, to which the
 * kernel steers (steer_prog.h) what comes to an open port, and a raw socket for what leaves, with
 * UDP headers of our own (datagram.h). Opening a port is a write to shared memory; receiving and sending
 * are one system call for up to a burst of packets of any endpoints.
 *
 * Which endpoint a packet is for says its port, in one look into a flat table: no two endpoints have
 * one port, whatever their addresses, and the kernel has compared the address. What a connected
 * socket would keep out is dropped here.
 */
#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "media/datagram.h"
#include "media/steer_prog.h"
#include "media/worker.h"

#define ROUNDS_MAX 16 /* bursts taken in one wake-up, so that requests and timers have their turn */

enum { V4, V6, VERSIONS };

/* What one packet needs besides its bytes. */
struct slip {
    struct iovec iov;
    alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct sockaddr_in6))];
};

struct half {
    struct media_shared_way *way;
    struct loop_fd in;
    int out;           /* -1: this IP version has no shared way */
    struct addr known; /* an address of this machine: that of the last endpoint */
    size_t queued;
    struct media_endpoint *from[SRTP_BURST_MAX]; /* whose packet it is; NULL: RTCP, not counted */
    struct addr to[SRTP_BURST_MAX];
    struct slip slips[SRTP_BURST_MAX];
    struct mmsghdr msgs[SRTP_BURST_MAX];
};

struct media_shared_way {
    struct media_role *role;
    struct media_steer_port *steered; /* as the kernel sees them: of all workers … */
    struct media_steer_port *ports;   /* … and ours */
    uint32_t port_min, port_count;
    struct half half[VERSIONS];
    struct mmsghdr in_msgs[SRTP_BURST_MAX];
    struct slip in_slips[SRTP_BURST_MAX];
    struct media_endpoint *at[]; /* by port - port_min: RTP and RTCP */
};

static struct half *half_of(struct media_shared_way *w, const struct addr *a)
{
    return &w->half[addr_family(a) == AF_INET6 ? V6 : V4];
}

/* --- in --- */

/* The address it was sent to, which the kernel adds to each; false: it did not. */
static bool sent_to(const struct msghdr *m, const struct sockaddr **ret)
{
    const struct cmsghdr *c = CMSG_FIRSTHDR(m);
    if (!c || c->cmsg_len < CMSG_LEN(sizeof(struct sockaddr_in)))
        return false;
    bool is4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ORIGDSTADDR;
    bool is6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR;
    *ret = (const struct sockaddr *)(const void *)CMSG_DATA(c);
    return is4 || is6;
}

static bool is_stranger(const struct media_endpoint *e, const struct media_packet *p)
{
    return e->connected && !p->rtcp && !addr_eq(&p->from, &e->s->learned_rtp);
}

/* An endpoint at all addresses answers from the one that was called. */
static void via_learn(struct media_endpoint *e, const struct sockaddr *at)
{
    size_t n = at->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    memcpy(&e->via, at, n);
}

bool media_shared_address(struct media_shared_way *w, struct media_packet *p,
                          const struct sockaddr *at, size_t n)
{
    /* sin_port and sin6_port are at the same place */
    in_port_t port = ntohs(((const struct sockaddr_in *)(const void *)at)->sin_port);
    uint32_t index = port - w->port_min;
    struct media_endpoint *e = index < w->port_count ? w->at[index] : NULL;
    if (!e)
        return false;
    __builtin_prefetch(e);
    __builtin_prefetch((const char *)e + 64);
    p->in = e;
    p->out = NULL;
    p->len = p->wire_len = (uint32_t)n;
    p->rtcp = port & 1;
    if (addr_family(&e->via) == 0 && at->sa_family == addr_family(&e->s->bound))
        via_learn(e, at);
    return true;
}

/* Takes p out of its place, into the next of the burst. */
static void burst_take(struct media_role *r, struct media_packet *p)
{
    struct media_packet *to = media_burst_next(r);
    if (to != p) {
        uint8_t *free_data = to->data;
        *to = *p;
        p->data = free_data;
    }
    media_burst_add(r);
}

void media_shared_take(struct media_role *r, struct media_packet *places, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!places[i].in || is_stranger(places[i].in, &places[i]))
            continue;
        media_socket_fetch_ahead(places[i].in);
        burst_take(r, &places[i]);
    }
}

/* Up to `room` packets into the burst's free places; how many came. */
static int receive(struct half *h, struct media_packet *places, size_t room)
{
    struct media_shared_way *w = h->way;
    for (size_t i = 0; i < room; i++) {
        struct msghdr *m = &w->in_msgs[i].msg_hdr;
        w->in_slips[i].iov.iov_base = places[i].data;
        m->msg_name = &places[i].from;
        m->msg_namelen = sizeof(places[i].from);
        m->msg_controllen = sizeof(w->in_slips[i].control);
    }
    return recvmmsg(h->in.fd, w->in_msgs, (unsigned)room, MSG_DONTWAIT, NULL);
}

/* First each packet's endpoint comes into the cache, then what the burst needs of it. */
static bool receive_round(struct half *h)
{
    struct media_role *r = h->way->role;
    struct media_packet *places = media_burst_next(r); /* a full burst has been run */
    size_t room = SRTP_BURST_MAX - r->burst_n;
    int n = receive(h, places, room);
    for (int i = 0; i < n; i++) {
        const struct mmsghdr *m = &h->way->in_msgs[i];
        const struct sockaddr *at;
        bool is_whole = m->msg_len != 0 && !(m->msg_hdr.msg_flags & MSG_TRUNC);
        places[i].hop.by = 0;
        if (!is_whole || !sent_to(&m->msg_hdr, &at) ||
            !media_shared_address(h->way, &places[i], at, m->msg_len))
            places[i].in = NULL;
    }
    if (n > 0)
        media_shared_take(r, places, (size_t)n);
    return n == (int)room;
}

static void on_readable(void *arg, uint32_t events)
{
    struct half *h = arg;
    (void)events;
    for (int i = 0; i < ROUNDS_MAX && receive_round(h); i++)
        continue;
}

/* --- ports --- */

bool media_shared_has(const struct media_shared_way *w, const struct addr *bound, uint16_t port)
{
    uint32_t index = port - w->port_min; /* of RTP; RTCP is the next */
    int out = w->half[addr_family(bound) == AF_INET6 ? V6 : V4].out;
    return out >= 0 && index < w->port_count - 1;
}

bool media_shared_is_ours(struct media_shared_way *w, const struct addr *bound)
{
    struct half *h = half_of(w, bound);
    struct addr a = *bound;
    if (addr_is_any(&a) || (addr_family(&h->known) != 0 && addr_host_eq(&h->known, &a)))
        return true;
    int fd = socket(addr_family(&a), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    addr_set_port(&a, 0);
    bool ours = fd >= 0 && bind(fd, &a.sa, addr_len(&a)) == 0;
    if (fd >= 0)
        close(fd);
    if (ours)
        h->known = a;
    return ours;
}

static void port_close(struct media_steer_port *p, bool is6)
{
    __atomic_store_n(&p->open[is6], 0, __ATOMIC_RELEASE);
}

static void port_open(struct media_steer_port *p, uint32_t worker, const struct addr *bound)
{
    bool is6 = addr_family(bound) == AF_INET6;
    port_close(p, is6);
    p->socket = media_steer_socket(worker, false);
    p->any[is6] = addr_is_any(bound);
    if (is6)
        memcpy(p->addr6, &bound->in6.sin6_addr, sizeof(bound->in6.sin6_addr));
    else
        memcpy(&p->addr4, &bound->in.sin_addr, sizeof(bound->in.sin_addr));
    __atomic_store_n(&p->open[is6], 1, __ATOMIC_RELEASE);
}

static void port_shut(struct media_steer_port *p)
{
    port_close(p, false);
    port_close(p, true);
}

void media_shared_join(struct media_endpoint *e)
{
    struct media_shared_way *w = e->role->shared;
    const struct addr *bound = &e->s->bound;
    uint32_t index = e->s->port - w->port_min;
    if (!addr_is_any(bound))
        e->via = *bound;
    for (uint32_t i = index; i < index + 2; i++) {
        w->at[i] = e;
        port_open(&w->ports[i], w->role->cfg.worker, bound);
    }
}

void media_shared_second(struct media_endpoint *e, const struct addr *bound, bool open)
{
    struct media_shared_way *w = e->role->shared;
    uint32_t index = e->s->port - w->port_min;
    for (uint32_t i = index; i < index + 2; i++) {
        if (open)
            port_open(&w->ports[i], w->role->cfg.worker, bound);
        else
            port_close(&w->ports[i], addr_family(bound) == AF_INET6);
    }
}

void media_shared_leave(struct media_endpoint *e, bool for_good)
{
    struct media_shared_way *w = e->role->shared;
    uint32_t index = e->s->port - w->port_min;
    for (uint32_t i = index; i < index + 2; i++) {
        w->at[i] = NULL;
        if (for_good)
            port_shut(&w->ports[i]);
    }
}

void media_shared_settle(struct media_shared_way *w)
{
    for (uint32_t i = 0; i < w->port_count; i++) {
        if (!w->at[i])
            port_shut(&w->ports[i]);
    }
}

/* --- out --- */

/* Where an endpoint at all addresses has heard nothing yet: what the kernel would choose. */
static bool via_ask(struct media_endpoint *e, const struct addr *to)
{
    struct addr a = {0};
    socklen_t n = sizeof(a);
    if (addr_family(to) != addr_family(&e->s->bound))
        return false;
    int fd = socket(addr_family(to), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, &to->sa, addr_len(to)) == 0 && getsockname(fd, &a.sa, &n) == 0;
    if (fd >= 0)
        close(fd);
    if (ok)
        e->via = a;
    return ok;
}

/* Our address with the port, as the headers say it; false: unknown. */
static bool source_of(struct media_endpoint *e, bool rtcp, const struct addr *to, struct addr *ret)
{
    const struct media_place *second = media_second_for(e, to);
    if (!second && addr_family(&e->via) == 0 && !via_ask(e, to))
        return false;
    *ret = second ? second->bound : e->via;
    addr_set_port(ret, (uint16_t)(e->s->port + rtcp));
    return addr_family(ret) == addr_family(to);
}

/* Raw sockets take a protocol for a port. */
static void name_set(struct addr *name, const struct addr *to)
{
    *name = *to;
    addr_set_port(name, 0);
}

/* Which of our addresses it is from. */
static size_t control_set(struct slip *s, const struct addr *from)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)s->control;
    if (addr_family(from) == AF_INET6) {
        const struct in6_pktinfo info = {.ipi6_addr = from->in6.sin6_addr};
        *c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof(info));
        return CMSG_SPACE(sizeof(info));
    }
    const struct in_pktinfo info = {.ipi_spec_dst = from->in.sin_addr};
    *c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
    memcpy(CMSG_DATA(c), &info, sizeof(info));
    return CMSG_SPACE(sizeof(info));
}

static void count_sent(const struct media_endpoint *e, size_t n)
{
    e->stats->tx_packets++;
    e->stats->tx_bytes += n;
}

static void flush(struct half *h)
{
    size_t at = 0;
    while (at < h->queued) {
        int n = sendmmsg(h->out, h->msgs + at, (unsigned)(h->queued - at), MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
            break; /* the network is slower than we are: what it cannot take is lost */
        for (int i = 0; i < n; i++, at++) {
            if (!h->from[at])
                continue;
            count_sent(h->from[at], h->slips[at].iov.iov_len - DATAGRAM_HEAD);
        }
        at += n < 0; /* there is no way to that address */
    }
    h->queued = 0;
}

void media_shared_flush(struct media_shared_way *w)
{
    for (size_t v = 0; v < VERSIONS; v++) {
        if (w->half[v].queued)
            flush(&w->half[v]);
    }
    if (w->role->xdp)
        media_xdp_flush(w->role->xdp);
}

void media_shared_send(struct media_endpoint *e, struct media_endpoint *of,
                       const struct media_packet *p)
{
    struct media_shared_way *w = e->role->shared;
    const struct addr *to = media_remote(e, p->rtcp);
    bool rtcp_port = p->rtcp && !e->s->terms.rtcp_mux;
    struct addr from;
    if (addr_family(to) == 0 || !source_of(e, rtcp_port, to, &from))
        return;
    struct half *h = half_of(w, to);
    if (h->queued == SRTP_BURST_MAX)
        flush(h);
    datagram_put_head(p->data, p->len, &from, to);
    if (!p->rtcp)
        of->s->tx_ssrc = p->hdr.ssrc;
    if (w->role->xdp && media_xdp_send(w->role->xdp, e, p->data - DATAGRAM_HEAD,
                                       DATAGRAM_HEAD + p->len, &from, to)) {
        if (!p->rtcp)
            count_sent(of, p->len);
        return;
    }
    size_t i = h->queued++;
    h->slips[i].iov = (struct iovec){p->data - DATAGRAM_HEAD, DATAGRAM_HEAD + p->len};
    name_set(&h->to[i], to);
    h->msgs[i].msg_hdr.msg_namelen = addr_len(to);
    h->msgs[i].msg_hdr.msg_controllen = control_set(&h->slips[i], &from);
    h->from[i] = p->rtcp ? NULL : of;
}

void media_shared_put(struct media_endpoint *e, bool rtcp, const void *p, size_t n,
                      const struct addr *to)
{
    uint8_t packet[DATAGRAM_HEAD + MEDIA_PACKET_MAX];
    struct addr from, name;
    struct slip s = {.iov = {packet, DATAGRAM_HEAD + n}};
    if (n > MEDIA_PACKET_MAX || !source_of(e, rtcp, to, &from))
        return;
    memcpy(packet + DATAGRAM_HEAD, p, n);
    datagram_put_head(packet + DATAGRAM_HEAD, (uint32_t)n, &from, to);
    name_set(&name, to);
    const struct msghdr m = {.msg_name = &name,
                             .msg_namelen = addr_len(to),
                             .msg_iov = &s.iov,
                             .msg_iovlen = 1,
                             .msg_control = s.control,
                             .msg_controllen = control_set(&s, &from)};
    (void)sendmsg(half_of(e->role->shared, to)->out, &m, MSG_NOSIGNAL);
}

/* --- life --- */

static void half_init(struct half *h, struct media_shared_way *w, int out)
{
    h->way = w;
    h->in.fd = -1;
    h->out = out;
    for (size_t i = 0; i < SRTP_BURST_MAX; i++) {
        h->msgs[i].msg_hdr = (struct msghdr){.msg_name = &h->to[i],
                                             .msg_iov = &h->slips[i].iov,
                                             .msg_iovlen = 1,
                                             .msg_control = h->slips[i].control};
    }
}

static int half_start(struct half *h, int in)
{
    return h->out < 0 || in < 0
               ? 0
               : loop_fd_add(h->way->role->loop, &h->in, in, EPOLLIN, on_readable, h);
}

static void in_init(struct media_shared_way *w)
{
    for (size_t i = 0; i < SRTP_BURST_MAX; i++) {
        struct slip *s = &w->in_slips[i];
        s->iov.iov_len = MEDIA_PACKET_MAX;
        w->in_msgs[i].msg_hdr =
            (struct msghdr){.msg_iov = &s->iov, .msg_iovlen = 1, .msg_control = s->control};
    }
}

static size_t steered_size(const struct media_shared_way *w)
{
    return (size_t)(w->ports - w->steered + w->port_count) * sizeof(*w->ports);
}

/* A mapping begins with a page, which may be in the middle of a worker's ports. */
static int ports_map(struct media_shared_way *w)
{
    const struct media_config *c = &w->role->cfg;
    uint32_t before = c->steered_min ? w->port_min - c->steered_min : 0;
    void *p = mmap(NULL, (before + w->port_count) * sizeof(*w->ports), PROT_READ | PROT_WRITE,
                   MAP_SHARED, c->shared->fd[MEDIA_SHARED_PORTS], 0);
    if (p == MAP_FAILED)
        return -ENOMEM;
    w->steered = p;
    w->ports = w->steered + before;
    return 0;
}

int media_shared_new(struct media_role *r, struct media_shared_way **ret)
{
    const struct media_shared *fds = r->cfg.shared;
    uint32_t count = r->cfg.port_max - r->cfg.port_min + 1u;
    struct media_shared_way *w = calloc(1, sizeof(*w) + count * sizeof(struct media_endpoint *));
    if (!w)
        return -ENOMEM;
    w->role = r;
    w->port_min = r->cfg.port_min;
    w->port_count = count;
    in_init(w);
    half_init(&w->half[V4], w, fds->fd[MEDIA_SHARED_OUT4]);
    half_init(&w->half[V6], w, fds->fd[MEDIA_SHARED_OUT6]);
    int v = ports_map(w);
    if (v == 0)
        v = half_start(&w->half[V4], fds->fd[MEDIA_SHARED_IN4]);
    if (v == 0)
        v = half_start(&w->half[V6], fds->fd[MEDIA_SHARED_IN6]);
    if (v < 0) {
        media_shared_free(w);
        return v;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (w->ports[i].taken)
            media_ports_mark(&r->ports, (uint16_t)(w->port_min + i));
    }
    *ret = w;
    return 0;
}

struct media_shared_way *media_shared_free(struct media_shared_way *w)
{
    if (!w)
        return NULL;
    for (size_t v = 0; v < VERSIONS; v++)
        loop_fd_del(w->role->loop, &w->half[v].in);
    if (w->ports)
        munmap(w->steered, steered_size(w));
    free(w);
    return NULL;
}
