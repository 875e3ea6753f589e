/* Our description towards one leg out of the other leg's. */
#include "sdp/leg.h"

#include "sdp/attr.h"
#include "sdp/print.h"

bool sdp_attr_is_keying(enum sdp_attr_id id)
{
    return id >= SDP_A_CRYPTO && id <= SDP_A_RTCP_MUX_ONLY;
}

bool sdp_attr_is_crossing(enum sdp_attr_id id, unsigned kinds)
{
    static const uint8_t kind_of[] = {
        [SDP_A_CRYPTO] = KEYING_SDES,    [SDP_A_FINGERPRINT] = KEYING_DTLS,
        [SDP_A_SETUP] = KEYING_DTLS,     [SDP_A_CONNECTION] = KEYING_DTLS,
        [SDP_A_TLS_ID] = KEYING_DTLS,    [SDP_A_ZRTP_HASH] = KEYING_ZRTP,
        [SDP_A_KEY_MGMT] = KEYING_MIKEY,
    };
    unsigned kind = (size_t)id < ARRAY_LEN(kind_of) ? kind_of[id] : KEYING_NONE;
    return kind != KEYING_NONE && kinds & 1u << kind;
}

static bool crosses_untouched(enum sdp_attr_id id, const struct sdp_leg_plan *plan)
{
    bool of_transport = id >= SDP_A_ICE_UFRAG && id <= SDP_A_RTCP_MUX_ONLY;
    return sdp_attr_is_crossing(id, plan->crossing) || (plan->direct && of_transport);
}

/* ssrc, msid: the relay may renumber streams, and they would carry one peer's names to the other.
 * mid, group: each leg has its own m-lines and ports, nothing is bundled across. Capability
 * negotiation (RFC 5939) and encryption name keying that the other leg does not have. */
bool sdp_attr_is_local(enum sdp_attr_id id)
{
    return id >= SDP_A_SSRC && id <= SDP_A_ENCRYPTION;
}

const struct sdp_attr *sdp_keying_next(const struct sdp *d, const struct sdp_media *m,
                                       size_t *cursor)
{
    const size_t own = m->attr_count, all = own + d->attr_count;

    while (*cursor < all) {
        size_t i = (*cursor)++;
        const struct sdp_attr *a = i < own ? &d->attrs[m->attr_first + i] : &d->attrs[i - own];
        enum sdp_attr_id id = (enum sdp_attr_id)a->id;
        if (sdp_attr_is_keying(id) && (i < own || !sdp_attr_find(d, m, id)))
            return a;
    }
    return NULL;
}

/* A session's key-mgmt is for all its m-lines in turn, which the media role must know: it is told by
 * another name, which no description can say, for it is not one of ours. */
static void put_keying(struct buf *b, const struct sdp_attr *a, bool of_session)
{
    if (!of_session || a->id != SDP_A_KEY_MGMT) {
        sdp_put_attr(b, slice_from(a->line, a->line_n));
        return;
    }
    BUF_PUT_LIT(b, "a=session-");
    buf_put(b, a->line, a->line_n);
    BUF_PUT_LIT(b, "\r\n");
}

void sdp_keying_text(struct buf *b, const struct sdp *d, const struct sdp_media *m)
{
    size_t cursor = 0;
    const struct sdp_attr *a;

    while ((a = sdp_keying_next(d, m, &cursor))) {
        if (a->id != SDP_A_CANDIDATE && a->id != SDP_A_REMOTE_CANDIDATES)
            put_keying(b, a,
                       a < &d->attrs[m->attr_first] ||
                           a >= &d->attrs[m->attr_first] + m->attr_count);
    }
}

static bool is_pair(const struct sdp_media *a, const struct sdp_media *b)
{
    if (a->kind != b->kind || a->kind > SDP_VIDEO || a->proto == SDP_PROTO_OTHER ||
        b->proto == SDP_PROTO_OTHER ||
        sdp_proto_is_secure((enum sdp_proto)a->proto) ==
            sdp_proto_is_secure((enum sdp_proto)b->proto))
        return false;
    for (size_t i = 0; i < a->pt_count; i++) {
        if (memchr(b->pt, a->pt[i], b->pt_count))
            return true;
    }
    return false;
}

