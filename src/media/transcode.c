#include "media/transcode.h"

#include <stdlib.h>
#include <time.h>

#include "codec/bridge.h"
#include "crypto/hash.h"
#include "media/digits.h"
#include "media/heard.h"
#include "rtp/rtcp.h"

#define NTP_EPOCH 2208988800ull /* 1900 to 1970, in seconds */
#define BEHIND_MS 100u          /* a shorter pause is none: packets come in steps */

enum what { RELAY, AUDIO, EVENT, NOISE };

/* What becomes of which payload type: follows from both sides' terms, and nothing else does. */
struct plan {
    uint8_t kinds[128]; /* enum what */
    struct codec_format out;
    uint32_t in_event_clock, out_event_clock;
    uint16_t out_ms;
    uint8_t out_pt, event_pt, noise_pt; /* MEDIA_PT_NONE */
    bool shares;                        /* there is audio that is relayed, too */
};

struct media_transcode {
    struct plan plan;
    struct codec_bridge *bridge;
    uint8_t in_pt; /* that the bridge decodes */
    bool talks;    /* the last audio was converted: events and noise go the same way */
    uint64_t report_due;
    uint32_t packets, bytes; /* sent; for our report */
};

/* --- what there is to do ---------------------------------------------------------------------- */

bool media_codec_format(const struct media_codec *c, struct codec_format *ret)
{
    if (!codec_format_of(c->name, c->clock, c->channels, ret))
        return false;
    ret->fec = c->fec;
    ret->cbr = c->cbr;
    ret->bitrate = c->bitrate;
    return true;
}

static bool is_named(const struct media_codec *c, const char *name)
{
    return strcmp(c->name, name) == 0;
}

static bool is_shared(const struct media_codec *c, const struct media_contexts *t)
{
    for (size_t i = 0; i < t->codec_count; i++) {
        if (t->codecs[i].allowed && media_codec_is_same(c, &t->codecs[i]))
            return true;
    }
    return false;
}

/* The first codec of the other side that we can write, and its companions. */
static bool plan_out(struct plan *p, const struct media_contexts *to)
{
    const struct media_codec *c = NULL;
    for (size_t i = 0; i < to->codec_count && !c; i++) {
        if (to->codecs[i].allowed && media_codec_format(&to->codecs[i], &p->out))
            c = &to->codecs[i];
    }
    if (!c)
        return false;
    p->out_pt = c->pt & 0x7f;
    p->out_ms = c->ptime;
    for (size_t i = 0; i < to->codec_count; i++) {
        const struct media_codec *e = &to->codecs[i];
        bool fits = e->clock == p->out.clock;
        if (is_named(e, "TELEPHONE-EVENT") && (fits || p->event_pt == MEDIA_PT_NONE)) {
            p->event_pt = e->pt & 0x7f;
            p->out_event_clock = e->clock;
        }
        if (is_named(e, "CN") && fits)
            p->noise_pt = e->pt & 0x7f;
    }
    return true;
}

static bool plan_eq(const struct plan *a, const struct plan *b)
{
    return memcmp(a->kinds, b->kinds, sizeof(a->kinds)) == 0 &&
           a->in_event_clock == b->in_event_clock && a->out_event_clock == b->out_event_clock &&
           a->out_ms == b->out_ms && a->out_pt == b->out_pt && a->event_pt == b->event_pt &&
           a->noise_pt == b->noise_pt && a->shares == b->shares && a->out.codec == b->out.codec &&
           a->out.clock == b->out.clock && a->out.channels == b->out.channels &&
           a->out.fec == b->out.fec && a->out.cbr == b->out.cbr && a->out.bitrate == b->out.bitrate;
}

