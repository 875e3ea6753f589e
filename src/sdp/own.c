/* Descriptions of our own: what a built-in target answers, and offers without a peer's. */
#include "sdp/attr.h"
#include "sdp/print.h"

const struct sdp_own_codec sdp_own_codecs[SDP_OWN_ALL] = {
    {"PCMA", 8, 8000, "PCMA/8000", NULL},
    {"PCMU", 0, 8000, "PCMU/8000", NULL},
    {"G722", 9, 8000, "G722/8000", NULL},
    {"opus", 111, 48000, "opus/48000/2", "useinbandfec=1"},
    {"L16", 112, 16000, "L16/16000",
     NULL}, /* ten times the others' bandwidth: where it is asked for */
    /* RFC 4733 s.2.3: events share the clock of the audio. */
    {"telephone-event", 101, 8000, "telephone-event/8000", "0-16"},
    {"telephone-event", 110, 48000, "telephone-event/48000", "0-16"},
    {"telephone-event", 113, 16000, "telephone-event/16000", "0-16"},
};

static bool own_is(const struct sdp_own_codec *c, struct slice want)
{
    struct slice name = slice_cut(&want, '/'), clock = slice_cut(&want, '/');
    uint32_t hz = 0;

    if (!slice_eq_nocase_str(name, c->name))
        return false;
    return clock.n == 0 || (slice_to_u32(clock, &hz) == 0 && hz == c->clock);
}

size_t sdp_own_list(const struct sdp_leg_plan *plan, uint8_t list[SDP_OWN_ALL])
{
    bool in[SDP_OWN_ALL] = {false};
    size_t n = 0;

    for (size_t k = 0; k < plan->codec_count; k++) {
        for (uint8_t i = 0; i < SDP_OWN_AUDIO; i++) {
            if (!in[i] && own_is(&sdp_own_codecs[i], plan->codecs[k])) {
                in[i] = true;
                list[n++] = i;
            }
        }
    }
    for (uint8_t i = 0; plan->codec_count == 0 && i < SDP_OWN_DEFAULT; i++)
        list[n++] = i;
    const size_t audio = n;
    for (uint8_t i = SDP_OWN_AUDIO; i < SDP_OWN_ALL && !plan->no_events; i++) {
        bool clock = false;
        for (size_t k = 0; k < audio; k++)
            clock = clock || sdp_own_codecs[list[k]].clock == sdp_own_codecs[i].clock;
        if (clock)
            list[n++] = i;
    }
    return n;
}

void sdp_put_own_codec(struct buf *b, const struct sdp_own_codec *c, uint8_t pt)
{
    BUF_PUT_LIT(b, "a=rtpmap:");
    buf_put_u64(b, pt);
    buf_put_char(b, ' ');
    buf_put_str(b, c->map);
    BUF_PUT_LIT(b, "\r\n");
    if (!c->fmtp)
        return;
    BUF_PUT_LIT(b, "a=fmtp:");
    buf_put_u64(b, pt);
    buf_put_char(b, ' ');
    buf_put_str(b, c->fmtp);
    BUF_PUT_LIT(b, "\r\n");
}

void sdp_put_ptime(struct buf *b, uint16_t ms)
{
    BUF_PUT_LIT(b, "a=ptime:");
    buf_put_u64(b, ms ? ms : 20);
    BUF_PUT_LIT(b, "\r\n");
}

static void put_own_media(struct buf *b, const struct sdp_leg_plan *plan)
{
    const struct sdp_leg_media *lm = &plan->media[0];
    uint8_t list[SDP_OWN_ALL];
    size_t n = sdp_own_list(plan, list);

    if (lm->refuse || n == 0) {
        sdp_put_refused(b, NULL, NULL);
        return;
    }
    sdp_put_m_line(b, SLICE_LIT("audio"), addr_port(&lm->rtp),
                   sdp_proto_name((enum sdp_proto)lm->proto));
    for (size_t i = 0; i < n; i++) {
        buf_put_char(b, ' ');
        buf_put_u64(b, sdp_own_codecs[list[i]].pt);
    }
    BUF_PUT_LIT(b, "\r\n");
    sdp_put_media_connection(b, plan, lm);
    for (size_t i = 0; i < n; i++)
        sdp_put_own_codec(b, &sdp_own_codecs[list[i]], sdp_own_codecs[list[i]].pt);
    sdp_put_ptime(b, plan->ptime);
    sdp_put_transport(b, plan, 0, sdp_leg_direction(plan, 0, SDP_SENDRECV));
}

static void put_offer_body(struct buf *b, const void *arg, const struct sdp_leg_plan *plan)
{
    (void)arg;
    sdp_put_session(b, plan, NULL);
    sdp_put_session_transport(b, plan, plan->media[0].refuse ? 0 : 1);
    put_own_media(b, plan);
    for (size_t i = 1; i < plan->pad_to && i < SDP_MEDIA_MAX; i++)
        sdp_put_refused(b, NULL, NULL);
}

void sdp_own_print_offer(struct buf *b, const struct sdp_leg_plan *plan)
{
    sdp_put_versioned(b, plan, put_offer_body, NULL);
}

static bool is_event(const struct sdp_codec *c)
{
    return slice_eq(slice_from_str(c->name), SLICE_LIT("TELEPHONE-EVENT"));
}

/* What fills the stream by itself: not events, comfort noise or redundancy. */
static bool is_audio_codec(const struct sdp_codec *c)
{
    struct slice name = slice_from_str(c->name);
    return !is_event(c) && !slice_eq(name, SLICE_LIT("CN")) && !slice_eq(name, SLICE_LIT("RED"));
}

