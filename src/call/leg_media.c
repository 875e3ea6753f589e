#include "call/leg_media.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"
#include "call/leg.h"

static_assert((int)SDP_UDP_TLS_SAVPF == (int)MEDIA_PROTO_UDP_TLS_SAVPF, "same order of proto");
static_assert((int)SDP_INACTIVE == (int)MEDIA_INACTIVE, "same order of directions");
static_assert((int)SDP_CODEC_NAME_MAX == (int)MEDIA_CODEC_NAME_MAX, "same codec names");

void leg_media_init(struct leg_media *m, struct leg *leg)
{
    *m = (struct leg_media){.leg = leg, .transcode = leg->call->core->cfg.transcode};
    m->first.media = m;
}

static const struct call_config *cfg_of(const struct leg_media *m)
{
    return &m->leg->call->core->cfg;
}

/* The call's worker. */
static struct media_client *client_of(const struct leg_media *m)
{
    const struct call *c = m->leg->call;
    return c->core->media[c->worker];
}

const struct leg_stream *leg_media_stream(const struct leg_media *m, size_t i)
{
    static const struct leg_stream none;
    if (i == 0)
        return &m->first;
    return m->more ? &m->more[i - 1] : &none;
}

struct leg_stream *leg_media_stream_make(struct leg_media *m, size_t i)
{
    if (i == 0)
        return &m->first;
    if (!m->more) {
        m->more = calloc(SDP_MEDIA_MAX - 1, sizeof(*m->more));
        for (size_t k = 0; m->more && k < SDP_MEDIA_MAX - 1; k++)
            m->more[k].media = m;
    }
    return m->more ? &m->more[i - 1] : NULL;
}

/* How many places there are. */
static size_t places(const struct leg_media *m)
{
    return m->more ? SDP_MEDIA_MAX : 1;
}

static struct leg_stream *place(struct leg_media *m, size_t i)
{
    return i == 0 ? &m->first : &m->more[i - 1];
}

static void why_set(struct leg_media *m, struct slice why)
{
    free(m->why);
    m->why = why.n ? strndup(why.p, why.n) : NULL;
}

static void text_clear(struct leg_stream *s)
{
    if (s->text)
        secret_wipe(s->text, s->text_n);
    free(s->text);
    s->text = NULL;
    s->text_n = 0;
}

void leg_media_forget_texts(struct leg_media *m)
{
    for (size_t i = 0; i < places(m); i++)
        text_clear(place(m, i));
}

/* Where a request is under way for a stream without an endpoint it opens one. */
static void count(struct leg_stream *s)
{
    bool counts = s->endpoint || s->request;
    if (counts != s->counted)
        media_client_count(client_of(s->media), counts ? 1 : -1);
    s->counted = counts;
}

void leg_media_restore(struct leg_stream *s, uint64_t endpoint)
{
    s->endpoint = endpoint;
    count(s);
}

bool leg_media_is_empty(const struct leg_media *m)
{
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        if (leg_media_stream(m, i)->counted)
            return false;
    }
    return true;
}

void leg_media_cancel(struct leg_media *m)
{
    for (size_t i = 0; i < places(m); i++) {
        media_client_cancel(client_of(m), place(m, i)->request);
        place(m, i)->request = 0;
        count(place(m, i));
    }
    m->waiting = 0;
    m->done = NULL;
}

void leg_media_fini(struct leg_media *m)
{
    leg_media_cancel(m);
    for (size_t i = 0; i < places(m); i++) {
        if (place(m, i)->endpoint)
            media_client_close(client_of(m), place(m, i)->endpoint);
        place(m, i)->endpoint = 0;
        count(place(m, i));
        text_clear(place(m, i));
    }
    why_set(m, SLICE_NONE);
}

void leg_media_free(struct leg_media *m)
{
    leg_media_fini(m);
    free(m->more);
    m->more = NULL;
}

void leg_media_abandon(struct leg_media *m)
{
    for (size_t i = 0; i < places(m); i++) {
        place(m, i)->endpoint = 0;
        count(place(m, i));
    }
}

bool leg_media_is_busy(const struct leg_media *m)
{
    return m->waiting > 0;
}

/* Audio is what the call is for: its verdict is the leg's. The first m-line that failed says it
 * where there is no audio verdict yet. */
static void take_status(struct leg_media *m, const struct leg_stream *s,
                        const struct media_reply *r)
{
    bool first = s == &m->first;
    if (r->status == MEDIA_STATUS_OK || (!first && m->first.endpoint))
        return;
    if (m->status == MEDIA_STATUS_OK || first) {
        m->status = r->status;
        why_set(m, slice_from(r->why, strnlen(r->why, sizeof(r->why))));
    }
}