/* False: everything is relayed. */
static bool plan_make(const struct media_endpoint *e, struct plan *p)
{
    const struct media_contexts *in = &e->contexts;
    const struct media_contexts *to = e->peer ? &e->peer->contexts : NULL;
    bool any = false;
    memset(p, 0, sizeof(*p));
    p->event_pt = p->noise_pt = MEDIA_PT_NONE;
    if (!to || e->mode != MEDIA_MODE_RELAY || !e->s->terms.transcode ||
        !e->peer->s->terms.transcode || !plan_out(p, to))
        return false;
    for (size_t i = 0; i < in->codec_count; i++) {
        const struct media_codec *c = &in->codecs[i];
        struct codec_format f;
        uint8_t *kind = &p->kinds[c->pt & 0x7f];
        if (is_named(c, "TELEPHONE-EVENT") && c->clock > 0) {
            *kind = EVENT;
            if (p->in_event_clock == 0)
                p->in_event_clock = c->clock;
        } else if (is_named(c, "CN")) {
            *kind = NOISE;
        } else if (is_shared(c, to)) {
            p->shares = true;
        } else if (media_codec_format(c, &f)) {
            *kind = AUDIO;
            any = true;
        }
    }
    /* Tones of a phone without events, for one who takes digits by INFO: events that are not sent. */
    if (media_heard_wants(e) && p->in_event_clock == 0)
        p->out_event_clock = p->out.clock;
    return any;
}

void media_transcode_free(struct media_endpoint *e)
{
    if (e->transcode)
        codec_bridge_free(e->transcode->bridge);
    free(e->transcode);
    e->transcode = NULL;
}

void media_transcode_update(struct media_endpoint *e)
{
    struct plan p;
    struct media_transcode *t = e->transcode;
    if (!plan_make(e, &p)) {
        media_transcode_free(e);
        return;
    }
    if (t && plan_eq(&t->plan, &p))
        return; /* hold and resume: goes on as it was */
    media_transcode_free(e);
    t = calloc(1, sizeof(*t));
    if (!t)
        return; /* relayed, then: one side hears nothing, no more */
    t->plan = p;
    t->in_pt = MEDIA_PT_NONE;
    t->talks = !p.shares;
    t->report_due = loop_now(e->role->loop) + MEDIA_REPORT_MS / 2;
    e->transcode = t;
}

/* --- our own stream to an endpoint ------------------------------------------------------------ */

void media_stream_begin(struct media_slot *s)
{
    uint32_t random[3];
    crypto_random(random, sizeof(random));
    s->source_ssrc = random[0];
    s->source_ts = random[1];
    s->source_seq =
        random[2] & 0x7fff; /* half the space before the first wrap (RFC 3711 s.3.3.1) */
    s->source_on = true;
}

struct media_packet *media_made_next(struct media_role *r)
{
    if (r->made_n == MEDIA_MADE_MAX)
        media_made_send(r);
    return &r->made[r->made_n++];
}

void media_made_send(struct media_role *r)
{
    size_t n = r->made_n;
    r->made_n = 0;
    if (n > 0)
        media_relay_burst(r, r->made, n);
}

static uint8_t pt_of(const struct plan *p, enum codec_kind kind)
{
    switch (kind) {
    case CODEC_KIND_EVENT:
        return p->event_pt;
    case CODEC_KIND_NOISE:
        return p->noise_pt;
    case CODEC_KIND_AUDIO:
        break;
    }
    return p->out_pt;
}

/* From the bridge of e, for its peer. */
static void on_made(void *arg, const struct codec_made *m)
{
    struct media_endpoint *e = arg, *to = e->peer;
    struct media_transcode *t = e->transcode;
    struct media_slot *s = to->s;
    if (m->kind == CODEC_KIND_EVENT && t->plan.event_pt == MEDIA_PT_NONE) {
        media_heard_event(e, m->timestamp, t->plan.out_event_clock, slice_from(m->payload, m->n));
        return;
    }
    if (media_digits_are_busy(to)) /* what signalling asked for stands in for the audio */
        return;
    struct media_packet *p = media_made_next(e->role);
    p->in = NULL;
    p->out = to;
    p->rtcp = false;
    p->hdr = (struct rtp_hdr){.hdr_len = RTP_HDR_MIN,
                              .pt = pt_of(&t->plan, m->kind),
                              .marker = m->marker,
                              .ssrc = s->source_ssrc,
                              .seq = s->source_seq++,
                              .timestamp = m->timestamp};
    p->len = RTP_HDR_MIN + (uint32_t)m->n;
    rtp_hdr_put(p->data, &p->hdr);
    memcpy(p->data + RTP_HDR_MIN, m->payload, m->n);
    t->packets++;
    t->bytes += (uint32_t)m->n;
}