bool sdp_choose_codec(const struct sdp *offer, const struct sdp_media *m,
                      const struct slice *codecs, size_t codec_count, bool convertible,
                      struct sdp_own_choice *ret)
{
    struct sdp_codec all[SDP_FORMAT_MAX];
    uint8_t allowed[SDP_FORMAT_MAX];
    size_t n = sdp_codecs(offer, m, all, SDP_FORMAT_MAX), chosen = n;
    size_t allowed_n = sdp_codecs_filter(offer, m, codecs, codec_count, allowed);

    /* The offerer's order, for the peer knows best what it likes (RFC 3264 s.6.1). */
    for (size_t i = 0; i < n && chosen == n; i++) {
        bool may = convertible ? sdp_codec_is_convertible(&all[i]) : is_audio_codec(&all[i]);
        if (may && memchr(allowed, all[i].pt, allowed_n))
            chosen = i;
    }
    if (chosen == n)
        return false;
    ret->codecs[0] = all[chosen];
    ret->codec_count = 1;
    for (size_t i = 0; i < n && ret->codec_count == 1; i++) {
        if (is_event(&all[i]) && all[i].clock == all[chosen].clock)
            ret->codecs[ret->codec_count++] = all[i];
    }
    return true;
}

int sdp_own_choose(const struct sdp *offer, bool secure, const struct slice *codecs,
                   size_t codec_count, struct sdp_own_choice *ret)
{
    struct sdp_leg_map map;
    int verdict = SDP_OWN_NO_AUDIO;

    sdp_leg_map(offer, secure, &map);
    for (size_t i = 0; i < offer->media_count; i++) {
        const struct sdp_media *m = &offer->media[i];
        if (map.to[i] < 0 || m->kind != SDP_AUDIO || m->port == 0)
            continue;
        struct sdp_own_choice c = {.media = (uint8_t)i};
        if (sdp_choose_codec(offer, m, codecs, codec_count, false, &c)) {
            *ret = c;
            return SDP_OWN_OK;
        }
        verdict = SDP_OWN_NO_CODEC;
    }
    return verdict;
}

void sdp_own_plan_answer(const struct sdp *offer, const struct sdp_own_choice *c,
                         struct sdp_leg_plan *ret)
{
    *ret = (struct sdp_leg_plan){.media_count = offer->media_count, .offer = offer};
    for (size_t i = 0; i < offer->media_count; i++) {
        ret->media[i].other = -1;
        ret->media[i].refuse = i != c->media;
        ret->media[i].proto = offer->media[i].proto;
    }
}

/* The offer's own lines about this payload type: the answer means the same by it. */
static void put_offered_lines(struct buf *b, const struct sdp *d, const struct sdp_media *m,
                              uint8_t pt)
{
    size_t n;
    const struct sdp_attr *a = sdp_attrs(d, m, &n);
    bool mapped = false;

    for (size_t i = 0; i < n; i++) {
        struct slice value = sdp_attr_value(&a[i]);
        if ((a[i].id != SDP_A_RTPMAP && a[i].id != SDP_A_FMTP) || sdp_attr_pt(&value) != pt)
            continue;
        mapped = mapped || a[i].id == SDP_A_RTPMAP;
        sdp_put_attr(b, slice_from(a[i].line, a[i].line_n));
    }
    const char *map = sdp_static_rtpmap(pt);
    if (mapped || !map)
        return;
    BUF_PUT_LIT(b, "a=rtpmap:");
    buf_put_u64(b, pt);
    buf_put_char(b, ' ');
    buf_put_str(b, map);
    BUF_PUT_LIT(b, "\r\n");
}

void sdp_put_chosen(struct buf *b, const struct sdp_own_choice *c, const struct sdp_leg_plan *plan,
                    enum sdp_direction said)
{
    const struct sdp_media *m = &plan->offer->media[c->media];
    const struct sdp_leg_media *lm = &plan->media[c->media];

    sdp_put_m_line(b, m->kind_text, addr_port(&lm->rtp), sdp_proto_name((enum sdp_proto)lm->proto));
    for (size_t i = 0; i < c->codec_count; i++) {
        buf_put_char(b, ' ');
        buf_put_u64(b, c->codecs[i].pt);
    }
    BUF_PUT_LIT(b, "\r\n");
    sdp_put_media_connection(b, plan, lm);
    for (size_t i = 0; i < c->codec_count; i++)
        put_offered_lines(b, plan->offer, m, c->codecs[i].pt);
    sdp_put_ptime(b, plan->ptime ? plan->ptime : c->codecs[0].ptime);
    sdp_put_transport(b, plan, c->media, sdp_leg_direction(plan, c->media, said));
}

static void put_answer_body(struct buf *b, const void *arg, const struct sdp_leg_plan *plan)
{
    const struct sdp_own_choice *c = (const struct sdp_own_choice *)arg;

    sdp_put_session(b, plan, NULL);
    sdp_put_session_transport(b, plan, plan->media[c->media].refuse ? 0 : 1u << c->media);
    for (size_t i = 0; i < plan->media_count; i++) {
        if (i == c->media && !plan->media[i].refuse)
            sdp_put_chosen(b, c, plan, SDP_SENDRECV);
        else
            sdp_put_refused(b, plan->offer, &plan->offer->media[i]);
    }
}

void sdp_own_print_answer(struct buf *b, const struct sdp_own_choice *c,
                          const struct sdp_leg_plan *plan)
{
    sdp_put_versioned(b, plan, put_answer_body, c);
}