static void take_reply(struct leg_stream *s, const struct media_reply *r, struct slice text)
{
    s->endpoint = r->endpoint;
    if (s->media->ops & (MEDIA_OP_REMOTE | MEDIA_OP_LOCAL)) { /* others say nothing of these */
        s->proto = r->proto;
        s->rtcp_mux = r->rtcp_mux;
    }
    s->rtp = r->local_rtp;
    s->rtcp_port = addr_port(&r->local_rtcp);
    s->protection = r->protection;
    if (s->media->ops & MEDIA_OP_LOCAL) /* no lines: an offer without, whatever the last one had */
        text_clear(s);
    if (text.n == 0)
        return;
    char *copy = malloc(text.n);
    text_clear(s);
    if (copy) {
        memcpy(copy, text.p, text.n);
        s->text = copy;
        s->text_n = text.n;
    }
}

static void on_reply(void *arg, const struct media_reply *r, struct slice text)
{
    struct leg_stream *s = arg;
    struct leg_media *m = s->media;
    s->request = 0;
    take_status(m, s, r);
    if (r->status == MEDIA_STATUS_OK && !(m->ops & MEDIA_OP_CHECK))
        take_reply(s, r, text);
    count(s);
    if (--m->waiting > 0)
        return;
    leg_media_fn *done = m->done;
    m->done = NULL;
    done(m->arg, m->status, m->why ? m->why : ""); /* may free m */
}

size_t leg_media_codecs(const struct store_policy *p, struct slice ret[STORE_CODEC_MAX])
{
    for (size_t i = 0; i < p->codec_count; i++)
        ret[i] = slice_from_str(p->codecs[i]);
    return p->codec_count;
}

/* In the peer's order, each with whether the leg's policy has it. */
static void put_codecs(struct media_request *rq, const struct leg_media *m, const struct sdp *d,
                       const struct sdp_media *media)
{
    struct sdp_codec c[MEDIA_CODEC_MAX];
    struct slice wanted[STORE_CODEC_MAX];
    uint8_t allowed[SDP_FORMAT_MAX];
    size_t wanted_n = leg_media_codecs(m->leg->user.policy, wanted);
    size_t allowed_n = sdp_codecs_filter(d, media, wanted, wanted_n, allowed);
    rq->transcode = m->transcode && media->kind == SDP_AUDIO;
    rq->info = m->info && media->kind == SDP_AUDIO;
    rq->codec_count = (uint8_t)sdp_codecs(d, media, c, ARRAY_LEN(c));
    for (size_t i = 0; i < rq->codec_count; i++) {
        struct sdp_opus opus;
        sdp_opus_parse(sdp_fmtp(d, media, c[i].pt), &opus);
        rq->codecs[i] = (struct media_codec){.pt = c[i].pt,
                                             .channels = c[i].channels,
                                             .ptime = c[i].ptime,
                                             .clock = c[i].clock,
                                             .allowed = memchr(allowed, c[i].pt, allowed_n),
                                             .fec = opus.fec,
                                             .cbr = opus.cbr,
                                             .bitrate = opus.bitrate};
        memcpy(rq->codecs[i].name, c[i].name, sizeof(rq->codecs[i].name));
    }
}

/* "1234 cname:x", several lines of each; the first ones do. */
static void put_ssrcs(struct media_request *rq, const struct sdp *d, const struct sdp_media *media)
{
    size_t n;
    const struct sdp_attr *a = sdp_attrs(d, media, &n);
    for (size_t i = 0; i < n && rq->ssrc_count < MEDIA_SSRC_MAX; i++) {
        uint32_t ssrc;
        struct slice value = sdp_attr_value(&a[i]);
        if (a[i].id != SDP_A_SSRC || slice_to_u32(slice_cut(&value, ' '), &ssrc) != 0 ||
            (rq->ssrc_count && rq->ssrcs[rq->ssrc_count - 1] == ssrc))
            continue;
        rq->ssrcs[rq->ssrc_count++] = ssrc;
    }
}

static void put_remote(struct media_request *rq, const struct leg_media *m,
                       const struct leg_media_batch *b, size_t i, struct buf *text)
{
    const struct sdp_media *media = &b->remote->media[i];
    rq->is_offer = b->is_offer;
    rq->proto = media->proto;
    rq->signalling = m->leg->flow.remote;
    rq->direction = (uint8_t)sdp_direction_of(b->remote, media);
    /* Where the phones' own handshakes pass, RTCP has to be where the other has it. */
    rq->rtcp_mux = sdp_rtcp_mux(b->remote, media) && m->path == MEDIA_PATH_RELAY;
    struct addr a;
    if (sdp_rtp_addr(b->remote, media, &a))
        rq->remote_rtp = a;
    if (sdp_rtcp_addr(b->remote, media, &a))
        rq->remote_rtcp = a;
    put_codecs(rq, m, b->remote, media);
    put_ssrcs(rq, b->remote, media);
    sdp_keying_text(text, b->remote, media);
}

