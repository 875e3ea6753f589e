#include "media/heard.h"

#include <stdlib.h>

#include "codec/event.h"

#define END_LOST_MS 200u /* nothing more of an event for so long: its end was lost */

struct media_heard {
    struct codec_event_rx rx;
    uint32_t ssrc;
    bool open; /* a digit that is not told yet … */
    uint32_t clock;
    uint64_t last_ms; /* … and was heard last */
};

static const struct media_codec *event_codec(const struct media_endpoint *e, uint8_t pt)
{
    for (size_t i = 0; i < e->contexts.codec_count; i++) {
        const struct media_codec *c = &e->contexts.codecs[i];
        if (strcmp(c->name, "TELEPHONE-EVENT") == 0 &&
            (pt == MEDIA_PT_NONE || (c->pt & 0x7f) == pt))
            return c;
    }
    return NULL;
}

bool media_heard_wants(const struct media_endpoint *e)
{
    const struct media_endpoint *to = e->peer;
    return to && e->mode == MEDIA_MODE_RELAY && to->s->terms.info && to->s->terms.transcode &&
           e->s->terms.transcode && to->contexts.codec_count > 0 && !event_codec(to, MEDIA_PT_NONE);
}

void media_heard_free(struct media_endpoint *e)
{
    free(e->heard);
    e->heard = NULL;
}

void media_heard_update(struct media_endpoint *e)
{
    if (!media_heard_wants(e))
        media_heard_free(e);
    else if (!e->heard) /* without memory events pass, as to any phone that does not know them */
        e->heard = calloc(1, sizeof(*e->heard));
}

static void tell(struct media_endpoint *e)
{
    struct media_heard *h = e->heard;
    uint32_t ms = h->clock >= 1000 ? h->rx.duration / (h->clock / 1000) : 0;
    if (!h->open)
        return;
    h->open = false;
    if (codec_event_digit(h->rx.event))
        media_role_digit(e->peer, h->rx.event, (uint16_t)ms);
}

void media_heard_event(struct media_endpoint *e, uint32_t timestamp, uint32_t clock,
                       struct slice payload)
{
    struct media_heard *h = e->heard;
    struct codec_event ev;
    uint32_t more;
    if (!h || !codec_event_parse(payload, &ev))
        return;
    struct codec_event_rx next = h->rx;
    enum codec_event_news news = codec_event_take(&next, timestamp, &ev, &more);
    if (news == CODEC_EVENT_OLD)
        return;
    if (news == CODEC_EVENT_NEW)
        tell(e); /* the one before, whose end was lost */
    h->rx = next;
    h->clock = clock;
    h->open |= news == CODEC_EVENT_NEW;
    h->last_ms = loop_now(e->role->loop);
    if (next.ended)
        tell(e);
}

bool media_heard_take(struct media_endpoint *e, const struct media_packet *p)
{
    struct slice payload;
    const struct media_codec *c = p->rtcp ? NULL : event_codec(e, p->hdr.pt);
    if (!c)
        return false;
    struct media_heard *h = e->heard;
    if (h->ssrc != p->hdr.ssrc) { /* its timestamps are another row */
        tell(e);
        h->rx = (struct codec_event_rx){0};
        h->ssrc = p->hdr.ssrc;
    }
    if (rtp_payload(p->data, p->len, &p->hdr, &payload) == RTP_OK)
        media_heard_event(e, p->hdr.timestamp, c->clock, payload);
    return true;
}

void media_heard_tick(struct media_endpoint *e, uint64_t now)
{
    if (e->heard && e->heard->open && now - e->heard->last_ms >= END_LOST_MS)
        tell(e);
}
