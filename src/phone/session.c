#include "phone/session.h"

#include <assert.h>

#include "base/secret.h"
#include "crypto/hash.h"

#define KEYING_TEXT_LEN 2048

static_assert((int)SDP_AVP == (int)KEYING_AVP &&
                  (int)SDP_UDP_TLS_SAVPF == (int)KEYING_UDP_TLS_SAVPF,
              "same order of proto");

/* --- options ---------------------------------------------------------------------------------- */

/* "sdes", "dtls", "none"; with none beside others encryption is offered and not insisted on. */
int phone_session_set_keying(struct phone_session *s, const char *list)
{
    struct keying_policy p = s->policy;
    struct slice rest = slice_from_str(list);
    bool none = false;

    p.keying_count = 0;
    while (rest.n) {
        enum keying_kind k;
        if (keying_parse(slice_trim(slice_cut(&rest, ',')), &k) < 0)
            return -EINVAL;
        none = none || k == KEYING_NONE;
        if (k == KEYING_NONE)
            continue;
        if (!keying_find(k) || p.keying_count == ARRAY_LEN(p.keyings))
            return -EINVAL;
        p.keyings[p.keying_count++] = (uint8_t)k;
    }
    if (!none && !p.keying_count)
        return -EINVAL;
    p.protection = (uint8_t)(!p.keying_count ? PROTECTION_OFF
                             : none          ? PROTECTION_PREFERRED
                                             : PROTECTION_REQUIRED);
    s->policy = p;
    return 0;
}

int phone_session_set_suite(struct phone_session *s, const char *list)
{
    struct slice rest = slice_from_str(list);
    struct keying_policy p = s->policy;

    p.suite_count = 0;
    while (rest.n) {
        enum srtp_suite suite = srtp_suite_from_name(slice_trim(slice_cut(&rest, ',')));
        if (suite == SRTP_SUITE_NONE || p.suite_count == ARRAY_LEN(p.suites))
            return -EINVAL;
        p.suites[p.suite_count++] = (uint8_t)suite;
    }
    s->policy = p;
    return p.suite_count ? 0 : -EINVAL;
}

int phone_session_set_codec(struct phone_session *s, const char *list)
{
    static const struct slice known[SESSION_CODECS_MAX] = {
        {"PCMA", 4}, {"PCMU", 4}, {"G722", 4}, {"opus", 4}, {"L16", 3}};
    struct slice rest = slice_from_str(list), found[SESSION_CODECS_MAX];
    size_t n = 0;

    while (rest.n) {
        struct slice name = slice_trim(slice_cut(&rest, ','));
        size_t i = 0;
        while (i < ARRAY_LEN(known) && !slice_eq_nocase(known[i], name))
            i++;
        if (i == ARRAY_LEN(known) || n == ARRAY_LEN(found))
            return -EINVAL;
        found[n++] = known[i];
    }
    if (n == 0)
        return -EINVAL;
    memcpy(s->codecs, found, sizeof(found));
    s->codec_count = n;
    return 0;
}

void phone_session_init(struct phone_session *s)
{
    crypto_random(&s->id, sizeof(s->id));
    s->id &= 0x7fffffffffffffull; /* fits what others read as a signed number */
    s->wants = SDP_SENDRECV;
    s->policy.gcm = true;
}

void phone_session_fini(struct phone_session *s)
{
    keying_state_wipe(&s->keying);
    secret_wipe(s->last, sizeof(s->last));
    secret_fini(&s->mikey.psk);
}

/* What keying must be told anew for each description. */
static const struct keying_policy *policy_now(struct phone_session *s)
{
    s->mikey.unix_s = s->loop ? loop_unix_now(s->loop) : 0;
    s->mikey.call = s->id;
    s->policy.mikey = &s->mikey;
    return &s->policy;
}

/* --- printing --------------------------------------------------------------------------------- */

static void fill_plan(const struct phone_session *s, struct sdp_leg_plan *plan, size_t media,
                      const struct keying_result *k, struct slice keying, bool rtcp_mux)
{
    struct sdp_leg_media *lm = &plan->media[media];

    lm->rtcp_mux = rtcp_mux;
    plan->session_id = s->id;
    plan->last = slice_from(s->last, s->last_n);
    plan->address = s->rtp;
    plan->codecs = s->codecs;
    plan->codec_count = s->codec_count;
    plan->ptime = s->ptime;
    plan->no_events = s->no_events;
    lm->direction_set = true;
    lm->direction = (uint8_t)s->wants;
    lm->proto = k->proto;
    lm->rtp = s->rtp;
    lm->rtcp = s->rtcp;
    lm->keying = keying;
}

static const char *keep_text(struct phone_session *s, const struct buf *b, struct slice *ret_text)
{
    if (b->overflow || b->n > sizeof(s->last))
        return "the description does not fit";
    memcpy(s->last, b->p, b->n);
    s->last_n = b->n;
    *ret_text = slice_from(s->last, s->last_n);
    return NULL;
}