/* --- in --------------------------------------------------------------------------------------- */

static uint32_t elapsed(const struct media_slot *s, uint64_t now, uint32_t clock)
{
    uint64_t ms = s->source_on && now > s->source_ms ? now - s->source_ms : 0;
    if (ms > CODEC_PAUSE_MS)
        ms = CODEC_PAUSE_MS;
    return (uint32_t)(ms * (clock / 1000));
}

static const struct media_codec *audio_of(const struct media_endpoint *e, uint8_t pt)
{
    const struct media_contexts *in = &e->contexts;
    for (size_t i = 0; i < in->codec_count; i++) {
        const struct media_codec *c = &in->codecs[i];
        if (e->transcode->plan.kinds[c->pt & 0x7f] == AUDIO &&
            (pt == MEDIA_PT_NONE || (c->pt & 0x7f) == pt))
            return c;
    }
    return NULL;
}

/* A bridge for what comes: made by the first packet, made anew where the sender changes its codec,
 * and after a restart. pt: MEDIA_PT_NONE, any will do. */
static bool bridge_ready(struct media_endpoint *e, uint8_t pt, uint64_t now)
{
    struct media_transcode *t = e->transcode;
    struct media_slot *s = e->peer->s;
    struct codec_bridge_config cfg = {.out = t->plan.out,
                                      .out_ms = t->plan.out_ms,
                                      .in_event_clock = t->plan.in_event_clock,
                                      .out_event_clock = t->plan.out_event_clock,
                                      .out_noise = t->plan.noise_pt != MEDIA_PT_NONE,
                                      .fn = on_made,
                                      .arg = e};
    if (t->bridge && (pt == MEDIA_PT_NONE || pt == t->in_pt))
        return true;
    const struct media_codec *c = audio_of(e, pt);
    if (!c || !media_codec_format(c, &cfg.in))
        return false;
    if (!s->source_on)
        media_stream_begin(s);
    else if (now > s->source_ms + BEHIND_MS)
        s->source_ts += elapsed(s, now, t->plan.out.clock);
    cfg.timestamp = s->source_ts;
    t->bridge = codec_bridge_free(t->bridge);
    if (codec_bridge_new(&cfg, &t->bridge) < 0) {
        media_endpoint_log(e, "media_transcode_failed");
        return false;
    }
    t->in_pt = c->pt & 0x7f;
    return true;
}

static void after_bridge(struct media_endpoint *e, uint64_t now)
{
    struct media_slot *s = e->peer->s;
    s->source_ts = codec_bridge_timestamp(e->transcode->bridge);
    s->source_ms = now;
}

static void push(struct media_endpoint *e, const struct media_packet *p, enum codec_kind kind)
{
    uint64_t now = loop_now(e->role->loop);
    struct codec_packet in = {.kind = kind,
                              .ssrc = p->hdr.ssrc,
                              .timestamp = p->hdr.timestamp,
                              .seq = p->hdr.seq,
                              .marker = p->hdr.marker,
                              .at_ms = now};
    if (rtp_payload(p->data, p->len, &p->hdr, &in.payload) != RTP_OK)
        return;
    if (!bridge_ready(e, kind == CODEC_KIND_AUDIO ? p->hdr.pt : MEDIA_PT_NONE, now))
        return;
    codec_bridge_push(e->transcode->bridge, &in);
    after_bridge(e, now);
}