/* All pairs, the earliest lines first. The port plays no part: in a re-offer the line that was
 * refused has port 0, and the pair must still be found for the map to stay the same. */
static void pairs_find(const struct sdp *d, int8_t pair[SDP_MEDIA_MAX])
{
    memset(pair, -1, SDP_MEDIA_MAX);
    for (size_t i = 0; i < d->media_count; i++) {
        for (size_t j = i + 1; j < d->media_count && pair[i] < 0; j++) {
            if (pair[j] < 0 && is_pair(&d->media[i], &d->media[j])) {
                pair[i] = (int8_t)j;
                pair[j] = (int8_t)i;
            }
        }
    }
}

int sdp_media_pair(const struct sdp *d, size_t i)
{
    int8_t pair[SDP_MEDIA_MAX];

    pairs_find(d, pair);
    return pair[i];
}

/* Of m-line i and its partner: is i the one that goes on? */
static bool is_chosen(const struct sdp *d, size_t i, int partner, bool secure)
{
    if (partner < 0)
        return true;
    const struct sdp_media *m = &d->media[i], *p = &d->media[partner];
    if ((m->port == 0) != (p->port == 0))
        return m->port != 0;
    return sdp_proto_is_secure((enum sdp_proto)m->proto) == secure;
}

void sdp_leg_map(const struct sdp *offer, bool secure, struct sdp_leg_map *ret)
{
    int8_t pair[SDP_MEDIA_MAX];

    pairs_find(offer, pair);
    ret->count = offer->media_count;
    ret->forwarded = 0;
    memset(ret->to, -1, sizeof(ret->to));
    for (size_t i = 0; i < offer->media_count; i++) {
        /* Only RTP is relayed: fax over UDPTL and data channels could not be protected. */
        if (offer->media[i].proto == SDP_PROTO_OTHER || (pair[i] >= 0 && (size_t)pair[i] < i))
            continue;
        size_t chosen = is_chosen(offer, i, pair[i], secure) ? i : (size_t)pair[i];
        ret->to[chosen] = (int8_t)ret->forwarded++;
    }
}

void sdp_leg_plan_offer(const struct sdp *other, const struct sdp_leg_map *map,
                        struct sdp_leg_plan *ret)
{
    *ret = (struct sdp_leg_plan){.media_count = map->forwarded};
    for (size_t i = 0; i < map->count; i++) {
        if (map->to[i] < 0)
            continue;
        struct sdp_leg_media *lm = &ret->media[map->to[i]];
        lm->other = (int8_t)i;
        lm->refuse = other->media[i].port == 0;
        lm->proto = other->media[i].proto;
    }
}

void sdp_leg_plan_answer(const struct sdp *offer, const struct sdp *other,
                         const struct sdp_leg_map *map, struct sdp_leg_plan *ret)
{
    *ret = (struct sdp_leg_plan){.media_count = offer->media_count, .offer = offer};
    for (size_t i = 0; i < offer->media_count; i++) {
        struct sdp_leg_media *lm = &ret->media[i];
        int to = i < map->count ? map->to[i] : -1;
        lm->other = to >= 0 && to < other->media_count ? (int8_t)to : -1;
        lm->refuse =
            lm->other < 0 || other->media[lm->other].port == 0 || offer->media[i].port == 0;
        lm->proto = offer->media[i].proto;
    }
}

static bool codec_is(const struct sdp_codec *c, struct slice want)
{
    struct slice name = slice_cut(&want, '/'), clock = slice_cut(&want, '/');
    uint32_t hz = 0;

    if (!slice_eq_nocase_str(name, c->name))
        return false;
    return clock.n == 0 || (slice_to_u32(clock, &hz) == 0 && hz == c->clock);
}

static bool is_companion(const struct sdp_codec *c)
{
    struct slice name = slice_from_str(c->name);
    return slice_eq(name, SLICE_LIT("TELEPHONE-EVENT")) || slice_eq(name, SLICE_LIT("CN"));
}

struct filter {
    const struct sdp_codec *codecs;
    size_t codec_count;
    bool taken[SDP_FORMAT_MAX];
    uint8_t *pt;
    size_t n;
};

