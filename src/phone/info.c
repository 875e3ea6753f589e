/* Digits by SIP INFO: one at a time, the next when the last one is answered. */
#include "codec/event.h"
#include "phone/call_steps.h"
#include "sip/dtmf.h"
#include "sip/hdr.h"

static void send_next(struct phone_call *c)
{
    char text[64];
    struct buf b = buf_over(text, sizeof(text));
    const char *digits = c->ph->opt->dtmf;

    if (c->state != CALL_UP || !digits || !digits[c->info_at])
        return;
    struct sip_dtmf d = {.event = (uint8_t)codec_event_of(digits[c->info_at++]), .ms = SIP_DTMF_MS};
    sip_dtmf_put(&b, &d);
    err_ignore(phone_request_send(&c->info, SLICE_NONE, buf_slice(&b))); /* the digits just end */
}

static void on_answer(void *arg, enum txn_event ev, struct sip_msg *msg, const char *why)
{
    struct phone_call *c = arg;

    (void)why;
    if (ev == TXN_EVENT_RESPONSE && msg->status >= 200 && msg->status < 300)
        send_next(c);
}

void info_init(struct phone_call *c)
{
    phone_request_init(&c->info, c->ph, &c->dialog, SIP_INFO, on_answer, c);
    c->info.type = SIP_DTMF_TYPE;
}

void info_start(struct phone_call *c)
{
    if (c->ph->opt->dtmf_info && c->info_at == 0)
        send_next(c);
}

void info_on_request(struct phone_call *c, const struct sip_msg *req)
{
    struct sip_dtmf d;

    if (c->media && sip_dtmf_parse(sip_msg_value(req, SIP_HDR_CONTENT_TYPE), req->body, &d))
        phone_media_add_digit(c->media, codec_event_digit(d.event), "info");
}
