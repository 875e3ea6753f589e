/* A burst: what one wake-up brought to all endpoints, from the datagram to the packet that may go
 * on. What becomes of a datagram is one look into a table, by what it claims to be and by what its
 * endpoint lets through; where it goes from there is relay.c's.
 *
 *   demultiplex -> [drop | a handshake's: to its engine | clear: may it come from there | SRTP: unprotect all at once, replay,
 *   learn the source] -> count -> route
 *
 * Nothing here ends a call: packets that fail are counted (CVE-2021-41105). */
#include "media/heard.h"
#include "media/transcode.h"
#include "rtp/demux.h"
#include "rtp/rtcp.h"

enum step {
    STEP_DROP,       /* neither ours nor worth counting */
    STEP_DROP_EARLY, /* media before anything has been agreed */
    STEP_KEYING,     /* a handshake's */
    STEP_CLEAR,
    STEP_OPEN,  /* unprotect */
    STEP_CHECK, /* ICE: before and beside all media */
    STEP_OPAQUE,
    STEP_OPAQUE_KEYING
};

static const uint8_t steps[RTP_KIND_COUNT][MEDIA_GUARD_COUNT] = {
    /* CLOSED, CLEAR, SECURE, OPAQUE */
    [RTP_KIND_UNKNOWN] = {STEP_DROP, STEP_DROP, STEP_DROP, STEP_DROP},
    [RTP_KIND_STUN] = {STEP_CHECK, STEP_CHECK, STEP_CHECK, STEP_CHECK},
    [RTP_KIND_ZRTP] = {STEP_KEYING, STEP_KEYING, STEP_KEYING, STEP_OPAQUE_KEYING},
    [RTP_KIND_DTLS] = {STEP_KEYING, STEP_KEYING, STEP_KEYING, STEP_OPAQUE_KEYING},
    [RTP_KIND_TURN] = {STEP_DROP, STEP_DROP, STEP_DROP, STEP_DROP},
    [RTP_KIND_RTP] = {STEP_DROP_EARLY, STEP_CLEAR, STEP_OPEN, STEP_OPAQUE},
    [RTP_KIND_RTCP] = {STEP_DROP_EARLY, STEP_CLEAR, STEP_OPEN, STEP_OPAQUE},
};

/* --- the burst as a container --- */

struct media_packet *media_burst_next(struct media_role *r)
{
    if (r->burst_n == SRTP_BURST_MAX)
        media_burst_run(r);
    return &r->burst[r->burst_n];
}

void media_burst_add(struct media_role *r)
{
    r->burst_n++;
    r->load_n++;
    loop_defer_add(r->loop, &r->end_of_wakeup);
}

/* --- counting and routing of what is authentic or allowed to be clear --- */

static void note_codec(struct media_endpoint *e, uint8_t pt)
{
    static const char *const beside[] = {"TELEPHONE-EVENT", "CN"};
    const struct media_codec *c = media_endpoint_codec(e, pt);
    if (!c && e->peer)
        c = media_endpoint_codec(e->peer, pt);
    e->last_pt = pt;
    if (!c)
        return;
    if (c->clock >= 1000)
        e->khz = c->clock / 1000;
    for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
        if (strncmp(c->name, beside[i], sizeof(c->name)) == 0)
            return;
    }
    memcpy(e->stats->codec, c->name, sizeof(e->stats->codec));
}

static void count(struct media_endpoint *e, const struct media_packet *p)
{
    uint64_t now = loop_now(e->role->loop);
    struct media_stats *st = e->stats;
    e->last_rx = media_transport(e)->last_rx = now;
    e->timed_out = false;
    st->last_rx_ms = now;
    if (p->rtcp)
        return;
    st->rx_packets++;
    st->rx_bytes += p->wire_len;
    e->s->rx_ssrc = p->hdr.ssrc;
    rtp_stats_add(&e->s->loss, p->hdr.ssrc, p->hdr.seq, p->hdr.timestamp, (uint32_t)now * e->khz);
    int64_t lost = rtp_stats_lost(&e->s->loss);
    st->rx_lost = lost > 0 ? (uint64_t)lost : 0;
    if (p->hdr.pt != e->last_pt)
        note_codec(e, p->hdr.pt);
}

/* [mode]: what becomes of a packet that came in. */
typedef void route_fn(struct media_endpoint *e, struct media_packet *p);

static void route_nowhere(struct media_endpoint *e, struct media_packet *p)
{
    (void)e;
    (void)p;
}