static void filter_take(struct filter *f, size_t i)
{
    f->taken[i] = true;
    f->pt[f->n++] = f->codecs[i].pt;
}

static bool filter_has_clock(const struct filter *f, uint32_t clock)
{
    for (size_t i = 0; i < f->codec_count; i++) {
        if (f->taken[i] && !is_companion(&f->codecs[i]) && f->codecs[i].clock == clock)
            return true;
    }
    return false;
}

size_t sdp_codecs_filter(const struct sdp *d, const struct sdp_media *m, const struct slice *codecs,
                         size_t codec_count, uint8_t ret_pt[SDP_FORMAT_MAX])
{
    struct sdp_codec all[SDP_FORMAT_MAX];

    if (codec_count == 0 || m->kind != SDP_AUDIO) {
        memcpy(ret_pt, m->pt, m->pt_count);
        return m->pt_count;
    }
    struct filter f = {.codecs = all, .pt = ret_pt};
    f.codec_count = sdp_codecs(d, m, all, SDP_FORMAT_MAX);
    for (size_t k = 0; k < codec_count; k++) {
        for (size_t i = 0; i < f.codec_count; i++) {
            if (!f.taken[i] && codec_is(&all[i], codecs[k]))
                filter_take(&f, i);
        }
    }
    for (size_t i = 0; i < f.codec_count; i++) {
        if (!f.taken[i] && is_companion(&all[i]) && filter_has_clock(&f, all[i].clock))
            filter_take(&f, i);
    }
    return f.n;
}

/* Does an attribute of `m` cross to a leg that has these payload types and is to be told by
 * m-line i of the plan? */
static bool attr_crosses(const struct sdp_attr *a, const struct sdp_media *m, const uint8_t *pt,
                         size_t pt_count, const struct sdp_leg_plan *plan, size_t i)
{
    enum sdp_attr_id id = (enum sdp_attr_id)a->id;
    struct slice value = sdp_attr_value(a);

    if (crosses_untouched(id, plan))
        return true;
    if (sdp_attr_is_keying(id) || sdp_attr_is_local(id) ||
        (id >= SDP_A_SENDRECV && id <= SDP_A_INACTIVE))
        return false;
    if (!sdp_mutual_crosses(a, m, plan, i))
        return false;
    if (id != SDP_A_RTPMAP && id != SDP_A_FMTP && id != SDP_A_RTCP_FB)
        return true;
    int of = sdp_attr_pt(&value);
    return of < 0 ? id == SDP_A_RTCP_FB : memchr(pt, of, pt_count) != NULL;
}

struct formats {
    uint8_t pt[SDP_FORMAT_MAX]; /* of the other leg's m-line */
    size_t n;
    struct sdp_extra extras[SDP_OWN_ALL];
    size_t extra_count;
};

static void put_live(struct buf *b, const struct sdp *other, const struct sdp_leg_plan *plan,
                     size_t i, const struct formats *f)
{
    const struct sdp_leg_media *lm = &plan->media[i];
    const struct sdp_media *m = &other->media[lm->other];
    enum sdp_proto proto = (enum sdp_proto)lm->proto;
    size_t n;
    const struct sdp_attr *a = sdp_attrs(other, m, &n);

    sdp_put_m_line(b, m->kind_text, addr_port(&lm->rtp), sdp_proto_name(proto));
    for (size_t k = 0; k < f->n; k++) {
        buf_put_char(b, ' ');
        buf_put_u64(b, f->pt[k]);
    }
    for (size_t k = 0; k < f->extra_count; k++) {
        buf_put_char(b, ' ');
        buf_put_u64(b, f->extras[k].pt);
    }
    BUF_PUT_LIT(b, "\r\n");
    sdp_put_media_connection(b, plan, lm);
    for (size_t k = 0; k < m->bandwidth_count; k++) {
        BUF_PUT_LIT(b, "b=");
        buf_put_slice(b, m->bandwidth[k]);
        BUF_PUT_LIT(b, "\r\n");
    }
    for (size_t k = 0; k < n; k++) {
        if (attr_crosses(&a[k], m, f->pt, f->n, plan, i))
            sdp_put_attr(b, slice_from(a[k].line, a[k].line_n));
    }
    for (size_t k = 0; k < f->extra_count; k++)
        sdp_put_own_codec(b, &sdp_own_codecs[f->extras[k].own], f->extras[k].pt);
    sdp_put_transport(b, plan, i, sdp_leg_direction(plan, i, sdp_direction_of(other, m)));
}

