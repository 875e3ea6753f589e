/* For the tests and benches of the media role only: a role on memfds of its own, a signalling side
 * that speaks over a real channel, and phones with real sockets on loopback and keys agreed by
 * keying/. The clock is virtual unless the test says otherwise; no sleeps: a datagram on loopback
 * is in the receiver's queue when sendto returns. */
#ifndef SOTTO_MEDIA_RIG_H
#define SOTTO_MEDIA_RIG_H

#include <sys/mman.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "ipc/ipc.h"
#include "keying/negotiate.h"
#include "media/rig_way.h"
#include "rtp/index.h"
#include "rtp/packet.h"
#include "rtp/rtcp.h"

#define RIG_HELD_MAX 64
#define RIG_EVENTS_MAX 16
#define RIG_SEEN_MAX 4096

struct rig_held {
    uint64_t tag;
    int fd; /* -1: free */
};

struct rig {
    struct loop *loop;
    struct media_role *role;
    struct media_config cfg;
    struct media_steer steer; /* closed, where the role has a socket for each port */
    struct media_xdp xdp;     /* … where it has nothing but sockets */
    int state_fd, stats_fd;
    const struct media_stats *stats;
    struct ipc_chan *chan;
    struct srtp_engine *engine;
    int wait_ms; /* for another process to work; 0: the role is in this one */
    struct rig_held held[RIG_HELD_MAX];
    uint32_t next_req;
    bool replied;
    struct media_reply reply;
    char text[MEDIA_TEXT_MAX];
    size_t events_n;
    unsigned zrtp_saved; /* secrets that the role asked to keep */
    struct media_event events[RIG_EVENTS_MAX];
};

/* --- what the supervisor does --- */

static RIG_UNUSED void rig_hold(void *arg, uint64_t tag, int fd)
{
    struct rig *g = arg;
    for (size_t i = 0; i < RIG_HELD_MAX; i++) {
        if (g->held[i].fd >= 0)
            continue;
        g->held[i] = (struct rig_held){tag, fcntl(fd, F_DUPFD_CLOEXEC, 0)};
        RIG(g->held[i].fd >= 0);
        return;
    }
    RIG(false); /* too many held sockets */
}

static RIG_UNUSED void rig_unhold(void *arg, uint64_t tag)
{
    struct rig *g = arg;
    for (size_t i = 0; i < RIG_HELD_MAX; i++) {
        if (g->held[i].fd >= 0 && g->held[i].tag == tag) {
            close(g->held[i].fd);
            g->held[i].fd = -1;
        }
    }
}

static RIG_UNUSED size_t rig_held_count(const struct rig *g)
{
    size_t n = 0;
    for (size_t i = 0; i < RIG_HELD_MAX; i++)
        n += g->held[i].fd >= 0;
    return n;
}

/* --- what signalling does --- */

static void rig_on_msg(void *arg, uint32_t type, const void *payload, size_t n, const int *fds,
                       size_t fd_count)
{
    struct rig *g = arg;
    (void)fds;
    RIG_EQ(fd_count, 0);
    if (type == MEDIA_MSG_REPLY) {
        RIG(n >= sizeof(g->reply));
        memcpy(&g->reply, payload, sizeof(g->reply));
        RIG_EQ(g->reply.text_n, n - sizeof(g->reply));
        memcpy(g->text, (const char *)payload + sizeof(g->reply), g->reply.text_n);
        g->replied = true;
        return;
    }
    if (type == MEDIA_MSG_ZRTP_FIND) { /* nothing is kept of anybody */
        RIG_EQ(ipc_send(g->chan, MEDIA_MSG_ZRTP_FOUND, payload, n, NULL, 0), 0);
        return;
    }
    if (type == MEDIA_MSG_ZRTP_SAVE) {
        g->zrtp_saved++;
        return;
    }
    RIG_EQ(type, MEDIA_MSG_EVENT);
    RIG_EQ(n, sizeof(struct media_event));
    if (g->events_n < RIG_EVENTS_MAX)
        memcpy(&g->events[g->events_n++], payload, n);
}

