#include "codec/event.h"

#include "rtp/wire.h"

static const char digits[] = "0123456789*#ABCD"; /* s.3.2, table 3 */

#define DURATION_MAX 0xffffu

bool codec_event_parse(struct slice payload, struct codec_event *ret)
{
    const uint8_t *p = (const uint8_t *)payload.p;
    if (payload.n < CODEC_EVENT_LEN)
        return false;
    *ret = (struct codec_event){
        .event = p[0], .end = p[1] & 0x80, .volume = p[1] & 0x3f, .duration = wire_get16(p + 2)};
    return true;
}

void codec_event_put(const struct codec_event *e, uint8_t ret[CODEC_EVENT_LEN])
{
    ret[0] = e->event;
    ret[1] = (uint8_t)((e->end ? 0x80 : 0) | (e->volume & 0x3f));
    wire_put16(ret + 2, e->duration);
}

char codec_event_digit(uint8_t event)
{
    return event < sizeof(digits) - 1 ? digits[event] : '\0';
}

int codec_event_of(char digit)
{
    char c = digit >= 'a' && digit <= 'd' ? (char)(digit - 'a' + 'A') : digit;
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* s.2.5.1.3: an event that outlasts the field goes on in a segment with a timestamp of its own. */
static bool is_next_segment(const struct codec_event_rx *rx, uint32_t timestamp,
                            const struct codec_event *e)
{
    return !rx->ended && rx->event == e->event && timestamp == rx->timestamp + rx->duration &&
           rx->duration > DURATION_MAX / 2;
}

enum codec_event_news codec_event_take(struct codec_event_rx *rx, uint32_t timestamp,
                                       const struct codec_event *e, uint32_t *ret_more)
{
    *ret_more = 0;
    bool segment = rx->seen && is_next_segment(rx, timestamp, e);
    if (!rx->seen || segment || (int32_t)(timestamp - rx->timestamp) > 0) {
        *rx = (struct codec_event_rx){.seen = true,
                                      .ended = e->end,
                                      .event = e->event,
                                      .duration = e->duration,
                                      .timestamp = timestamp};
        *ret_more = e->duration;
        return !segment ? CODEC_EVENT_NEW : e->end ? CODEC_EVENT_ENDED : CODEC_EVENT_GREW;
    }
    if (timestamp != rx->timestamp || e->event != rx->event || rx->ended)
        return CODEC_EVENT_OLD;
    if (e->duration > rx->duration) {
        *ret_more = e->duration - rx->duration;
        rx->duration = e->duration;
    }
    rx->ended = e->end;
    if (!e->end && *ret_more == 0)
        return CODEC_EVENT_OLD;
    return e->end ? CODEC_EVENT_ENDED : CODEC_EVENT_GREW;
}

int codec_event_add(struct codec_event_tx *tx, uint8_t event, unsigned frames)
{
    if (!codec_event_is_busy(tx))
        tx->at = tx->count = 0;
    if (tx->count == CODEC_EVENT_QUEUE_MAX)
        return -ENOBUFS;
    if (frames == 0)
        frames = CODEC_EVENT_FRAMES;
    tx->events[tx->count] = event;
    tx->frames[tx->count++] =
        (uint8_t)(frames < CODEC_EVENT_FRAMES_MAX ? frames : CODEC_EVENT_FRAMES_MAX);
    return 0;
}

bool codec_event_next(struct codec_event_tx *tx, uint32_t step, struct codec_event_packet *ret)
{
    if (!codec_event_is_busy(tx))
        return false;
    unsigned frame = tx->frame++, lasts = tx->frames[tx->at];
    unsigned sent = lasts + CODEC_EVENT_END_REPEATS - 1;
    if (frame >= sent) {
        if (tx->frame >= sent + CODEC_EVENT_PAUSE) {
            tx->frame = 0;
            tx->at++;
        }
        return false;
    }
    uint32_t duration = (frame < lasts ? frame + 1 : lasts) * step;
    struct codec_event e = {
        .event = tx->events[tx->at],
        .volume = CODEC_EVENT_VOLUME,
        .end = frame + 1 >= lasts,
        .duration = (uint16_t)(duration < DURATION_MAX ? duration : DURATION_MAX),
    };
    ret->first = frame == 0;
    codec_event_put(&e, ret->payload);
    return true;
}