/* "sip:" is not said here; names of the store are short enough. */
static bool put_name(char dst[MEDIA_NAME_MAX], const char *name, const char *domain)
{
    int n = snprintf(dst, MEDIA_NAME_MAX, "%s%s%s", name, *name ? "@" : "", domain);
    return n > 0 && n < MEDIA_NAME_MAX;
}

/* MIKEY's side of the leg's user. A key that cannot be read is none that may be done without. */
static int put_mikey(struct media_request *rq, const struct leg_media *m)
{
    const struct call_config *cfg = cfg_of(m);
    const struct call_user *who = &m->leg->user;
    struct store_mikey asked = {.cert = false};
    if (!memchr(rq->policy.keyings, KEYING_MIKEY, rq->policy.keying_count) || !who->name)
        return 0;
    rq->mikey.clear_allowed = transport_kind_is_secure(m->leg->flow.kind);
    if (!put_name(rq->mikey.self, "", who->domain) ||
        !put_name(rq->mikey.peer, who->name, who->domain))
        return -EMSGSIZE;
    int r = cfg->mikey ? cfg->mikey(cfg->arg, slice_from_str(who->name),
                                    slice_from_str(who->domain), &asked)
                       : -ENODATA;
    if (r == 0) {
        rq->mikey.cert_required = asked.cert;
        rq->mikey.psk_n = (uint8_t)asked.psk.n;
        memcpy(rq->mikey.psk, asked.psk.b, asked.psk.n);
        secret_fini(&asked.psk);
    }
    return r == -ENODATA ? 0 : r;
}

static uint64_t peer_endpoint(const struct leg_media_batch *b, size_t i)
{
    if (!b->peer || !b->map)
        return 0;
    if (!b->map_reverse)
        return i < b->map->count && b->map->to[i] >= 0
                   ? leg_media_stream(b->peer, (size_t)b->map->to[i])->endpoint
                   : 0;
    for (size_t k = 0; k < b->map->count; k++) {
        if (b->map->to[k] == (int)i)
            return leg_media_stream(b->peer, k)->endpoint;
    }
    return 0;
}

/* The first of our bundle's streams. */
static int bundle_owner(const struct leg_media *m, uint8_t mask)
{
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        const struct leg_stream *s = leg_media_stream(m, i);
        if (s->endpoint ? s->bundle == i + 1 : mask >> i & 1)
            return (int)i;
    }
    return -1;
}

/* A new stream's place: by the peer's BUNDLE group, or in our own offer by what its phone is. */
static void bundle_join(struct leg_media *m, const struct leg_media_batch *b, size_t i)
{
    int owner = -1;

    if (b->ops & MEDIA_OP_REMOTE)
        owner = b->is_offer ? sdp_bundle_owner(b->remote, i, b->mask) : -1;
    else if (b->shape && b->shape->bundle)
        owner = bundle_owner(m, b->mask);
    place(m, i)->bundle = (uint8_t)(owner + 1);
    struct leg_stream *first = owner >= 0 ? leg_media_stream_make(m, (size_t)owner) : NULL;
    if (first)
        first->bundle = (uint8_t)(owner + 1);
}

static int start_one(struct leg_media *m, const struct leg_media_batch *b, size_t i)
{
    struct leg_stream *s = leg_media_stream_make(m, i);
    char text[MEDIA_TEXT_MAX];
    struct buf tb = buf_over(text, sizeof(text));
    if (!s)
        return -ENOMEM;
    struct media_request rq = {
        .ops = b->ops,
        .endpoint = s->endpoint,
        .call = m->leg->call->id,
        .leg = m->leg->index,
        .stream = (uint16_t)i,
        .local = b->local,
        .other = *media_client_other(client_of(m), &b->local),
        .rtcp_mux = s->rtcp_mux || (b->shape && b->shape->mux), /* agreed once: not unlearned */
        .ice = b->shape && b->shape->ice,
        .mode = b->mode,
        .path = m->path,
    };
    if (b->ops & MEDIA_OP_OPEN && !s->endpoint)
        bundle_join(m, b, i);
    if (s->bundle != i + 1)
        rq.bundle = s->bundle;
    if (b->policy)
        rq.policy = *b->policy;
    if (b->ops & MEDIA_OP_REMOTE)
        put_remote(&rq, m, b, i, &tb);
    if (b->ops & MEDIA_OP_CONNECT && b->mode == MEDIA_MODE_RELAY) {
        rq.peer = peer_endpoint(b, i);
        if (rq.peer == 0)
            rq.mode = MEDIA_MODE_NONE;
    }
    if (tb.overflow)
        return -EMSGSIZE;
    int r = put_mikey(&rq, m);
    if (r == 0)
        r = media_client_request(client_of(m), &rq, buf_slice(&tb), on_reply, s, &s->request);
    else
        log_event(LOG_ERROR, "mikey_key_not_read", LOG_ERRNO(r), LOG_ID("call", m->leg->call->id));
    secret_wipe(&rq.mikey, sizeof(rq.mikey));
    count(s);
    return r;
}

