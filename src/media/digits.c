#include "media/digits.h"

#include <stdlib.h>

#include "codec/event.h"
#include "media/transcode.h"

#define FRAME_MS 20u

struct media_digits {
    struct list node; /* in role->digits */
    struct media_endpoint *e;
    struct codec_event_tx tx;
    uint32_t timestamp; /* of the event that is being sent */
    uint32_t now;       /* never behind our stream, and goes on where that stands still */
};

bool media_digits_are_busy(const struct media_endpoint *e)
{
    return e->digits && codec_event_is_busy(&e->digits->tx);
}

void media_digits_free(struct media_endpoint *e)
{
    if (e->digits)
        list_remove(&e->digits->node);
    free(e->digits);
    e->digits = NULL;
}

static struct media_digits *digits_of(struct media_endpoint *e)
{
    if (e->digits)
        return e->digits;
    e->digits = calloc(1, sizeof(*e->digits));
    if (e->digits) {
        e->digits->e = e;
        list_init(&e->digits->node);
    }
    return e->digits;
}

/* The number for events of the clock of what this endpoint hears from us; else any. */
static const struct media_codec *event_codec(const struct media_endpoint *e)
{
    const struct media_contexts *t = &e->contexts;
    const struct media_codec *heard = media_endpoint_codec(e, e->last_pt), *found = NULL;
    for (size_t i = 0; i < t->codec_count; i++) {
        const struct media_codec *c = &t->codecs[i];
        if (strcmp(c->name, "TELEPHONE-EVENT") != 0)
            continue;
        if (!found || (heard && heard->clock == c->clock))
            found = c;
    }
    return found;
}

int media_digits_add(struct media_endpoint *e, uint8_t event, uint16_t ms)
{
    struct media_role *r = e->role;
    if (!event_codec(e))
        return MEDIA_STATUS_NO_EVENTS;
    struct media_digits *d = digits_of(e);
    if (!d || codec_event_add(&d->tx, event, ms / FRAME_MS) < 0)
        return MEDIA_STATUS_FAILED;
    if (!list_is_empty(&d->node))
        return 0;
    bool first = list_is_empty(&r->digits);
    list_push_back(&r->digits, &d->node);
    if (first && !loop_timer_is_armed(&r->digit_pace)) {
        r->digit_due = loop_now(r->loop) + FRAME_MS;
        loop_timer_set(r->loop, &r->digit_pace, FRAME_MS - 1);
    }
    return 0;
}

static void frame(struct media_endpoint *e)
{
    struct media_slot *s = e->s;
    const struct media_codec *c = event_codec(e);
    struct codec_event_packet ev;
    uint32_t step = c ? c->clock / 1000 * FRAME_MS : 0;
    if (!s->source_on) {
        media_stream_begin(s);
        e->digits->now = s->source_ts;
    }
    bool has = c && codec_event_next(&e->digits->tx, step, &ev);
    e->digits->now += step;
    if ((int32_t)(s->source_ts - e->digits->now) > 0)
        e->digits->now = s->source_ts;
    if (has && ev.first)
        e->digits->timestamp = e->digits->now;
    /* Where audio is converted its timestamps go on by themselves. */
    if (!e->peer || !e->peer->transcode)
        s->source_ts += step;
    if (!c || !codec_event_is_busy(&e->digits->tx))
        list_remove(&e->digits->node);
    if (!has || !e->sends || media_transport(e)->guard == MEDIA_GUARD_CLOSED)
        return;
    struct media_packet *p = media_made_next(e->role);
    p->in = NULL;
    p->out = e;
    p->rtcp = false;
    p->hdr = (struct rtp_hdr){.hdr_len = RTP_HDR_MIN,
                              .pt = c->pt & 0x7f,
                              .marker = ev.first,
                              .ssrc = s->source_ssrc,
                              .seq = s->source_seq++,
                              .timestamp = e->digits->timestamp};
    p->len = RTP_HDR_MIN + CODEC_EVENT_LEN;
    rtp_hdr_put(p->data, &p->hdr);
    memcpy(p->data + RTP_HDR_MIN, ev.payload, CODEC_EVENT_LEN);
}

static void on_pace(void *arg)
{
    struct media_role *r = arg;
    uint64_t now = loop_now(r->loop);
    if (now > r->digit_due + 10 * FRAME_MS) /* a role that stood still does not make up for it */
        r->digit_due = now;
    for (; r->digit_due <= now; r->digit_due += FRAME_MS) {
        struct list *n = r->digits.next;
        while (n != &r->digits) {
            struct media_digits *d = CONTAINER_OF(n, struct media_digits, node);
            n = n->next;
            frame(d->e);
        }
    }
    media_made_send(r);
    if (!list_is_empty(&r->digits))
        loop_timer_set(r->loop, &r->digit_pace, r->digit_due - now - 1);
}

void media_digits_init(struct media_role *r)
{
    list_init(&r->digits);
    loop_timer_init(&r->digit_pace, on_pace, r);
}
