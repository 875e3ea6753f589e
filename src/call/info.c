#include "call/info.h"

#include <stdlib.h>

#include "base/log.h"
#include "call/steps.h"
#include "sip/dtmf.h"
#include "sip/hdr.h"

struct leg_digits {
    struct leg *leg;
    struct txn_client *out; /* whose answer is awaited; NULL: none */
    size_t n;
    struct sip_dtmf of[INFO_DIGITS_MAX];
};

/* The m-line on which the phone takes events, as it described itself; -1: none. */
static int event_stream(struct leg *l)
{
    struct sdp *d = l->call->core->sdp[0];
    struct sdp_codec codecs[SDP_FORMAT_MAX];
    if (sdp_parse(leg_remote_sdp(l), d) != SDP_OK)
        return -1;
    for (int i = 0; i < d->media_count; i++) {
        const struct sdp_media *m = &d->media[i];
        if (m->kind != SDP_AUDIO || m->port == 0 ||
            !leg_media_stream(&l->media, (size_t)i)->endpoint)
            continue;
        size_t n = sdp_codecs(d, m, codecs, ARRAY_LEN(codecs));
        for (size_t k = 0; k < n; k++) {
            if (strcmp(codecs[k].name, "TELEPHONE-EVENT") == 0)
                return i;
        }
    }
    return -1;
}

bool info_to_event(struct leg *to, const struct sip_msg *info)
{
    struct sip_dtmf d;
    if (!to->media.transcode ||
        !sip_dtmf_parse(sip_msg_value(info, SIP_HDR_CONTENT_TYPE), info->body, &d))
        return false;
    int stream = event_stream(to);
    if (stream < 0)
        return false;
    return leg_media_digit(&to->media, (size_t)stream, d.event, d.ms) == 0;
}

/* --- events to INFO --------------------------------------------------------------------------- */

static bool accepts(const struct sip_msg *msg)
{
    const struct sip_hdr *h = sip_msg_hdr_named(msg, SLICE_LIT("Accept"));
    struct slice rest = h ? h->value : SLICE_NONE;
    while (rest.n) {
        struct slice type = slice_cut(&rest, ',');
        if (slice_eq_nocase_str(slice_trim(slice_cut(&type, ';')), SIP_DTMF_TYPE))
            return true;
    }
    return false;
}

void info_learn(struct leg *l, const struct sip_msg *msg)
{
    struct sip_dtmf d;
    bool digit = msg->method == SIP_INFO && msg->status == 0 &&
                 sip_dtmf_parse(sip_msg_value(msg, SIP_HDR_CONTENT_TYPE), msg->body, &d);
    if (l->media.info || (!digit && !accepts(msg)))
        return;
    l->media.info = true;
    if (digit)
        call_changed(l->call); /* a restarted process goes on with it */
    if (leg_media_takes_info(&l->media) < 0)
        log_event(LOG_INFO, "digits_not_converted", LOG_STR("call", l->call->name),
                  LOG_STR("user", l->user.name));
}

static void send_next(struct leg_digits *d);

static void on_answer(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg)
{
    struct leg_digits *d = arg;
    (void)ct;
    switch (ev) {
    case TXN_EVENT_RESPONSE:
        if (msg->status < 200)
            return;
        break;
    case TXN_EVENT_TIMEOUT:
    case TXN_EVENT_TRANSPORT_ERROR:
        break;
    case TXN_EVENT_TERMINATED:
        d->out = NULL;
        return;
    case TXN_EVENT_ACKED:
    case TXN_EVENT_COUNT:
        return;
    }
    txn_client_detach(d->out);
    d->out = NULL;
    if (ev != TXN_EVENT_RESPONSE ||
        msg->status >= 300) { /* a number with a hole is worse than none */
        log_event(LOG_INFO, "digits_not_taken", LOG_STR("call", d->leg->call->name),
                  LOG_STR("user", d->leg->user.name),
                  LOG_I("status", ev == TXN_EVENT_RESPONSE ? msg->status : 0));
        d->n = 0;
    }
    send_next(d);
}

static void send_next(struct leg_digits *d)
{
    char text[64];
    struct buf b = buf_over(text, sizeof(text));
    if (d->out || d->n == 0)
        return;
    sip_dtmf_put(&b, &d->of[0]);
    memmove(d->of, d->of + 1, --d->n * sizeof(d->of[0]));
    struct leg_request rq = {.method = SIP_INFO,
                             .body = buf_slice(&b),
                             .content_type = SLICE_LIT(SIP_DTMF_TYPE),
                             .fn = on_answer,
                             .arg = d};
    if (d->leg->state != LEG_UP || leg_sip_request(d->leg, &rq, &d->out) < 0) {
        d->out = NULL;
        d->n = 0;
    }
}

void info_from_event(struct leg *l, const struct media_event *e)
{
    if (l->state != LEG_UP || e->digit > 15) /* flash and the like have no name in INFO */
        return;
    if (!l->digits) {
        l->digits = calloc(1, sizeof(*l->digits));
        if (!l->digits)
            return;
        l->digits->leg = l;
    }
    struct leg_digits *d = l->digits;
    if (d->n == INFO_DIGITS_MAX) {
        log_event(LOG_INFO, "digits_not_taken", LOG_STR("call", l->call->name),
                  LOG_STR("user", l->user.name));
        return;
    }
    uint16_t ms = e->digit_ms ? e->digit_ms : SIP_DTMF_MS;
    d->of[d->n++] =
        (struct sip_dtmf){.event = e->digit, .ms = ms < SIP_DTMF_MS_MAX ? ms : SIP_DTMF_MS_MAX};
    send_next(d);
}

void info_release(struct leg *l)
{
    if (l->digits && l->digits->out)
        txn_client_detach(l->digits->out);
    free(l->digits);
    l->digits = NULL;
}