static void rig_on_closed(void *arg)
{
    struct rig *g = arg;
    g->chan = ipc_chan_free(g->chan);
}

static void rig_turn(struct rig *g)
{
    for (int i = 0; i < 6 && g->wait_ms == 0; i++)
        RIG_EQ(loop_once(g->loop, 0), 0);
}

static RIG_UNUSED void rig_attach(struct rig *g)
{
    int fds[2];
    ipc_chan_free(g->chan);
    g->chan = NULL;
    RIG_EQ(ipc_pair(fds), 0);
    RIG_EQ(ipc_chan_new(g->loop, fds[0], rig_on_msg, rig_on_closed, g, &g->chan), 0);
    RIG_EQ(media_role_attach(g->role, fds[1]), 0);
}

static const struct media_reply *rig_request(struct rig *g, struct media_request *rq,
                                             struct slice text)
{
    rq->req = ++g->next_req;
    rq->text_n = (uint32_t)text.n;
    g->replied = false;
    bool sane = rq->policy.keying_count <= KEYING_COUNT && rq->codec_count <= MEDIA_CODEC_MAX;
    rq->size = (uint32_t)(sane ? media_request_size(rq) : sizeof(*rq));
    RIG_EQ(ipc_send2(g->chan, MEDIA_MSG_REQUEST, rq, rq->size, text.p, text.n), 0);
    for (int i = 0; i < 10 && !g->replied; i++)
        RIG_EQ(loop_once(g->loop, g->wait_ms), 0);
    RIG(g->replied);
    RIG_EQ(g->reply.req, rq->req);
    return &g->reply;
}

/* --- its way in and out --- */

/* Descriptors that the supervisor holds for so many endpoints. */
static RIG_UNUSED size_t rig_sockets_of(const struct rig *g, size_t endpoints)
{
    return g->cfg.shared ? 0 : 2 * endpoints;
}

static RIG_UNUSED void rig_steer(struct rig *g)
{
    char why[MEDIA_STEER_WHY_MAX] = "";
    if (!rig_is_shared || rig_steer_not || g->cfg.shared)
        return;
    int r = media_steer_open(&g->cfg, true, &g->steer, why);
    if (r != 0)
        fprintf(stderr, "%s\n", why);
    RIG_EQ(r, 0);
    g->cfg.shared = &g->steer.shared[0];
    if (!rig_is_xdp)
        return;
    r = media_xdp_open(rig_interfaces, &g->cfg, &g->steer, &g->xdp, why);
    if (r != 0)
        fprintf(stderr, "%s\n", why);
    RIG_EQ(r, 0);
    g->cfg.xdp = &g->xdp.fds;
}

/* g's role is this one of the workers whose way in and out `first` has opened, for `all` their ports. */
static RIG_UNUSED void rig_be_worker(struct rig *g, struct rig *first,
                                     const struct media_config *all, uint32_t worker)
{
    const struct media_config of = media_config_of_worker(all, worker);
    g->cfg.port_min = of.port_min;
    g->cfg.port_max = of.port_max;
    g->cfg.steered_min = of.steered_min;
    g->cfg.worker = worker;
    g->cfg.shared = first->cfg.shared ? &first->steer.shared[worker] : NULL;
}

/* --- life --- */

static RIG_UNUSED void rig_start_role(struct rig *g)
{
    const struct media_role_ops ops = {.hold = rig_hold, .unhold = rig_unhold, .arg = g};
    rig_steer(g);
    RIG_EQ(media_role_new(g->loop, &g->cfg, g->state_fd, g->stats_fd, &ops, &g->role), 0);
    for (size_t i = 0; i < RIG_HELD_MAX; i++) {
        if (g->held[i].fd >= 0)
            media_role_held(g->role, g->held[i].tag, fcntl(g->held[i].fd, F_DUPFD_CLOEXEC, 0));
    }
    RIG_EQ(media_role_start(g->role), 0);
}