int leg_media_start(struct leg_media *m, const struct leg_media_batch *b, leg_media_fn *done,
                    void *arg)
{
    if (m->waiting > 0)
        return -EBUSY;
    m->status = MEDIA_STATUS_OK;
    why_set(m, SLICE_NONE);
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        bool wanted = b->mask & (1u << i);
        bool has = leg_media_stream(m, i)->endpoint != 0 || (b->ops & MEDIA_OP_OPEN);
        if (!wanted || !has)
            continue;
        int r = start_one(m, b, i);
        if (r < 0) {
            leg_media_cancel(m);
            return r;
        }
        m->waiting++;
    }
    m->ops = b->ops;
    m->done = done;
    m->arg = arg;
    return m->waiting;
}

int leg_media_digit(struct leg_media *m, size_t stream, uint8_t event, uint16_t ms)
{
    struct media_request rq = {.ops = MEDIA_OP_EVENT,
                               .endpoint = leg_media_stream(m, stream)->endpoint,
                               .event = event,
                               .event_ms = ms};
    return media_client_tell(client_of(m), &rq);
}

int leg_media_takes_info(struct leg_media *m)
{
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        struct media_request rq = {.ops = MEDIA_OP_INFO,
                                   .endpoint = leg_media_stream(m, i)->endpoint};
        int r = rq.endpoint ? media_client_tell(client_of(m), &rq) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

int leg_media_announce(struct leg_media *m, enum media_announcement what)
{
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        struct media_request rq = {.ops = MEDIA_OP_ANNOUNCE,
                                   .endpoint = leg_media_stream(m, i)->endpoint,
                                   .announcement = (uint8_t)what};
        if (rq.endpoint)
            return media_client_tell(client_of(m), &rq);
    }
    return 0;
}

int leg_media_verify(struct leg_media *m, bool verified)
{
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        const struct leg_stream *s = leg_media_stream(m, i);
        struct media_request rq = {
            .ops = MEDIA_OP_VERIFY, .endpoint = s->endpoint, .verified = verified};
        if (s->endpoint)
            return s->protection.sas[0] ? media_client_tell(client_of(m), &rq) : -ENOENT;
    }
    return -ENOENT;
}

uint8_t leg_media_mask(const struct sdp *d)
{
    unsigned mask = 0;
    for (size_t i = 0; i < d->media_count; i++) {
        const struct sdp_media *media = &d->media[i];
        bool relayed = media->kind == SDP_AUDIO || media->kind == SDP_VIDEO;
        if (relayed && media->port != 0 && media->proto != SDP_PROTO_OTHER)
            mask |= 1u << i;
    }
    return (uint8_t)mask;
}

uint8_t leg_media_mask_map(uint8_t mask, const struct sdp_leg_map *map)
{
    unsigned out = 0;
    for (size_t i = 0; i < map->count; i++) {
        if (mask & (1u << i) && map->to[i] >= 0)
            out |= 1u << map->to[i];
    }
    return (uint8_t)out;
}

void leg_media_fill_plan(const struct leg_media *m, struct sdp_leg_plan *plan)
{
    for (size_t i = 0; i < plan->media_count; i++) {
        const struct leg_stream *s = leg_media_stream(m, i);
        struct sdp_leg_media *out = &plan->media[i];
        if (!s->endpoint) {
            out->refuse = true;
            continue;
        }
        if (m->path == MEDIA_PATH_RELAY) /* else it is the other phone's */
            out->proto = s->proto;
        out->rtcp_mux = s->rtcp_mux;
        out->bundled = s->bundle != 0;
        out->rtp = out->rtcp = s->rtp;
        addr_set_port(&out->rtcp, s->rtcp_port);
        out->keying = slice_from(s->text, s->text_n);
    }
}