/* Takes over what the negotiator proposes, and wipes the copy. */
static void keep_keying(struct phone_session *s, struct keying_state *next)
{
    s->keying = *next;
    keying_state_wipe(next);
}

static const char *why_of(int verdict, const struct keying_result *k)
{
    return verdict < 0 ? "the keys do not fit into the description" : k->why;
}

const char *phone_session_offer(struct phone_session *s, struct slice *ret_text)
{
    char keying[KEYING_TEXT_LEN], text[SESSION_TEXT_MAX];
    struct buf kb = buf_over(keying, sizeof(keying)), b = buf_over(text, sizeof(text));
    struct sdp_leg_plan plan = {.media_count = 1};
    struct keying_state next;
    struct keying_result k = {0};
    int v = keying_local_offer(&s->keying, policy_now(s), &kb, &next, &k);

    if (v != KEYING_OK)
        return why_of(v, &k);
    if (s->ice)
        phone_ice_put(&kb, s->ice, s->offers_mux);
    fill_plan(s, &plan, 0, &k, buf_slice(&kb), s->offers_mux);
    sdp_own_print_offer(&b, &plan);
    const char *why = keep_text(s, &b, ret_text);
    if (why)
        keying_state_wipe(&next);
    else
        keep_keying(s, &next);
    secret_wipe(keying, sizeof(keying));
    secret_wipe(text, sizeof(text));
    return why;
}

/* --- agreeing --------------------------------------------------------------------------------- */

void phone_session_moved(struct phone_session *s)
{
    if (!s->ice || !s->ice->on)
        return;
    s->terms.rtp = s->ice->selected[0];
    s->terms.rtcp = s->ice->selected[s->terms.rtcp_mux ? 0 : 1];
}

/* All that our description says may come. */
static void set_hears(struct phone_media_terms *t, const struct sdp *ours)
{
    struct sdp_codec all[SDP_FORMAT_MAX];
    const struct sdp_media *m = &ours->media[0];
    size_t n = sdp_codecs(ours, m, all, SDP_FORMAT_MAX);

    for (size_t i = 0; i < n && t->hear_count < PHONE_HEARS_MAX; i++) {
        struct phone_payload *p = &t->hears[t->hear_count];
        p->pt = all[i].pt;
        p->is_event = slice_eq_str(SLICE_LIT("TELEPHONE-EVENT"), all[i].name);
        if (p->is_event || codec_format_of(all[i].name, all[i].clock, all[i].channels, &p->format))
            t->hear_count++;
    }
}

/* What both descriptions together mean for our media. */
static const char *set_terms(struct phone_session *s, const struct sdp *remote,
                             const struct sdp_media *m, const struct sdp_codec *codecs,
                             size_t codec_count, const struct keying_result *k, bool rtcp_mux)
{
    struct phone_media_terms t = {.pt = codecs[0].pt, .event_pt = PHONE_PT_NONE};
    struct sdp_opus opus;
    enum sdp_direction theirs = sdp_direction_of(remote, m);
    bool we_send = s->wants == SDP_SENDRECV || s->wants == SDP_SENDONLY;
    bool we_hear = s->wants == SDP_SENDRECV || s->wants == SDP_RECVONLY;

    if (!sdp_rtp_addr(remote, m, &t.rtp))
        t.rtp = (struct addr){0};
    if (!sdp_rtcp_addr(remote, m, &t.rtcp))
        t.rtcp = (struct addr){0};
    if (codec_count > 1) {
        t.event_pt = codecs[1].pt;
        t.event_clock = codecs[1].clock;
    }
    if (!codec_format_of(codecs[0].name, codecs[0].clock, codecs[0].channels, &t.format))
        return "the codec is not spoken in this form";
    sdp_opus_parse(sdp_fmtp(remote, m, codecs[0].pt), &opus);
    t.format.fec = opus.fec;
    t.format.cbr = opus.cbr;
    t.format.bitrate = opus.bitrate;
    t.ptime = s->ptime ? s->ptime : codecs[0].ptime;
    t.send = we_send && (theirs == SDP_SENDRECV || theirs == SDP_RECVONLY);
    t.receive = we_hear && (theirs == SDP_SENDRECV || theirs == SDP_SENDONLY);
    t.secure = k->encrypted;
    t.rtcp_mux = rtcp_mux;
    t.rtcp_apart = keying_state_rtcp_apart(&s->keying, rtcp_mux);
    t.tx = &s->keying.tx;
    t.rx = &s->keying.rx;
    t.rtcp_tx = &s->keying.rtcp_tx;
    t.rtcp_rx = &s->keying.rtcp_rx;
    memcpy(s->codec, codecs[0].name, sizeof(s->codec));
    s->terms = t;
    s->agreed = true;
    phone_session_moved(s);
    return NULL;
}