/* A range of ports that only this test uses: where the kernel's choice leaves room. */
static RIG_UNUSED uint16_t rig_port_base(void)
{
    uint32_t v;
    crypto_random(&v, sizeof(v));
    return (uint16_t)(10000 + v % 400 * 50); /* below the ephemeral range; taken ones are skipped */
}

/* Rows of statistics: in front of ours are those of another worker. */
#define RIG_FIRST_ENDPOINT 5u
static RIG_UNUSED size_t rig_stats_size(const struct rig *g)
{
    return media_stats_size(g->cfg.first_endpoint + g->cfg.max_endpoints);
}

static void rig_memory_n(struct rig *g, uint32_t endpoints, uint16_t port_min, uint16_t port_max)
{
    void *p;
    memset(g, 0, sizeof(*g));
    for (size_t i = 0; i < RIG_HELD_MAX; i++)
        g->held[i].fd = -1;
    g->cfg = media_config_default;
    g->cfg.max_endpoints = endpoints;
    g->cfg.first_endpoint = RIG_FIRST_ENDPOINT;
    g->cfg.port_min = port_min;
    g->cfg.port_max = port_max;
    RIG_EQ(ipc_memfd_new("state", media_state_size(endpoints), &g->state_fd), 0);
    RIG_EQ(ipc_memfd_new("stats", rig_stats_size(g), &g->stats_fd), 0);
    RIG_EQ(ipc_memfd_map(g->stats_fd, rig_stats_size(g), false, &p), 0);
    g->stats = p;
    RIG_EQ(srtp_engine_new(SRTP_BACKEND_AUTO, &g->engine), 0);
}

static RIG_UNUSED void rig_memory(struct rig *g)
{
    uint16_t base = rig_port_base();
    rig_memory_n(g, 16, base, (uint16_t)(base + 99));
}

static RIG_UNUSED void rig_init(struct rig *g)
{
    rig_memory(g);
    RIG_EQ(loop_new_virtual(1000000, &g->loop), 0);
    rig_start_role(g);
    rig_attach(g);
}

static RIG_UNUSED void rig_fini(struct rig *g)
{
    g->role = media_role_free(g->role);
    g->chan = ipc_chan_free(g->chan);
    g->loop = loop_free(g->loop);
    srtp_engine_free(g->engine);
    for (size_t i = 0; i < RIG_HELD_MAX; i++) {
        if (g->held[i].fd >= 0)
            close(g->held[i].fd);
    }
    if (g->cfg.xdp)
        media_xdp_close(&g->xdp);
    if (g->cfg.shared == &g->steer.shared[0])
        media_steer_close(&g->steer);
    munmap((void *)(uintptr_t)g->stats, rig_stats_size(g));
    close(g->state_fd);
    close(g->stats_fd);
}

static RIG_UNUSED const struct media_stats *rig_stats(const struct rig *g, uint64_t endpoint)
{
    const struct media_stats *st = &g->stats[(uint32_t)endpoint];
    RIG(st->endpoint == endpoint);
    return st;
}

/* --- phones --- */

struct phone_seen {
    uint32_t ssrc, key;
    uint64_t index;
};