/* RTCP flows whatever the direction (RFC 3264 s.5.1). */
static void route_to_peer(struct media_endpoint *e, struct media_packet *p)
{
    struct media_endpoint *to = e->peer;
    if (!to || (!p->rtcp && (!e->hears || !to->sends)))
        return;
    if (e->heard && media_heard_take(e, p))
        return;
    if (media_transcode_is_on(e) && media_transcode_take(e, p))
        return;
    p->out = to;
    if (!p->rtcp && e->pt_map)
        p->data[1] = (uint8_t)((p->data[1] & 0x80) | e->pt_map[p->hdr.pt]);
}

static route_fn *const routes[] = {
    [MEDIA_MODE_NONE] = route_nowhere,     [MEDIA_MODE_RELAY] = route_to_peer,
    [MEDIA_MODE_ECHO] = media_source_echo, [MEDIA_MODE_TONE] = route_nowhere,
    [MEDIA_MODE_CLOCK] = route_nowhere,
};

static void pass(struct media_packet *p)
{
    struct media_endpoint *e = p->in;
    if (e->member_n)
        e = p->in = media_bundle_find(e, p);
    count(e, p);
    routes[e->mode](e, p);
}

/* It has just told where the peer is. */
static void learn_hop(const struct media_packet *p)
{
    if (p->in->role->xdp)
        media_xdp_learn(p->in, p);
}

/* --- clear --- */

static void drop_clear(struct media_packet *p)
{
    struct media_stats *st = p->in->stats;
    if (p->rtcp)
        st->rx_clear_rtcp++;
    else
        st->rx_clear_dropped++;
}

static void pass_clear(struct media_packet *p)
{
    if (!media_learn_clear(p->in, p)) {
        p->in->stats->rx_foreign++;
        return;
    }
    learn_hop(p);
    pass(p);
}

/* --- SRTP --- */

static struct rtp_rx rx_table(const struct media_packet *p, size_t which)
{
    return media_rx(p->in, which == MEDIA_CTX_RTCP_RX, p->in->contexts.epoch[which]);
}

static size_t rx_context(const struct media_packet *p)
{
    return p->rtcp && p->in->rtcp_apart ? MEDIA_CTX_RTCP_RX : MEDIA_CTX_RX;
}

static struct srtp_job job_of(const struct media_packet *p, size_t which, uint64_t index)
{
    return (struct srtp_job){.ctx = p->in->contexts.ctx[which],
                             .pkt = p->data,
                             .len = p->len,
                             .hdr_len = p->rtcp ? RTCP_HDR_LEN : p->hdr.hdr_len,
                             .index = index,
                             .rtcp = p->rtcp};
}

/* Static payload types of 8,000 samples a second come in whole 10 ms, telephone events in 4 bytes:
 * a payload of such a size has no authentication tag behind it. RTCP in clear adds up. */
bool media_looks_clear(const struct media_packet *p)
{
    if (p->rtcp)
        return rtcp_check(slice_from(p->data, p->len), true) == RTCP_OK;
    uint32_t n = p->len - p->hdr.hdr_len;
    bool is_g7xx = p->hdr.pt == 0 || p->hdr.pt == 8 || p->hdr.pt == 9;
    return n == 4 || (is_g7xx && n > 0 && n % 80 == 0);
}

/* A callee's first packets overtake its answer: without its keys nobody can tell what they are. What
 * looks clear where it never may be is told as that. */
static void drop_early(struct media_packet *p)
{
    if (p->in->s->terms.protection == PROTECTION_REQUIRED && media_looks_clear(p))
        drop_clear(p);
    else
        p->in->stats->rx_foreign++;
}

static void drop_failed(struct media_packet *p, bool replayed)
{
    struct media_endpoint *e = p->in;
    if (media_looks_clear(p)) {
        drop_clear(p);
        media_endpoint_log(e, "media_in_clear_dropped");
    } else if (replayed) {
        e->stats->rx_replayed++;
    } else {
        e->stats->rx_auth_failures++;
        media_endpoint_log(e, "media_authentication_failed");
    }
}

/* After authentication; packets of one burst may have the same index. */
static void pass_authentic(struct media_packet *p, struct srtp_job *j, size_t which)
{
    struct rtp_rx t = rx_table(p, which);
    enum rtp_rx_verdict v;
    uint32_t ssrc = p->rtcp ? rtcp_ssrc(p->data) : p->hdr.ssrc;
    p->len = j->len;
    if (p->rtcp && j->rtcp_clear) {
        p->in->stats->rx_clear_rtcp++;
        return;
    }
    if (p->rtcp)
        v = rtp_rx_check_rtcp(t, ssrc, (uint32_t)j->index);
    else
        v = rtp_rx_check(t, ssrc, j->index);
    if (v != RTP_RX_NEW) {
        p->in->stats->rx_replayed++;
        return;
    }
    if (p->rtcp)
        rtp_rx_commit_rtcp(t, ssrc, (uint32_t)j->index);
    else
        rtp_rx_commit(t, ssrc, j->index);
    const struct rtp_rx_ssrc *s = rtp_rx_last(t);
    p->newest = (p->rtcp ? s->rtcp.top : s->rtp.top) == j->index;
    media_learn_secure(p->in, p);
    if (p->newest)
        learn_hop(p);
    pass(p);
}