/* When the peer's last report came, for ours. */
static void take_report(struct media_endpoint *e, const struct media_packet *p)
{
    struct slice rest = slice_from(p->data, p->len);
    struct rtcp_packet r;
    struct rtcp_sender s;
    if (rtcp_check(rest, true) != RTCP_OK)
        return;
    while (rtcp_next(&rest, &r)) {
        if (rtcp_sender(&r, &s)) {
            e->report_ntp = (uint32_t)(s.ntp >> 16);
            e->report_ms = loop_now(e->role->loop);
        }
    }
}

bool media_transcode_take(struct media_endpoint *e, struct media_packet *p)
{
    struct media_transcode *t = e->transcode;
    if (p->rtcp) {
        take_report(e, p);
        return true;
    }
    if (!t)
        return false;
    enum what what = (enum what)t->plan.kinds[p->hdr.pt];
    switch (what) {
    case AUDIO:
        t->talks = true;
        push(e, p, CODEC_KIND_AUDIO);
        return true;
    case EVENT:
    case NOISE:
        if (t->talks)
            push(e, p, what == EVENT ? CODEC_KIND_EVENT : CODEC_KIND_NOISE);
        return t->talks;
    case RELAY:
        break;
    }
    t->talks = false;
    return false;
}

/* --- reports ---------------------------------------------------------------------------------- */

static uint64_t ntp_now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail for this clock */
    return ((uint64_t)ts.tv_sec + NTP_EPOCH) << 32 | ((uint64_t)ts.tv_nsec << 32) / 1000000000u;
}

static size_t block_about(struct media_endpoint *e, uint64_t now, struct rtcp_block *ret)
{
    struct rtp_stats *st = &e->s->loss;
    if (!st->started)
        return 0;
    uint64_t since = e->report_ntp ? now - e->report_ms : 0;
    *ret = (struct rtcp_block){.ssrc = st->ssrc,
                               .fraction = rtp_stats_fraction(st),
                               .lost = (int32_t)rtp_stats_lost(st),
                               .max = rtp_stats_max(st),
                               .jitter = rtp_stats_jitter(st),
                               .lsr = e->report_ntp,
                               .dlsr = (uint32_t)(since * 65536 / 1000)};
    return 1;
}

/* To `to`: what we send it, which `from` (its peer's direction) has counted, and how it is heard. */
static void report(struct media_endpoint *to, const struct media_transcode *from, uint64_t now)
{
    struct rtcp_block block;
    struct media_slot *s = to->s;
    if (media_transport(to)->guard == MEDIA_GUARD_CLOSED ||
        addr_family(media_remote(to, true)) == 0)
        return;
    if (!s->source_on)
        media_stream_begin(s);
    size_t blocks = block_about(to, now, &block);
    struct media_packet *p = media_made_next(to->role);
    struct buf b = buf_over((char *)p->data, MEDIA_PACKET_MAX);
    if (from && from->packets > 0) {
        struct rtcp_sender sr = {.ntp = ntp_now(),
                                 .rtp = s->source_ts + elapsed(s, now, from->plan.out.clock),
                                 .packets = from->packets,
                                 .bytes = from->bytes};
        rtcp_put_sr(&b, s->source_ssrc, &sr, &block, blocks);
    } else {
        rtcp_put_rr(&b, s->source_ssrc, &block, blocks);
    }
    rtcp_put_sdes(&b, s->source_ssrc, slice_from_str(to->role->cname));
    p->in = NULL;
    p->out = b.overflow ? NULL : to;
    p->rtcp = true;
    p->hdr.hdr_len = RTCP_HDR_LEN;
    p->len = (uint32_t)b.n;
}

void media_transcode_tick(struct media_endpoint *e, uint64_t now)
{
    struct media_transcode *t = e->transcode;
    if (!t)
        return;
    if (t->bridge && e->peer->sends) {
        codec_bridge_run(t->bridge, now);
        after_bridge(e, now);
    }
    if (now < t->report_due)
        return;
    t->report_due = now + MEDIA_REPORT_MS;
    report(e->peer, t, now);
    if (!e->peer->transcode)
        report(e, NULL, now);
}