struct phone {
    struct rig *rig;
    int rtp, rtcp;
    struct addr addr, addr_rtcp;
    uint8_t proto;
    struct media_policy policy;
    const struct keying_local *local; /* NULL: no DTLS */
    bool rtcp_mux;
    struct keying_state keys;
    struct srtp_ctx *tx, *rx;
    struct rtp_rx_whole rx_table;
    uint32_t rtcp_index;
    uint32_t ssrc;
    uint64_t index; /* of the next packet: ROC << 16 | SEQ */
    uint8_t pt;
    uint32_t key; /* counts rx keys */
    struct media_codec codecs[4];
    uint8_t codec_count, direction;
    bool transcode;
    struct slice lines; /* more of its description: ICE */
    struct addr other;  /* what its leg's requests say */
    bool wants_ice;
    /* its leg */
    uint64_t call, endpoint;
    uint16_t leg;
    struct addr server, server_rtcp;
    uint8_t server_proto;
    size_t seen_n;
    struct phone_seen *seen; /* made by the first */
    /* of the last packet received */
    struct rtp_hdr hdr;
    uint8_t data[2048];
    uint32_t len;
};

static RIG_UNUSED struct media_policy policy_make(enum protection_policy protection)
{
    return (struct media_policy){.protection = (uint8_t)protection,
                                 .keying_count = 1,
                                 .keyings = {KEYING_SDES},
                                 .suite_count = 1,
                                 .suites = {SRTP_AES_CM_128_HMAC_SHA1_80}};
}

static struct keying_policy phone_policy(const struct phone *p)
{
    struct keying_policy k = {.protection = p->policy.protection,
                              .keying_count = p->policy.keying_count,
                              .suite_count = p->policy.suite_count,
                              .local = p->local};
    memcpy(k.keyings, p->policy.keyings, sizeof(k.keyings));
    memcpy(k.suites, p->policy.suites, sizeof(k.suites));
    return k;
}