const char *phone_session_answer(struct phone_session *s, struct slice offer,
                                 struct slice *ret_text)
{
    struct sdp d;
    struct sdp_own_choice c;
    struct sdp_leg_plan plan;
    char remote[KEYING_TEXT_LEN * 2], keying[KEYING_TEXT_LEN], text[SESSION_TEXT_MAX];
    struct buf rb = buf_over(remote, sizeof(remote)), kb = buf_over(keying, sizeof(keying)),
               b = buf_over(text, sizeof(text));
    struct keying_state next;
    struct keying_result k = {0};
    int v = sdp_parse(offer, &d);

    if (v != SDP_OK)
        return sdp_verdict_why((enum sdp_verdict)v);
    v = sdp_own_choose(&d, s->policy.protection != PROTECTION_OFF, s->codecs, s->codec_count, &c);
    if (v != SDP_OWN_OK)
        return v == SDP_OWN_NO_AUDIO ? "the offer holds no audio" : "no codec in common";
    if (s->no_events)
        c.codec_count = 1;
    const struct sdp_media *m = &d.media[c.media];
    sdp_keying_text(&rb, &d, m);
    if (m->proto >= SDP_PROTO_OTHER || rb.overflow)
        return "the offer's transport is not spoken here";
    v = keying_remote_offer(&s->keying, policy_now(s), (enum keying_proto)m->proto, buf_slice(&rb),
                            &kb, &next, &k);
    if (v != KEYING_OK)
        return why_of(v, &k);
    sdp_own_plan_answer(&d, &c, &plan);
    bool rtcp_mux = sdp_rtcp_mux(&d, m);
    if (s->ice && sdp_attr_effective(&d, m, SDP_A_ICE_UFRAG))
        phone_ice_put(&kb, s->ice, rtcp_mux);
    fill_plan(s, &plan, c.media, &k, buf_slice(&kb), rtcp_mux);
    sdp_own_print_answer(&b, &c, &plan);
    const char *why = keep_text(s, &b, ret_text);
    if (!why) {
        s->keying = next;
        if (s->ice)
            phone_ice_take(s->ice, &d, m, false, rtcp_mux);
        why = set_terms(s, &d, m, c.codecs, c.codec_count, &k, rtcp_mux);
    }
    keying_state_wipe(&next);
    secret_wipe(keying, sizeof(keying));
    secret_wipe(text, sizeof(text));
    return why;
}

/* The answer's first codec that we offered, and its events. */
static size_t answered_codecs(const struct phone_session *s, const struct sdp *d,
                              const struct sdp_media *m, struct sdp_codec ret[2])
{
    struct sdp_codec all[SDP_FORMAT_MAX];
    size_t n = sdp_codecs(d, m, all, SDP_FORMAT_MAX), found = 0;

    for (size_t i = 0; i < n && !found; i++) {
        for (size_t k = 0; k < s->codec_count && !found; k++) {
            if (slice_eq_nocase_str(s->codecs[k], all[i].name) &&
                sdp_codec_is_convertible(&all[i])) {
                ret[0] = all[i];
                found = 1;
            }
        }
    }
    for (size_t i = 0; i < n && found == 1 && !s->no_events; i++) {
        if (slice_eq_str(SLICE_LIT("TELEPHONE-EVENT"), all[i].name) && all[i].clock == ret[0].clock)
            ret[found++] = all[i];
    }
    return found;
}

const char *phone_session_accept(struct phone_session *s, struct slice answer)
{
    struct sdp ours, d;
    struct sdp_codec codecs[2];
    char remote[KEYING_TEXT_LEN * 2];
    struct buf rb = buf_over(remote, sizeof(remote));
    struct keying_state next;
    struct keying_result k = {0};
    int v = sdp_parse(answer, &d);

    if (v != SDP_OK)
        return sdp_verdict_why((enum sdp_verdict)v);
    if (sdp_parse(slice_from(s->last, s->last_n), &ours) != SDP_OK)
        return "an answer without an offer";
    v = sdp_answer_check(&ours, &d);
    if (v != SDP_FIT_OK)
        return sdp_fit_why((enum sdp_fit)v);
    const struct sdp_media *m = &d.media[0];
    size_t n = m->port ? answered_codecs(s, &d, m, codecs) : 0;
    if (n == 0)
        return m->port ? "the answer holds no codec that was offered"
                       : "the peer refused the audio";
    sdp_keying_text(&rb, &d, m);
    if (m->proto >= SDP_PROTO_OTHER || rb.overflow)
        return "the answer's transport was not offered";
    v = keying_remote_answer(&s->keying, policy_now(s), (enum keying_proto)m->proto, buf_slice(&rb),
                             &next, &k);
    if (v != KEYING_OK)
        return why_of(v, &k);
    keep_keying(s, &next);
    bool rtcp_mux = s->offers_mux && sdp_rtcp_mux(&d, m);
    if (s->ice)
        phone_ice_take(s->ice, &d, m, true, rtcp_mux);
    const char *why = set_terms(s, &d, m, codecs, n, &k, rtcp_mux);
    if (!why)
        set_hears(&s->terms, &ours);
    return why;
}
