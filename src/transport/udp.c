/* Datagrams in bursts: one recvmmsg brings what has come, and everything that is sent during a
 * wake-up leaves with one sendmmsg at its end. A wildcard socket learns from IP_PKTINFO at which of
 * our addresses a datagram arrived, and answers from that one. */
#include "transport/internal.h"

#include <netinet/ip.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/uio.h>

#define DATAGRAM_CAP 65536u /* one more than a datagram can hold: nothing is ever cut */
/* Not a power of two apart: the heads of a burst's datagrams would all fall into the same few sets of
 * the cache and push each other out before they are read. */
#define DATAGRAM_STRIDE (DATAGRAM_CAP + 4096u + 13u * 64u)

#define AHEAD 2 /* messages that are read before the one whose turn it is */

union control {
    struct cmsghdr align;
    char b[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* A datagram that has been read. */
struct coming {
    struct transport_flow flow;
    struct slice raw;
    int verdict; /* of sip_msg_parse */
    uint64_t notes[TRANSPORT_AHEAD_NOTES];
    struct sip_msg msg;
};

struct udp_port {
    struct listener *l;
    bool any; /* wildcard: addresses go by control message */
    struct loop_defer flush;
    uint8_t *rx; /* TRANSPORT_UDP_BATCH datagrams; mapped, so that only used pages
                  exist */
    struct mmsghdr rx_hdr[TRANSPORT_UDP_BATCH];
    struct iovec rx_iov[TRANSPORT_UDP_BATCH];
    struct addr rx_from[TRANSPORT_UDP_BATCH];
    union control rx_ctl[TRANSPORT_UDP_BATCH];
    struct coming coming[AHEAD + 1];

    uint8_t *tx;
    size_t tx_used;
    unsigned tx_off, tx_n; /* queued: [tx_off, tx_n) */
    struct mmsghdr tx_hdr[TRANSPORT_UDP_QUEUE];
    struct iovec tx_iov[TRANSPORT_UDP_QUEUE];
    struct addr tx_to[TRANSPORT_UDP_QUEUE];
    union control tx_ctl[TRANSPORT_UDP_QUEUE];
};

/* --- receive ---------------------------------------------------------------------------------- */

static struct addr arrived_at(const struct udp_port *u, struct msghdr *h)
{
    struct addr a = u->l->bound;
    uint16_t port = addr_port(&a);

    for (struct cmsghdr *c = u->any ? CMSG_FIRSTHDR(h) : NULL; c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            a = (struct addr){.in = {.sin_family = AF_INET, .sin_addr = info.ipi_addr}};
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            a = (struct addr){.in6 = {.sin6_family = AF_INET6, .sin6_addr = info.ipi6_addr}};
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                a.in6.sin6_scope_id = info.ipi6_ifindex;
        }
    }
    addr_unmap(&a);
    addr_set_port(&a, port);
    return a;
}

static struct coming *coming_at(struct udp_port *u, unsigned i)
{
    return &u->coming[i % ARRAY_LEN(u->coming)];
}

static void read_one(struct udp_port *u, unsigned i)
{
    struct coming *c = coming_at(u, i);

    c->raw = slice_from(u->rx_iov[i].iov_base, u->rx_hdr[i].msg_len);
    c->verdict = SIP_PARSE_NOT_SIP;
    /* RFC 5626 keep-alives, NUL fillers and the like: what no SIP message starts with. */
    if (c->raw.n < 16 || (c->raw.p[0] <= ' ' && c->raw.p[0] != '\r'))
        return;
    c->verdict = sip_msg_parse(c->raw, &c->msg);
    c->flow = (struct transport_flow){.kind = TRANSPORT_UDP, .listener = u->l->index};
    c->flow.remote = u->rx_from[i];
    addr_unmap(&c->flow.remote);
    c->flow.local = arrived_at(u, &u->rx_hdr[i].msg_hdr);
}

static void announce_one(struct udp_port *u, unsigned i, enum transport_ahead when)
{
    const struct transport_cb *cb = &u->l->t->cb;
    struct coming *c = coming_at(u, i);

    if (cb->on_ahead && c->verdict == SIP_PARSE_OK)
        cb->on_ahead(cb->arg, when, &c->msg, &c->flow, c->notes);
}

static void deliver_one(struct udp_port *u, unsigned i)
{
    struct coming *c = coming_at(u, i);

    /* Not SIP: dropped in silence. */
    (void)transport_deliver_parsed(u->l->t, &c->msg, c->verdict, c->raw, &c->flow);
}

/* Each of a burst is announced while those before it have their turn, so that what it needs has come from
 * memory when its own comes: phones are more than caches hold. */
static void receive_burst(struct udp_port *u, unsigned n)
{
    for (unsigned i = 0; i < n + AHEAD; i++) {
        if (i < n) {
            read_one(u, i);
            announce_one(u, i, TRANSPORT_AHEAD_FIRST);
        }
        if (i >= 1 && i - 1 < n)
            announce_one(u, i - 1, TRANSPORT_AHEAD_AGAIN);
        if (i >= AHEAD)
            deliver_one(u, i - AHEAD);
    }
}

static void rx_prepare(struct udp_port *u, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        u->rx_hdr[i].msg_hdr.msg_namelen = sizeof(u->rx_from[i]);
        u->rx_hdr[i].msg_hdr.msg_controllen = u->any ? sizeof(u->rx_ctl[i]) : 0;
    }
}