/* Where phones are; -1: it cannot be bound there. */
static int rig_udp_at(const char *host, uint16_t port)
{
    struct addr a;
    RIG_EQ(addr_parse(slice_from_str(host), port, &a), 0);
    if (rig_net.phones >= 0)
        RIG_EQ(setns(rig_net.phones, CLONE_NEWNET), 0);
    int fd = socket(addr_family(&a), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (rig_net.phones >= 0)
        RIG_EQ(setns(rig_net.server, CLONE_NEWNET), 0);
    RIG(fd >= 0);
    if (bind(fd, &a.sa, addr_len(&a)) == 0)
        return fd;
    close(fd);
    return -1;
}

static int phone_socket_on(uint16_t port, struct addr *ret)
{
    socklen_t n = sizeof(*ret);
    int fd = rig_udp_at(rig_net.phones >= 0 ? RIG_NET4 "2" : "127.0.0.1", port);
    RIG(fd >= 0);
    RIG_EQ(getsockname(fd, &ret->sa, &n), 0);
    return fd;
}

static int phone_socket(struct addr *ret)
{
    return phone_socket_on(0, ret);
}

/* To another address. */
static RIG_UNUSED void phone_go(struct phone *p, const char *host)
{
    socklen_t n = sizeof(p->addr);
    close(p->rtp);
    close(p->rtcp);
    p->rtp = rig_udp_at(host, 0);
    p->rtcp = rig_udp_at(host, 0);
    RIG(p->rtp >= 0 && p->rtcp >= 0);
    RIG_EQ(getsockname(p->rtp, &p->addr.sa, &n), 0);
    n = sizeof(p->addr_rtcp);
    RIG_EQ(getsockname(p->rtcp, &p->addr_rtcp.sa, &n), 0);
}

static RIG_UNUSED void phone_move(struct phone *p) /* as by a NAT's new binding */
{
    close(p->rtp);
    p->rtp = phone_socket(&p->addr);
}

static RIG_UNUSED void phone_init(struct phone *p, struct rig *g, uint64_t call, uint16_t leg,
                                  enum protection_policy protection)
{
    static const struct media_codec pcma = {
        .pt = 8, .channels = 1, .clock = 8000, .name = "PCMA", .allowed = true};
    memset(p, 0, sizeof(*p));
    p->rig = g;
    p->call = call;
    p->leg = leg;
    p->policy = policy_make(protection);
    p->rtp = phone_socket(&p->addr);
    p->rtcp = phone_socket(&p->addr_rtcp);
    p->ssrc = 0x1000u * (leg + 1u) + 1;
    p->index = 100;
    p->pt = 8;
    p->codecs[0] = pcma;
    p->codec_count = 1;
}

static RIG_UNUSED void phone_fini(struct phone *p)
{
    close(p->rtp);
    close(p->rtcp);
    srtp_ctx_free(p->tx);
    srtp_ctx_free(p->rx);
    keying_state_wipe(&p->keys);
    free(p->seen);
    p->seen = NULL;
}

static void phone_take_keys(struct phone *p, const struct keying_state *next)
{
    if (!keying_keys_eq(&p->keys.tx, &next->tx)) {
        p->tx = srtp_ctx_free(p->tx);
        p->index &= 0xffff; /* ROC 0 with a new key */
        if (next->tx.suite != SRTP_SUITE_NONE)
            RIG_EQ(srtp_ctx_new(p->rig->engine, &next->tx, &p->tx), 0);
    }
    if (!keying_keys_eq(&p->keys.rx, &next->rx)) {
        p->rx = srtp_ctx_free(p->rx);
        memset(&p->rx_table, 0, sizeof(p->rx_table));
        p->key++;
        if (next->rx.suite != SRTP_SUITE_NONE)
            RIG_EQ(srtp_ctx_new(p->rig->engine, &next->rx, &p->rx), 0);
    }
    p->keys = *next;
}

static struct media_request phone_request(const struct phone *p, uint32_t ops)
{
    struct media_request rq = {
        .ops = ops,
        .endpoint = p->endpoint,
        .call = p->call,
        .leg = p->leg,
        .policy = p->policy,
        .proto = p->proto,
        .direction = p->direction,
        .rtcp_mux = p->rtcp_mux,
        .remote_rtp = p->addr,
        .remote_rtcp = p->addr_rtcp,
        .codec_count = p->codec_count,
        .ice = p->wants_ice,
        .transcode = p->transcode,
        .other = p->other,
    };
    bool is6 = addr_family(&p->addr) == AF_INET6, apart = rig_net.phones >= 0;
    const char *host = is6 ? (apart ? RIG_NET6 "1" : "::1") : (apart ? RIG_NET4 "1" : "127.0.0.1");
    RIG_EQ(addr_parse(slice_from_str(host), 0, &rq.local), 0);
    memcpy(rq.codecs, p->codecs, sizeof(p->codecs));
    return rq;
}

static void phone_take_reply(struct phone *p)
{
    const struct media_reply *r = &p->rig->reply;
    if (r->status != MEDIA_STATUS_OK)
        return;
    p->endpoint = r->endpoint;
    p->server = r->local_rtp;
    p->server_rtcp = r->local_rtcp;
    p->server_proto = r->proto;
}

/* The phone's offer as text; its state is taken with phone_answered. */
static size_t phone_offer_text(struct phone *p, char *text, size_t cap, struct keying_state *next)
{
    struct buf b = buf_over(text, cap);
    struct keying_policy k = phone_policy(p);
    struct keying_result kr;
    RIG_EQ(keying_local_offer(&p->keys, &k, &b, next, &kr), KEYING_OK);
    p->proto = kr.proto;
    buf_put_slice(&b, p->lines);
    RIG(!b.overflow);
    return b.n;
}

/* The phone offers; the server answers. `change` may alter the request. Returns the status. */
static RIG_UNUSED int phone_offers(struct phone *p, uint32_t ops, const struct media_policy *server,
                                   void (*change)(struct media_request *rq))
{
    char text[MEDIA_TEXT_MAX];
    struct keying_state next = {0}, agreed = {0};
    size_t n = phone_offer_text(p, text, sizeof(text), &next);
    struct media_request rq = phone_request(p, ops | MEDIA_OP_REMOTE);
    rq.is_offer = true;
    rq.policy = *server;
    if (change)
        change(&rq);
    const struct media_reply *r = rig_request(p->rig, &rq, slice_from(text, n));
    phone_take_reply(p);
    if (r->status != MEDIA_STATUS_OK || (ops & MEDIA_OP_CHECK))
        return r->status;
    struct keying_policy k = phone_policy(p);
    struct keying_result kr;
    p->keys.offered = next.offered;
    p->keys.sdes = next.sdes;
    p->keys.dtls = next.dtls;
    RIG_EQ(keying_remote_answer(&next, &k, r->proto, slice_from(p->rig->text, r->text_n), &agreed,
                                &kr),
           KEYING_OK);
    phone_take_keys(p, &agreed);
    return 0;
}

/* The server offers (LOCAL), the phone answers (REMOTE, and what is in `then`). */
static RIG_UNUSED int phone_answers(struct phone *p, uint32_t ops,
                                    const struct media_policy *server, uint32_t then, uint8_t mode,
                                    uint64_t peer)
{
    char text[MEDIA_TEXT_MAX];
    struct media_request rq = phone_request(p, ops | MEDIA_OP_LOCAL);
    rq.policy = *server;
    const struct media_reply *r = rig_request(p->rig, &rq, SLICE_NONE);
    phone_take_reply(p);
    if (r->status != MEDIA_STATUS_OK)
        return r->status;
    struct buf b = buf_over(text, sizeof(text));
    struct keying_policy k = phone_policy(p);
    struct keying_result kr;
    struct keying_state next = {0};
    int v = keying_remote_offer(&p->keys, &k, r->proto, slice_from(p->rig->text, r->text_n), &b,
                                &next, &kr);
    RIG_EQ(v, KEYING_OK);
    p->proto = kr.proto;
    buf_put_slice(&b, p->lines);
    phone_take_keys(p, &next);
    rq = phone_request(p, MEDIA_OP_REMOTE | then);
    rq.policy = *server;
    rq.mode = mode;
    rq.peer = peer;
    r = rig_request(p->rig, &rq, buf_slice(&b));
    phone_take_reply(p);
    return r->status;
}

/* --- media of phones --- */

/* Header and protection around the payload that stands in pkt. */
static RIG_UNUSED uint32_t phone_seal_rtp(struct phone *p, uint8_t *pkt, struct rtp_hdr *h,
                                          uint32_t payload_n)
{
    h->ssrc = p->ssrc;
    h->seq = (uint16_t)p->index;
    rtp_hdr_put(pkt, h);
    uint64_t index = p->index++;
    if (!p->tx)
        return RTP_HDR_MIN + payload_n;
    struct srtp_job j = {.ctx = p->tx,
                         .pkt = pkt,
                         .len = RTP_HDR_MIN + payload_n,
                         .hdr_len = RTP_HDR_MIN,
                         .index = index};
    srtp_protect(p->rig->engine, &j, 1);
    RIG_EQ(j.verdict, SRTP_OK);
    return j.len;
}

static RIG_UNUSED uint32_t phone_make_rtp(struct phone *p, uint8_t *pkt, uint8_t fill)
{
    struct rtp_hdr h = {.timestamp = (uint32_t)p->index * 160, .pt = p->pt};
    memset(pkt + RTP_HDR_MIN, fill, 160);
    return phone_seal_rtp(p, pkt, &h, 160);
}

static RIG_UNUSED void phone_put(const struct phone *p, const uint8_t *pkt, uint32_t n)
{
    RIG_EQ(sendto(p->rtp, pkt, n, 0, &p->server.sa, addr_len(&p->server)), n);
}

/* Sends one packet and lets the role work. */
static RIG_UNUSED void phone_say(struct phone *p, uint8_t fill)
{
    uint8_t pkt[256];
    uint32_t n = phone_make_rtp(p, pkt, fill);
    phone_put(p, pkt, n);
    rig_turn(p->rig);
}

static RIG_UNUSED void phone_note(struct phone *p, uint32_t ssrc, uint64_t index)
{
    for (size_t i = 0; i < p->seen_n; i++) {
        if (p->seen[i].ssrc == ssrc && p->seen[i].index == index && p->seen[i].key == p->key)
            RIG(false); /* an index that came before */
    }
    RIG(p->seen_n < RIG_SEEN_MAX);
    if (!p->seen)
        p->seen = calloc(RIG_SEEN_MAX, sizeof(*p->seen));
    RIG(p->seen);
    p->seen[p->seen_n++] = (struct phone_seen){ssrc, p->key, index};
}

/* 1: a packet, authentic where the phone has keys; 0: none there; -1: one that fails. */
static RIG_UNUSED int phone_hear(struct phone *p)
{
    ssize_t n = recv(p->rtp, p->data, sizeof(p->data), 0);
    if (n < 0)
        return 0;
    p->len = (uint32_t)n;
    if (rtp_hdr_parse(p->data, p->len, &p->hdr) != RTP_OK)
        return -1;
    if (!p->rx)
        return 1;
    uint64_t index = rtp_rx_estimate(rtp_rx_of(&p->rx_table), p->hdr.ssrc, p->hdr.seq);
    struct srtp_job j = {
        .ctx = p->rx, .pkt = p->data, .len = p->len, .hdr_len = p->hdr.hdr_len, .index = index};
    srtp_unprotect(p->rig->engine, &j, 1);
    if (j.verdict != SRTP_OK)
        return -1;
    p->len = j.len;
    phone_note(p, p->hdr.ssrc, index);
    rtp_rx_commit(rtp_rx_of(&p->rx_table), p->hdr.ssrc, index);
    return 1;
}

/* from says, to hears it. */
#define assert_passes(from, to)   \
    do {                          \
        rig_line = __LINE__;      \
        rig_passes((from), (to)); \
    } while (0)
#define assert_stays(from, to)   \
    do {                         \
        rig_line = __LINE__;     \
        rig_stays((from), (to)); \
    } while (0)
static RIG_UNUSED void rig_passes(struct phone *from, struct phone *to)
{
    static uint8_t fill;
    fill++;
    phone_say(from, fill);
    RIG_EQ(phone_hear(to), 1);
    RIG_EQ(to->len, RTP_HDR_MIN + 160);
    RIG_EQ(to->data[RTP_HDR_MIN], fill);
    RIG_EQ(to->data[RTP_HDR_MIN + 159], fill);
    RIG_EQ(to->hdr.ssrc, from->ssrc);
    RIG_EQ(to->hdr.seq, (uint16_t)(from->index - 1));
    RIG_EQ(phone_hear(to), 0);
}

static RIG_UNUSED void rig_stays(struct phone *from, struct phone *to)
{
    phone_say(from, 0xee);
    RIG_EQ(phone_hear(to), 0);
}

/* A call between two phones, up. */
static RIG_UNUSED void rig_call(struct phone *a, struct phone *b, const struct media_policy *pa,
                                const struct media_policy *pb)
{
    RIG_EQ(phone_offers(a, MEDIA_OP_OPEN, pa, NULL), 0);
    RIG_EQ(phone_answers(b, MEDIA_OP_OPEN, pb, MEDIA_OP_CONNECT, MEDIA_MODE_RELAY, a->endpoint), 0);
}

struct two {
    struct rig g;
    struct phone a, b;
};

static RIG_UNUSED void two_init(struct two *t, enum protection_policy a, enum protection_policy b)
{
    rig_init(&t->g);
    phone_init(&t->a, &t->g, 7, 0, a);
    phone_init(&t->b, &t->g, 7, 1, b);
    rig_call(&t->a, &t->b, &t->a.policy, &t->b.policy);
}

static RIG_UNUSED void two_fini(struct two *t)
{
    phone_fini(&t->a);
    phone_fini(&t->b);
    rig_fini(&t->g);
}

#endif