enum fate { REFUSED, LIVE, CONVERTED };

/* What becomes of m-line i, and with which formats: of the other leg's and ours (LIVE), or of the
 * offer alone (CONVERTED). */
static enum fate fate_of(const struct sdp *other, const struct sdp_leg_plan *plan, size_t i,
                         struct formats *f, struct sdp_own_choice *c)
{
    const struct sdp_leg_media *lm = &plan->media[i];
    if (lm->other < 0 || lm->refuse)
        return REFUSED;
    const struct sdp_media *from = &other->media[lm->other];
    bool converts = plan->transcode && from->kind == SDP_AUDIO;

    f->n = sdp_codecs_filter(other, from, plan->codecs, plan->codec_count, f->pt);
    if (converts && plan->offer)
        f->n = sdp_offered_only(other, from, plan->offer, &plan->offer->media[i], f->pt, f->n);
    else if (converts)
        f->extra_count = sdp_extras(other, from, plan, f->pt, f->n, f->extras);
    if (converts && plan->offer && plan->events && f->n)
        f->extra_count = sdp_offered_events(other, from, plan->offer, &plan->offer->media[i], f->pt,
                                            f->n, f->extras);
    if (f->n || f->extra_count)
        return LIVE;
    *c = (struct sdp_own_choice){.media = (uint8_t)i};
    if (converts && plan->offer &&
        sdp_choose_codec(plan->offer, &plan->offer->media[i], plan->codecs, plan->codec_count, true,
                         c))
        return CONVERTED;
    return REFUSED;
}

static void put_media(struct buf *b, const struct sdp *other, const struct sdp_leg_plan *plan,
                      size_t i)
{
    const struct sdp_leg_media *lm = &plan->media[i];
    const struct sdp_media *from = lm->other >= 0 ? &other->media[lm->other] : NULL;
    struct formats f = {.n = 0};
    struct sdp_own_choice c;

    switch (fate_of(other, plan, i, &f, &c)) {
    case LIVE:
        put_live(b, other, plan, i, &f);
        break;
    case CONVERTED:
        sdp_put_chosen(b, &c, plan, sdp_direction_of(other, from));
        break;
    case REFUSED:
        sdp_put_refused(b, plan->offer, plan->offer ? &plan->offer->media[i] : from);
        break;
    }
}

static unsigned live_media(const struct sdp *other, const struct sdp_leg_plan *plan)
{
    unsigned live = 0;

    for (size_t i = 0; i < plan->media_count; i++) {
        struct formats f = {.n = 0};
        struct sdp_own_choice c;
        if (fate_of(other, plan, i, &f, &c) != REFUSED)
            live |= 1u << i;
    }
    return live;
}

static void put_body(struct buf *b, const void *arg, const struct sdp_leg_plan *plan)
{
    const struct sdp *other = (const struct sdp *)arg;

    sdp_put_session(b, plan, other);
    sdp_put_session_transport(b, plan, live_media(other, plan));
    for (size_t i = 0; i < other->attr_count; i++) {
        const struct sdp_attr *a = &other->attrs[i];
        enum sdp_attr_id id = (enum sdp_attr_id)a->id;
        bool crosses = !sdp_attr_is_keying(id) && !sdp_attr_is_local(id) &&
                       (id < SDP_A_SENDRECV || id > SDP_A_INACTIVE);
        if (crosses || crosses_untouched(id, plan))
            sdp_put_attr(b, slice_from(a->line, a->line_n));
    }
    for (size_t i = 0; i < plan->media_count; i++)
        put_media(b, other, plan, i);
    for (size_t i = plan->media_count; i < plan->pad_to && i < SDP_MEDIA_MAX; i++)
        sdp_put_refused(b, NULL, NULL);
}

void sdp_leg_print(struct buf *b, const struct sdp *other, const struct sdp_leg_plan *plan)
{
    sdp_put_versioned(b, plan, put_body, other);
}
