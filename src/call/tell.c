#include "call/tell.h"

#include "base/log.h"
#include "call/steps.h"

#include "transport/transport.h"

const struct media_protection *tell_protection_of(const struct leg *l)
{
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        const struct leg_stream *s = leg_media_stream(&l->media, i);
        if (s->endpoint)
            return &s->protection;
    }
    return &l->media.first.protection;
}

bool tell_leg_is_protected(const struct leg *l)
{
    uint8_t keying = tell_protection_of(l)->keying;
    if (keying == KEYING_NONE || keying >= KEYING_COUNT)
        return false;
    /* What passes may be SDES, too: its keys are as secret as the signalling. */
    bool is_sdes = keying == KEYING_SDES ||
                   (keying == KEYING_PASS && tell_protection_of(l)->passes == KEYING_SDES);
    return !is_sdes || transport_kind_is_secure(l->flow.kind);
}

enum tell_word { TELL_NONE, TELL_YOURS, TELL_OTHER, TELL_BOTH, TELL_END_TO_END };

static const char *const words[] = {
    [TELL_NONE] = "none", [TELL_YOURS] = "yours",           [TELL_OTHER] = "other",
    [TELL_BOTH] = "both", [TELL_END_TO_END] = "end-to-end",
};

static enum tell_word word_of(const struct leg *l, const struct leg *other)
{
    bool mine = tell_leg_is_protected(l);
    /* A built-in target is the server itself. */
    bool theirs = other ? tell_leg_is_protected(other) : mine;
    if (mine && theirs)
        return other && tell_protection_of(l)->end_to_end ? TELL_END_TO_END : TELL_BOTH;
    if (mine)
        return TELL_YOURS;
    return theirs ? TELL_OTHER : TELL_NONE;
}

/* All that the headers may say otherwise the next time: never 0. */
static uint8_t state_of(const struct leg *l, const struct leg *other)
{
    return (uint8_t)(0x80 | (unsigned)word_of(l, other) |
                     (unsigned)tell_protection_of(l)->established << 3 |
                     (unsigned)(other && tell_protection_of(other)->established) << 4);
}

/* ;you="sdes AES_CM_128_HMAC_SHA1_80 tls" */
static void put_leg(struct buf *b, const char *name, const struct leg *l)
{
    const struct media_protection *p = tell_protection_of(l);
    buf_printf(b, ";%s=\"%s", name,
               keying_name((enum keying_kind)(p->keying < KEYING_COUNT ? p->keying : KEYING_NONE)));
    if (p->suite && p->suite < SRTP_SUITE_COUNT)
        buf_printf(b, " %s", srtp_suite_name((enum srtp_suite)p->suite));
    buf_printf(b, " %s\"", transport_kind_name(l->flow.kind));
}

void tell_put_headers(struct buf *b, struct leg *l, const struct leg *other)
{
    if (!(l->user.policy->tell & STORE_TELL_HEADER))
        return;
    const char *word = words[word_of(l, other)];
    l->told = state_of(l, other);
    buf_printf(b, "X-Sotto-Protection: %s", word);
    if (l->state != LEG_NEW && l->state != LEG_CALLING)
        put_leg(b, "you", l);
    if (other)
        put_leg(b, "other", other);
    buf_printf(b, "\r\nCall-Info: <urn:sotto:protection:%s>;purpose=protection\r\n", word);
}

bool tell_wants_mark(const struct leg *callee)
{
    return (callee->user.policy->tell & STORE_TELL_MARK) && tell_leg_is_protected(callee->call->a);
}

/* --- as soon as it changes -------------------------------------------------------------------- */

static void on_info(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg)
{
    (void)arg; /* whatever the answer: it was for show */
    (void)ct;
    (void)ev;
    (void)msg;
}

static void send_info(struct leg *l, const struct leg *other)
{
    char headers[512];
    struct buf b = buf_over(headers, sizeof(headers));
    struct txn_client *ct = NULL;
    tell_put_headers(&b, l, other);
    struct leg_request rq = {.method = SIP_INFO, .headers = buf_slice(&b), .fn = on_info};
    if (b.overflow || leg_sip_request(l, &rq, &ct) < 0) {
        log_event(LOG_INFO, "protection_not_told", LOG_STR("call", l->call->name),
                  LOG_STR("user", l->user.name));
        return;
    }
    txn_client_detach(ct);
}

static enum media_announcement announcement_of(enum tell_word w)
{
    static const enum media_announcement sounds[] = {
        [TELL_NONE] = MEDIA_ANNOUNCE_NONE,       [TELL_YOURS] = MEDIA_ANNOUNCE_YOURS,
        [TELL_OTHER] = MEDIA_ANNOUNCE_NONE,      [TELL_BOTH] = MEDIA_ANNOUNCE_BOTH,
        [TELL_END_TO_END] = MEDIA_ANNOUNCE_BOTH,
    };
    return sounds[w];
}

static void announce(struct leg *l, const struct leg *other)
{
    enum tell_word word = word_of(l, other);
    uint8_t when = l->user.policy->announce;
    if (when == STORE_ANNOUNCE_OFF || l->announced == word + 1 ||
        (when == STORE_ANNOUNCE_ONCE && l->announced))
        return;
    l->announced = (uint8_t)(word + 1);
    if (l->call->path != MEDIA_PATH_RELAY) {
        log_event(LOG_INFO, "protection_not_announced", LOG_STR("call", l->call->name),
                  LOG_STR("user", l->user.name),
                  LOG_STR("why", "the keys are the phones' alone: no sound can be added"));
        return;
    }
    if (leg_media_announce(&l->media, announcement_of(word)) < 0)
        log_event(LOG_INFO, "protection_not_announced", LOG_STR("call", l->call->name),
                  LOG_STR("user", l->user.name));
}

void tell_restored(struct leg *l)
{
    l->announced = (uint8_t)(word_of(l, call_other(l)) + 1);
    l->told = state_of(l, call_other(l));
}

void tell_changed(struct call *c)
{
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *l = CONTAINER_OF(n, struct leg, node);
        const struct leg *other = call_other(l);
        if (c->phase == CALL_ANSWERED && (l == c->a || l == c->b))
            announce(l, other);
        bool browser = l->flow.kind == TRANSPORT_WS || l->flow.kind == TRANSPORT_WSS;
        if (browser && c->phase == CALL_ANSWERED && l->state == LEG_UP &&
            (l->user.policy->tell & STORE_TELL_HEADER) && l->told != state_of(l, other))
            send_info(l, other);
    }
}