static void receive(struct udp_port *u)
{
    unsigned stale = TRANSPORT_UDP_BATCH;

    for (int round = 0; round < TRANSPORT_UDP_ROUNDS; round++) {
        rx_prepare(u, stale);
        int n = recvmmsg(u->l->sock, u->rx_hdr, TRANSPORT_UDP_BATCH, MSG_DONTWAIT, NULL);
        /* An error here (ICMP for something sent earlier) belongs to no datagram of ours to name;
         * the transaction that waits for an answer times out. */
        if (n <= 0)
            return;
        receive_burst(u, (unsigned)n);
        if (n < TRANSPORT_UDP_BATCH)
            return;
        stale = (unsigned)n;
    }
}

/* --- send ------------------------------------------------------------------------------------- */

static void flush(void *arg)
{
    struct udp_port *u = (struct udp_port *)arg;

    while (u->tx_off < u->tx_n) {
        int n = sendmmsg(u->l->sock, u->tx_hdr + u->tx_off, u->tx_n - u->tx_off,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            transport_watch(u->l->t->loop, &u->l->fd, EPOLLIN | EPOLLOUT);
            return;
        }
        /* The first one cannot be sent (unreachable, too large for the path): it is lost, as on the
         * wire, and the sender's timers know what to do. */
        u->tx_off += n < 0 ? 1u : (unsigned)n;
    }
    u->tx_off = u->tx_n = 0;
    u->tx_used = 0;
}

static void put_source(struct udp_port *u, unsigned i, const struct addr *local)
{
    struct msghdr *h = &u->tx_hdr[i].msg_hdr;
    struct cmsghdr *c = &u->tx_ctl[i].align;

    h->msg_control = NULL;
    h->msg_controllen = 0;
    if (!u->any || addr_is_any(local))
        return;
    h->msg_control = c;
    /* A mapped source goes by IP_PKTINFO on an IPv6 socket too. */
    if (addr_family(local) == AF_INET) {
        struct in_pktinfo info = {.ipi_spec_dst = local->in.sin_addr};
        *c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof(info));
        h->msg_controllen = CMSG_SPACE(sizeof(info));
    } else {
        struct in6_pktinfo info = {.ipi6_addr = local->in6.sin6_addr,
                                   .ipi6_ifindex = local->in6.sin6_scope_id};
        *c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof(info));
        h->msg_controllen = CMSG_SPACE(sizeof(info));
    }
}