/* The other rollover counters, then the key before: what a peer that joined late or has not our
 * answer yet sends. Rare, so one by one. */
static void try_again(struct media_packet *p, uint64_t tried)
{
    uint64_t guesses[RTP_RX_GUESSES] = {0};
    struct srtp_engine *engine = p->in->role->engine;
    for (size_t which = MEDIA_CTX_RX; which <= MEDIA_CTX_RX_PREV; which++) {
        if (!p->in->contexts.ctx[which] || rx_context(p) != MEDIA_CTX_RX)
            continue;
        size_t n =
            p->rtcp ? 1 : rtp_rx_guesses(rx_table(p, which), p->hdr.ssrc, p->hdr.seq, guesses);
        for (size_t i = 0; i < n; i++) {
            if (which == MEDIA_CTX_RX && (p->rtcp || guesses[i] == tried))
                continue;
            struct srtp_job j = job_of(p, which, guesses[i]);
            srtp_unprotect(engine, &j, 1);
            if (j.verdict == SRTP_OK) {
                pass_authentic(p, &j, which);
                return;
            }
        }
    }
    drop_failed(p, false);
}

static void open_burst(struct media_role *r, struct media_packet *const *ps, size_t n)
{
    struct srtp_job jobs[SRTP_BURST_MAX] UNINITIALIZED;
    for (size_t i = 0; i < n; i++) {
        const struct media_packet *p = ps[i];
        uint64_t index = 0;
        if (!p->rtcp)
            index = rtp_rx_estimate(rx_table(p, MEDIA_CTX_RX), p->hdr.ssrc, p->hdr.seq);
        jobs[i] = job_of(p, rx_context(p), index);
    }
    srtp_unprotect(r->engine, jobs, n);
    for (size_t i = 0; i < n; i++) {
        if (jobs[i].verdict == SRTP_OK)
            pass_authentic(ps[i], &jobs[i], rx_context(ps[i]));
        else
            try_again(ps[i], jobs[i].index);
    }
}

/* --- all of it --- */

static enum step classify(struct media_packet *p, enum rtp_kind kind)
{
    const struct media_endpoint *e = p->in;
    const enum step step = steps[kind][e->guard];
    bool by_rtcp = p->rtcp; /* the port */
    if (step == STEP_KEYING || step == STEP_CHECK || step == STEP_OPAQUE_KEYING)
        return step;
    p->rtcp = kind == RTP_KIND_RTCP;
    if (kind == RTP_KIND_RTP && (by_rtcp || rtp_hdr_parse(p->data, p->len, &p->hdr) != RTP_OK))
        return STEP_DROP;
    if (step == STEP_OPEN && !e->contexts.ctx[rx_context(p)]) /* RTCP's own handshake is to come */
        return STEP_DROP_EARLY;
    return step;
}

void media_burst_run(struct media_role *r)
{
    struct media_packet *to_open[SRTP_BURST_MAX];
    size_t open_n = 0, n = r->burst_n;
    for (size_t i = 0; i < n; i++) {
        struct media_packet *p = &r->burst[i];
        if (!p->in) /* made here, and routed already */
            continue;
        enum rtp_kind kind = rtp_demux(p->data, p->len);
        switch (classify(p, kind)) {
        case STEP_DROP:
            break;
        case STEP_KEYING:
            media_keying_packet(p, kind);
            break;
        case STEP_DROP_EARLY:
            drop_early(p);
            break;
        case STEP_CLEAR:
            pass_clear(p);
            break;
        case STEP_OPEN:
            to_open[open_n++] = p;
            break;
        case STEP_CHECK:
            media_ice_packet(p);
            break;
        case STEP_OPAQUE:
            if (media_opaque_take(p)) {
                learn_hop(p);
                pass(p);
            }
            break;
        case STEP_OPAQUE_KEYING:
            media_opaque_keying(p, kind);
            break;
        }
    }
    open_burst(r, to_open, open_n);
    media_relay_burst(r, r->burst, n);
    r->burst_n = 0;
    media_made_send(r);
}