static bool has_room(const struct udp_port *u, size_t n)
{
    return u->tx_n < TRANSPORT_UDP_QUEUE && n <= TRANSPORT_UDP_QUEUE_BYTES - u->tx_used;
}

int udp_send(struct listener *l, const struct transport_flow *f, struct slice msg)
{
    struct udp_port *u = l->udp;
    struct addr to;
    int r = transport_addr_for(addr_family(&l->bound), &f->remote, &to);

    if (r < 0)
        return r;
    if (msg.n > TRANSPORT_UDP_MAX)
        return -EMSGSIZE;
    if (!has_room(u, msg.n))
        flush(u);
    if (!has_room(u, msg.n))
        return -ENOBUFS;
    unsigned i = u->tx_n++;
    u->tx_to[i] = to;
    u->tx_iov[i] = (struct iovec){u->tx + u->tx_used, msg.n};
    memcpy(u->tx + u->tx_used, msg.p, msg.n);
    u->tx_used += msg.n;
    u->tx_hdr[i].msg_hdr = (struct msghdr){.msg_name = &u->tx_to[i],
                                           .msg_namelen = addr_len(&to),
                                           .msg_iov = &u->tx_iov[i],
                                           .msg_iovlen = 1};
    put_source(u, i, &f->local);
    loop_defer_add(l->t->loop, &u->flush);
    return 0;
}

/* --- set up and end --------------------------------------------------------------------------- */

static void on_event(void *arg, uint32_t events)
{
    struct udp_port *u = (struct udp_port *)arg;

    if (events & EPOLLOUT) {
        transport_watch(u->l->t->loop, &u->l->fd, EPOLLIN);
        flush(u);
    }
    if (events & (EPOLLIN | EPOLLERR))
        receive(u);
}

static int ask_for_addresses(const struct listener *l)
{
    int on = 1;

    if (addr_family(&l->bound) == AF_INET6 &&
        setsockopt(l->sock, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0)
        return -errno;
    if (addr_family(&l->bound) == AF_INET &&
        setsockopt(l->sock, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0)
        return -errno;
    return 0;
}

static uint8_t *map_pages(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

int udp_start(struct listener *l)
{
    struct udp_port *u = calloc(1, sizeof(*u));

    if (!u)
        return -ENOMEM;
    l->udp = u;
    u->l = l;
    u->any = addr_is_any(&l->bound);
    loop_defer_init(&u->flush, flush, u);
    u->rx = map_pages((size_t)TRANSPORT_UDP_BATCH * DATAGRAM_STRIDE);
    u->tx = map_pages(TRANSPORT_UDP_QUEUE_BYTES);
    if (!u->rx || !u->tx)
        return -ENOMEM;
    for (size_t i = 0; i < TRANSPORT_UDP_BATCH; i++) {
        u->rx_iov[i] = (struct iovec){u->rx + i * DATAGRAM_STRIDE, DATAGRAM_CAP};
        u->rx_hdr[i].msg_hdr = (struct msghdr){.msg_name = &u->rx_from[i],
                                               .msg_iov = &u->rx_iov[i],
                                               .msg_iovlen = 1,
                                               .msg_control = u->any ? &u->rx_ctl[i] : NULL};
    }
    int r = u->any ? ask_for_addresses(l) : 0;
    return r < 0 ? r : loop_fd_add(l->t->loop, &l->fd, l->sock, EPOLLIN, on_event, u);
}

void udp_stop(struct listener *l)
{
    struct udp_port *u = l->udp;

    if (!u)
        return;
    flush(u);
    loop_defer_cancel(&u->flush);
    if (u->rx)
        (void)munmap(u->rx, (size_t)TRANSPORT_UDP_BATCH * DATAGRAM_STRIDE);
    if (u->tx)
        (void)munmap(u->tx, TRANSPORT_UDP_QUEUE_BYTES);
    free(u);
    l->udp = NULL;
}
